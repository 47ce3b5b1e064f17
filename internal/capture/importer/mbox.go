package importer

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"time"
)

// Dialect says how an mbox marks lines of a message that begin with "From ".
// Names and definitions are those of qmail's mbox(5), section Variations;
// RFC 4155 appendix A leaves quoting open.
type Dialect string

const (
	// Mboxrd: writers put one > in front of every line that is any number of >
	// (none included) and "From "; reading takes one away. Nothing is lost.
	Mboxrd Dialect = "mboxrd"
	// Mboxo: writers put a > only in front of "From "; reading takes it from
	// lines that begin with exactly ">From ". A line that had the > already
	// loses it: the file does not say.
	Mboxo Dialect = "mboxo"
	// Mboxcl: Mboxo with a Content-Length header, which is not needed to read
	// it and not believed.
	Mboxcl Dialect = "mboxcl"
	// Mboxcl2: no quoting; the Content-Length header says where the message
	// ends. It is believed where a From_ line or the end of the file follows,
	// see landsOnFrom.
	Mboxcl2 Dialect = "mboxcl2"
)

// mboxBuffer is the reader's memory in bytes, whatever the messages' size. It
// holds a From_ line and what is looked at ahead.
const mboxBuffer = 64 << 10

// MboxReader splits an mbox into its messages, in bounded memory.
//
// A From_ line begins a message where it is the first line of the file, or
// where the line before is empty and there is a date in it ([postmark]); so
// "From here on" in a text does not cut a message in two. Between a From_ line
// and the next, or the end of the file, stands the message and one empty line
// (LF or CRLF); that one line is the separator and not part of the message
// (mbox(5): "strips off the final blank line"). Where the file ends without it,
// nothing is taken away. Line ends are left as they are.
//
// It is for one goroutine.
type MboxReader struct {
	r       *bufio.Reader
	at      io.ReaderAt // the same bytes, for Mboxcl2; may be nil
	dialect Dialect
	pos     int64 // of the next byte that r gives
	begun   bool
	err     error // of the source, but io.EOF
	member  *Member
}

// NewMboxReader reads an mbox of the dialect from r. For Mboxcl2, r should be
// an io.ReaderAt whose offset 0 is where r stands; else Content-Length is not
// looked at.
func NewMboxReader(r io.Reader, dialect Dialect) *MboxReader {
	at, _ := r.(io.ReaderAt)
	return &MboxReader{r: bufio.NewReaderSize(r, mboxBuffer), at: at, dialect: dialect}
}

// Offset is the number of bytes consumed so far.
func (m *MboxReader) Offset() int64 { return m.pos }

// Member is one message of an mbox: read it to its end before the next
// [MboxReader.Next], or leave the rest.
type Member struct {
	// Offset of the From_ line in the file, in bytes.
	Offset int64
	// FromLine is the From_ line without its line end.
	FromLine string
	// Delivered is the date in the From_ line, in UTC; zero when it has none.
	Delivered time.Time
	// Preamble is true for text in front of the first From_ line, which is no
	// message.
	Preamble bool

	m      *MboxReader
	out    []byte // ready to be given; aliases the buffer of m.r
	quotes int64  // > to be given before anything else is looked at
	held   []byte // an empty line that may be the separator
	inLine bool   // r stands within a line
	done   bool
	length contentLength
}

// Next returns the next message, or io.EOF behind the last one, or the error of
// the source.
func (m *MboxReader) Next() (*Member, error) {
	if m.member != nil {
		if _, err := io.Copy(io.Discard, m.member); err != nil {
			return nil, err
		}
	}
	if !m.begun {
		m.begun = true
		m.skipEmptyLines()
		if !bytes.HasPrefix(m.peek(len(fromSpace)), fromSpace) || m.peekLine() == nil {
			return m.preamble()
		}
	}
	line := m.peekLine()
	if line == nil {
		return nil, m.end()
	}
	text := bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
	when, _ := postmark(text)
	m.member = &Member{Offset: m.pos, FromLine: string(text), Delivered: when, m: m}
	m.member.length.inHeader = m.dialect == Mboxcl2 && m.at != nil
	m.discard(len(line))
	return m.member, nil
}

func (m *MboxReader) preamble() (*Member, error) {
	if len(m.peek(1)) == 0 {
		return nil, m.end()
	}
	m.member = &Member{Offset: m.pos, Preamble: true, m: m}
	return m.member, nil
}

