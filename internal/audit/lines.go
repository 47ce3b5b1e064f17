package audit

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"mailarchive/internal/mail"
)

// span is one line as it lies in a file.
type span struct {
	off, end int64
	// text is the line with its line feed, valid until the next one is read;
	// nil when it is longer than maxLine.
	text []byte
}

// lines reads a stretch of a file line by line.
type lines struct {
	r   *bufio.Reader
	off int64
}

// newLines reads r from off up to end. Both are in bytes.
func newLines(r io.ReaderAt, off, end int64) *lines {
	size := min(max(end-off, 16), maxLine)
	return &lines{bufio.NewReaderSize(io.NewSectionReader(r, off, end-off), int(size)), off}
}

// next returns io.EOF behind the last line.
func (l *lines) next() (span, error) {
	s := span{off: l.off, end: l.off}
	text, err := l.r.ReadSlice('\n')
	s.end += int64(len(text))
	if err == nil {
		s.text = text
	}
	long := false
	for errors.Is(err, bufio.ErrBufferFull) {
		long = true
		text, err = l.r.ReadSlice('\n')
		s.end += int64(len(text))
	}
	if err == io.EOF && s.end > s.off { // the last line has no end
		if !long {
			s.text = text
		}
		err = nil
	}
	l.off = s.end
	return s, err
}

// eachLine calls visit with every line in [off, end). visit ends it with an
// error, which is returned.
func eachLine(r io.ReaderAt, off, end int64, visit func(span) error) error {
	in := newLines(r, off, end)
	for {
		s, err := in.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := visit(s); err != nil {
			return err
		}
	}
}

// firstStretch is what is read at first in search of a line's beginning:
// nearly all lines are shorter.
const firstStretch = 16 << 10

// startOf returns where the line begins that ends at end, not before low. The
// answer is low when the line is far longer than maxLine.
func startOf(r io.ReaderAt, low, end int64) (int64, error) {
	for size := int64(firstStretch); ; size *= 8 {
		from := max(low, end-size)
		b := make([]byte, end-from)
		if n, err := r.ReadAt(b, from); n < len(b) {
			return 0, err
		}
		if len(b) > 0 {
			if i := bytes.LastIndexByte(b[:len(b)-1], '\n'); i >= 0 {
				return from + int64(i) + 1, nil
			}
		}
		if from == low || size > maxLine {
			return low, nil
		}
	}
}

// lastLine returns the line that ends at end, and where it begins. Errors of
// what it says wrap mail.ErrDamaged.
func lastLine(r io.ReaderAt, end int64) (l *line, start int64, digest mail.Digest, err error) {
	if start, err = startOf(r, 0, end); err != nil {
		return nil, 0, digest, err
	}
	s, err := newLines(r, start, end).next()
	if err != nil {
		return nil, 0, digest, fmt.Errorf("no line ends at byte %d (%v): %w", end, err, mail.ErrDamaged)
	}
	l, err = decode(s.text)
	return l, start, mail.Sum(s.text), err
}

// endsWith returns the line that ends at end and where it begins, if it is the
// one that the head names. Else the error wraps mail.ErrDamaged.
func endsWith(r io.ReaderAt, end int64, head Head) (*line, int64, error) {
	l, start, digest, err := lastLine(r, end)
	if err == nil && (Head{l.Seq, digest}) != head {
		err = fmt.Errorf("entry %d ends at byte %d, and entry %d should: %w", l.Seq, end, head.Seq, mail.ErrDamaged)
	}
	return l, start, err
}
