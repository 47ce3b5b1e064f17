package redeliver

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"mailarchive/internal/mail"
)

// idMark stands in the identifiers of all mail that we send.
const idMark = ".redelivery@"

// messageID is our own identifier of one redelivery, without brackets. It is
// the same for all attempts.
func messageID(id EntryID, host string) string { return id.String() + idMark + host }

// isOurs reports whether a Message-ID or Resent-Message-ID is one of ours.
func isOurs(value, host string) bool {
	rest, found := strings.CutSuffix(strings.ToLower(strings.Trim(value, "<> \t")), idMark+strings.ToLower(host))
	return found && len(rest) == mail.IDLength
}

// dateForm is RFC 5322 3.3.
const dateForm = "Mon, 02 Jan 2006 15:04:05 -0700"

// maxNamed is the number of recipients that are named to each other.
const maxNamed = 100

// letter is what stands in the fields that we write.
type letter struct {
	id   string // without brackets
	date time.Time
	from mail.Address
	to   []mail.Address // those to be named
}

// resentBlock is RFC 5322 3.6.6: all fields of one resending together, in front
// of the message.
func (l letter) resentBlock() []byte { return l.fields("Resent-") }

func (l letter) fields(prefix string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%sDate: %s\r\n", prefix, l.date.UTC().Format(dateForm))
	fmt.Fprintf(&b, "%sFrom: <%s>\r\n", prefix, l.from)
	fmt.Fprintf(&b, "%sTo: %s\r\n", prefix, l.addresses())
	fmt.Fprintf(&b, "%sMessage-ID: <%s>\r\n", prefix, l.id)
	return b.Bytes()
}

// addresses writes a list, a line for each (RFC 5322 3.4), or the empty group
// that stands for recipients who are not named.
func (l letter) addresses() string {
	var named []string
	for _, a := range l.to {
		if isPlain(a) {
			named = append(named, string(a))
		}
	}
	if len(named) == 0 || len(named) > maxNamed {
		return "undisclosed-recipients:;"
	}
	return strings.Join(named, ",\r\n ")
}

// isPlain reports whether an address can stand in a header as it is: a
// dot-atom on both sides (RFC 5322 3.4.1). The others are not named.
func isPlain(a mail.Address) bool {
	local, domain := a.Split()
	return isDotAtom(local) && isDotAtom(domain) && len(a) <= 254
}

func isDotAtom(s string) bool {
	if s == "" || s[0] == '.' || s[len(s)-1] == '.' || strings.Contains(s, "..") {
		return false
	}
	for _, c := range []byte(s) {
		if c <= ' ' || c > '~' || strings.IndexByte(`()<>[]:;@\,"`, c) >= 0 {
			return false
		}
	}
	return true
}
