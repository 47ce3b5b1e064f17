package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// unsafe reports whether a character may do something to a terminal or to the
// order of what is read: controls, and the format characters but the joiners
// that Persian, Hindi and emoji are written with (Unicode TR 36, 2.10).
func unsafe(r rune) bool {
	const zeroWidthNonJoiner, zeroWidthJoiner = '\u200c', '\u200d'
	switch r {
	case zeroWidthNonJoiner, zeroWidthJoiner:
		return false
	case '\u2028', '\u2029':
		return true
	default:
		return unicode.Is(unicode.C, r) && !unicode.Is(unicode.Co, r)
	}
}

// safe makes text from mail fit for one line of a terminal: line breaks and
// tabs become spaces, what could command the terminal is spelled out.
func safe(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return escape(s, func(r rune) bool { return r == '\n' || r == '\r' || r == '\t' }, " ")
}

// safeLines is safe for text of several lines.
func safeLines(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = escape(l, func(r rune) bool { return r == '\t' }, "\t")
	}
	return strings.Join(lines, "\n")
}

func escape(s string, replace func(rune) bool, by string) string {
	if utf8.ValidString(s) && strings.IndexFunc(s, unsafe) < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case replace(r):
			b.WriteString(by)
		case unsafe(r):
			writeEscaped(&b, r)
		default:
			b.WriteRune(r)
		}
		i += size
	}
	return b.String()
}

func writeEscaped(b *strings.Builder, r rune) {
	switch {
	case r < 0x80:
		fmt.Fprintf(b, `\x%02x`, r)
	case r < 0x10000:
		fmt.Fprintf(b, `\u%04x`, r)
	default:
		fmt.Fprintf(b, `\U%08x`, r)
	}
}

// jsonLine writes v as one line of JSON that is safe on a terminal too.
func jsonLine(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	if bytes.IndexFunc(b.Bytes()[:b.Len()-1], unsafe) < 0 {
		return b.Bytes(), nil
	}
	// Outside of strings JSON has nothing unsafe, inside all may be escaped.
	var safe strings.Builder
	for _, r := range strings.TrimSuffix(b.String(), "\n") {
		switch {
		case !unsafe(r):
			safe.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&safe, `\u%04x`, r)
		default:
			high, low := utf16Pair(r)
			fmt.Fprintf(&safe, `\u%04x\u%04x`, high, low)
		}
	}
	safe.WriteByte('\n')
	return []byte(safe.String()), nil
}
