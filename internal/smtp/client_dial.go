package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"
)

// TLSMode says whether a client encrypts.
type TLSMode uint8

// The modes. Where there is TLS, the certificate is checked as TLSConfig has
// it: a wrong one ends the connection in each of them.
const (
	// TLSWhenOffered uses STARTTLS where it is offered (RFC 3207), but not
	// between programs of one machine: nobody listens there, and a local
	// server seldom has a certificate for its loopback address.
	TLSWhenOffered TLSMode = iota
	// TLSRequired fails where STARTTLS is not offered.
	TLSRequired
	// TLSNever stays in the clear.
	TLSNever
	// TLSImplicit begins with TLS (RFC 8314 3.3, port 465).
	TLSImplicit
)

// Timeouts bound the phases of a connection (RFC 5321 4.5.3.2). A field that
// is zero means its default.
type Timeouts struct {
	Connect  time.Duration // for the connection, and for the TLS handshake (1 minute)
	Greeting time.Duration // 5 minutes, 4.5.3.2.1
	Command  time.Duration // 5 minutes, 4.5.3.2.2 and 4.5.3.2.3
	Data     time.Duration // for the answer to DATA: 2 minutes, 4.5.3.2.4
	Block    time.Duration // for taking a piece of the message: 3 minutes, 4.5.3.2.5
	End      time.Duration // for each answer to the message: 10 minutes, 4.5.3.2.6
	Quit     time.Duration // 5 seconds: nothing depends on it
}

func (t Timeouts) withDefaults() Timeouts {
	setDefault(&t.Connect, time.Minute)
	setDefault(&t.Greeting, 5*time.Minute)
	setDefault(&t.Command, 5*time.Minute)
	setDefault(&t.Data, 2*time.Minute)
	setDefault(&t.Block, 3*time.Minute)
	setDefault(&t.End, 10*time.Minute)
	setDefault(&t.Quit, 5*time.Second)
	return t
}

// Dialer opens connections to servers. The zero Dialer speaks SMTP, encrypts
// when offered and does not sign in. It may be used by many goroutines.
type Dialer struct {
	// LMTP speaks RFC 2033.
	LMTP bool
	// Name is how we introduce ourselves (default os.Hostname).
	Name string
	// TLS says whether to encrypt; TLSConfig how. Without a ServerName the
	// certificate must be for the host that was dialled.
	TLS       TLSMode
	TLSConfig *tls.Config
	// User and Password sign in (RFC 4954) when User is set: only under TLS or
	// to a server on this machine, unless AuthInClear is set.
	User, Password string
	AuthInClear    bool
	// Timeouts bound the phases.
	Timeouts Timeouts
	// Connect opens the connection itself (default net.Dialer).
	Connect func(ctx context.Context, network, address string) (net.Conn, error)
	// Now is the clock (default time.Now).
	Now func() time.Time
}

func (d Dialer) withDefaults() *Dialer {
	d.Timeouts = d.Timeouts.withDefaults()
	if d.Name == "" {
		d.Name = ownName()
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Connect == nil {
		d.Connect = new(net.Dialer).DialContext
	}
	return &d
}

// Dial connects, is greeted, says EHLO (or LHLO, or HELO to a server that does
// not know EHLO), encrypts and signs in as configured. Network and address are
// those of net.Dial. The context bounds the connection for as long as it
// lives: when it ends, the connection is cut off and the call that waits
// returns its cause.
//
// An error wraps the server's [Reply] when it was one that ended it, and
// ErrNotOffered when the server lacks what the configuration demands.
func (d *Dialer) Dial(ctx context.Context, network, address string) (*Client, error) {
	full := d.withDefaults()
	c, err := full.open(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", address, err)
	}
	return c, nil
}

func (d *Dialer) open(ctx context.Context, network, address string) (*Client, error) {
	connecting, cancel := context.WithTimeout(ctx, d.Timeouts.Connect)
	defer cancel()
	nc, err := d.Connect(connecting, network, address)
	if err != nil {
		return nil, err
	}
	name, _, err := net.SplitHostPort(address)
	if err != nil {
		name = address
	}
	c := newClient(ctx, d, nc, name)
	if err := c.begin(); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// begin does all that comes before the first message.
func (c *Client) begin() error {
	if c.dialer.TLS == TLSImplicit {
		if err := c.encrypt(); err != nil {
			return err
		}
	}
	greeting, err := c.answer(c.dialer.Timeouts.Greeting)
	if err == nil && !greeting.Positive() {
		err = greeting // RFC 5321 3.1: 554 instead of 220
	}
	if err != nil {
		return fmt.Errorf("greeting: %w", err)
	}
	if err := c.Hello(); err != nil {
		return err
	}
	if err := c.startTLS(); err != nil {
		return err
	}
	return c.signIn()
}

// ErrNotOffered: the server does not offer what is needed.
var ErrNotOffered = errors.New("not offered by the server")

// startTLS encrypts as the mode has it (RFC 3207). What came in the clear
// behind the reply was put there by somebody in between.
func (c *Client) startTLS() error {
	_, offered := c.Offers("STARTTLS")
	mode := c.dialer.TLS
	if mode == TLSNever || mode == TLSImplicit || mode == TLSWhenOffered && (!offered || c.onThisMachine()) {
		return nil
	}
	if !offered {
		return fmt.Errorf("STARTTLS: %w", ErrNotOffered)
	}
	reply, err := c.Command("STARTTLS")
	if err == nil && !reply.Positive() {
		err = reply
	}
	if err == nil && len(c.in.buffered()) > 0 {
		err = errInjected
	}
	if err != nil {
		return fmt.Errorf("STARTTLS: %w", err)
	}
	if err := c.encrypt(); err != nil {
		return err
	}
	return c.Hello() // RFC 3207 4.2: what was offered in the clear is forgotten
}

var errInjected = errors.New("the server, or somebody in between, sent more in the clear than the answer")

func (c *Client) encrypt() error {
	config := c.dialer.TLSConfig.Clone() // of nil it is nil
	if config == nil {
		config = &tls.Config{}
	}
	if config.ServerName == "" {
		config.ServerName = c.name
	}
	secured := tls.Client(c.raw, config)
	c.raw.SetDeadline(c.dialer.Now().Add(c.dialer.Timeouts.Connect))
	if err := secured.HandshakeContext(c.ctx); err != nil {
		return c.cut(fmt.Errorf("TLS handshake: %w", err))
	}
	c.tls, c.net = secured, secured
	return nil
}

// onThisMachine reports whether the server is another program of this machine.
func (c *Client) onThisMachine() bool {
	switch a := c.raw.RemoteAddr().(type) {
	case *net.UnixAddr:
		return true
	case *net.TCPAddr:
		return a.IP.IsLoopback()
	}
	return false
}
