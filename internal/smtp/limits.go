package smtp

import "time"

// Limits bound what peers can cost. A field that is zero means its default.
type Limits struct {
	// Connections open at once (default 2,500); beyond them a peer gets 421.
	Connections int
	// PerClient is how many of them one IP address may have (default 1,000).
	// Loopback addresses and Unix sockets are exempt: there the gateway
	// itself is the client.
	PerClient int
	// Recipients of one message (default 10,000); beyond them RCPT gets 452
	// and the sender sends the message again for the rest.
	Recipients int
	// Envelope is the bytes of all RCPT lines of one message (default 8 MiB:
	// 10,000 long addresses with parameters); beyond it as for Recipients.
	Envelope int
	// Size is the bytes of one message (default 150 MiB, more than any mail
	// system passes by default).
	Size int64
	// Drain is how many bytes beyond Size of a refused message are still
	// read, so that the sender hears why (default 64 MiB). Then the
	// connection is closed.
	Drain int64
	// Line is the bytes of one command line without its line end (default
	// 12,288, room for long parameters; at most 32,000). RFC 5321 4.5.3.1.4
	// asks for 512 and extensions add to it.
	Line int
	// Errors of syntax and sequence between two messages (default 20).
	Errors int
	// Chatter is commands that bring no message nearer, as NOOP and RSET,
	// between two messages (default 1,000).
	Chatter int
	// Idle is the time for a command line, for the next bytes of a message,
	// and for taking our reply (default 5 minutes, RFC 5321 4.5.3.2.7).
	Idle time.Duration
	// Message is the time for one message from DATA to its end (default 1
	// hour).
	Message time.Duration
	// Session is the time for a connection (default 6 hours); a message that
	// has begun by then is still taken.
	Session time.Duration
}

// maxLine leaves room for a line end in the large buffer.
const maxLine = 32_000

func (l Limits) withDefaults() Limits {
	setDefault(&l.Connections, 2500)
	setDefault(&l.PerClient, 1000)
	setDefault(&l.Recipients, 10_000)
	setDefault(&l.Envelope, 8<<20)
	setDefault(&l.Size, 150<<20)
	setDefault(&l.Drain, 64<<20)
	setDefault(&l.Line, 12_288)
	l.Line = min(l.Line, maxLine)
	setDefault(&l.Errors, 20)
	setDefault(&l.Chatter, 1000)
	setDefault(&l.Idle, 5*time.Minute)
	setDefault(&l.Message, time.Hour)
	setDefault(&l.Session, 6*time.Hour)
	return l
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
