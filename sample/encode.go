package sample

import (
	"encoding/base64"
	"fmt"
	"mime/quotedprintable"
	"strings"

	"golang.org/x/text/encoding/ianaindex"
)

func ascii(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// recode turns UTF-8 into the bytes of a charset; an error says that the text
// has a character that the charset lacks.
func recode(charset, text string) (string, error) {
	switch charset {
	case "utf-8":
		return text, nil
	case "us-ascii":
		if !ascii(text) {
			return "", fmt.Errorf("not ASCII: %.60q", text)
		}
		return text, nil
	}
	enc, err := ianaindex.MIME.Encoding(charset)
	if err != nil {
		return "", fmt.Errorf("charset %s: %w", charset, err)
	}
	out, err := enc.NewEncoder().String(text)
	if err != nil {
		return "", fmt.Errorf("charset %s: %w", charset, err)
	}
	return out, nil
}

// crlf ends every line by CRLF (RFC 5322 2.3).
func crlf(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

// transfer encodes bytes with CRLF line ends (RFC 2045 6).
func transfer(encoding, data string) (string, error) {
	switch encoding {
	case "qp":
		var b strings.Builder
		w := quotedprintable.NewWriter(&b)
		if _, err := w.Write([]byte(data)); err != nil {
			return "", err
		}
		err := w.Close()
		return b.String(), err
	case "base64":
		return base64Lines(data), nil
	case "7bit":
		if !ascii(data) {
			return "", fmt.Errorf("7bit with 8-bit bytes")
		}
		return data, nil
	case "8bit":
		return data, nil
	}
	return "", fmt.Errorf("no such transfer encoding: %q", encoding)
}

func base64Lines(data string) string {
	const width = 76 // RFC 2045 6.8
	text := base64.StdEncoding.EncodeToString([]byte(data))
	var b strings.Builder
	for len(text) > width {
		b.WriteString(text[:width] + "\r\n")
		text = text[width:]
	}
	b.WriteString(text + "\r\n")
	return b.String()
}

// transferName is the encoding's name in Content-Transfer-Encoding.
func transferName(encoding string) string {
	if encoding == "qp" {
		return "quoted-printable"
	}
	return encoding
}

// encodedWords writes text as encoded-words (RFC 2047 2), each at most 64
// bytes and decodable on its own, joined by folding.
func encodedWords(charset, text string, letter byte) (string, error) {
	const limit = 64
	var list []string
	chunk, word := "", ""
	for _, r := range text {
		longer, err := encodedWord(charset, chunk+string(r), letter)
		if err != nil {
			return "", err
		}
		if len(longer) > limit {
			list = append(list, word)
			chunk = ""
			if longer, err = encodedWord(charset, string(r), letter); err != nil {
				return "", err
			}
		}
		chunk, word = chunk+string(r), longer
	}
	return strings.Join(append(list, word), "\r\n "), nil
}

func encodedWord(charset, text string, letter byte) (string, error) {
	raw, err := recode(charset, text)
	if err != nil {
		return "", err
	}
	coded := base64.StdEncoding.EncodeToString([]byte(raw))
	if letter == 'Q' {
		coded = qWord(raw)
	}
	return fmt.Sprintf("=?%s?%c?%s?=", charset, letter, coded), nil
}

// qWord is the Q encoding with the characters allowed in a phrase
// (RFC 2047 5 (3)).
func qWord(raw string) string {
	var b strings.Builder
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		switch {
		case c == ' ':
			b.WriteByte('_')
		case c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "=%02X", c)
		}
	}
	return b.String()
}

// percent is the extended value of a MIME parameter (RFC 2231 4).
func percent(text string) string {
	var b strings.Builder
	b.WriteString("UTF-8''")
	for _, c := range []byte(text) {
		if c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '.' || c == '-' || c == '_' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
