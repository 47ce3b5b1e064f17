package extract

import (
	"bytes"
	"encoding/base64"
	"io"
	"strings"
)

// transfer undoes a Content-Transfer-Encoding (RFC 2045 6) piece by piece.
// decode appends to dst what a piece of line stands for. end is the line end
// of the piece, empty inside of a long line; soft reports that the line end
// is part of the encoding and not of the content.
// finish appends what was waiting for more.
type transfer interface {
	decode(dst, content, end []byte) (out []byte, soft bool)
	finish(dst []byte) []byte
}

// transferFor returns the decoder of a Content-Transfer-Encoding, nil for
// 7bit, 8bit, binary and whatever is unknown: that is read as it stands.
// footer says that lines which are no base64 are text, see [base64Lines].
func transferFor(name string, footer bool) transfer {
	name, _, _ = strings.Cut(strings.ToLower(strings.Trim(name, " \t\"'")), " ")
	switch strings.Trim(name, ";\"") {
	case "base64":
		return &base64Lines{footer: footer}
	case "quoted-printable", "quotedprintable", "qp":
		return &quotedPrintable{}
	case "x-uuencode", "uuencode", "x-uue", "uue":
		return &uuLines{}
	}
	return nil
}

// body streams the decoded content of a leaf. The line end before a boundary
// belongs to the boundary (RFC 2046 5.1.1) and is held back.
type body struct {
	s    *source
	t    transfer
	out  []byte // decoded, not yet read
	held []byte // a line end that is content only if more follows
	done bool
	eol  [2]byte
	buf  []byte
}

func (b *body) reset(s *source, t transfer) {
	*b = body{s: s, t: t, buf: b.buf[:0]}
}

// Read fills p with as many lines as there is room for.
func (b *body) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if len(b.out) == 0 && !b.more() {
			break
		}
		m := copy(p[n:], b.out)
		b.out = b.out[m:]
		n += m
	}
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// more decodes the next piece into out and reports false at the end. A piece
// may stand for nothing.
func (b *body) more() bool {
	if b.done {
		return false
	}
	if piece, _, ok := b.s.line(); ok {
		b.fill(piece)
	} else {
		b.flush()
	}
	return true
}

// fill decodes one piece into out, behind the line end held back before it.
func (b *body) fill(piece []byte) {
	content, end := splitEnd(piece)
	b.buf = append(b.buf[:0], b.held...)
	soft := false
	if b.t == nil {
		b.buf = append(b.buf, content...)
	} else {
		b.buf, soft = b.t.decode(b.buf, content, end)
	}
	b.held = nil
	if !soft {
		b.held = b.eol[:copy(b.eol[:], end)]
	}
	b.out = b.buf
}

// flush ends the body. At the end of the message, where no boundary follows,
// the last line end is content.
func (b *body) flush() {
	b.done = true
	b.buf = b.buf[:0]
	if b.s.hit < 0 {
		b.buf = append(b.buf, b.held...)
	}
	if b.t != nil {
		b.buf = b.t.finish(b.buf)
	}
	b.out = b.buf
}

// quotedPrintable decodes RFC 2045 6.7. An "=" that is not followed by two
// hexadecimal digits stands for itself.
type quotedPrintable struct {
	tail []byte // an escape cut by the end of a piece
	join []byte
}

func (q *quotedPrintable) decode(dst, content, end []byte) ([]byte, bool) {
	if len(q.tail) > 0 {
		q.join = append(append(q.join[:0], q.tail...), content...)
		content, q.tail = q.join, q.tail[:0]
	}
	soft := false
	if len(end) > 0 {
		content = bytes.TrimRight(content, " \t\r") // RFC 2045 6.7 (3): added in transport
		if n := len(content); n > 0 && content[n-1] == '=' {
			content, soft = content[:n-1], true
		}
	} else if i := bytes.LastIndexByte(content, '='); i >= 0 && i > len(content)-3 {
		q.tail = append(q.tail[:0], content[i:]...)
		content = content[:i]
	}
	for {
		i := bytes.IndexByte(content, '=')
		if i < 0 {
			return append(dst, content...), soft
		}
		dst = append(dst, content[:i]...)
		if i+2 < len(content) && isHex(content[i+1]) && isHex(content[i+2]) {
			dst = append(dst, unhex(content[i+1])<<4|unhex(content[i+2]))
			content = content[i+3:]
			continue
		}
		dst = append(dst, '=')
		content = content[i+1:]
	}
}

