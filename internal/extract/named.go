package extract

import (
	"bytes"
	"slices"
	"strings"
)

// maxHeaderValue is how much of a field in Message.Headers is kept, in bytes.
const maxHeaderValue = 1000

// maxHeaderName is the longest name of a field that is kept by it, in bytes.
const maxHeaderName = 64

// nameOf returns the name under which a field is kept in Message.Headers, ""
// for one that is not: what has a place of its own in Message, what describes
// the MIME structure, and signatures and traces that nobody reads.
func nameOf(k kind, name []byte) string {
	switch k {
	case other, kindTextual, kindReplyTo:
	default:
		return ""
	}
	if len(name) > maxHeaderName {
		return ""
	}
	var lower [maxHeaderName]byte
	n := appendLower(lower[:0], name)
	if isUnread(n) {
		return ""
	}
	return string(n)
}

// Keep is what Message.Headers has of a field.
type Keep int

const (
	KeepNothing  Keep = iota
	KeepPresence      // the name, without a value
	KeepValue
)

// Kept says what Message.Headers has of fields of that name, case aside.
func Kept(name string) Keep {
	k, _ := kindOf([]byte(name))
	switch lower := nameOf(k, []byte(name)); {
	case lower == "":
		return KeepNothing
	case slices.Contains(present, lower):
		return KeepPresence
	}
	return KeepValue
}

// present are the fields that people ask for only to know whether they are
// there: their values are addresses of machines, most of them in one message
// only. It is never changed.
var present = []string{
	"errors-to", "list-archive", "list-help", "list-owner", "list-post", "list-subscribe", "list-unsubscribe", "list-unsubscribe-post",
}

// isUnread knows the fields that only programs read, by their names in lower
// case.
func isUnread(name []byte) bool {
	for _, u := range unread {
		if rest, begins := bytes.CutPrefix(name, []byte(u)); begins && (len(rest) == 0 || u[len(u)-1] == '-' || u[len(u)-1] == '_') {
			return true
		}
	}
	return false
}

// unread are names of such fields; one with a - or _ at its end is the beginning
// of many. It is never changed.
var unread = []string{
	"arc-", "archived-at", "authentication-results", "authentication-results-original", "autocrypt", "autocrypt-", "content-",
	"dkim-", "domainkey-", "face", "ironport-",
	"mime-version", "msip_", "original-recipient", "received-spf", "status", "thread-index", "x-amp-", "x-archive-",
	"x-brightmail-", "x-clientproxiedby", "x-developer-", "x-ecartis-version", "x-exchange-", "x-face",
	"x-forefront-", "x-gm-", "x-google-", "x-ibm-", "x-ironport-", "x-mailman-", "x-me-", "x-microsoft-", "x-mimeole",
	"x-mozilla-", "x-ms-", "x-orcpt", "x-originalarrivaltime", "x-originatororg", "x-proofpoint-", "x-received",
	"x-spam-checker-", "x-spam-report", "x-spamd-", "x-status", "x-uid", "x-uidl", "x-virus-", "xref",
}

// named adds a field to Message.Headers.
func (f *fieldReader) named(m *Message, field field) {
	if field.name == "" || len(m.Headers) >= MaxHeaders {
		return
	}
	h := Header{Name: field.name}
	if !slices.Contains(present, field.name) {
		h.Value = strings.TrimSpace(shorten(decodeWords(field.value, f.charset), maxHeaderValue))
	}
	if !slices.Contains(m.Headers, h) {
		m.Headers = append(m.Headers, h)
	}
}
