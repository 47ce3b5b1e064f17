package redeliver

import (
	"bytes"
	"io"
)

// maxLine is the longest line that SMTP must carry, without its CRLF (RFC 5322
// 2.1.1, RFC 5321 4.5.3.1.6).
const maxLine = 998

// maxHeader is the longest header block that is sent as it is. The largest of
// real mail, with thousands of recipients, stay below it.
const maxHeader = 1 << 20

// Facts are what decides in which form a message can be sent.
type Facts struct {
	Size       int64 // in bytes
	NUL        bool
	BareCR     bool // CR without LF behind it
	EightBit   bool // bytes above 127
	CRLF, LF   int64
	Longest    int64 // line, without its end
	Unended    bool  // bytes behind the last line end
	HeaderSize int64 // with the empty line; 0 without a proper header

	header []byte // at most maxHeader
	fields []field
}

// Form is how a message goes through SMTP.
type Form string

// The forms.
const (
	AsIs       Form = "as it is"
	LineEnds   Form = "with CRLF line ends"
	Attachment Form = "as an attachment"
)

// Form says how the message is sent, and, for an attachment, why. eightBit
// tells whether the peer takes bytes above 127 (RFC 6152).
func (f *Facts) Form(attach, eightBit bool) (form Form, reason string) {
	for _, c := range []struct {
		is     bool
		reason string
	}{
		{attach, "an attachment was asked for"},
		{f.HeaderSize == 0, "it does not begin with a proper header"},
		{f.NUL, "it has a NUL character"},
		{f.BareCR, "it has a CR that ends no line"},
		{f.LF > 0 && f.CRLF > 0, "some of its lines end in CRLF and some in a bare LF"},
		{f.Longest > maxLine, "it has a line of more than 998 characters"},
		{f.EightBit && !eightBit, "the mail server takes no 8-bit characters"},
	} {
		if c.is {
			return Attachment, c.reason
		}
	}
	if f.LF > 0 {
		return LineEnds, ""
	}
	return AsIs, ""
}

// Inspect reads a message to its end. The error is the reader's.
func Inspect(r io.Reader) (Facts, error) {
	s := scan{inHeader: true}
	buf := make([]byte, 64<<10)
	for {
		n, err := r.Read(buf)
		s.piece(buf[:n])
		if err == io.EOF {
			return s.finish(), nil
		}
		if err != nil {
			return Facts{}, err
		}
	}
}

// scan collects facts piece by piece.
type scan struct {
	Facts
	line     int64 // bytes since the last line end, a CR at the end included
	cr       bool  // the last byte was a CR
	inHeader bool
}

func (s *scan) piece(p []byte) {
	s.Size += int64(len(p))
	s.NUL = s.NUL || bytes.IndexByte(p, 0) >= 0
	s.EightBit = s.EightBit || !isASCII(p)
	if s.inHeader {
		s.keep(p)
	}
	for len(p) > 0 {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			s.text(p)
			return
		}
		s.text(p[:i])
		s.endLine()
		p = p[i+1:]
	}
}

// text takes bytes that have no LF.
func (s *scan) text(p []byte) {
	if len(p) == 0 {
		return
	}
	last := len(p) - 1
	s.BareCR = s.BareCR || s.cr || bytes.IndexByte(p[:last], '\r') >= 0
	s.cr = p[last] == '\r'
	s.line += int64(len(p))
}

func (s *scan) endLine() {
	if s.cr {
		s.CRLF++
		s.line--
	} else {
		s.LF++
	}
	s.Longest = max(s.Longest, s.line)
	s.line, s.cr = 0, false
}

func (s *scan) finish() Facts {
	s.BareCR = s.BareCR || s.cr
	s.Unended = s.line > 0
	s.Longest = max(s.Longest, s.line)
	s.readHeader()
	return s.Facts
}

// keep collects the header up to the empty line behind it.
func (s *scan) keep(p []byte) {
	from := max(len(s.header)-3, 0) // an empty line may begin there
	s.header = append(s.header, p[:min(len(p), maxHeader-len(s.header))]...)
	if end := headerEnd(s.header, from); end > 0 {
		s.header, s.inHeader = s.header[:end], false
	}
	if len(s.header) == maxHeader {
		s.inHeader = false
	}
}

// headerEnd finds the end of the first empty line from there on; 0 when there
// is none.
func headerEnd(b []byte, from int) int {
	for i := from; i < len(b); i++ {
		if b[i] != '\n' {
			continue
		}
		rest := b[i+1:]
		if bytes.HasPrefix(rest, []byte("\n")) {
			return i + 2
		}
		if bytes.HasPrefix(rest, []byte("\r\n")) {
			return i + 3
		}
	}
	return 0
}

func isASCII(p []byte) bool {
	for _, c := range p {
		if c >= 0x80 {
			return false
		}
	}
	return true
}
