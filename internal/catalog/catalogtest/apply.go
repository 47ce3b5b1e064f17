package catalogtest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/catalog"
	"mailarchive/internal/extract"
	"mailarchive/internal/mail"
)

var everything = catalog.Query{Scope: Everything()}

func word(value string) catalog.Text { return catalog.Text{Field: catalog.AnyText, Value: value} }

// full is a document with all that a row shows.
func full(seq uint64) catalog.Document {
	return Document(seq, func(d *catalog.Document) {
		d.MessageID = fmt.Sprintf("full-%d@mail.example.org", seq)
		d.Date = time.Date(2026, 2, 28, 23, 59, 58, 0, time.UTC)
		d.SortDate = d.Date
		d.Subject = "Quarterly figures — Zahlen"
		d.From = []extract.Participant{person("Alice Archer", "alice@example.org")}
		d.To = []extract.Participant{person("Bob", "bob@example.net"), person("", "Carol@Example.com")}
		d.Cc = []extract.Participant{person("Dörte", "doerte@example.de")}
		d.Bcc = []extract.Participant{person("", "hidden@example.org")}
		d.Attachments = []extract.Attachment{
			{Name: "figures.xlsx", Type: "application/vnd.ms-excel", Size: 12345, Digest: mail.Sum([]byte("x"))},
			{Type: "image/png"},
		}
		d.Keywords = []string{"figures", "quarter"}
		d.Problems = []string{"part 3: unknown charset"}
		d.Arrival.Envelope.From = "bounce@example.org"
		d.Arrival.Envelope.To = recipients("bob@example.net", "carol@example.com", "bob@example.net")
	})
}

func rowsComeBack(t *testing.T, s suite) {
	s.apply(t, full(1), Document(2, nil))
	s.agree(t, everything)
	got, err := s.Counts(t.Context())
	want := catalog.Counts{Cursor: 2, Arrivals: 2, Messages: 2, Indexed: 2, Unparseable: 1, BytesRaw: 2003}
	if got != want || err != nil {
		t.Errorf("Counts = %+v, %v; want %+v", got, err, want)
	}
}

func appliedTwice(t *testing.T, s suite) {
	first, second := full(1), full(2)
	again := SameContent(3, first, nil)
	s.apply(t, first, second, again)
	before, _ := s.Counts(t.Context())
	s.apply(t, first, second, again)
	s.apply(t, again, full(4))
	s.agree(t, everything)
	after, _ := s.Counts(t.Context())
	before.Cursor, before.Arrivals = 4, before.Arrivals+1
	before.Messages, before.Indexed = before.Messages+1, before.Indexed+1
	before.Unparseable, before.BytesRaw = before.Unparseable+1, before.BytesRaw+1004
	if after != before {
		t.Errorf("Counts after the batch came twice and one more = %+v, want %+v", after, before)
	}
}

func cursorStepsOver(t *testing.T, s suite) {
	for _, step := range []struct {
		batch []catalog.Document
		upTo  uint64
		want  uint64
	}{
		{nil, 0, 0},
		{[]catalog.Document{Document(3, nil), Document(7, nil)}, 0, 7},
		{nil, 9, 9},
		{nil, 4, 9},
		{[]catalog.Document{Document(8, nil)}, 0, 9}, // passed already
		{[]catalog.Document{Document(12, nil)}, 15, 15},
	} {
		if err := s.Apply(t.Context(), step.batch, step.upTo); err != nil {
			t.Fatalf("Apply: %v", err)
		}
		if n, err := s.Counts(t.Context()); n.Cursor != step.want || err != nil {
			t.Errorf("cursor after %d documents up to %d = %d, %v; want %d", len(step.batch), step.upTo, n.Cursor, err, step.want)
		}
	}
	s.wantFound(t, nil, 12, 7, 3)
}

func seqsMustRise(t *testing.T, s suite) {
	for _, batch := range [][]catalog.Document{
		{Document(2, nil), Document(1, nil)},
		{Document(1, nil), Document(1, nil)},
	} {
		if err := s.Apply(t.Context(), batch, 0); !errors.Is(err, mail.ErrBadInput) {
			t.Errorf("Apply of seqs %d, %d: %v, want ErrBadInput", batch[0].Arrival.Seq, batch[1].Arrival.Seq, err)
		}
	}
	s.wantFound(t, nil)
}

func cancelledApply(t *testing.T, s suite) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Apply(ctx, []catalog.Document{Document(1, nil)}, 0); !errors.Is(err, context.Canceled) {
		t.Skipf("the context came too late for it: %v", err)
	}
	s.wantFound(t, nil)
	s.apply(t, Document(1, nil))
	s.wantFound(t, nil, 1)
}

func contentAgain(t *testing.T, s suite) {
	first := Document(1, func(d *catalog.Document) {
		d.Arrival.Envelope.To = recipients("one@example.org")
	})
	s.apply(t, first)
	s.apply(t, Document(2, nil), SameContent(3, first, func(d *catalog.Document) {
		d.SortDate = d.SortDate.Add(48 * time.Hour) // of no account
		d.Arrival.Envelope.From = "late@example.com"
		d.Arrival.Envelope.To = recipients("two@example.org", "one@example.org")
	}))
	s.apply(t, SameContent(4, first, func(d *catalog.Document) {
		d.Arrival.Envelope.To = recipients("one@example.org")
	}))
	s.agree(t, everything)
	for _, value := range []string{"one@example.org", "two@example.org"} {
		s.wantFound(t, catalog.Text{Field: catalog.Delivered, Value: value}, 1)
	}
	s.wantFound(t, catalog.Text{Field: catalog.From, Value: "late@example.com"}, 1)
	s.wantFound(t, word("number1"), 1)
}

// batchesDoNotMatter applies the same arrivals in two ways.
func batchesDoNotMatter(t *testing.T, s suite) {
	documents := mixture(60)
	s.apply(t, documents...)
	whole := rows(t, s.Catalog, everything)
	one := suite{s.Catalog, &Memory{}}
	for _, d := range documents {
		if err := one.reference.Apply(t.Context(), []catalog.Document{d}, 0); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(rows(t, one.reference, everything), whole, equal()...); diff != "" {
		t.Errorf("one batch against one by one (-one by one +batch):\n%s", diff)
	}
}

func unreadReplaced(t *testing.T, s suite) {
	unread := func(d *catalog.Document) {
		d.Message = extract.Message{Problems: []string{"content is damaged"}}
		d.Unread = true
	}
	good := full(3)
	good.Problems = nil
	s.apply(t, SameContent(1, good, unread))
	s.wantFound(t, word("quarterly"))
	s.apply(t, SameContent(2, good, unread))
	s.agree(t, everything)
	s.apply(t, good)
	s.agree(t, everything)
	s.wantFound(t, word("quarterly"), 1)
	if n, _ := s.Counts(t.Context()); n.Unparseable != 0 || n.Messages != 1 || n.Arrivals != 3 {
		t.Errorf("Counts after the content was read = %+v", n)
	}
	s.apply(t, SameContent(4, good, unread))
	s.wantFound(t, word("quarterly"), 1)
	s.agree(t, everything)
}
