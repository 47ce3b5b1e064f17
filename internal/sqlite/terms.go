package sqlite

import (
	"crypto/sha256"
	"encoding/base32"
	"maps"
	"slices"
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
// Besides:
//
//	=m:4ZTK…                    hash of the Message-ID
//	=k:annual_report            keyword, its words joined
//	=w:in                       direction of an arrival
//	=file                       the message has attachments
//	=all                        in every document
//
// Terms of the column header: for each field =list-id and, behind it, a term
// for each word, =list-id:announce; for identifiers in In-Reply-To and
// References their hashes.
const (
	termAll      = "=all"
	termNone     = "=none" // in no document
	termAttached = "=file"
)

// maxHeaderWords bounds what a message's header fields take in the index.
const maxHeaderWords = 400

// text holds the columns of one document's row in the full-text index.
type text struct {
	body, subject, attachment             []byte
	fromNames, toNames, ccNames, bccNames []byte
	address, header                       []byte
	seen                                  map[string]bool // terms in address
}

// Prepare implements [catalog.Preparer]: the words and terms of the content.
func (db *DB) Prepare(d *catalog.Document) {
	d.Prepared = textOf(&d.Message)
}

// textOf makes the columns from the content of a message.
func textOf(m *extract.Message) *text {
	t := &text{seen: map[string]bool{}}
	t.body = token.AppendText(nil, m.Text)
	t.subject = token.AppendText(nil, m.Subject)
	for _, a := range m.Attachments {
		t.attachment = appendName(t.attachment, a.Name)
	}
	t.add(termAll)
	if m.MessageID != "" {
		t.add(messageIDTerm(m.MessageID))
	}
	t.fromNames = t.people(t.people(nil, roleFrom, m.From), roleFrom, m.Sender)
	t.toNames = t.people(nil, roleTo, m.To)
	t.ccNames = t.people(nil, roleCc, m.Cc)
	t.bccNames = t.people(nil, roleBcc, m.Bcc)
	if len(m.Attachments) > 0 {
		t.add(termAttached)
	}
	t.identifiers(m)
	t.headers(m.Headers)
	return t
}

// with returns the columns together with what only Apply knows: the keywords
// that were chosen and what the arrivals add. It leaves t as it was, since a
// batch may be applied again.
func (t *text) with(keywords []string, comings []coming) *text {
	whole := *t
	whole.address, whole.seen = slices.Clone(t.address), maps.Clone(t.seen)
	for _, k := range keywords {
		whole.add(keywordTerm(k))
	}
	for _, c := range comings {
		whole.coming(c)
	}
	return &whole
}

func (t *text) headers(list []extract.Header) {
	left := maxHeaderWords
	for _, h := range list {
		t.header = append(append(t.header, headerTerm(h.Name, "")...), ' ')
		for _, word := range token.Words(h.Value) {
			if left--; left < 0 {
				break // names still come
			}
			t.header = append(append(t.header, headerTerm(h.Name, word)...), ' ')
		}
	}
}

func (t *text) identifiers(m *extract.Message) {
	for _, name := range catalog.IdentifierFields() {
		for i, id := range catalog.Identifiers(name, m) {
			if i == 0 {
				t.header = append(append(t.header, headerTerm(name, "")...), ' ')
			}
			t.header = append(append(t.header, headerTerm(name, identifier(id))...), ' ')
		}
	}
}

// coming is what an arrival adds to the terms of its message.
type coming struct {
	envelope mail.Envelope
	way      mail.Direction
}

func (t *text) coming(c coming) {
	t.envelope(c.envelope)
	if c.way != "" {
		t.add(wayTerm(c.way))
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

// keywordTerm makes one term of a keyword's words.
func keywordTerm(keyword string) string { return "=k:" + strings.Join(token.Words(keyword), "_") }

func wayTerm(way mail.Direction) string { return "=w:" + string(way) }

// headerTerm stands for a word in a field of that name (RFC 5322 2.2: printable
// ASCII without a colon), or without a word for the field.
func headerTerm(name, word string) string {
	name = "=" + strings.ToLower(name[:min(len(name), maxFieldName)])
	if word == "" {
		return name
	}
	return name + ":" + word
}

// maxFieldName is how much of a field's name counts, in bytes.
const maxFieldName = 64

func messageIDTerm(id string) string { return "=m:" + identifier(id) }

// identifier stands for a Message-ID: 80 bits of its digest, a quarter of its
// length. Two that share them by chance are not to be expected before 2^40
// messages.
func identifier(id string) string {
	sum := sha256.Sum256([]byte(catalog.FoldMessageID(id)))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:10]))
}
