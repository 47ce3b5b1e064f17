package extract

import (
	"bufio"
	"bytes"
	"io"
)

// lineBuffer is the longest piece of a line that is looked at in one go. Longer
// lines come in pieces; a boundary or field name is never that long.
const lineBuffer = 32 << 10

// source gives the lines of a message and ends where a boundary of one of the
// multiparts around the current part stands.
type source struct {
	br     *bufio.Reader
	pushed []byte // lines put back by push, read before br
	start  bool   // the next piece begins a line
	err    error  // why reading ended, io.EOF included

	bounds []string // "--boundary" of each multipart around, outermost first
	hit    int      // index of the boundary that ended the part, or -1
	last   bool     // it was the closing delimiter
}

func (s *source) reset(r io.Reader) {
	if s.br == nil {
		s.br = bufio.NewReaderSize(nil, lineBuffer)
	}
	s.br.Reset(r)
	*s = source{br: s.br, bounds: s.bounds[:0], start: true, hit: -1}
}

// line returns the next piece of the current part: a line with its line end
// (LF, with or without CR before it), or a part of a line longer than
// lineBuffer. It is valid until the next call. ok is false at the end of the
// part; then hit and last tell which boundary stood there.
func (s *source) line() (piece []byte, begins, ok bool) {
	if s.hit >= 0 {
		return nil, false, false
	}
	piece = s.read()
	if len(piece) == 0 {
		return nil, false, false
	}
	begins = s.start
	s.start = piece[len(piece)-1] == '\n'
	if begins && len(s.bounds) > 0 && s.delimiter(piece) {
		return nil, false, false
	}
	return piece, begins, true
}

func (s *source) read() []byte {
	if len(s.pushed) > 0 {
		end := bytes.IndexByte(s.pushed, '\n') + 1
		if end == 0 {
			end = len(s.pushed)
		}
		piece := s.pushed[:end]
		s.pushed = s.pushed[end:]
		return piece
	}
	piece, err := s.br.ReadSlice('\n')
	if err != nil && err != bufio.ErrBufferFull {
		s.err = err
	}
	return piece
}

// push puts whole lines back in front of what is still to be read.
func (s *source) push(lines []byte) {
	s.pushed = append(bytes.Clone(lines), s.pushed...)
	s.start = true
}

// delimiter reports whether the line is a delimiter of a multipart around
// (RFC 2046 5.1.1), innermost first, and notes which. White space behind the
// boundary is transport padding.
func (s *source) delimiter(line []byte) bool {
	if len(line) < 3 || line[0] != '-' || line[1] != '-' {
		return false
	}
	line = bytes.TrimRight(line, " \t\r\n")
	for i := len(s.bounds) - 1; i >= 0; i-- {
		rest, found := bytes.CutPrefix(line, []byte(s.bounds[i]))
		if !found {
			continue
		}
		if len(rest) == 0 || string(rest) == "--" {
			s.hit, s.last = i, len(rest) > 0
			return true
		}
	}
	return false
}

// skip reads to the end of the part.
func (s *source) skip() {
	for {
		if _, _, ok := s.line(); !ok {
			return
		}
	}
}

// splitEnd cuts the line end off a piece of line.
func splitEnd(piece []byte) (content, end []byte) {
	n := len(piece)
	if n > 0 && piece[n-1] == '\n' {
		n--
		if n > 0 && piece[n-1] == '\r' {
			n--
		}
	}
	return piece[:n], piece[n:]
}

// macLines turns the bare CR that ended lines on the first Macintosh into LF.
// It is used only for messages that have no LF near their beginning.
type macLines struct{ r io.Reader }

func (m macLines) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	for i, c := range p[:n] {
		if c == '\r' {
			p[i] = '\n'
		}
	}
	return n, err
}
