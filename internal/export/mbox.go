package export

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	"mailarchive/internal/mail"
)

// lineBuffer is the memory in bytes that lines are read through; a longer line
// goes in pieces.
const lineBuffer = 64 << 10

// fromDate is the date of a From_ line, asctime's, in UTC (RFC 4155 appendix A).
const fromDate = "Mon Jan _2 15:04:05 2006"

var fromSpace = []byte("From ")

// mboxWriter writes mboxrd (qmail's mbox(5)): a From_ line, the message with a >
// in front of every line that is any number of > and "From ", a line feed if
// the message has none at its end, and an empty line. Line ends stay as they
// are.
type mboxWriter struct {
	w     *bufio.Writer
	at    int64 // bytes written
	lines *bufio.Reader
	name  string // of the file
}

func newMboxWriter(w io.Writer, name string) *mboxWriter {
	m := &mboxWriter{lines: bufio.NewReaderSize(nil, lineBuffer), name: name}
	m.w = bufio.NewWriterSize(&counting{w: w, n: &m.at}, lineBuffer)
	return m
}

// counting counts what it passes on.
type counting struct {
	w io.Writer
	n *int64
}

func (c *counting) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	*c.n += int64(n)
	return n, err
}

func (m *mboxWriter) put(msg *Message, s *staged) (place, error) {
	offset := m.at + int64(m.w.Buffered())
	fmt.Fprintf(m.w, "From %s %s\n", fromSender(msg), fromTime(msg).UTC().Format(fromDate))
	if err := m.quoted(s.reader()); err != nil {
		return place{}, err
	}
	if s.total() > 0 && s.ending != '\n' {
		m.w.WriteByte('\n')
	}
	if err := m.w.WriteByte('\n'); err != nil { // a bufio.Writer keeps its error
		return place{}, err
	}
	return place{file: m.name, offset: &offset}, nil
}

func (m *mboxWriter) finish() error { return m.w.Flush() }

// quoted copies r, lines that could be taken for a From_ line quoted.
func (m *mboxWriter) quoted(r io.Reader) error {
	m.lines.Reset(r)
	for {
		m.quote()
		err := m.restOfLine()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// quote copies the > at the beginning of a line, any number of them, and adds
// one if "From " is behind them.
func (m *mboxWriter) quote() {
	for b, _ := m.lines.Peek(1); len(b) == 1 && b[0] == '>'; b, _ = m.lines.Peek(1) {
		b, _ = m.lines.Peek(m.lines.Buffered()) // never fails
		n := len(b) - len(bytes.TrimLeft(b, ">"))
		m.w.Write(b[:n])
		m.lines.Discard(n)
	}
	if b, _ := m.lines.Peek(len(fromSpace)); bytes.Equal(b, fromSpace) {
		m.w.WriteByte('>')
	}
}

// restOfLine copies up to the end of a line.
func (m *mboxWriter) restOfLine() error {
	for {
		b, err := m.lines.ReadSlice('\n')
		if _, werr := m.w.Write(b); werr != nil {
			return werr
		}
		if err != bufio.ErrBufferFull {
			return err
		}
	}
}

// maxSender is the longest sender that goes into a From_ line, in bytes
// (RFC 5321 4.5.3.1.3); readers bound the length of that line.
const maxSender = 256

// fromSender returns the envelope sender, else who the message says it is from.
// What has no place in a From_ line becomes a hyphen (mbox(5)).
func fromSender(m *Message) string {
	var sender mail.Address
	if len(m.History) > 0 {
		sender = m.History[0].Envelope.From
		if sender == "" && m.History[0].Envelope.Origin != nil && len(m.From) > 0 {
			sender = mail.Address(m.From[0].Address) // no envelope was known
		}
	}
	if sender == "" || len(sender) > maxSender {
		return "MAILER-DAEMON" // what a null reverse-path is written as
	}
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7f {
			return '-'
		}
		return r
	}, strings.ToValidUTF8(string(sender), "-"))
}

// fromTime returns when the message was delivered.
func fromTime(m *Message) time.Time {
	t := m.Received
	if len(m.History) > 0 {
		if o := m.History[0].Envelope.Origin; o != nil && !o.Delivered.IsZero() {
			t = o.Delivered
		}
	}
	if y := t.UTC().Year(); y < 1900 || y > 9999 { // four digits, or it is no date
		return time.Unix(0, 0)
	}
	return t
}
