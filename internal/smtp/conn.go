package smtp

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

// conn is one connection. Only serve's goroutine uses it, but for what mu
// guards.
type conn struct {
	server *Server
	limits *Limits
	lmtp   bool
	raw    net.Conn      // as accepted: deadlines and the last close
	net    io.ReadWriter // raw, or TLS over it
	tls    *tls.Conn     // nil in the clear
	client netip.Addr    // as counted by admit
	in     input
	out    []byte    // replies not yet sent
	deaf   error     // of the first write that failed: no other is tried
	ends   time.Time // of the session

	session Session
	hello   Hello
	offers  Extensions
	maxSize int64
	tx      transaction
	body    body
	dots    dotReader
	chunks  chunkReader
	held    *command // to be run next: it cut short a message in chunks
	errors  int
	chatter int

	mu        sync.Mutex
	stopping  bool      // the server asked to stop
	inMessage bool      // between DATA or BDAT and its answer
	due       time.Time // of the command line that is waited for, or of the message
}

func newConn(s *Server, nc net.Conn, lmtp bool) *conn {
	c := &conn{server: s, lmtp: lmtp, limits: &s.Limits, raw: nc, net: nc, client: limitedClient(nc.RemoteAddr())}
	c.ends = s.Now().Add(s.Limits.Session)
	c.maxSize = s.Limits.Size
	return c
}

var (
	errQuit     = errors.New("quit")
	errStopping = errors.New("server is stopping")
)

// hangUp is the error of a handler that wants the connection closed after a
// last reply.
type hangUp struct{ reply Reply }

func (h hangUp) Error() string { return "hung up: " + h.reply.Error() }

func (c *conn) serve() {
	c.in = newInput(c, &c.server.lend)
	defer c.in.release()
	defer c.close()
	session, err := c.server.Backend.Connect(c.server.force, c.peer())
	if err != nil {
		c.reply(ReplyTo(err))
		c.flush()
		return
	}
	defer session.Close()
	c.session = session
	c.reply(Reply{220, "", c.server.Hostname + " " + c.protocol()})
	c.farewell(c.converse())
}

func (c *conn) peer() Peer {
	return Peer{Remote: c.raw.RemoteAddr(), Local: c.raw.LocalAddr(), LMTP: c.lmtp}
}

func (c *conn) protocol() string {
	if c.lmtp {
		return "LMTP"
	}
	return "ESMTP"
}

// converse runs commands until one of them, or the connection, ends it.
func (c *conn) converse() error {
	for {
		cmd, err := c.nextCommand()
		if err != nil {
			return err
		}
		if err := cmd.answer(c, cmd.arg); err != nil {
			return err
		}
		if err := c.checkCounts(); err != nil {
			return err
		}
	}
}

// checkCounts ends a session that brings nothing but errors or small talk.
func (c *conn) checkCounts() error {
	if c.errors > c.limits.Errors {
		return hangUp{Reply{421, "4.7.0", c.server.Hostname + " Too many errors, closing"}}
	}
	if c.chatter > c.limits.Chatter {
		return hangUp{Reply{421, "4.7.0", c.server.Hostname + " Too many commands without a message, closing"}}
	}
	return nil
}

// farewell sends the last reply, if there is still one to send.
func (c *conn) farewell(err error) {
	if last, ok := errors.AsType[hangUp](err); ok {
		c.reply(last.reply)
		if c.flush() == nil {
			c.linger()
		}
		return
	}
	switch {
	case errors.Is(err, errStopping):
		c.reply(Reply{421, "4.3.2", c.server.Hostname + " Shutting down, try again later"})
	case errors.Is(err, os.ErrDeadlineExceeded):
		c.reply(Reply{421, "4.4.2", c.server.Hostname + " Took too long, closing"})
	case !errors.Is(err, errQuit):
		return // the peer is gone
	}
	c.flush()
}

// linger takes what the peer is still sending for a moment: closing a socket
// with unread bytes resets the connection, and the reply might get lost.
func (c *conn) linger() {
	const longest, most = time.Second, 1 << 20
	half, ok := c.raw.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	c.raw.SetReadDeadline(c.server.Now().Add(longest))
	io.CopyN(io.Discard, c.raw, most)
}

func (c *conn) close() {
	if c.tls != nil {
		c.tls.Close() // says close_notify, then closes raw
		return
	}
	c.raw.Close()
}
