package catalogtest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/access"
	"mailarchive/internal/catalog"
	"mailarchive/internal/mail"
)

func withMessageID(seq uint64, id string) catalog.Document {
	return Document(seq, func(d *catalog.Document) { d.MessageID = id })
}

func lookUp(t *testing.T, s suite) {
	one := withMessageID(1, "One@example.org")
	one.Arrival.ID = mustID("01ABCDEF00000000000000000A")
	two := withMessageID(2, "twice@example.org")
	two.Arrival.ID = mustID("01ABCDEG000000000000000000")
	three := withMessageID(3, "twice@example.org")
	three.Arrival.ID = mustID("01ABCDH0000000000000000000")
	again := SameContent(4, one, nil)
	again.Arrival.ID = mustID("02XY0000000000000000000000")
	named := withMessageID(5, "abcd")
	s.apply(t, one, two, three, again, named)
	for _, c := range []struct {
		ref  string
		want *catalog.Document
		err  error
	}{
		{one.Arrival.ID.String(), &one, nil},
		{strings.ToLower(one.Arrival.ID.String()), &one, nil},
		{again.Arrival.ID.String(), &one, nil},
		{"02xy", &one, nil},
		{"02x", nil, mail.ErrNotFound}, // too short to name anything
		{"01ABCDEF", &one, nil},
		{"01ABCDE", nil, mail.ErrAmbiguous},
		{"01ABCDF", nil, mail.ErrNotFound},
		{one.Arrival.ID.String() + "0", nil, mail.ErrNotFound},
		{"one@EXAMPLE.org", &one, nil},
		{"<One@example.org>", &one, nil},
		{"twice@example.org", nil, mail.ErrAmbiguous},
		{"abcd", &named, nil},
		{"", nil, mail.ErrNotFound},
		{"<>", nil, mail.ErrNotFound},
		{"%' OR 1=1 --", nil, mail.ErrNotFound},
		{"\x00\xff", nil, mail.ErrNotFound},
	} {
		got, err := s.Lookup(t.Context(), Everything(), c.ref)
		switch {
		case !errors.Is(err, c.err):
			t.Errorf("Lookup %q: %v, want %v", c.ref, err, c.err)
		case c.want != nil && got.ID != c.want.Arrival.ID:
			t.Errorf("Lookup %q = %s, want %s", c.ref, got.ID, c.want.Arrival.ID)
		}
	}
}

func mustID(s string) mail.ID {
	id, err := mail.ParseID(s)
	if err != nil {
		panic(err)
	}
	return id
}

// oddArrival has an envelope with all fields, and bytes of all kinds in them.
func oddArrival(seq uint64) catalog.Document {
	return Document(seq, func(d *catalog.Document) {
		d.Arrival.Received = d.Arrival.Received.Add(123456789)
		d.Arrival.Envelope = mail.Envelope{
			Source: "import:mbox", From: "b\xffunce@example.org", FromParams: []string{"SIZE=1", "BODY=8BITMIME"},
			To: []mail.Recipient{
				{Address: "\x00nul@example.org", Params: []string{"NOTIFY=NEVER", "ORCPT=rfc822;<a&b>"}},
				{Address: "grüße@exämple.org"}, {Address: ""},
			},
			Client: "192.0.2.1:25", Helo: "\xfe", Auth: "user", TLS: "TLS 1.3",
			Origin: &mail.Origin{
				Path: "/mail/\xe4", Folder: "a/b", Flags: "FS", Owner: "owner@example.org",
				Delivered: time.Date(1999, 1, 2, 3, 4, 5, 0, time.UTC), FromLine: "From x",
				Key: mail.Sum(fmt.Append(nil, seq)),
			},
		}
	})
}

