package extract

import "bytes"

// kind is a header field that extraction looks at.
type kind uint8

const (
	other kind = iota // kept by its name only, if it is worth that
	kindFrom
	kindSender
	kindReplyTo
	kindTo
	kindCc
	kindBcc
	kindSubject
	kindDate
	kindMessageID
	kindInReplyTo
	kindReferences
	kindReceived
	kindType
	kindEncoding
	kindDisposition
	kindDescription
	kindContentID
	kindTextual // free text or addresses that are searched as text
)

// kinds lists the fields by lower-case name. It is never changed.
var kinds = map[string]kind{
	"from": kindFrom, "sender": kindSender, "reply-to": kindReplyTo,
	"to": kindTo, "cc": kindCc, "bcc": kindBcc, "apparently-to": kindTo,
	"subject": kindSubject, "date": kindDate, "message-id": kindMessageID,
	"in-reply-to": kindInReplyTo, "references": kindReferences,
	"received":     kindReceived,
	"content-type": kindType, "content-transfer-encoding": kindEncoding,
	"content-disposition": kindDisposition, "content-description": kindDescription, "content-id": kindContentID,

	"resent-from": kindTextual, "resent-sender": kindTextual, "resent-to": kindTextual,
	"resent-cc": kindTextual, "resent-bcc": kindTextual,
	"comments": kindTextual, "keywords": kindTextual, "organization": kindTextual,
	"thread-topic": kindTextual, "list-id": kindTextual,

	"mime-version": other, "return-path": other, "delivered-to": other, "x-mailer": other,
	"user-agent": other, "status": other, "content-language": other,
	"content-location": other, "dkim-signature": other, "x-received": other,
	"reporting-mta": other, "final-recipient": other, "list-unsubscribe": other,
}

// field is one header field: its value unfolded (RFC 5322 2.2.3), otherwise
// the bytes that came.
type field struct {
	kind  kind
	name  string // in lower case; empty when nobody asks for it by name
	value []byte
}

// header is the header block of a message or part.
type header struct {
	fields []field
	raw    []byte // the whole block as long as no known field was seen, for text without header
	junk   []byte // lines in the block that are no fields
	known  bool   // a field of the list above is there
	cut    bool   // fields were left out, the block was too large
	size   int
}

// first returns the value of the first field of that kind, nil when there is
// none.
func (h *header) first(k kind) []byte {
	for _, f := range h.fields {
		if f.kind == k {
			return f.value
		}
	}
	return nil
}

// headerReader reads a header block tolerantly:
//
//   - a line that is no field, between fields, is kept as junk and passed over;
//   - fields behind such a line may be the body's: they are kept as junk too;
//   - two of them, or one that begins like a boundary, begin the body, and so
//     does the first line of a message when it is no field;
//   - white space between field name and colon is allowed (RFC 5322 4.5.8).
type headerReader struct {
	header
	limit   int
	current int    // index of the field that continuation lines belong to, -1 for none kept
	pending []byte // a line of which it is not yet known whether it is junk
	any     bool   // a field was seen
	doubt   bool   // the body may have begun: the lines are kept as junk too
}

// readHeader takes the header block from the source, the empty line behind it
// included.
func readHeader(s *source, limit int) header {
	h := headerReader{limit: limit, current: -1}
	for {
		piece, begins, ok := s.line()
		if !ok {
			break
		}
		if !begins {
			h.continued(piece)
			continue
		}
		content, _ := splitEnd(piece)
		content = bytes.TrimRight(content, "\r")
		if len(content) == 0 {
			break
		}
		if h.take(content) {
			continue
		}
		if h.body(piece) {
			s.push(append(h.pending, piece...))
			h.pending = nil
			break
		}
	}
	h.junk = append(h.junk, h.pending...)
	return h.header
}

// take handles a line that belongs to the header and reports whether it did.
func (h *headerReader) take(line []byte) bool {
	if line[0] == ' ' || line[0] == '\t' {
		// An empty-looking line may be part of the folding (RFC 5322 4.2).
		if h.any && len(bytes.TrimSpace(h.pending)) == 0 && len(bytes.TrimSpace(line)) > 0 {
			h.pending = h.pending[:0]
			h.continued(line)
			return true
		}
		return false
	}
	name, value, ok := splitField(line)
	if !ok {
		return false
	}
	if len(bytes.TrimSpace(h.pending)) > 0 && !isEnvelopeLine(h.pending) {
		h.doubt = true
	}
	h.junk, h.pending = append(h.junk, h.pending...), h.pending[:0]
	h.any = true
	h.doubtful(line)
	h.add(name, value)
	return true
}

// doubtful keeps a line that some readers take for a part of the body.
func (h *headerReader) doubtful(line []byte) {
	if h.doubt && len(h.junk)+len(line) < h.limit {
		h.junk = append(append(h.junk, line...), '\n')
	}
}

// body reports whether a line that is no field begins the body; if not, the
// line is kept until the next one tells.
func (h *headerReader) body(piece []byte) bool {
	if !h.any || len(h.pending) > 0 || bytes.HasPrefix(piece, []byte("--")) {
		return true
	}
	h.pending = append(h.pending, piece...)
	return false
}

func (h *headerReader) add(name, value []byte) {
	h.current = -1
	k, known := kindOf(name)
	h.known = h.known || known
	if !h.known {
		h.keepRaw(name, []byte(":"), value)
	}
	named := nameOf(k, name)
	if k == other && named == "" || !h.room(len(value)) {
		return
	}
	h.fields = append(h.fields, field{k, named, append(make([]byte, 0, len(value)+16), value...)})
	h.current = len(h.fields) - 1
}

func kindOf(name []byte) (k kind, known bool) {
	var lower [32]byte
	if len(name) <= len(lower) {
		k, known = kinds[string(appendLower(lower[:0], name))]
	}
	return k, known
}

func isKnown(name []byte) bool {
	_, known := kindOf(name)
	return known
}

func (h *headerReader) continued(piece []byte) {
	content, _ := splitEnd(piece)
	h.doubtful(content)
	if !h.known {
		h.keepRaw(content)
	}
	if h.current < 0 || !h.room(len(content)) {
		return
	}
	f := &h.fields[h.current]
	f.value = append(f.value, content...)
}

func (h *headerReader) keepRaw(pieces ...[]byte) {
	for _, p := range pieces {
		if len(h.raw) < h.limit {
			h.raw = append(h.raw, p...)
		}
	}
	h.raw = append(h.raw, '\n')
}

func (h *headerReader) room(n int) bool {
	if h.size += n + 32; h.size <= h.limit { // 32: what an empty field costs us
		return true
	}
	h.cut = true
	return false
}

// splitField splits a line into field name and value (RFC 5322 2.2): the name
// is printable ASCII without colon.
func splitField(line []byte) (name, value []byte, ok bool) {
	colon := bytes.IndexByte(line, ':')
	if colon <= 0 {
		return nil, nil, false
	}
	name = bytes.TrimRight(line[:colon], " \t")
	for _, c := range name {
		if c <= ' ' || c >= 0x7f {
			return nil, nil, false
		}
	}
	return name, line[colon+1:], len(name) > 0
}

func appendLower(dst, b []byte) []byte {
	for _, c := range b {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}
