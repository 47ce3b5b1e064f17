package search

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"mailarchive/internal/catalog"
	"mailarchive/internal/catalog/token"
	"mailarchive/internal/extract"
	"mailarchive/internal/mail"
)

// shortestBeginning is the fewest letters in front of a *: shorter ones would
// match words by the ten thousand.
const shortestBeginning = 3

func (p *parser) text(f catalog.Field, value piece) (catalog.Node, error) {
	n := catalog.Text{Field: f, Value: addressIn(f, strings.TrimSpace(value.text)), Prefix: value.begun}
	words := token.Words(n.Value)
	if !strings.Contains(n.Value, "@") && len(words) == 0 {
		return nil, p.fail(value.pos, fmt.Sprintf("there is no word in %q", value.text), "")
	}
	if f == catalog.MessageID && n.Prefix {
		return nil, p.fail(value.pos, "a Message-ID is looked for as a whole", "take the * away")
	}
	if isVersion(n.Value) && slices.Contains([]catalog.Field{catalog.AnyText, catalog.Subject, catalog.Body, catalog.Attachments}, f) {
		released := n
		released.Value = "v" + n.Value
		return catalog.Or{n, released}, p.checkStar(value, words)
	}
	return n, p.checkStar(value, words)
}

// isVersion knows numbers like 1.2.3, which may stand in a text as v1.2.3: there
// the v is part of the first word.
func isVersion(value string) bool {
	const digits = "0123456789"
	return strings.Trim(value, digits+".") == "" && strings.Trim(value, ".") == value &&
		strings.Contains(value, ".") && !strings.Contains(value, "..")
}

// addressIn takes the address out of a value like Ann <ann@example.org>, as
// mail programs show and copy it (RFC 5322 3.4).
func addressIn(f catalog.Field, value string) string {
	open := strings.LastIndexByte(value, '<')
	if open < 0 || !strings.HasSuffix(value, ">") || !strings.Contains(value[open:], "@") {
		return value
	}
	switch f {
	case catalog.From, catalog.To, catalog.Cc, catalog.Bcc, catalog.Delivered:
	case catalog.AnyText: // in text a name may stand in front of it
		if open > 0 {
			return value
		}
	default:
		return value
	}
	return strings.TrimSpace(value[open+1 : len(value)-1])
}

// checkStar refuses beginnings that are too short and a * elsewhere.
func (p *parser) checkStar(value piece, words []string) error {
	last := ""
	if len(words) > 0 {
		last = words[len(words)-1]
	}
	if value.begun && utf8.RuneCountInString(last) < shortestBeginning && !isDense(last) {
		return p.fail(value.pos, fmt.Sprintf("%s* is too short a beginning", value.text), "write three letters or more in front of the *")
	}
	if i := strings.IndexByte(value.text, '*'); i >= 0 && value.kind == word {
		return p.fail(value.pos+i, "a * stands behind the beginning of a word only", "or put the text in quotes")
	}
	return nil
}

// isDense reports whether a word is of a script without spaces, where one or
// two characters say as much as a word elsewhere.
func isDense(word string) bool {
	r, _ := utf8.DecodeRuneInString(word)
	return token.IsDense(r)
}