func oddEnvelopes(t *testing.T, s suite) {
	odd := oddArrival(1)
	s.apply(t, odd, SameContent(2, odd, nil))
	s.agree(t, everything)
	got, err := s.Arrivals(t.Context(), Everything(), odd.Arrival.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(odd.Arrival, got[0], equal()...); diff != "" {
		t.Errorf("arrival (-put +got):\n%s", diff)
	}
}

func arrivals(t *testing.T, s suite) {
	first := oddArrival(1)
	s.apply(t, first, Document(2, nil))
	second := SameContent(3, first, func(d *catalog.Document) { d.Arrival.Envelope.To = recipients("x@example.org") })
	s.apply(t, second, Document(4, nil), SameContent(5, first, nil))
	for _, id := range []mail.ID{first.Arrival.ID, second.Arrival.ID} {
		got, err := s.Arrivals(t.Context(), Everything(), id)
		want, _ := s.reference.Arrivals(t.Context(), Everything(), first.Arrival.ID)
		if diff := cmp.Diff(want, got, equal()...); diff != "" || err != nil || len(got) != 3 {
			t.Errorf("Arrivals of %s: %v (-want +got)\n%s", id, err, diff)
		}
	}
	if _, err := s.Arrivals(t.Context(), Everything(), mail.ID{1}); !errors.Is(err, mail.ErrNotFound) {
		t.Errorf("Arrivals of an unknown ID: %v, want ErrNotFound", err)
	}
}

func importKeys(t *testing.T, s suite) {
	odd := oddArrival(1)
	s.apply(t, odd, Document(2, nil))
	key := odd.Arrival.Envelope.Origin.Key
	near := key
	near[31]++
	for _, c := range []struct {
		key  mail.Digest
		want bool
	}{{key, true}, {near, false}, {mail.Digest{}, false}} {
		if got, err := s.Imported(t.Context(), c.key); got != c.want || err != nil {
			t.Errorf("Imported(%s) = %v, %v; want %v", c.key, got, err, c.want)
		}
	}
}

func zeroScope(t *testing.T, s suite) {
	d := withMessageID(1, "x@example.org")
	s.apply(t, d, Document(2, nil))
	var nobody access.Scope
	for _, where := range []catalog.Node{nil, word("text"), catalog.Not{Node: word("none")}, catalog.Or{word("text"), catalog.Between{Since: start}}} {
		for _, order := range []catalog.Order{catalog.NewestFirst, catalog.LastArrivedFirst} {
			if found := hits(t, s.Catalog, catalog.Query{Scope: nobody, Where: where, Order: order}); len(found) > 0 {
				t.Errorf("Search %s within the zero scope gives %d rows", show(where), len(found))
			}
		}
		if n, more, err := s.Count(t.Context(), nobody, where, 10); n != 0 || more || err != nil {
			t.Errorf("Count %s within the zero scope = %d, %v, %v", show(where), n, more, err)
		}
	}
	for _, ref := range []string{d.Arrival.ID.String(), d.Arrival.ID.String()[:8], "x@example.org", "nothing"} {
		if _, err := s.Lookup(t.Context(), nobody, ref); !errors.Is(err, mail.ErrNotFound) {
			t.Errorf("Lookup %q within the zero scope: %v, want ErrNotFound", ref, err)
		}
	}
	if _, err := s.Arrivals(t.Context(), nobody, d.Arrival.ID); !errors.Is(err, mail.ErrNotFound) {
		t.Errorf("Arrivals within the zero scope: %v, want ErrNotFound", err)
	}
}

// readingBeside searches while documents come in: each search sees whole
// batches, newest first.
func readingBeside(t *testing.T, s suite) {
	const batches, each = 20, 25
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for seen := 0; seen < batches*each; {
				n, _, err := s.Count(t.Context(), Everything(), word("text"), 10_000)
				if err != nil || n < seen || n%each != 0 {
					t.Errorf("Count beside Apply = %d after %d, %v", n, seen, err)
					return
				}
				seen = n
				if _, err := s.Counts(t.Context()); err != nil {
					t.Errorf("Counts beside Apply: %v", err)
				}
			}
		})
	}
	seq := uint64(0)
	for range batches {
		var batch []catalog.Document
		for range each {
			seq++
			batch = append(batch, Document(seq, nil))
		}
		s.apply(t, batch...)
	}
	readers.Wait()
}
