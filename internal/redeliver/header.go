package redeliver

import (
	"bytes"
	"slices"
	"strings"
)

// field is one header field with its folded lines and their ends, exactly.
type field struct {
	name string // in lower case
	raw  []byte
}

func (f field) value() string {
	_, value, _ := bytes.Cut(f.raw, []byte(":"))
	return strings.TrimSpace(string(value))
}

// mailFields are those of which a header of mail has at least one. Anything
// else that looks like a header is taken for text.
var mailFields = []string{"from", "date", "to", "cc", "subject", "message-id", "received", "sender", "mime-version"}

// readHeader takes the header apart if it is one that mail servers pass on as
// it is: it begins with a field, and every line up to the empty line, or to the end
// of a message without a body, belongs to one.
func (s *scan) readHeader() {
	end := int64(len(s.header))
	bodiless := s.inHeader && s.Size == end && !s.Unended
	if s.inHeader && !bodiless || end >= maxHeader {
		return
	}
	fields, ok := cutFields(s.header)
	isMail := slices.ContainsFunc(fields, func(f field) bool { return slices.Contains(mailFields, f.name) })
	s.fields = fields
	if ok && isMail {
		s.HeaderSize = end
	}
}

// cutFields reads fields up to the empty line or the end (RFC 5322 2.2); ok is
// false when a line is none.
func cutFields(header []byte) (fields []field, ok bool) {
	start, at := 0, 0 // of the field, of the line
	for line := range bytes.Lines(header) {
		switch folded := line[0] == ' ' || line[0] == '\t'; {
		case len(bytes.TrimRight(line, "\r\n")) == 0:
			return fields, len(fields) > 0
		case folded && len(fields) == 0:
			return nil, false
		case folded:
			fields[len(fields)-1].raw = header[start : at+len(line)]
		default:
			name, found := fieldName(line)
			if !found {
				return fields, false
			}
			start = at
			fields = append(fields, field{name, line})
		}
		at += len(line)
	}
	return fields, len(fields) > 0
}

// fieldName takes the name off a line, white space before the colon allowed
// (RFC 5322 4.5), in lower case.
func fieldName(line []byte) (name string, ok bool) {
	before, _, found := bytes.Cut(line, []byte(":"))
	before = bytes.TrimRight(before, " \t")
	return strings.ToLower(string(before)), found && isFieldName(before)
}

// isFieldName follows RFC 5322 2.2: printable ASCII without the colon.
func isFieldName(name []byte) bool {
	for _, c := range name {
		if c < 33 || c > 126 {
			return false
		}
	}
	return len(name) > 0
}

// hidden reports whether a field may not be shown to recipients (RFC 5322
// 3.6.3).
func hidden(f field) bool { return f.name == "bcc" || f.name == "resent-bcc" }

// Blind reports whether the header names recipients that the others must not
// see.
func (f *Facts) Blind() bool {
	return slices.ContainsFunc(f.fields, func(f field) bool { return hidden(f) && f.value() != "" })
}

// withoutHidden returns the header, its hidden fields left out.
func (f *Facts) withoutHidden() []byte {
	header := f.header[:f.HeaderSize]
	if !slices.ContainsFunc(f.fields, hidden) {
		return header
	}
	var kept []byte
	for _, field := range f.fields {
		if !hidden(field) {
			kept = append(kept, field.raw...)
		}
		header = header[len(field.raw):]
	}
	return append(kept, header...) // the empty line, if there is one
}

const (
	// maxReceived is the number of hops at which servers take mail for
	// looping: Postfix at 50. RFC 5321 6.3 says not below 100, but what the
	// relay refuses need not be sent.
	maxReceived = 50
	// maxResent is how often mail is sent again by people.
	maxResent = 10
)

// Loop says why the message must not be sent again; empty when it may. Host is
// the name in our identifiers.
func (f *Facts) Loop(host string) string {
	received, resent := 0, 0
	for _, field := range f.fields {
		switch field.name {
		case "received":
			received++
		case "resent-message-id", "message-id":
			if isOurs(field.value(), host) {
				return "it is a copy that was redelivered from here"
			}
		case "resent-date":
			resent++
		}
	}
	switch {
	case received >= maxReceived:
		return "it went through too many servers already, which is how a mail loop looks"
	case resent >= maxResent:
		return "it was sent again too often already, which is how a mail loop looks"
	}
	return ""
}