func (q *quotedPrintable) finish(dst []byte) []byte { return append(dst, q.tail...) }

// base64Lines decodes RFC 2045 6.8. Characters outside of the alphabet are
// passed over, unless footer is set: then a line with such characters, and
// short lines behind the padding, are the plain text that mailing lists put
// below an encoded body, and stay as they are.
type base64Lines struct {
	footer bool
	padded bool
	text   bool    // the current line is plain text
	middle bool    // the next piece goes on in the same line
	digits [4]byte // not yet a whole group
	n      int
}

func (d *base64Lines) decode(dst, content, end []byte) ([]byte, bool) {
	if d.footer && !d.middle {
		d.text = d.isText(content)
	}
	d.middle = len(end) == 0
	if d.text {
		return append(dst, content...), false
	}
	content = bytes.TrimSpace(content)
	if d.n == 0 && len(content)%4 == 0 {
		size := len(dst)
		dst = append(dst, make([]byte, base64.StdEncoding.DecodedLen(len(content)))...)
		n, err := base64.StdEncoding.Decode(dst[size:], content)
		if err == nil {
			d.padded = d.padded || bytes.HasSuffix(content, []byte("="))
			return dst[:size+n], true
		}
		dst = dst[:size]
	}
	for _, c := range content {
		dst = d.digit(dst, c)
	}
	return dst, true
}

func (d *base64Lines) isText(line []byte) bool {
	line = bytes.TrimSpace(line)
	for _, c := range line {
		if base64Value(c) >= 64 && c != '=' {
			return true
		}
	}
	return d.padded && len(line) > 0 && len(line) < 60
}

// digit takes one character; four digits make three bytes. Padding ends a
// group early.
func (d *base64Lines) digit(dst []byte, c byte) []byte {
	v := base64Value(c)
	if v < 64 {
		d.digits[d.n] = v
		d.n++
	} else if c != '=' {
		return dst
	}
	if d.n == 4 || c == '=' {
		d.padded = d.padded || c == '='
		dst = d.group(dst)
	}
	return dst
}

func (d *base64Lines) group(dst []byte) []byte {
	g := d.digits
	switch d.n {
	case 4:
		dst = append(dst, g[0]<<2|g[1]>>4, g[1]<<4|g[2]>>2, g[2]<<6|g[3])
	case 3:
		dst = append(dst, g[0]<<2|g[1]>>4, g[1]<<4|g[2]>>2)
	case 2:
		dst = append(dst, g[0]<<2|g[1]>>4)
	}
	d.n = 0
	return dst
}

func (d *base64Lines) finish(dst []byte) []byte { return d.group(dst) }

// uuLines decodes the lines between "begin" and "end" of a uuencoded part.
type uuLines struct{ begun, ended bool }

func (u *uuLines) decode(dst, content, _ []byte) ([]byte, bool) {
	switch {
	case u.ended || len(content) == 0:
	case !u.begun:
		u.begun = bytes.HasPrefix(content, []byte("begin "))
	case string(content) == "end":
		u.ended = true
	default:
		dst = uuLine(dst, content)
	}
	return dst, true
}

func (u *uuLines) finish(dst []byte) []byte { return dst }

// uuLine decodes one line: the first character is the number of bytes.
func uuLine(dst, line []byte) []byte {
	n := int(line[0]-' ') & 63
	for i := 1; n > 0 && i < len(line); i += 4 {
		var g [4]byte
		for j := range g {
			if i+j < len(line) {
				g[j] = (line[i+j] - ' ') & 63
			}
		}
		group := [3]byte{g[0]<<2 | g[1]>>4, g[1]<<4 | g[2]>>2, g[2]<<6 | g[3]}
		dst = append(dst, group[:min(n, 3)]...)
		n -= min(n, 3)
	}
	return dst
}
