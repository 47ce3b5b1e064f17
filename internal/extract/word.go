package extract

import (
	"bytes"
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// encodedWord is one "=?charset?encoding?text?=" of RFC 2047 2.
type encodedWord struct {
	charset string
	bytes   []byte // decoded from B or Q, still in that charset
	length  int    // of the word as it stands
}

// decodeWords turns the value of an unstructured header, a phrase or a
// comment into UTF-8. Bytes outside of encoded-words that are no UTF-8 are in
// charset, or Windows-1252 when that is empty. Control characters become
// spaces; the ends are trimmed.
//
// Tolerated beyond RFC 2047: encoded-words next to or inside other text, with
// spaces inside, longer than 75 characters, with lower-case encodings, cut
// off at the end, and characters split between words of one charset (the
// bytes of such words are joined before they are decoded).
func decodeWords(value []byte, charset string) string {
	var out strings.Builder
	var run encodedWord // words of one charset, joined
	flush := func() {
		if run.length > 0 {
			out.WriteString(labelled(run.bytes, run.charset))
			run = encodedWord{}
		}
	}
	for len(value) > 0 {
		start := bytes.Index(value, []byte("=?"))
		if start < 0 {
			break
		}
		w, ok := parseWord(value[start:])
		if !ok {
			w.length = 2
		}
		// RFC 2047 6.2: white space between encoded-words is not shown.
		if run.length == 0 || !ok || len(bytes.TrimSpace(value[:start])) > 0 {
			flush()
			out.WriteString(raw(value[:start], charset))
		} else if !strings.EqualFold(run.charset, w.charset) {
			flush()
		}
		if !ok {
			out.WriteString("=?")
		} else {
			run = encodedWord{w.charset, append(run.bytes, w.bytes...), 1}
		}
		value = value[start+w.length:]
	}
	flush()
	out.WriteString(raw(value, charset))
	return cleanLine(out.String())
}

// parseWord reads the encoded-word that b begins with.
func parseWord(b []byte) (w encodedWord, ok bool) {
	charset, rest, ok := bytes.Cut(b[2:], []byte("?"))
	if !ok || len(charset) == 0 || len(charset) > 60 || bytes.ContainsAny(charset, " \t\r\n\"<>,;:@=") {
		return w, false
	}
	if len(rest) < 2 || rest[1] != '?' {
		return w, false
	}
	text, end := wordBody(rest[2:])
	w.charset, _, _ = strings.Cut(string(charset), "*") // RFC 2231 5
	w.length = 2 + len(charset) + 1 + 2 + end
	switch rest[0] {
	case 'q', 'Q':
		w.bytes = decodeQ(text)
	case 'b', 'B':
		w.bytes = decodeB(text)
		ok = len(w.bytes) > 0 || len(text) == 0
	default:
		ok = false
	}
	return w, ok
}

// wordBody finds the text of an encoded-word and the length up to behind its
// "?=". A word that is not closed ends at the next white space, or where
// another one begins.
func wordBody(b []byte) (text []byte, end int) {
	opening := bytes.Index(b, []byte("=?"))
	near := b
	if opening >= 0 {
		near = b[:min(len(b), opening+len("=?="))]
	}
	if closing := bytes.Index(near, []byte("?=")); closing >= 0 {
		return b[:closing], closing + 2
	}
	if opening >= 0 {
		return bytes.TrimRight(b[:opening], " \t\r\n"), opening
	}
	if space := bytes.IndexAny(b, " \t\r\n"); space >= 0 {
		return b[:space], space
	}
	return b, len(b)
}

// decodeQ decodes the Q encoding (RFC 2047 4.2).
func decodeQ(text []byte) []byte {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '_':
			c = ' '
		case c == '=' && i+2 < len(text) && isHex(text[i+1]) && isHex(text[i+2]):
			c = unhex(text[i+1])<<4 | unhex(text[i+2])
			i += 2
		}
		out = append(out, c)
	}
	return out
}

// decodeB decodes base64 and passes over whatever is not of its alphabet. It
// returns nil for text that is no base64 at all.
func decodeB(text []byte) []byte {
	digits := make([]byte, 0, len(text))
	strange := 0
	for _, c := range text {
		switch {
		case base64Value(c) < 64:
			digits = append(digits, c)
		case c != '=' && c > ' ':
			strange++
		}
	}
	if strange > len(digits) {
		return nil
	}
	if len(digits)%4 == 1 {
		digits = digits[:len(digits)-1]
	}
	out := make([]byte, base64.RawStdEncoding.DecodedLen(len(digits)))
	n, _ := base64.RawStdEncoding.Decode(out, digits)
	return out[:n]
}

// cleanLine makes s one line of valid UTF-8: control characters, NUL and line
// ends included, become spaces.
func cleanLine(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	control := func(r rune) bool { return r < ' ' || r == 0x7f }
	if strings.IndexFunc(s, control) >= 0 {
		s = strings.Map(func(r rune) rune {
			if control(r) {
				return ' '
			}
			return r
		}, s)
	}
	return strings.TrimSpace(s)
}

// shorten cuts s to at most n bytes of whole characters.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c >= 'a':
		return c - 'a' + 10
	}
	return c - 'A' + 10
}

// base64Value returns the value of a base64 digit (RFC 4648 4), 64 and more
// for anything else.
func base64Value(c byte) byte {
	switch {
	case 'A' <= c && c <= 'Z':
		return c - 'A'
	case 'a' <= c && c <= 'z':
		return c - 'a' + 26
	case '0' <= c && c <= '9':
		return c - '0' + 52
	case c == '+':
		return 62
	case c == '/':
		return 63
	}
	return 0xff
}
