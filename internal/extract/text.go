package extract

import (
	"bytes"
	"io"
	"unicode/utf8"

	"golang.org/x/text/transform"
)

// text gathers the searchable text up to a limit. It holds valid UTF-8
// without NUL and CR as long as it is given valid UTF-8.
type text struct {
	b     []byte
	limit int
	cut   bool
	cr    bool // the last byte given was CR
}

func (t *text) full() bool { return t.cut }

// write appends b without NUL. Line ends become LF, a bare CR as well.
func (t *text) write(b []byte) {
	if t.cr && len(b) > 0 && b[0] != '\n' {
		t.append([]byte("\n"))
	}
	t.cr = t.cr && len(b) == 0
	for !t.cut {
		i := bytes.IndexAny(b, "\r\x00")
		if i < 0 {
			t.append(b)
			return
		}
		t.append(b[:i])
		last := i == len(b)-1
		switch {
		case b[i] == '\r' && last:
			t.cr = true
		case b[i] == '\r' && b[i+1] != '\n':
			t.append([]byte("\n"))
		}
		b = b[i+1:]
	}
}

func (t *text) append(b []byte) {
	if room := t.limit - len(t.b); len(b) > room {
		for room > 0 && !utf8.RuneStart(b[room]) {
			room--
		}
		b, t.cut = b[:room], true
	}
	t.b = append(t.b, b...)
}

// space appends a separator unless one is there; a line end also stands in
// for spaces.
func (t *text) space(sep byte) {
	for sep == '\n' && len(t.b) > 0 && t.b[len(t.b)-1] == ' ' {
		t.b = t.b[:len(t.b)-1]
	}
	if n := len(t.b); n > 0 && t.b[n-1] != '\n' && t.b[n-1] != ' ' {
		t.append([]byte{sep})
	}
}

// aside appends text that stands apart from what is around it.
func (t *text) aside(b []byte) {
	if len(b) > 0 {
		t.space(' ')
		t.write(b)
		t.space(' ')
	}
}

// paragraph separates parts by a blank line.
func (t *text) paragraph() {
	t.cr = false
	t.b = bytes.TrimRight(t.b, " \t\n")
	if len(t.b) > 0 {
		t.append([]byte("\n\n"))
	}
}

// line appends a line of its own.
func (t *text) line(s string) {
	if s != "" {
		t.space('\n')
		t.write([]byte(s))
		t.space('\n')
	}
}

// readAll appends all of r, which gives valid UTF-8, until the limit.
func (t *text) readAll(r io.Reader, buf []byte) {
	for !t.cut {
		n, err := r.Read(buf)
		t.write(buf[:n])
		if err != nil {
			return
		}
	}
}

// characters reads bytes of a charset as UTF-8.
type characters struct {
	r   io.Reader
	t   transform.Transformer
	buf []byte // bytes read and not yet decoded
	err error
	mem [16 << 10]byte

	out   []byte // decoded and not yet read, in spare
	spare [4 * maxUTF7Run]byte
}

func (c *characters) reset(r io.Reader, t transform.Transformer) {
	c.r, c.t, c.buf, c.out, c.err = r, t, nil, nil, nil
	t.Reset()
}

// peek returns the beginning of what is to be decoded.
func (c *characters) peek() []byte {
	for c.err == nil && len(c.buf) < len(c.mem)/2 {
		c.more()
	}
	return c.buf
}

func (c *characters) more() {
	n := copy(c.mem[:], c.buf)
	var m int
	m, c.err = c.r.Read(c.mem[n:])
	c.buf = c.mem[:n+m]
}

// Read decodes into p. What decodes to more than p has room for goes through
// spare.
func (c *characters) Read(p []byte) (int, error) {
	for len(c.out) == 0 {
		if len(c.buf) == 0 {
			if c.err != nil {
				return 0, io.EOF
			}
			c.more()
		}
		if n := c.decode(p); n > 0 {
			return n, nil
		}
	}
	n := copy(p, c.out)
	c.out = c.out[n:]
	return n, nil
}

// decode makes some way in buf: to p, to spare, by reading more or, when the
// decoder is stuck, by giving up on a byte.
func (c *characters) decode(p []byte) int {
	nDst, nSrc, err := c.t.Transform(p, c.buf, c.err != nil)
	if nDst == 0 && nSrc == 0 && err == transform.ErrShortDst {
		var n int
		n, nSrc, err = c.t.Transform(c.spare[:], c.buf, c.err != nil)
		c.out = c.spare[:n]
	}
	c.buf = c.buf[nSrc:]
	switch {
	case nDst > 0 || nSrc > 0 || len(c.out) > 0:
	case err == transform.ErrShortSrc && c.err == nil && len(c.buf) < len(c.mem):
		c.more()
	case len(c.buf) > 0:
		c.buf = c.buf[1:]
		c.out = c.spare[:copy(c.spare[:], "\uFFFD")]
	}
	return nDst
}
