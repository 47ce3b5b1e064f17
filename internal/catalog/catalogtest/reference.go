package catalogtest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"mailarchive/internal/catalog"
	"mailarchive/internal/catalog/token"
	"mailarchive/internal/extract"
	"mailarchive/internal/mail"
)

// message is one distinct content with all that came in for it.
type message struct {
	first    mail.Arrival
	sortDate time.Time
	doc      catalog.Document // what counts of its content
	arrivals []mail.Arrival
	ways     []mail.Direction // of the arrivals
	memo     memo
}

// memo remembers the words of texts: the reference looks at each many times.
type memo map[string][]string

func (m memo) words(text string) []string {
	words, ok := m[text]
	if !ok {
		words = token.Words(text)
		m[text] = words
	}
	return words
}

// matches evaluates a node by the words of the contract.
func matches(n catalog.Node, m *message) bool {
	switch n := n.(type) {
	case nil:
		return true
	case catalog.And:
		return !slices.ContainsFunc(n, func(n catalog.Node) bool { return !matches(n, m) })
	case catalog.Or:
		return slices.ContainsFunc(n, func(n catalog.Node) bool { return matches(n, m) })
	case catalog.Not:
		return !matches(n.Node, m)
	case catalog.Between:
		return (n.Since.IsZero() || !m.sortDate.Before(n.Since)) && (n.Before.IsZero() || m.sortDate.Before(n.Before))
	case catalog.Text:
		return matchesText(n, m)
	case catalog.Header:
		return m.matchesHeader(n)
	case catalog.Sized:
		return m.first.Size >= n.AtLeast && (n.Below == 0 || m.first.Size < n.Below)
	case catalog.Attached:
		return len(m.doc.Attachments) > 0
	case catalog.Directed:
		return n.Way != "" && slices.Contains(m.ways, n.Way)
	}
	panic(fmt.Sprintf("catalogtest: unknown node %T", n))
}

func matchesText(n catalog.Text, m *message) bool {
	value := strings.TrimSpace(n.Value)
	v := sought{value, n.Prefix}
	switch n.Field {
	case catalog.Subject:
		return m.holds(m.doc.Subject, v)
	case catalog.Body:
		return m.holds(m.doc.Text, v)
	case catalog.Attachments:
		return slices.ContainsFunc(m.doc.Attachments, func(a extract.Attachment) bool { return m.holds(a.Name, v) })
	case catalog.MessageID:
		id := catalog.FoldMessageID(value)
		return id != "" && id == catalog.FoldMessageID(m.doc.MessageID)
	case catalog.From:
		return m.matchesPeople(v, m.doc.From, m.doc.Sender) || matchesEnvelopeFrom(v, m)
	case catalog.To:
		return m.matchesPeople(v, m.doc.To, m.doc.Cc, m.doc.Bcc)
	case catalog.Cc:
		return m.matchesPeople(v, m.doc.Cc)
	case catalog.Bcc:
		return m.matchesPeople(v, m.doc.Bcc)
	case catalog.Delivered:
		return matchesDelivered(v, m)
	case catalog.Keyword:
		return slices.ContainsFunc(m.doc.Keywords, func(k string) bool { return m.isKeyword(k, v) })
	case catalog.ID:
		return len(value) >= 4 && slices.ContainsFunc(m.arrivals, func(a mail.Arrival) bool {
			return strings.HasPrefix(a.ID.String(), strings.ToUpper(value))
		})
	}
	return matchesAny(v, m)
}

// sought is a value with the wish that its last word be the beginning of one.
type sought struct {
	value  string
	prefix bool
}

// is compares a part of an address.
func (v sought) is(part, with string) bool {
	return part != "" && (part == with || v.prefix && with != "" && strings.HasPrefix(part, with))
}

