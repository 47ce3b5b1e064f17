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
	for _, prefix := range unread {
		if bytes.HasPrefix(n, []byte(prefix)) {
			return ""
		}
	}
	return string(n)
}

// unread are the beginnings of the names of fields that only programs read. It
// is never changed.
var unread = []string{
	"arc-", "archived-at", "authentication-results", "autocrypt", "content-", "dkim-", "domainkey-", "errors-to",
	"face", "ironport-", "list-archive", "list-help", "list-owner", "list-post", "list-subscribe", "list-unsubscribe",
	"mime-version", "msip_", "original-recipient", "received-spf", "status", "thread-index", "x-amp-", "x-archive-",
	"x-brightmail-", "x-clientproxiedby", "x-developer-", "x-ecartis-version", "x-exchange-", "x-face",
	"x-forefront-", "x-gm-", "x-google-", "x-ibm-", "x-ironport-", "x-mailman-", "x-me-", "x-microsoft-", "x-mimeole",
	"x-mozilla-", "x-ms-", "x-orcpt", "x-originalarrivaltime", "x-originatororg", "x-proofpoint-", "x-received",
	"x-spam-checker-", "x-spam-report", "x-spamd-", "x-status", "x-uid", "x-virus-", "xref",
}

// named adds a field to Message.Headers.
func (f *fieldReader) named(m *Message, field field) {
	if field.name == "" || len(m.Headers) >= MaxHeaders {
		return
	}
	value := shorten(decodeWords(field.value, f.charset), maxHeaderValue)
	h := Header{field.name, strings.TrimSpace(value)}
	if !slices.Contains(m.Headers, h) {
		m.Headers = append(m.Headers, h)
	}
}
