package smtp

import (
	"bytes"
	"errors"
)

// errEnd says that a message ended as it should. It is not io.EOF: that is how
// a connection ends, and must never be taken for it.
var errEnd = errors.New("end of message")

// chunkSource yields the bytes of a message piece by piece, then errEnd. A
// piece is good until the next call.
type chunkSource interface {
	next() ([]byte, error)
}

// dotReader takes the bytes between DATA and the final dot out of the
// connection.
//
// The end is CRLF "." CRLF and nothing else (RFC 5321 4.1.1.4); a dot first
// in a line is taken away (4.5.2), and only CRLF ends a line (2.3.8): bare CR
// and LF are bytes like others. The first line begins right behind DATA, and
// the last CRLF is the message's own.
type dotReader struct {
	in        *input
	lineStart bool // the next byte is the first of a line
	cr        bool // the last byte was a CR
}

func (d *dotReader) reset(in *input) { *d = dotReader{in: in, lineStart: true} }

const finalDot = ".\r\n"

func (d *dotReader) next() ([]byte, error) {
	for {
		b, err := d.in.some()
		if err != nil {
			return nil, err
		}
		if d.lineStart && b[0] == '.' {
			if len(b) < len(finalDot) && string(b) == finalDot[:len(b)] {
				if err := d.in.fill(); err != nil {
					return nil, err
				}
				continue
			}
			if len(b) >= len(finalDot) && string(b[:len(finalDot)]) == finalDot {
				d.in.discard(len(finalDot))
				return nil, errEnd
			}
			d.in.discard(1)
			d.lineStart, d.cr = false, false
			continue
		}
		n := d.run(b)
		d.in.discard(n)
		return b[:n], nil
	}
}

// run returns how far b goes without a dot to look at: to the first CRLF with
// a dot behind it, or to its end.
func (d *dotReader) run(b []byte) int {
	for i := 0; ; {
		j := bytes.IndexByte(b[i:], '\n')
		if j < 0 {
			d.lineStart, d.cr = false, b[len(b)-1] == '\r'
			return len(b)
		}
		i += j + 1
		crlf := i > 1 && b[i-2] == '\r' || i == 1 && d.cr
		atEnd := i == len(b)
		if atEnd || crlf && b[i] == '.' {
			d.lineStart, d.cr = crlf, false
			return i
		}
	}
}
