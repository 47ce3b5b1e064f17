package catalogtest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"mailarchive/internal/catalog"
	"mailarchive/internal/extract"
	"mailarchive/internal/mail"
)

func fields(t *testing.T, s suite) {
	s.apply(t,
		Document(1, func(d *catalog.Document) { d.Subject = "red apple pie" }),
		Document(2, func(d *catalog.Document) { d.Text = "the red apple. A pie" }),
		Document(3, func(d *catalog.Document) {
			d.Attachments = []extract.Attachment{{Name: "red"}, {Name: "apple pie.pdf"}}
		}),
		Document(4, func(d *catalog.Document) {
			d.From = []extract.Participant{person("Red", "x@y.example"), person("Apple Pie", "")}
		}),
		Document(5, func(d *catalog.Document) { d.Cc = []extract.Participant{person("apple", "red@pie.example")} }),
		Document(6, func(d *catalog.Document) { d.MessageID = "Red.Apple@Pie.example" }),
		Document(7, func(d *catalog.Document) { d.Arrival.Envelope.To = recipients("red@apple.example") }),
	)
	for _, c := range []struct {
		field catalog.Field
		value string
		want  []uint64
	}{
		{catalog.AnyText, "red", []uint64{7, 5, 4, 3, 2, 1}},
		{catalog.AnyText, "Red Apple", []uint64{2, 1}},
		{catalog.AnyText, "apple pie", []uint64{4, 3, 1}}, // 2 has an "a" between
		{catalog.AnyText, "red.apple@pie.example", []uint64{6}},
		{catalog.Subject, "pie", []uint64{1}},
		{catalog.Body, "pie", []uint64{2}},
		{catalog.Attachments, "apple pie", []uint64{3}},
		{catalog.Attachments, "red apple", nil}, // two names
		{catalog.From, "apple", []uint64{4}},
		{catalog.From, "red apple", nil},
		{catalog.To, "apple", []uint64{5}},
		{catalog.To, "red", []uint64{5}},
		{catalog.MessageID, "<red.apple@pie.example>", []uint64{6}},
		{catalog.MessageID, "red.apple", nil},
		{catalog.Delivered, "red", []uint64{7}},
		{catalog.Delivered, "apple", nil},
		{catalog.Delivered, "apple.example", []uint64{7}},
		{catalog.Subject, "", nil},
		{catalog.AnyText, " \t", nil},
	} {
		s.wantFound(t, catalog.Text{Field: c.field, Value: c.value}, c.want...)
	}
}

func addresses(t *testing.T, s suite) {
	s.apply(t,
		Document(1, func(d *catalog.Document) {
			d.From = []extract.Participant{person("Ann", "ann@mail.example.org")}
			d.Sender = []extract.Participant{person("Office", "office@example.org")}
		}),
		Document(2, func(d *catalog.Document) {
			d.To = []extract.Participant{person("", "ann@example.org")}
			d.Bcc = []extract.Participant{person("", "secret@example.net")}
		}),
		Document(3, func(d *catalog.Document) {
			d.Arrival.Envelope.From = "ann@example.org"
			d.Arrival.Envelope.To = recipients("postmaster", "Ann+tag@Example.ORG")
		}),
	)
	for _, c := range []struct {
		field catalog.Field
		value string
		want  []uint64
	}{
		{catalog.From, "ann@mail.example.org", []uint64{1}},
		{catalog.From, "ANN@MAIL.EXAMPLE.ORG", []uint64{1}},
		{catalog.From, "office@example.org", []uint64{1}},
		{catalog.From, "ann@example.org", []uint64{3}},
		{catalog.From, "ann", []uint64{3, 1}},
		{catalog.From, "office", []uint64{1}},
		{catalog.From, "@example.org", []uint64{3, 1}},
		{catalog.From, ".example.org", []uint64{3, 1}},
		{catalog.From, "example.org", []uint64{3, 1}},
		{catalog.From, "@mail.example.org", []uint64{1}},
		{catalog.From, "@org", nil},
		{catalog.From, ".org", []uint64{3, 1}},
		{catalog.From, "mail", nil},
		{catalog.To, "secret", []uint64{2}},
		{catalog.To, "ann@example.org", []uint64{2}},
		{catalog.Delivered, "postmaster", []uint64{3}},
		{catalog.Delivered, "ann+tag@example.org", []uint64{3}},
		{catalog.Delivered, "secret", nil},
		{catalog.Delivered, "@", nil},
		{catalog.AnyText, "ann@example.org", []uint64{3, 2}},
		{catalog.AnyText, ".example.org", []uint64{3, 2, 1}},
	} {
		s.wantFound(t, catalog.Text{Field: c.field, Value: c.value}, c.want...)
	}
}

