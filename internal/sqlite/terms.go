package sqlite

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"

	"mailarchive/internal/catalog"
	"mailarchive/internal/catalog/token"
	"mailarchive/internal/extract"
	"mailarchive/internal/mail"
)

// Terms of the column address. For each role of an address there are
//
//	=f:alice@mail.example.org   whole, by role (columns.go)
//	=fl:alice                   local part
//	=fd:mail.example.org        domain
//	=fp:example.org             each domain above it
//
// and the same with role a for any role that a search looks into. Besides:
//
//	=m:4ZTK…                    hash of the Message-ID
//	=all                        in every document
const (
	termAll  = "=all"
	termNone = "=none" // in no document
	roleAny  = "a"     // roleFrom to roleEnvelope
)

// text holds the columns of one document's row in the full-text index.
type text struct {
	body, subject, attachment             []byte
	fromNames, toNames, ccNames, bccNames []byte
	address                               []byte
	seen                                  map[string]bool // terms in address
}

// fill makes the columns from a message and the envelopes of its arrivals.
// What the slices held before is overwritten.
func (t *text) fill(m *extract.Message, envelopes []mail.Envelope) {
	t.body = token.AppendText(t.body[:0], m.Text)
	t.subject = token.AppendText(t.subject[:0], m.Subject)
	t.attachment = t.attachment[:0]
	for _, a := range m.Attachments {
		t.attachment = appendName(t.attachment, a.Name)
	}
	t.address, t.seen = t.address[:0], map[string]bool{}
	t.add(termAll)
	if m.MessageID != "" {
		t.add(messageIDTerm(m.MessageID))
	}
	t.fromNames = t.people(t.people(t.fromNames[:0], roleFrom, m.From), roleFrom, m.Sender)
	t.toNames = t.people(t.toNames[:0], roleTo, m.To)
	t.ccNames = t.people(t.ccNames[:0], roleCc, m.Cc)
	t.bccNames = t.people(t.bccNames[:0], roleBcc, m.Bcc)
	for _, e := range envelopes {
		t.envelope(e)
	}
}

func (t *text) people(names []byte, role string, people []extract.Participant) []byte {
	for _, p := range people {
		names = appendName(names, p.Name)
		t.addresses(role, p.Address)
	}
	return names
}

func (t *text) envelope(e mail.Envelope) {
	t.addresses(roleEnvelope, string(e.From))
	for _, r := range e.To {
		t.addresses(roleDelivered, string(r.Address))
	}
	if e.Origin != nil {
		t.addresses(roleOwner, string(e.Origin.Owner))
	}
}

// addresses adds the terms of one address in a role.
func (t *text) addresses(role, address string) {
	if address == "" {
		return
	}
	p := token.Address(address)
	t.parts(role, p)
	if role != roleOwner {
		t.parts(roleAny, p)
	}
}

func (t *text) parts(role string, p token.Parts) {
	if !t.add(addressTerm(role, p.Whole)) {
		return
	}
	t.add(addressTerm(role+"l", p.Local))
	if p.Domain == "" {
		return
	}
	t.add(addressTerm(role+"d", p.Domain))
	for _, parent := range p.Parents {
		t.add(addressTerm(role+"p", parent))
	}
}

// add adds a term once; it reports false when it was there.
func (t *text) add(term string) bool {
	if t.seen[term] {
		return false
	}
	t.seen[term] = true
	t.address = append(append(t.address, term...), ' ')
	return true
}

// appendName adds the words of one name, apart from those before it.
func appendName(names []byte, name string) []byte {
	start := len(names)
	if start > 0 {
		names = append(names, "= "...) // words end with a space
	}
	words := len(names)
	if names = token.AppendText(names, name); len(names) == words {
		return names[:start]
	}
	return names
}

// addressTerm makes a term of a part of an address. Package token leaves no
// byte in it at which FTS5 would end the token.
func addressTerm(role, part string) string { return "=" + role + ":" + part }

// messageIDTerm stands for a Message-ID: 80 bits of its digest, a quarter of
// its length. Two that share them by chance are not to be expected before
// 2^40 messages.
func messageIDTerm(id string) string {
	sum := sha256.Sum256([]byte(catalog.FoldMessageID(id)))
	return "=m:" + strings.ToLower(base32.StdEncoding.EncodeToString(sum[:10]))
}
