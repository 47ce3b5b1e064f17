package importer

import (
	"bytes"
	"math"
	"strconv"
)

// contentLength is what a message of an mboxcl2 says about its own length.
type contentLength struct {
	inHeader bool  // the header is being read and the length may still come
	n        int64 // of the body in bytes, as the header says
	left     int64 // of the body, to be given as it is
	ended    bool  // the body was given by length and is complete
}

var contentLengthName = []byte("content-length:")

// watchHeader looks at the line that comes next for a Content-Length, and at
// the header's end for whether to believe it. It reports true when it has
// consumed that end, for the body goes by its length.
func (c *Member) watchHeader() bool {
	m := c.m
	if empty := m.peekEmpty(); empty != nil {
		c.length.inHeader = false
		if c.length.n == 0 || !m.landsOnFrom(m.pos+int64(len(empty)), c.length.n) {
			return false
		}
		c.out, c.length.left = bytes.Clone(empty), c.length.n
		m.discard(len(empty))
		return true
	}
	b := m.peek(len(contentLengthName) + 24)
	if len(b) < len(contentLengthName) || !bytes.EqualFold(b[:len(contentLengthName)], contentLengthName) {
		return false
	}
	value, _, _ := bytes.Cut(b[len(contentLengthName):], []byte("\n"))
	n, err := strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 64)
	if err == nil && n > 0 {
		c.length.n = n
	}
	return false
}

// landsOnFrom reports whether a body of n bytes from offset begin ends where
// the file ends or a From_ line stands, an empty line between them or not. A
// length that lands elsewhere is wrong, and the From_ lines decide.
func (m *MboxReader) landsOnFrom(begin, n int64) bool {
	if n > math.MaxInt64-begin {
		return false
	}
	b := make([]byte, maxFromLine+2)
	if k, _ := m.at.ReadAt(b[:1], begin+n-1); k != 1 {
		return false // the file is shorter
	}
	k, _ := m.at.ReadAt(b, begin+n)
	b = b[:k]
	b = b[len(emptyLine(b)):]
	line, _, _ := bytes.Cut(b, []byte("\n"))
	_, ok := postmark(bytes.TrimSuffix(line, []byte("\r")))
	return ok || len(b) == 0
}

// exact gives bytes of the body as they are.
func (c *Member) exact() {
	m := c.m
	b := m.peek(int(min(c.length.left, mboxBuffer)))
	if len(b) == 0 { // the file became shorter
		c.length.left, c.length.ended = 0, true
		return
	}
	c.out = b
	m.discard(len(b))
	c.length.left -= int64(len(b))
	c.length.ended = c.length.left == 0
}
