package smtp

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"mailarchive/internal/mail"
)

// Client is one connection to a server, opened by [Dialer.Dial]. It is for one
// goroutine at a time.
//
// Methods that send a command return the server's reply, whatever it says; the
// caller looks at Reply.Positive. An error means that the connection is of no
// use any more and that nobody knows what the server made of the command, with
// one exception: an error that wraps mail.ErrBadInput is about an argument that
// cannot be sent, and nothing was. After a reply 421 the server is about to
// close (RFC 5321 3.8), and every later call returns an error that wraps it.
//
// Close must be called in the end; it cuts the connection off, so a message
// whose DataWriter was not ended is not taken by the server.
type Client struct {
	dialer   *Dialer
	ctx      context.Context // of the whole connection
	unwatch  func() bool
	raw      net.Conn
	net      net.Conn // raw, or TLS over it
	tls      *tls.Conn
	name     string // of the server, for its certificate
	lend     buffers
	in       input
	out      *bufio.Writer
	patience time.Duration // for one write
	offers   map[string]string
	accepted int   // recipients since MAIL
	broken   error // of the connection: no other call is tried
}

func newClient(ctx context.Context, d *Dialer, nc net.Conn, name string) *Client {
	c := &Client{dialer: d, ctx: ctx, raw: nc, net: nc, name: name, patience: d.Timeouts.Command}
	c.in = newInput(clientWire{c}, &c.lend)
	c.out = bufio.NewWriterSize(clientWire{c}, largeBuffer)
	c.unwatch = context.AfterFunc(ctx, func() { nc.Close() })
	return c
}

// clientWire is the connection below the buffers of a client.
type clientWire struct{ c *Client }

func (w clientWire) Read(p []byte) (int, error) { return w.c.net.Read(p) }

func (w clientWire) Write(p []byte) (int, error) {
	w.c.raw.SetWriteDeadline(w.c.dialer.Now().Add(w.c.patience))
	return w.c.net.Write(p)
}

// Mail begins a message (RFC 5321 4.1.1.2). The parameters are sent as they
// are; see [Client.Offers] for those that the server knows.
func (c *Client) Mail(from mail.Address, params ...string) (Reply, error) {
	line, err := pathCommand("MAIL FROM:", from, params)
	if err != nil {
		return Reply{}, err
	}
	c.accepted = 0
	return c.ask(c.dialer.Timeouts.Command, line)
}

// Rcpt offers a recipient (RFC 5321 4.1.1.3).
func (c *Client) Rcpt(to mail.Recipient) (Reply, error) {
	line, err := pathCommand("RCPT TO:", to.Address, to.Params)
	if err != nil {
		return Reply{}, err
	}
	reply, err := c.ask(c.dialer.Timeouts.Command, line)
	c.countRecipient(reply)
	return reply, err
}

func (c *Client) countRecipient(r Reply) {
	if r.Positive() {
		c.accepted++
	}
}

// Reset drops the message in the making (RSET, RFC 5321 4.1.1.5).
func (c *Client) Reset() (Reply, error) {
	c.accepted = 0
	return c.Command("RSET")
}

// Command sends any command of one line and returns its reply: XFORWARD and
// XCLIENT, say. After XCLIENT was accepted, Hello has to follow.
func (c *Client) Command(line string) (Reply, error) {
	if strings.ContainsAny(line, "\r\n\x00") || len(line) > maxCommand {
		return Reply{}, fmt.Errorf("command with a line end or too long: %w", mail.ErrBadInput)
	}
	return c.ask(c.dialer.Timeouts.Command, line)
}

// Quit says good-bye (RFC 5321 4.1.1.10) and closes. The server's answer is
// waited for but of no matter.
func (c *Client) Quit() {
	if c.broken == nil {
		c.patience = c.dialer.Timeouts.Quit
		_, _ = c.ask(c.dialer.Timeouts.Quit, "QUIT") // nothing depends on it
	}
	c.Close()
}

// Close cuts the connection off. It may be called twice.
func (c *Client) Close() error {
	c.unwatch()
	if c.broken == nil {
		c.broken = net.ErrClosed
	}
	return c.raw.Close()
}

// TLS returns the state of the encryption, nil on a connection in the clear.
func (c *Client) TLS() *tls.ConnectionState {
	if c.tls == nil {
		return nil
	}
	state := c.tls.ConnectionState()
	return &state
}

// ask sends a line and reads the reply.
func (c *Client) ask(patience time.Duration, line string) (Reply, error) {
	if err := c.send(line); err != nil {
		return Reply{}, err
	}
	return c.answer(patience)
}

// send writes lines at once.
func (c *Client) send(lines ...string) error {
	if c.broken != nil {
		return fmt.Errorf("connection is closed: %w", c.broken)
	}
	for _, line := range lines {
		c.out.WriteString(line) // its error comes back from Flush
		c.out.WriteString("\r\n")
	}
	if err := c.out.Flush(); err != nil {
		return c.cut(fmt.Errorf("send: %w", err))
	}
	return nil
}

// answer reads one reply, for whose whole length the server has that time.
func (c *Client) answer(patience time.Duration) (Reply, error) {
	if c.broken != nil {
		return Reply{}, fmt.Errorf("connection is closed: %w", c.broken)
	}
	c.raw.SetReadDeadline(c.dialer.Now().Add(patience))
	reply, err := readReply(&c.in)
	if err != nil {
		return Reply{}, c.cut(fmt.Errorf("read reply: %w", err))
	}
	if reply.Code == 421 { // RFC 5321 3.8
		c.broken = reply
	}
	return reply, nil
}

// cut gives the connection up. Where the context did it, its cause is the
// error.
func (c *Client) cut(err error) error {
	if cause := context.Cause(c.ctx); cause != nil {
		err = cause
	}
	c.broken = err
	c.raw.Close()
	return err
}

// maxCommand is the longest line that is sent. RFC 5321 4.5.3.1.4 has 512
// bytes, and extensions add to it; the longest path is 256 (4.5.3.1.3).
const maxCommand = 2000

var errUnsendable = errors.New("has a character that cannot be sent")

// pathCommand writes MAIL or RCPT. What could end the path or the line early
// is refused: addresses come from mail, too, and a sender must not be able to
// write commands.
func pathCommand(verb string, a mail.Address, params []string) (string, error) {
	line := verb + "<" + string(a) + ">"
	if !Sendable(a) {
		return "", fmt.Errorf("address %q: %w: %w", a, errUnsendable, mail.ErrBadInput)
	}
	for _, p := range params {
		if p == "" || strings.IndexFunc(p, isControl) >= 0 || strings.ContainsAny(p, " \t") {
			return "", fmt.Errorf("parameter %q: %w: %w", p, errUnsendable, mail.ErrBadInput)
		}
		line += " " + p
	}
	if len(line) > maxCommand {
		return "", fmt.Errorf("address of %d bytes: line too long: %w", len(a), mail.ErrBadInput)
	}
	return line, nil
}

// Sendable reports whether an address can stand in MAIL and RCPT: it stays
// within its angle brackets. Whether it makes sense is another matter.
func Sendable(a mail.Address) bool {
	address := string(a)
	return strings.IndexFunc(address, isControl) < 0 && !strings.Contains(address, "\t") &&
		unquotedIndex(address, " <>") < 0 && balanced(address)
}

// balanced reports whether every quotation mark is closed (RFC 5321 4.1.2,
// Quoted-string).
func balanced(s string) bool {
	return unquotedIndex(s+"\x00", "\x00") == len(s)
}
