package extract

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
)

// params are the parameters of a Content-Type or Content-Disposition field in
// the order they stand, names in lower case.
type params []param

type param struct {
	name  string
	value []byte
}

// parseParams reads "value; name=value; …" (RFC 2045 5.1) tolerantly: quotes
// may be missing or not closed, comments and empty parameters are passed over.
// head is the part before the first semicolon in lower case.
func parseParams(field []byte) (head string, ps params) {
	i := bytes.IndexByte(field, ';')
	if i < 0 {
		i = len(field)
	}
	head = strings.ToLower(strings.TrimSpace(string(stripComments(field[:i]))))
	for rest := field[i:]; len(rest) > 0; {
		rest = bytes.TrimLeft(rest, "; \t\r\n")
		var p param
		if p, rest = nextParam(rest); p.name != "" && len(ps) < maxParams {
			ps = append(ps, p)
		}
	}
	return head, ps
}

// maxParams bounds the parameters of one field; a file name in RFC 2231
// continuations takes one for about 50 bytes.
const maxParams = 200

func nextParam(b []byte) (p param, rest []byte) {
	end := bytes.IndexAny(b, "=;")
	if end < 0 {
		return p, nil
	}
	if b[end] == ';' {
		return p, b[end:]
	}
	p.name = strings.ToLower(strings.TrimSpace(string(stripComments(b[:end]))))
	b = bytes.TrimLeft(b[end+1:], " \t\r\n")
	if len(b) > 0 && b[0] == '"' {
		value, after, closed := quoted(b)
		if closed {
			p.value = value
			return p, after
		}
		b = b[1:]
	}
	end = bytes.IndexByte(b, ';')
	if end < 0 {
		end = len(b)
	}
	p.value = bytes.TrimSpace(b[:end])
	if !bytes.ContainsAny(p.value, "=\"") {
		p.value = bytes.TrimSpace(stripComments(p.value))
	}
	return p, b[end:]
}

// quoted reads the quoted-string that b begins with (RFC 5322 3.2.4). A
// backslash counts only before a quote or another backslash, for the sake of
// file names with Windows paths.
func quoted(b []byte) (value, rest []byte, closed bool) {
	value = []byte{}
	for i := 1; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return value, b[i+1:], true
		case c == '\\' && i+1 < len(b) && (b[i+1] == '"' || b[i+1] == '\\'):
			i++
			value = append(value, b[i])
		default:
			value = append(value, c)
		}
	}
	return value, nil, false
}

// stripComments leaves out comments in parentheses (RFC 5322 3.2.2), when
// they are closed.
func stripComments(b []byte) []byte {
	if bytes.IndexByte(b, '(') < 0 {
		return b
	}
	out, depth, opened := []byte{}, 0, 0
	for i, c := range b {
		switch {
		case c == '(':
			if depth++; depth == 1 {
				opened = i
			}
		case c == ')' && depth > 0:
			depth--
		case depth == 0:
			out = append(out, c)
		}
	}
	if depth > 0 {
		out = append(out, b[opened:]...)
	}
	return out
}

// get returns the bytes of a parameter, nil when there is none.
func (ps params) get(name string) []byte {
	for _, p := range ps {
		if p.name == name {
			return p.value
		}
	}
	return nil
}

// text returns a parameter decoded: as RFC 2231 says when it is in that form,
// else as the RFC 2047 words or raw bytes that mail programs put there.
func (ps params) text(name, charset string) string {
	if value, label, ok := ps.extended(name); ok {
		if label == "" {
			return decodeWords(value, charset)
		}
		return cleanLine(labelled(value, label))
	}
	return decodeWords(ps.get(name), charset)
}

// extended joins the continuations of a parameter and undoes its percent
// signs (RFC 2231 3 and 4). ok is false when the parameter has no such form.
func (ps params) extended(name string) (value []byte, charset string, ok bool) {
	pieces := ps.pieces(name)
	for i, p := range pieces {
		v := p.value
		if p.encoded {
			if i == 0 {
				if label, rest, found := bytes.Cut(v, []byte("'")); found {
					charset = string(label)
					if _, rest, found = bytes.Cut(rest, []byte("'")); found {
						v = rest
					}
				}
			}
			v = percentDecode(v)
		}
		value = append(value, v...)
	}
	return value, charset, len(pieces) > 0
}

type piece struct {
	index   int
	encoded bool
	value   []byte
}

// pieces finds name*, name*0, name*0*, … in the order of their numbers. A
// name* without number stands for the whole and wins.
func (ps params) pieces(name string) []piece {
	var found []piece
	for _, p := range ps {
		rest, ok := strings.CutPrefix(p.name, name+"*")
		if !ok {
			continue
		}
		if rest == "" {
			return []piece{{encoded: true, value: p.value}}
		}
		digits, encoded := strings.CutSuffix(rest, "*")
		if n, err := strconv.Atoi(digits); err == nil && n >= 0 {
			found = append(found, piece{n, encoded, p.value})
		}
	}
	slices.SortStableFunc(found, func(a, b piece) int { return a.index - b.index })
	return found
}

func percentDecode(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] == '%' && i+2 < len(b) && isHex(b[i+1]) && isHex(b[i+2]) {
			out = append(out, unhex(b[i+1])<<4|unhex(b[i+2]))
			i += 2
			continue
		}
		out = append(out, b[i])
	}
	return out
}
