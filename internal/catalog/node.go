package catalog

import (
	"strings"
	"time"

	"mailarchive/internal/extract"
	"mailarchive/internal/mail"
)

// Node is a query as a syntax tree. Engines evaluate it; nobody hands them a
// query in an engine's own language.
type Node interface{ node() }

// Field is the part of a message that a Text node looks into.
type Field string

// The fields of a Text node.
const (
	AnyText     Field = "any"        // all text below, addresses included
	From        Field = "from"       // From and Sender: names and addresses; envelope senders' addresses
	To          Field = "to"         // To, Cc and Bcc headers: names and addresses
	Cc          Field = "cc"         // Cc header: names and addresses
	Bcc         Field = "bcc"        // Bcc header: names and addresses
	Subject     Field = "subject"    // Subject header
	Delivered   Field = "delivered"  // envelope recipients: addresses
	MessageID   Field = "message-id" // the Message-ID header, whole
	Body        Field = "body"       // text of the parts
	Attachments Field = "attachment" // names of attachments
	Keyword     Field = "keyword"    // the message's keywords
	ID          Field = "id"         // the ID of any of its arrivals, or the beginning of one
)

// Text matches messages whose field holds the words of Value (see package
// token) next to each other in that order, within one subject, body, name of a
// person or name of an attachment. Value is the text as the asker wrote it.
//
// With Prefix the last word is the beginning of one; in an address field so is
// the value, of a local part or a domain. It has no meaning for MessageID and
// ID.
//
// In the address fields From, To, Cc, Bcc and Delivered a value without white
// space is also compared with the addresses: with an @ inside it is a whole
// address and nothing else, with a leading @ a domain, with a leading dot a
// domain and all below it; any other value may be a local part or a domain,
// besides words of a name. MessageID compares the whole identifier, brackets
// and case aside. A Keyword is a message's whole keyword, folded, with Prefix
// the beginning of one. An ID needs at least four characters. AnyText is what
// any of the other fields but Keyword and ID matches, and words of names
// whatever they look like. A Value that means nothing in its field (no word in
// it) matches nothing.
type Text struct {
	Field  Field
	Value  string
	Prefix bool
}

// Header matches messages with a header field of that name (RFC 5322 2.2, case
// aside) in which the words of Value stand next to each other; without a word
// in Value, any field of that name. Fields are those of extract.Message.Headers,
// and In-Reply-To and References: in those Value is a whole identifier, as in
// MessageID, one of those that [Identifiers] gives, and Prefix has no meaning.
type Header struct {
	Name   string
	Value  string
	Prefix bool // as in Text
}

// Sized matches messages by the size of their content in bytes: AtLeast <=
// size < Below; a Below of 0 is no bound.
type Sized struct{ AtLeast, Below int64 }

// Attached matches messages with at least one attachment.
type Attached struct{}

// Directed matches messages of which any arrival went that way.
type Directed struct{ Way mail.Direction }

// Between matches messages by sort date: Since <= date < Before; a zero time
// is no bound.
type Between struct{ Since, Before time.Time }

// And matches what all of its nodes match; with none, everything.
type And []Node

// Or matches what any of its nodes match; with none, nothing.
type Or []Node

// Not matches what its node does not.
type Not struct{ Node Node }

func (Text) node()     {}
func (Header) node()   {}
func (Between) node()  {}
func (Sized) node()    {}
func (Attached) node() {}
func (Directed) node() {}
func (And) node()      {}
func (Or) node()       {}
func (Not) node()      {}

// Fields of identifiers (RFC 5322 3.6.4).
const (
	inReplyTo  = "in-reply-to"
	references = "references"
)

// IdentifierFields are the names of the header fields that hold identifiers of
// other messages.
func IdentifierFields() []string { return []string{inReplyTo, references} }

// Identifiers returns the identifiers by which a message is found in a field of
// IdentifierFields: the message that it answers; the one that began the thread
// and the last two before it.
func Identifiers(field string, m *extract.Message) []string {
	if field == inReplyTo {
		return m.InReplyTo[:min(1, len(m.InReplyTo))]
	}
	if list := m.References; len(list) > 3 {
		return []string{list[0], list[len(list)-2], list[len(list)-1]}
	}
	return m.References
}

// FoldMessageID is the form in which two Message-IDs are compared: without
// white space and angle brackets around it, in lower case.
func FoldMessageID(id string) string {
	id = strings.TrimSpace(id)
	id = strings.TrimSuffix(strings.TrimPrefix(id, "<"), ">")
	return strings.ToLower(strings.TrimSpace(id))
}