// skipEmptyLines passes over empty lines in front of the first message.
func (m *MboxReader) skipEmptyLines() {
	for line := m.peekEmpty(); line != nil; line = m.peekEmpty() {
		m.discard(len(line))
	}
}

// end tells why nothing follows.
func (m *MboxReader) end() error {
	if m.err != nil {
		return m.err
	}
	return io.EOF
}

// peek returns up to n of the bytes that come next; fewer at the end.
func (m *MboxReader) peek(n int) []byte {
	b, err := m.r.Peek(n)
	if err != nil && !errors.Is(err, io.EOF) {
		m.err = err
	}
	return b
}

func (m *MboxReader) discard(n int) {
	n, _ = m.r.Discard(n) // never fails: these bytes were peeked at
	m.pos += int64(n)
}

// peekLine returns the line that comes next with its end; nil when nothing
// comes or it is longer than a From_ line may be.
func (m *MboxReader) peekLine() []byte {
	b := m.peek(maxFromLine)
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return b[:i+1]
	}
	if len(b) == maxFromLine || len(b) == 0 {
		return nil
	}
	return b
}

// peekEmpty returns the line end that comes next, LF or CRLF; nil when
// something else does.
func (m *MboxReader) peekEmpty() []byte { return emptyLine(m.peek(2)) }

func emptyLine(b []byte) []byte {
	if len(b) > 0 && b[0] == '\n' {
		return b[:1]
	}
	if len(b) > 1 && b[0] == '\r' && b[1] == '\n' {
		return b[:2]
	}
	return nil
}

// atFrom reports whether a From_ line comes next.
func (m *MboxReader) atFrom() bool {
	if !bytes.HasPrefix(m.peek(len(fromSpace)), fromSpace) {
		return false
	}
	_, ok := postmark(bytes.TrimRight(m.peekLine(), "\r\n"))
	return ok
}

// Read gives the message's bytes, quoting undone. io.EOF ends the message.
func (c *Member) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(c.out) == 0 && c.quotes == 0 {
		if c.done || c.m.member != c {
			return 0, c.m.end()
		}
		c.advance()
	}
	if c.quotes > 0 {
		n := int(min(c.quotes, int64(len(p))))
		for i := range p[:n] {
			p[i] = '>'
		}
		c.quotes -= int64(n)
		return n, nil
	}
	n := copy(p, c.out)
	c.out = c.out[n:]
	return n, nil
}

// advance makes out or quotes ready, or looks at one thing more of the source.
func (c *Member) advance() {
	switch {
	case c.length.left > 0:
		c.exact()
	case c.length.ended:
		c.m.discard(len(c.m.peekEmpty()))
		c.done = true
	case c.inLine:
		c.restOfLine()
	default:
		c.beginOfLine()
	}
}

// beginOfLine decides what the next line is.
func (c *Member) beginOfLine() {
	m := c.m
	if len(m.peek(1)) == 0 || c.held != nil && m.atFrom() {
		c.done = true // and held, the separator, is dropped
		return
	}
	if c.held != nil {
		c.out, c.held = c.held, nil
		return // the line itself is next, and is no From_ line
	}
	if c.length.inHeader && c.watchHeader() {
		return
	}
	if line := m.peekEmpty(); line != nil {
		c.held = bytes.Clone(line)
		m.discard(len(line))
		return
	}
	c.inLine = true
	if m.dialect != Mboxcl2 {
		c.unquote()
	}
}

// unquote takes the > away that the dialect put in front of the next line. The
// others are counted, not held: there may be any number.
func (c *Member) unquote() {
	m := c.m
	for b := m.peek(1); len(b) == 1 && b[0] == '>'; b = m.peek(1) {
		buffered, _ := m.r.Peek(m.r.Buffered()) // never fails
		n := len(buffered) - len(bytes.TrimLeft(buffered, ">"))
		m.discard(n)
		c.quotes += int64(n)
	}
	quoted := c.quotes == 1 || c.quotes > 1 && m.dialect == Mboxrd
	if quoted && bytes.HasPrefix(m.peek(len(fromSpace)), fromSpace) {
		c.quotes--
	}
}

// restOfLine gives what is left of a line, in pieces when it is long.
func (c *Member) restOfLine() {
	b, err := c.m.r.ReadSlice('\n')
	c.m.pos += int64(len(b))
	c.out = b
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		c.m.err = err
	}
	c.inLine = errors.Is(err, bufio.ErrBufferFull)
}