// specialCharacters must neither be read as operators nor do any harm.
func specialCharacters(t *testing.T, s suite) {
	odd := []string{
		`"`, `""`, `'`, `a" OR "b`, `") OR (`, "*", "a*", "^a", "a AND b", "NOT", "OR", "NEAR(a b)", "subject:a",
		"{body} : a", "-a", "+", "(", ")", "%", "\x00", "a\x00b", "\x7f", "\\", ";", "--", "=all", "=a:x", "=none",
		"😀", "\u202e", "é", "e\u0301", "ß", "İ", "\xff\xfe", strings.Repeat("x", 40000), "a@b@c", "<>", "@.", ".@",
		`"a b"@example.org`, "a%20b@example.org", "a\x01b@example.org", "@\x00", ". ", "%", "a%b@c",
	}
	for i, value := range odd {
		s.apply(t, Document(uint64(i+1), func(d *catalog.Document) {
			d.Subject = strings.ToValidUTF8(strings.ReplaceAll(value, "\x00", ""), "")
			d.Arrival.Envelope.To = recipients(mail.Address(value))
		}))
	}
	for _, value := range odd {
		for _, field := range fieldsAll() {
			s.agree(t, catalog.Query{Scope: Everything(), Where: catalog.Text{Field: field, Value: value}})
		}
	}
}

func manyRecipients(t *testing.T, s suite) {
	const n = 10_000
	s.apply(t, Document(1, nil), Document(2, func(d *catalog.Document) {
		for i := range n {
			address := fmt.Sprintf("user%d@list.example.org", i)
			d.To = append(d.To, person(fmt.Sprint("Person ", i), address))
			d.Arrival.Envelope.To = append(d.Arrival.Envelope.To, mail.Recipient{Address: mail.Address(address)})
		}
	}))
	for _, value := range []string{"user0@list.example.org", "user5000", fmt.Sprintf("user%d@list.example.org", n-1)} {
		s.wantFound(t, catalog.Text{Field: catalog.Delivered, Value: value}, 2)
		s.wantFound(t, catalog.Text{Field: catalog.To, Value: value}, 2)
	}
	s.wantFound(t, catalog.Text{Field: catalog.To, Value: "Person 7777"}, 2)
	s.wantFound(t, catalog.Text{Field: catalog.Delivered, Value: fmt.Sprintf("user%d", n)})
	s.agree(t, everything)
}

