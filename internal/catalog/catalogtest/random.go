package catalogtest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"mailarchive/internal/catalog"
	"mailarchive/internal/catalog/token"
	"mailarchive/internal/extract"
	"mailarchive/internal/keyword"
	"mailarchive/internal/mail"
)

// generator makes documents and queries out of few words, so that they meet.
type generator struct{ *rand.Rand }

func newGenerator(seed uint64) generator { return generator{rand.New(rand.NewPCG(seed, 7))} }

func words() []string {
	return []string{"alpha", "beta", "gamma", "delta", "Größe", "café", "AND", "NOT", "x1", "東京都"}
}

func people() []extract.Participant {
	return []extract.Participant{
		person("Alpha Beta", "alice@example.org"), person("", "bob@mail.example.org"),
		person("Gamma", "Carol@Example.COM"), person("beta alpha", "postmaster"),
		person("Delta", "alpha@example.net"), person("", `"odd local"@example.org`),
	}
}

func pick[T any](g generator, list []T) T { return list[g.IntN(len(list))] }

func (g generator) text(most int) string {
	var list []string
	for range g.IntN(most + 1) {
		list = append(list, pick(g, words()))
	}
	return strings.Join(list, pick(g, []string{" ", ", ", "\n"}))
}

func (g generator) people(most int) (list []extract.Participant) {
	for range g.IntN(most + 1) {
		list = append(list, pick(g, people()))
	}
	return list
}

func (g generator) envelope() mail.Envelope {
	e := mail.Envelope{Source: "smtp", From: mail.Address(pick(g, people()).Address)}
	for range g.IntN(3) {
		e.To = append(e.To, mail.Recipient{Address: mail.Address(pick(g, people()).Address)})
	}
	return e
}

// date is within two weeks of start, often at the edge of a day.
func (g generator) date() time.Time {
	d := start.Truncate(24*time.Hour).AddDate(0, 0, g.IntN(28)-14)
	switch g.IntN(4) {
	case 0:
		return d
	case 1:
		return d.Add(-time.Millisecond)
	}
	return d.Add(time.Duration(g.IntN(24*60*60*1000)) * time.Millisecond)
}

func (g generator) document(seq uint64) catalog.Document {
	return Document(seq, func(d *catalog.Document) {
		d.Text, d.Subject = d.Text+" "+g.text(6), g.text(3)
		d.From, d.Sender = g.people(1), g.people(1)
		d.To, d.Cc, d.Bcc = g.people(3), g.people(2), g.people(1)
		for range g.IntN(3) {
			d.Attachments = append(d.Attachments, extract.Attachment{Name: g.text(2), Type: "text/plain"})
		}
		if g.IntN(4) > 0 {
			d.MessageID = g.messageID()
		}
		for range g.IntN(3) {
			d.Headers = append(d.Headers, extract.Header{Name: strings.ToLower(pick(g, headerNames())), Value: g.text(3)})
			d.Keywords = append(d.Keywords, g.text(2))
		}
		for range g.IntN(4) {
			d.Candidates = append(d.Candidates, g.candidate())
		}
		d.InReplyTo, d.References = g.identifiers(), g.identifiers()
		d.SortDate, d.Direction = g.date(), g.direction()
		d.Arrival.Envelope = g.envelope()
	})
}

func (g generator) messageID() string {
	return pick(g, []string{"a@example.org", "B.2@example.org", "no at sign", "<c@[127.0.0.1]>"})
}

func fieldsAll() []catalog.Field {
	return []catalog.Field{
		catalog.AnyText, catalog.From, catalog.To, catalog.Subject,
		catalog.Delivered, catalog.MessageID, catalog.Body, catalog.Attachments,
		catalog.Cc, catalog.Bcc, catalog.Keyword, catalog.ID,
	}
}

func (g generator) node(depth int) catalog.Node {
	kind := g.IntN(12)
	if depth == 0 {
		kind = g.IntN(8)
	}
	switch {
	case kind < 5:
		return catalog.Text{Field: pick(g, fieldsAll()), Value: g.value(), Prefix: g.IntN(4) == 0}
	case kind == 5:
		return g.between()
	case kind < 8:
		return g.property()
	case kind == 8:
		return catalog.Not{Node: g.node(depth - 1)}
	case kind == 9:
		return catalog.Or(g.nodes(depth - 1))
	}
	return catalog.And(g.nodes(depth - 1))
}