func matchesAny(v sought, m *message) bool {
	for _, f := range []catalog.Field{
		catalog.Subject, catalog.Body, catalog.Attachments, catalog.MessageID,
		catalog.From, catalog.To, catalog.Delivered,
	} {
		if matchesText(catalog.Text{Field: f, Value: v.value, Prefix: v.prefix}, m) {
			return true
		}
	}
	// A word with an @ is no name in a field of addresses; in all text it is.
	return m.namesHold(v, m.doc.From, m.doc.Sender, m.doc.To, m.doc.Cc, m.doc.Bcc)
}

func (m *message) matchesPeople(v sought, lists ...[]extract.Participant) bool {
	if !strings.Contains(v.value, "@") && !strings.HasPrefix(v.value, ".") && m.namesHold(v, lists...) {
		return true
	}
	for _, p := range slices.Concat(lists...) {
		if matchesAddress(v, p.Address) {
			return true
		}
	}
	return false
}

func (m *message) namesHold(v sought, lists ...[]extract.Participant) bool {
	return slices.ContainsFunc(slices.Concat(lists...), func(p extract.Participant) bool { return m.holds(p.Name, v) })
}

func matchesEnvelopeFrom(v sought, m *message) bool {
	return slices.ContainsFunc(m.arrivals, func(a mail.Arrival) bool {
		return matchesAddress(v, string(a.Envelope.From))
	})
}

func matchesDelivered(v sought, m *message) bool {
	for _, a := range m.arrivals {
		for _, to := range a.Envelope.To {
			if matchesAddress(v, string(to.Address)) {
				return true
			}
		}
	}
	return false
}

func matchesAddress(v sought, address string) bool {
	value := v.value
	if address == "" || value == "" || value == "@" || value == "." || strings.ContainsAny(value, " \t\r\n\v\f") {
		return false
	}
	p := token.Address(address)
	if domain, ok := strings.CutPrefix(value, "@"); ok {
		return v.is(p.Domain, token.Address("@"+domain).Domain)
	}
	if domain, ok := strings.CutPrefix(value, "."); ok {
		domain = token.Address("@" + domain).Domain
		return v.is(p.Domain, domain) || slices.ContainsFunc(p.Parents, func(parent string) bool { return v.is(parent, domain) })
	}
	with := token.Address(value)
	if strings.Contains(value, "@") {
		return v.is(p.Whole, with.Whole)
	}
	return with.Local == p.Local || v.is(p.Local, with.Local) || v.is(p.Domain, token.Address("@"+value).Domain)
}

func (m *message) matchesHeader(n catalog.Header) bool {
	if name := strings.ToLower(n.Name); slices.Contains(catalog.IdentifierFields(), name) {
		id := catalog.FoldMessageID(n.Value)
		return slices.ContainsFunc(catalog.Identifiers(name, &m.doc.Message), func(has string) bool {
			return id == "" || id == catalog.FoldMessageID(has)
		})
	}
	return slices.ContainsFunc(m.doc.Headers, func(h extract.Header) bool {
		return strings.EqualFold(h.Name, n.Name) &&
			(len(token.Words(n.Value)) == 0 || m.holds(h.Value, sought{n.Value, n.Prefix}))
	})
}

// isKeyword compares whole keywords by their words.
func (m *message) isKeyword(keyword string, v sought) bool {
	words, is := token.Words(v.value), m.memo.words(keyword)
	if len(words) == 0 {
		return false
	}
	if v.prefix {
		return strings.HasPrefix(strings.Join(is, "_"), strings.Join(words, "_"))
	}
	return slices.Equal(words, is)
}

// holds reports whether the words stand next to each other in text.
func (m *message) holds(text string, v sought) bool {
	words, prefix := token.Phrase(v.value, v.prefix)
	in := m.memo.words(text)
	for i := 0; len(words) > 0 && i+len(words) <= len(in); i++ {
		if standIn(words, in[i:i+len(words)], prefix) {
			return true
		}
	}
	return false
}

// standIn compares as many words; with prefix the last may be a beginning.
func standIn(words, in []string, prefix bool) bool {
	last := len(words) - 1
	if !slices.Equal(words[:last], in[:last]) {
		return false
	}
	return in[last] == words[last] || prefix && strings.HasPrefix(in[last], words[last])
}