// header reads NAME or NAME=value; the value may be in quotes.
func (p *parser) header(value piece) (catalog.Node, error) {
	name, text, equals := strings.Cut(value.text, "=")
	if value.kind == quoted || name == "" || strings.ContainsFunc(name, notInFieldName) {
		return nil, p.fail(value.pos, "a header field's name is missing", valueHint("header"))
	}
	n := catalog.Header{Name: strings.ToLower(name), Value: text, Prefix: value.begun}
	if err := p.checkKept(n, equals, value.pos); err != nil {
		return nil, err
	}
	if !equals {
		if n.Prefix {
			return nil, p.fail(value.pos, "the name of a header field is looked for as a whole", "take the * away")
		}
		return n, nil
	}
	if text == "" && p.now.kind == quoted && p.now.pos == value.pos+len(value.text) {
		value = p.now
		n.Value, n.Prefix = value.text, value.begun
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
	if n.Prefix && slices.Contains(catalog.IdentifierFields(), n.Name) {
		return nil, p.fail(value.pos, "a Message-ID is looked for as a whole", "take the * away")
	}
	words := token.Words(n.Value)
	if len(words) == 0 {
		return nil, p.fail(value.pos, "there is no word behind the =", "header:"+n.Name+" finds all mail with that field")
	}
	return n, p.checkStar(value, words)
}

// checkKept refuses names of fields in which nothing is ever found.
func (p *parser) checkKept(n catalog.Header, valued bool, pos int) error {
	if slices.Contains(catalog.IdentifierFields(), n.Name) {
		return nil
	}
	for _, own := range []struct{ header, field string }{
		{"subject", "subject"}, {"from", "from"}, {"sender", "from"}, {"to", "to"}, {"cc", "cc"}, {"bcc", "bcc"},
		{"message-id", "message-id"}, {"date", "date"},
	} {
		if n.Name == own.header {
			return p.fail(pos, "the header field "+n.Name+" has a field of its own here", "write "+own.field+":")
		}
	}
	switch kept := extract.Kept(n.Name); {
	case kept == extract.KeepNothing:
		return p.fail(pos, "header fields named "+n.Name+" are not kept for searching", "the message itself has them: mail-archive raw")
	case kept == extract.KeepPresence && valued:
		return p.fail(pos, "of "+n.Name+" only that it is there is kept", "write header:"+n.Name)
	}
	return nil
}

// notInFieldName knows what a field's name cannot have (RFC 5322 2.2).
func notInFieldName(r rune) bool { return r <= ' ' || r >= 0x7f || r == ':' || r == '*' }

// size reads a number of bytes with k, M or G for powers of 1024.
func (p *parser) size(name string, value piece) (catalog.Node, error) {
	text := strings.ToLower(strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(value.text), "b"), "i"))
	unit := int64(1)
	if n := len(text); n > 0 {
		if i := strings.IndexByte("kmg", text[n-1]); i >= 0 {
			unit <<= 10 * (i + 1)
			text = text[:n-1]
		}
	}
	number, err := strconv.ParseFloat(text, 64)
	if err != nil || number < 0 || !(number*float64(unit) < 1<<50) || value.begun {
		return nil, p.fail(value.pos, fmt.Sprintf("%q is no size", value.text), "write bytes, or 10k, 1.5M, 2G")
	}
	bytes := int64(number * float64(unit))
	if name == "larger" {
		return catalog.Sized{AtLeast: bytes}, nil
	}
	if bytes == 0 {
		return catalog.Or{}, nil // nothing is smaller
	}
	return catalog.Sized{Below: bytes}, nil
}

func (p *parser) has(value piece) (catalog.Node, error) {
	switch strings.ToLower(value.text) {
	case "attachment", "attachments":
		return catalog.Attached{}, nil
	}
	return nil, p.fail(value.pos, fmt.Sprintf("has:%s is not known", value.text), "write has:attachment, or has -has:attachment for mail without")
}

func (p *parser) direction(value piece) (catalog.Node, error) {
	way := mail.Direction(strings.ToLower(value.text))
	switch way {
	case mail.In, mail.Out, mail.Internal:
	default:
		return nil, p.fail(value.pos, fmt.Sprintf("%q is no direction", value.text), "write in, out or internal")
	}
	if !p.language.Directions {
		return nil, p.fail(value.pos, "which domains are local is not known, so mail has no direction", "set local-domains in the configuration")
	}
	return catalog.Directed{Way: way}, nil
}

// sort sets the order of the hits; it is no term.
func (p *parser) sort(value piece, depth int) error {
	if depth > 0 {
		return p.fail(value.pos, "sort: orders the whole result", "put it at the end of the query")
	}
	switch strings.ToLower(value.text) {
	case "arrival":
		p.result.Order = catalog.LastArrivedFirst
	case "date":
		p.result.Order = catalog.NewestFirst
	default:
		return p.fail(value.pos, fmt.Sprintf("%q is no order", value.text), "write sort:date or sort:arrival")
	}
	p.result.Ordered = true
	return nil
}

func (p *parser) id(value piece) (catalog.Node, error) {
	const shortest = 4 // catalog.Text
	text := strings.TrimSpace(value.text)
	if _, _, err := mail.IDRange(text); err != nil || len(text) < shortest {
		return nil, p.fail(value.pos, fmt.Sprintf("%q is no ID", value.text), "write an ID or its first characters, four at least")
	}
	return catalog.Text{Field: catalog.ID, Value: text}, nil
}
