package smtp

import (
	"crypto/tls"
	"strconv"
)

func (c *conn) ehlo(name string) error { return c.greet("EHLO", name) }
func (c *conn) helo(name string) error { return c.greet("HELO", name) }
func (c *conn) lhlo(name string) error { return c.greet("LHLO", name) }

// greet answers EHLO and HELO (RFC 5321 4.1.1.1), on an LMTP server LHLO and
// nothing else (RFC 2033 4.1).
func (c *conn) greet(verb, name string) error {
	if c.lmtp != (verb == "LHLO") {
		return c.unknown("")
	}
	if name == "" {
		return c.fault(Reply{501, "5.5.4", "Syntax: " + verb + " name"})
	}
	c.chatter++
	c.resetTransaction() // RFC 5321 4.1.4
	hello := Hello{Verb: verb, Name: name, TLS: c.tlsState()}
	offers, err := c.session.Hello(c.server.force, hello)
	if err != nil {
		c.hello = Hello{}
		c.reply(ReplyTo(err))
		return nil
	}
	c.hello, c.offers = hello, offers
	c.maxSize = c.limits.Size
	if offers.MaxSize > 0 {
		c.maxSize = min(c.maxSize, offers.MaxSize)
	}
	c.reply(Reply{250, "", c.greeting(verb)})
	return nil
}

func (c *conn) tlsState() *tls.ConnectionState {
	if c.tls == nil {
		return nil
	}
	state := c.tls.ConnectionState()
	return &state
}

// greeting writes a line for the name and one for each extension.
func (c *conn) greeting(verb string) string {
	if verb == "HELO" {
		return c.server.Hostname
	}
	b := append(make([]byte, 0, 256), c.server.Hostname...)
	for _, e := range []struct {
		on   bool
		line string
	}{
		{c.offers.Pipelining, "\nPIPELINING"},
		{c.offers.Size, "\nSIZE "},
		{c.mayStartTLS(), "\nSTARTTLS"},
		{c.offers.EnhancedStatusCodes, "\nENHANCEDSTATUSCODES"},
		{c.offers.EightBitMIME, "\n8BITMIME"},
		{c.offers.DSN, "\nDSN"},
		{c.offers.SMTPUTF8, "\nSMTPUTF8"},
		{c.offers.Chunking, "\nCHUNKING"},
		{c.offers.BinaryMIME, "\nBINARYMIME"},
	} {
		if !e.on {
			continue
		}
		b = append(b, e.line...)
		if e.line == "\nSIZE " {
			b = strconv.AppendInt(b, c.maxSize, 10)
		}
	}
	return string(b)
}

func (c *conn) mayStartTLS() bool {
	return c.offers.StartTLS && c.server.TLS != nil && c.tls == nil
}

// startTLS answers STARTTLS (RFC 3207). What was sent in the clear behind the
// command is dropped unread: somebody in between may have put it there to be
// taken for what the peer said under TLS.
func (c *conn) startTLS(string) error {
	if !c.mayStartTLS() {
		return c.outOfOrder("STARTTLS is not offered here")
	}
	c.reply(Reply{220, "2.0.0", "Go ahead"})
	if err := c.flush(); err != nil {
		return err
	}
	c.in.clear()
	if err := c.handshake(); err != nil {
		return err
	}
	c.resetTransaction()
	c.hello, c.offers = Hello{}, Extensions{} // RFC 3207 4.2: as if just connected
	return nil
}

func (c *conn) handshake() error {
	secured := tls.Server(c.raw, c.server.TLS)
	c.raw.SetWriteDeadline(c.server.Now().Add(c.limits.Idle))
	if err := c.arm(); err != nil {
		return errHandshake{err}
	}
	if err := secured.HandshakeContext(c.server.force); err != nil {
		return errHandshake{err}
	}
	c.tls, c.net = secured, secured
	return nil
}

// errHandshake hides a deadline in it: there is no telling the peer in the
// clear after the 220.
type errHandshake struct{ cause error }

func (e errHandshake) Error() string { return "TLS handshake: " + e.cause.Error() }