func negationAndDates(t *testing.T, s suite) {
	day := 24 * time.Hour
	red := func(seq uint64, date time.Time) catalog.Document {
		return Document(seq, func(d *catalog.Document) { d.SortDate, d.Subject = date, "red" })
	}
	s.apply(t, red(1, start), dated(2, start.Add(time.Millisecond)), red(3, start.Add(day)), dated(4, start.Add(2*day)))
	from := catalog.Between{Since: start.Add(time.Millisecond)}
	until := catalog.Between{Before: start.Add(day)}
	not := func(n catalog.Node) catalog.Node { return catalog.Not{Node: n} }
	for _, c := range []struct {
		where catalog.Node
		want  []uint64
	}{
		{not(word("red")), []uint64{4, 2}},
		{not(word("nowhere")), []uint64{4, 3, 2, 1}},
		{not(not(word("red"))), []uint64{3, 1}},
		{catalog.And{word("text"), not(word("red"))}, []uint64{4, 2}},
		{catalog.And{not(word("red")), not(word("number4"))}, []uint64{2}},
		{catalog.And{word("red"), from}, []uint64{3}},
		{catalog.And{from, until}, []uint64{2}},
		{catalog.And{from, not(word("red")), until}, []uint64{2}},
		{catalog.Or{word("red"), from}, []uint64{4, 3, 2, 1}},
		{catalog.Or{not(from), word("number4")}, []uint64{4, 1}},
		{not(until), []uint64{4, 3}},
		{not(catalog.And{word("red"), until}), []uint64{4, 3, 2}},
		{not(catalog.Or{word("red"), until}), []uint64{4}},
		{catalog.And{catalog.Or{word("red"), until}, catalog.Or{from, word("number1")}}, []uint64{3, 2, 1}},
		{catalog.Between{Since: start.Add(day), Before: start}, nil},
		{catalog.Between{}, []uint64{4, 3, 2, 1}},
		{catalog.Between{Since: start, Before: start}, nil},
		{catalog.Between{Since: start.Add(1)}, []uint64{4, 3, 2}}, // a nanosecond later
		{catalog.And{}, []uint64{4, 3, 2, 1}},
		{catalog.Or{}, nil},
		{not(catalog.And{}), nil},
		{not(catalog.Or{}), []uint64{4, 3, 2, 1}},
		{catalog.And{catalog.And{}, catalog.And{word("red"), catalog.And{from}}}, []uint64{3}},
		{not(word("")), []uint64{4, 3, 2, 1}},
	} {
		s.wantFound(t, c.where, c.want...)
		s.agree(t, catalog.Query{Scope: Everything(), Where: c.where, Order: catalog.LastArrivedFirst})
	}
}

// deepQueries are answered or refused, never a crash.
func deepQueries(t *testing.T, s suite) {
	s.apply(t, Document(1, nil))
	var wide catalog.Or
	for i := range 400 {
		wide = append(wide, word(fmt.Sprint("number", i)))
	}
	s.wantFound(t, wide, 1)
	s.wantFound(t, catalog.And{wide, catalog.Not{Node: wide}})
	var deep catalog.Node = word("text")
	for range 10 {
		deep = catalog.And{catalog.Or{deep, catalog.Between{Before: start}}, catalog.Not{Node: word("none")}}
	}
	s.wantFound(t, deep, 1)
	for range 100_000 {
		deep = catalog.Not{Node: catalog.And{deep}}
	}
	err := s.Search(t.Context(), catalog.Query{Scope: Everything(), Where: deep}, func(catalog.Hit) bool { return true })
	if err != nil && !errors.Is(err, mail.ErrBadInput) {
		t.Errorf("Search of a query 200,000 deep: %v", err)
	}
	err = s.Search(t.Context(), catalog.Query{Scope: Everything(), Where: catalog.Text{Field: "colour", Value: "x"}}, nil)
	if !errors.Is(err, mail.ErrBadInput) {
		t.Errorf("Search of an unknown field: %v, want ErrBadInput", err)
	}
}

func count(t *testing.T, s suite) {
	for seq := uint64(1); seq <= 10; seq++ {
		s.apply(t, Document(seq, nil))
	}
	last := catalog.Between{Since: start.Add(8 * time.Second)}
	for _, c := range []struct {
		where catalog.Node
		limit int
		n     int
		more  bool
	}{
		{nil, 100, 10, false}, {nil, 10, 10, false}, {nil, 9, 9, true}, {nil, 1, 1, true},
		{word("text"), 100, 10, false}, {word("text"), 5, 5, true}, {word("number3"), 5, 1, false},
		{last, 100, 3, false}, {catalog.And{word("text"), last}, 2, 2, true},
		{catalog.Or{word("number1"), last}, 100, 4, false}, {catalog.Or{}, 5, 0, false},
	} {
		n, more, err := s.Count(t.Context(), Everything(), c.where, c.limit)
		if n != c.n || more != c.more || err != nil {
			t.Errorf("Count %s up to %d = %d, %v, %v; want %d, %v", show(c.where), c.limit, n, more, err, c.n, c.more)
		}
	}
}
