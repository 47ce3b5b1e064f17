package smtp

import (
	"errors"
	"strconv"
	"strings"
)

// maxReplyLine is the longest reply line, CRLF included (RFC 5321 4.5.3.1.5).
const maxReplyLine = 512

// Reply is one answer of a server (RFC 5321 4.2). It is an error too, so that
// a session can wrap it: the peer gets the reply, the log the whole chain.
type Reply struct {
	// Code has three digits.
	Code int
	// Status is the enhanced status code, as "5.3.4" (RFC 3463); empty for
	// none.
	Status string
	// Text is what people read, one line or several parted by "\n". Bytes
	// that are not printable ASCII are sent as "?".
	Text string
}

// Error writes the reply on one line.
func (r Reply) Error() string {
	line := strconv.Itoa(r.Code)
	if r.Status != "" {
		line += " " + r.Status
	}
	return line + " " + strings.ReplaceAll(r.Text, "\n", " / ")
}

// Positive reports whether the reply says yes (RFC 5321 4.2.1: 2yz).
func (r Reply) Positive() bool { return r.Code/100 == 2 }

// ReplyTo finds the Reply in a chain of errors. Any other error is a
// temporary failure: in doubt the sender keeps the mail.
func ReplyTo(err error) Reply {
	if r, ok := errors.AsType[Reply](err); ok {
		return r
	}
	return Reply{451, "4.3.0", "Something went wrong here, try again later"}
}

// appendTo writes the lines of the reply behind dst: a hyphen behind the code
// on all but the last (RFC 5321 4.2.1), the status on each (RFC 2034 4).
func (r Reply) appendTo(dst []byte) []byte {
	text := r.Text
	for {
		line, rest, more := strings.Cut(text, "\n")
		separator := byte(' ')
		if more {
			separator = '-'
		}
		dst = r.appendLine(dst, separator, line)
		if !more {
			return dst
		}
		text = rest
	}
}

func (r Reply) appendLine(dst []byte, separator byte, text string) []byte {
	start := len(dst)
	dst = strconv.AppendInt(dst, int64(r.Code), 10)
	dst = append(dst, separator)
	if r.Status != "" {
		dst = append(dst, r.Status...)
		dst = append(dst, ' ')
	}
	room := maxReplyLine - len("\r\n") - (len(dst) - start)
	for i := 0; i < len(text) && i < room; i++ {
		dst = append(dst, printable(text[i]))
	}
	return append(dst, '\r', '\n')
}

func printable(c byte) byte {
	if c < ' ' || c > '~' {
		return '?'
	}
	return c
}
