package smtp

import (
	"errors"
	"fmt"
	"time"
)

// Data begins to send the message to the recipients that were accepted (RFC
// 5321 4.1.1.4). The writer is nil when the reply is not 354.
func (c *Client) Data() (*DataWriter, Reply, error) {
	reply, err := c.ask(c.dialer.Timeouts.Data, "DATA")
	if err != nil || reply.Code != 354 {
		return nil, reply, err
	}
	w := &DataWriter{c: c, due: 1}
	if c.dialer.LMTP {
		w.due = c.accepted // RFC 2033 4.2
	}
	w.lines.reset(nil)
	return w, reply, nil
}

// DataWriter takes the bytes of one message. Nothing of a message counts
// before End: a client that is closed earlier has sent none.
//
// Dots at the beginning of lines are doubled (RFC 5321 4.5.2), and every other
// byte goes out as it comes. A line is what CRLF ends; whether the server may
// get bare CR or LF, NUL, or lines over 998 bytes is the caller's to decide.
type DataWriter struct {
	c       *Client
	due     int       // answers still to come
	lines   dotReader // where we are in a line; it reads nothing
	written bool
}

// Write implements io.Writer. On an error the message was not sent and the
// connection is of no use; if the server said why, the error wraps its
// [Reply].
func (w *DataWriter) Write(p []byte) (int, error) {
	if w.c.broken != nil {
		return 0, fmt.Errorf("connection is closed: %w", w.c.broken)
	}
	w.c.patience = w.c.dialer.Timeouts.Block
	for done := 0; done < len(p); {
		rest := p[done:]
		if w.lines.lineStart && rest[0] == '.' {
			w.c.out.WriteByte('.') // its error comes back from Write
		}
		n := w.lines.run(rest)
		if _, err := w.c.out.Write(rest[:n]); err != nil {
			return done, w.c.interrupted(err)
		}
		done += n
		w.written = true
	}
	return len(p), nil
}

// Flush sends what was written so far.
func (w *DataWriter) Flush() error {
	if err := w.c.out.Flush(); err != nil {
		return w.c.interrupted(err)
	}
	return nil
}

// End sends the final dot, after a CRLF if the message does not end with one
// (RFC 5321 4.1.1.4). From here on the server may have taken the message, also
// when End or Answer return an error.
func (w *DataWriter) End() error {
	if w.c.broken != nil {
		return fmt.Errorf("connection is closed: %w", w.c.broken)
	}
	if w.written && !w.lines.lineStart {
		w.c.out.WriteString("\r\n") // its error comes back from Flush
	}
	w.c.out.WriteString(finalDot)
	return w.Flush()
}

// Due returns how many answers are still to come: one over SMTP, over LMTP one
// for each recipient that was accepted, in their order.
func (w *DataWriter) Due() int { return w.due }

// Answer reads the next answer after End. It must not be called when none is
// due.
func (w *DataWriter) Answer() (Reply, error) {
	w.due--
	w.c.patience = w.c.dialer.Timeouts.Command
	w.c.accepted = 0
	return w.c.answer(w.c.dialer.Timeouts.End)
}

// Finish is End and all answers. On an error the answers that came are there.
func (w *DataWriter) Finish() ([]Reply, error) {
	if err := w.End(); err != nil {
		return nil, err
	}
	var answers []Reply
	for w.Due() > 0 {
		reply, err := w.Answer()
		if err != nil {
			return answers, err
		}
		answers = append(answers, reply)
	}
	return answers, nil
}

// lastWords is how long a server that hung up in the middle of a message is
// listened to: what it said is here already or will never come.
const lastWords = time.Second

// interrupted gives the connection up after a failed write. Servers that
// refuse in mid-message say why before they close.
func (c *Client) interrupted(err error) error {
	err = fmt.Errorf("send message: %w", err)
	c.raw.SetReadDeadline(c.dialer.Now().Add(lastWords))
	if reply, rerr := readReply(&c.in); rerr == nil && !reply.Positive() {
		err = errors.Join(err, reply)
	}
	return c.cut(err)
}