// property is a node that looks at no text of the message.
func (g generator) property() catalog.Node {
	switch g.IntN(5) {
	case 0:
		return catalog.Header{Name: pick(g, headerNames()), Value: g.text(2), Prefix: g.IntN(3) == 0}
	case 1:
		return catalog.Sized{AtLeast: int64(1000 + g.IntN(300)), Below: pick(g, []int64{0, 1100, 1250})}
	case 2:
		return catalog.Attached{}
	case 3:
		return catalog.Header{Name: pick(g, catalog.IdentifierFields()), Value: pick(g, append(g.identifiers(), ""))}
	}
	return catalog.Directed{Way: g.direction()}
}

// candidate has one of few terms, so that some become common.
func (g generator) candidate() keyword.Candidate {
	shown := g.text(2) + " " + pick(g, words())
	return keyword.Candidate{Term: strings.Join(token.Words(shown), " "), Shown: shown, Weight: float64(1 + g.IntN(9))}
}

// identifiers are few, so that messages answer each other.
func (g generator) identifiers() (list []string) {
	for range g.IntN(6) {
		list = append(list, fmt.Sprintf("Id%d@example.org", g.IntN(9)))
	}
	return list
}

func headerNames() []string { return []string{"list-id", "X-Mailer", "x-alpha", "beta"} }

func (g generator) direction() mail.Direction {
	return pick(g, []mail.Direction{mail.In, mail.Out, mail.Internal, ""})
}

func (g generator) nodes(depth int) (list []catalog.Node) {
	for range g.IntN(4) {
		list = append(list, g.node(depth))
	}
	return list
}

func (g generator) between() catalog.Between {
	var b catalog.Between
	if g.IntN(3) > 0 {
		b.Since = g.date()
	}
	if g.IntN(3) > 0 {
		b.Before = g.date().AddDate(0, 0, 5)
	}
	return b
}

func (g generator) value() string {
	address := pick(g, people()).Address
	_, domain, _ := strings.Cut(address, "@")
	return pick(g, []string{
		g.text(1), g.text(1), g.text(2), address, strings.ToUpper(address), domain, "@" + domain, "." + domain,
		".org", "alice", "0000", "al", "exa", "@ex", ".or", "alice@", "carol", g.messageID(), "text", "", "@", ".", `"`, "example",
	})
}

// mixture makes documents of all kinds, some of them with content that was
// there before.
func mixture(n int) []catalog.Document {
	g := newGenerator(42)
	var list []catalog.Document
	for seq := uint64(1); seq <= uint64(n); seq++ {
		if len(list) > 0 && g.IntN(6) == 0 {
			list = append(list, SameContent(seq, pick(g, list), func(d *catalog.Document) {
				d.Arrival.Envelope, d.Direction = g.envelope(), g.direction()
			}))
			continue
		}
		list = append(list, g.document(seq))
	}
	return list
}

// shift makes other arrivals of other content out of documents.
func shift(list []catalog.Document, by uint64) []catalog.Document {
	for i := range list {
		d := &list[i]
		fresh := Document(d.Arrival.Seq+by, nil)
		d.Arrival.Digest = mail.Sum(d.Arrival.Digest[:])
		d.Arrival.Seq, d.Arrival.ID, d.Arrival.Received = fresh.Arrival.Seq, fresh.Arrival.ID, fresh.Arrival.Received
	}
	return list
}

func randomQueries(t *testing.T, s suite) {
	documents := mixture(300)
	for len(documents) > 0 {
		n := min(len(documents), 37)
		s.apply(t, documents[:n]...)
		documents = documents[n:]
	}
	g := newGenerator(1)
	for range 1000 {
		q := catalog.Query{Scope: Everything(), Where: g.node(3), Order: catalog.Order(g.IntN(2))}
		if s.agreeOnIDs(t, q); t.Failed() {
			return
		}
		want, _, _ := s.reference.Count(t.Context(), q.Scope, q.Where, 1000)
		if got, more, err := s.Count(t.Context(), q.Scope, q.Where, 1000); got != want || more || err != nil {
			t.Fatalf("Count %s = %d, %v, %v; want %d", show(q.Where), got, more, err, want)
		}
	}
}
