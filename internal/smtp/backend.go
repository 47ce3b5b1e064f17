package smtp

import (
	"context"
	"crypto/tls"
	"io"
	"net"

	"mailarchive/internal/mail"
)

// Backend decides who may connect. Its method is called from many connections
// at once.
type Backend interface {
	// Connect is called once for each connection, before the greeting. On an
	// error the peer gets ReplyTo(err) in place of the greeting (RFC 5321
	// 3.1) and the connection is closed; Close is not called then.
	Connect(ctx context.Context, peer Peer) (Session, error)
}

// Peer is the other end of a connection.
type Peer struct {
	Remote, Local net.Addr
	// LMTP is set on the connections of ServeLMTP.
	LMTP bool
}

// Session takes the messages of one connection. Its methods are called one at
// a time and in the order of the protocol. An error that is no [Reply], wrapped
// or not, is answered as a temporary failure (451). The context ends when the
// server closes connections by force; methods then return soon.
type Session interface {
	// Hello is called for each EHLO, HELO and LHLO and returns what is
	// offered to this peer. After STARTTLS it is called again, with TLS set.
	Hello(ctx context.Context, hello Hello) (Extensions, error)
	// Mail begins a message. The parameters are as they came; SIZE and BODY
	// were checked.
	Mail(ctx context.Context, from mail.Address, params []string) error
	// Rcpt adds a recipient. It is not called beyond the limits.
	Rcpt(ctx context.Context, to mail.Recipient) error
	// Data takes the message, whose exact bytes body yields, and answers it.
	// A reply 2yz is the promise that the message is safe; it is honoured
	// only when body was read up to io.EOF. SMTP needs one reply; LMTP one
	// for each recipient that was accepted, in order, or one that holds for
	// all (RFC 2033 4.2). When body fails, Data returns at once; its reply is
	// then of no matter. body is an io.WriterTo, too, and must not be used
	// after Data returned.
	Data(ctx context.Context, body io.Reader) []Reply
	// Reset drops what Mail and Rcpt collected. It is called after each Data
	// too, and may be called when there is nothing to drop.
	Reset()
	// Close is the last call.
	Close()
}

// Hello is how a peer introduced itself.
type Hello struct {
	// Verb is EHLO, HELO or LHLO; Name its argument as it came.
	Verb, Name string
	// TLS is nil on a connection in the clear.
	TLS *tls.ConnectionState
}

// Extensions are what one session offers in reply to EHLO or LHLO.
type Extensions struct {
	Size                bool // RFC 1870
	Pipelining          bool // RFC 2920
	EightBitMIME        bool // RFC 6152
	BinaryMIME          bool // RFC 3030 3
	Chunking            bool // RFC 3030 2
	SMTPUTF8            bool // RFC 6531
	DSN                 bool // RFC 3461
	EnhancedStatusCodes bool // RFC 2034
	StartTLS            bool // RFC 3207; left out without a certificate and under TLS
	// MaxSize is a limit below that of the server; 0 for the server's own.
	MaxSize int64
}

// AllExtensions offers whatever the server can do.
func AllExtensions() Extensions {
	return Extensions{
		Size: true, Pipelining: true, EightBitMIME: true, BinaryMIME: true, Chunking: true,
		SMTPUTF8: true, DSN: true, EnhancedStatusCodes: true, StartTLS: true,
	}
}
