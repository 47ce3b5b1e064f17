package export

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
	"strings"

	"mailarchive/internal/mail"
)

// deliveredField is the field by which the system that this archive follows
// told whom a message was delivered to.
const deliveredField = "X-Clear-Delivered-To: "

// maxDeliveredLine is the longest line that goes in front of a message, in
// bytes without its end (RFC 5322 2.1.1).
const maxDeliveredLine = 998

// recipients returns the distinct envelope recipients of a message, those of
// its arrivals if they are known.
func recipients(m *Message) []mail.Address {
	if len(m.History) == 0 {
		return m.DeliveredTo
	}
	var all []mail.Address
	seen := map[mail.Address]bool{}
	for _, a := range m.History {
		for _, to := range a.Envelope.To {
			if !seen[to.Address] {
				seen[to.Address] = true
				all = append(all, to.Address)
			}
		}
	}
	return all
}

// addFront puts a line for each recipient before the message and takes the
// digest of the whole.
func (s *staged) addFront(to []mail.Address) error {
	s.front = deliveredLines(to, lineEnd(s.stage.small.Bytes()))
	if len(s.front) == 0 {
		return nil
	}
	h := sha256.New()
	if _, err := io.Copy(h, s.reader()); err != nil {
		return fmt.Errorf("stage: %w", err)
	}
	s.written = mail.Digest(h.Sum(nil))
	if s.size == 0 {
		s.ending = '\n'
	}
	return nil
}

// deliveredLines leaves out what cannot stand in a line of a header; the
// manifest has every recipient.
func deliveredLines(to []mail.Address, end string) []byte {
	var b bytes.Buffer
	for _, address := range to {
		line := deliveredField + string(address)
		isControl := func(c rune) bool { return c < ' ' || c == 0x7f }
		if address == "" || len(line) > maxDeliveredLine || slices.ContainsFunc([]rune(line), isControl) {
			continue
		}
		b.WriteString(strings.TrimRight(line, " "))
		b.WriteString(end)
	}
	return b.Bytes()
}

// lineEnd returns how the first line of a message ends: CRLF (RFC 5322 2.1)
// unless it is a bare LF.
func lineEnd(head []byte) string {
	i := bytes.IndexByte(head, '\n')
	if i == 0 || i > 0 && head[i-1] != '\r' {
		return "\n"
	}
	return "\r\n"
}
