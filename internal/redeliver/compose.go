package redeliver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"mailarchive/internal/mail"
)

// Composer writes the mails that are sent. Sender must be set.
type Composer struct {
	// Sender is the address that mail is sent from: in the envelope and as
	// Resent-From. Reports of failed delivery go there.
	Sender mail.Address
	// Host stands in our identifiers.
	Host string
}

// composed is a mail ready to be sent: known in size, its bytes written on
// demand.
type composed struct {
	form     Form
	reason   string // for an attachment
	eightBit bool
	written  int64 // bytes that write makes
	added    int64 // bytes that the end of the message adds
	write    func(w io.Writer, content io.Reader) error
}

var errBlind = errors.New("it can only be sent as an attachment, which would show the original's Bcc field to others")

// compose decides the form and prepares the mail. What is sent as it is must
// have been inspected: the facts are those of the same content.
func (c Composer) compose(e *Entry, f *Facts, eightBit bool) (composed, error) {
	l := letter{id: messageID(e.ID, c.Host), date: e.Created, from: c.Sender, to: e.Named()}
	form, reason := f.Form(e.Attach, eightBit)
	if form == Attachment {
		if f.Blind() && !e.Attach && e.Originals {
			return composed{}, errBlind
		}
		return c.attachment(l, e, f, reason), nil
	}
	front := append(l.resentBlock(), f.withoutHidden()...)
	m := composed{form: form, eightBit: f.EightBit, written: f.Size - f.HeaderSize}
	if form == LineEnds {
		front = crlf(front)
		m.written += f.LF - int64(bytes.Count(f.header[:f.HeaderSize], []byte("\n")))
	}
	m.written += int64(len(front))
	if f.Unended {
		m.added = 2 // the CRLF of RFC 5321 4.1.1.4
	}
	m.write = func(w io.Writer, content io.Reader) error { return writeResent(w, front, f.HeaderSize, form, content) }
	return m, nil
}

// writeResent writes our fields and the header, and the body behind them.
func writeResent(w io.Writer, front []byte, header int64, form Form, content io.Reader) error {
	if _, err := io.CopyN(io.Discard, content, header); err != nil {
		return fmt.Errorf("skip header: %w", err)
	}
	if _, err := w.Write(front); err != nil {
		return err
	}
	if form == LineEnds {
		w = lineEnds{w}
	}
	_, err := io.Copy(w, content)
	return err
}

// lineEnds writes a CR in front of each LF. There is none yet.
type lineEnds struct{ w io.Writer }

func (l lineEnds) Write(p []byte) (int, error) {
	if _, err := l.w.Write(bytes.ReplaceAll(p, []byte("\n"), []byte("\r\n"))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// crlf brings all line ends of a header to CRLF.
func crlf(b []byte) []byte {
	b = bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n"))
}

// size is what is declared: without doubled dots (RFC 1870 5).
func (m *composed) size() int64 { return m.written + m.added }

// transmit opens the content once more and writes the mail. After an error the
// mail is not whole and must not be ended.
func (m *composed) transmit(ctx context.Context, s Source, e *Entry, w io.Writer) error {
	_, content, err := s.Open(ctx, e.scope(), e.Message)
	if err != nil {
		return fmt.Errorf("open %s: %w", e.Message, err)
	}
	defer content.Close()
	counted := counter{w: w}
	if err := m.write(&counted, content); err != nil {
		return err
	}
	if counted.n != m.written {
		return fmt.Errorf("%s: wrote %d bytes of %d: %w", e.Message, counted.n, m.written, mail.ErrDamaged)
	}
	return nil
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
