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
		return matchesText(n.Field, strings.TrimSpace(n.Value), m)
	}
	panic(fmt.Sprintf("catalogtest: unknown node %T", n))
}

func matchesText(f catalog.Field, value string, m *message) bool {
	switch f {
	case catalog.Subject:
		return m.holds(m.doc.Subject, value)
	case catalog.Body:
		return m.holds(m.doc.Text, value)
	case catalog.Attachments:
		return slices.ContainsFunc(m.doc.Attachments, func(a extract.Attachment) bool { return m.holds(a.Name, value) })
	case catalog.MessageID:
		id := catalog.FoldMessageID(value)
		return id != "" && id == catalog.FoldMessageID(m.doc.MessageID)
	case catalog.From:
		return m.matchesPeople(value, m.doc.From, m.doc.Sender) || matchesEnvelopeFrom(value, m)
	case catalog.To:
		return m.matchesPeople(value, m.doc.To, m.doc.Cc, m.doc.Bcc)
	case catalog.Delivered:
		return matchesDelivered(value, m)
	}
	return matchesAny(value, m)
}

func matchesAny(value string, m *message) bool {
	for _, f := range []catalog.Field{
		catalog.Subject, catalog.Body, catalog.Attachments, catalog.MessageID,
		catalog.From, catalog.To, catalog.Delivered,
	} {
		if matchesText(f, value, m) {
			return true
		}
	}
	// A word with an @ is no name in a field of addresses; in all text it is.
	return m.namesHold(value, m.doc.From, m.doc.Sender, m.doc.To, m.doc.Cc, m.doc.Bcc)
}

func (m *message) matchesPeople(value string, lists ...[]extract.Participant) bool {
	if !strings.Contains(value, "@") && !strings.HasPrefix(value, ".") && m.namesHold(value, lists...) {
		return true
	}
	for _, p := range slices.Concat(lists...) {
		if matchesAddress(value, p.Address) {
			return true
		}
	}
	return false
}

func (m *message) namesHold(value string, lists ...[]extract.Participant) bool {
	return slices.ContainsFunc(slices.Concat(lists...), func(p extract.Participant) bool { return m.holds(p.Name, value) })
}

func matchesEnvelopeFrom(value string, m *message) bool {
	return slices.ContainsFunc(m.arrivals, func(a mail.Arrival) bool {
		return matchesAddress(value, string(a.Envelope.From))
	})
}

func matchesDelivered(value string, m *message) bool {
	for _, a := range m.arrivals {
		for _, to := range a.Envelope.To {
			if matchesAddress(value, string(to.Address)) {
				return true
			}
		}
	}
	return false
}

func matchesAddress(value, address string) bool {
	if address == "" || value == "" || value == "@" || value == "." || strings.ContainsAny(value, " \t\r\n\v\f") {
		return false
	}
	p := token.Address(address)
	if domain, ok := strings.CutPrefix(value, "@"); ok {
		return p.Domain != "" && p.Domain == token.Address("@"+domain).Domain
	}
	if domain, ok := strings.CutPrefix(value, "."); ok {
		domain = token.Address("@" + domain).Domain
		return p.Domain != "" && (p.Domain == domain || slices.Contains(p.Parents, domain))
	}
	v := token.Address(value)
	if strings.Contains(value, "@") {
		return v.Whole == p.Whole
	}
	return v.Local == p.Local || p.Domain != "" && token.Address("@"+value).Domain == p.Domain
}

// holds reports whether the words of value stand next to each other in text.
func (m *message) holds(text, value string) bool {
	words, prefix := token.Phrase(value, false)
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
