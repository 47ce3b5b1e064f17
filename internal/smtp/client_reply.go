package smtp

import (
	"errors"
	"strings"
	"unicode"
)

const (
	// maxReplyRead is the longest reply line that is taken; RFC 5321
	// 4.5.3.1.5 has 512 bytes, and some servers write more.
	maxReplyRead = 4096
	// maxReplyLines ends a reply that goes on for ever.
	maxReplyLines = 200
	// maxReplyText is what is kept of the text of a reply.
	maxReplyText = 16 << 10
)

var (
	errReplyForm = errors.New("not a reply of SMTP")
	errReplyLong = errors.New("reply goes on for too long")
)

// readReply reads one reply of one line or several (RFC 5321 4.2.1). Its text
// is made safe to show: what is not printable is "?".
func readReply(in *input) (Reply, error) {
	var r Reply
	var text strings.Builder
	for n := range maxReplyLines {
		line, err := in.line(maxReplyRead)
		if err == errLineTooLong {
			return Reply{}, errReplyLong
		}
		if err != nil {
			return Reply{}, err
		}
		code, rest, more, ok := cutReplyLine(string(line))
		if !ok || n > 0 && code != r.Code {
			return Reply{}, errReplyForm
		}
		r.Code = code
		if n == 0 {
			r.Status = statusOf(code, rest)
		}
		appendText(&text, n, withoutStatus(rest, r.Status))
		if !more {
			r.Text = text.String()
			return r, nil
		}
	}
	return Reply{}, errReplyLong
}

// cutReplyLine takes "250-text", "250 text" or "250" apart. The first digit is
// 2 to 5 (RFC 5321 4.2.1).
func cutReplyLine(line string) (code int, text string, more, ok bool) {
	if len(line) < 3 || line[0] < '2' || line[0] > '5' || !isDigit(line[1]) || !isDigit(line[2]) {
		return 0, "", false, false
	}
	code = int(line[0]-'0')*100 + int(line[1]-'0')*10 + int(line[2]-'0')
	if len(line) == 3 {
		return code, "", false, true
	}
	more = line[3] == '-'
	return code, line[4:], more, more || line[3] == ' '
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// statusOf finds the enhanced status code at the beginning of the text, which
// has the class of the reply (RFC 2034 4, RFC 3463 2); empty when there is none.
func statusOf(code int, text string) string {
	status, _, _ := strings.Cut(text, " ")
	fields := strings.Split(status, ".")
	if len(fields) != 3 || fields[0] != string(rune('0'+code/100)) {
		return ""
	}
	for _, f := range fields[1:] {
		if len(f) < 1 || len(f) > 3 || strings.Trim(f, "0123456789") != "" {
			return ""
		}
	}
	return status
}

// withoutStatus strips the status, which stands on each line (RFC 2034 4).
func withoutStatus(text, status string) string {
	rest, found := strings.CutPrefix(text, status)
	if status == "" || !found || rest != "" && rest[0] != ' ' {
		return text
	}
	return strings.TrimPrefix(rest, " ")
}

func appendText(b *strings.Builder, n int, line string) {
	if n > 0 && b.Len() < maxReplyText {
		b.WriteByte('\n')
	}
	for _, c := range line {
		if b.Len() >= maxReplyText {
			return
		}
		b.WriteRune(shown(c))
	}
}

// shown keeps letters of all scripts (RFC 6531 3.5); broken UTF-8 comes as
// U+FFFD.
func shown(c rune) rune {
	switch {
	case c == '\t':
		return ' '
	case !unicode.IsPrint(c), c == unicode.ReplacementChar:
		return '?'
	}
	return c
}
