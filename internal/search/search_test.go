package search

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/access"
	"mailarchive/internal/catalog"
	"mailarchive/internal/catalog/catalogtest"
	"mailarchive/internal/extract"
	"mailarchive/internal/mail"
)

func anyText(v string) catalog.Text { return catalog.Text{Field: catalog.AnyText, Value: v} }

func filled(t *testing.T, documents ...catalog.Document) *catalogtest.Memory {
	t.Helper()
	c := &catalogtest.Memory{}
	if err := c.Apply(t.Context(), documents, 0); err != nil {
		t.Fatal(err)
	}
	return c
}

func numbered(n int) (list []catalog.Document) {
	for seq := 1; seq <= n; seq++ {
		list = append(list, catalogtest.Document(uint64(seq), nil))
	}
	return list
}

// TestHitAsJSON holds the form that scripts rely on.
func TestHitAsJSON(t *testing.T) {
	d := catalogtest.Document(1, func(d *catalog.Document) {
		d.Subject = "Report"
		d.From = []extract.Participant{{Name: "Alice Archer", Address: "alice@example.org"}}
		d.To = []extract.Participant{{Address: "bob@example.org"}, {Name: "Undisclosed"}}
		d.Arrival.Envelope.To = []mail.Recipient{{Address: "bob@example.org"}}
		d.Attachments = []extract.Attachment{{Name: "a.pdf", Type: "application/pdf", Size: 7, Digest: mail.Sum(nil)}}
	})
	s := &Searcher{Catalog: filled(t, d, catalogtest.Document(2, nil)), Language: Language{Zone: time.UTC}}
	s.Text = func(context.Context, access.Scope, catalog.Row) (string, error) { return "The text.", nil }
	var lines []string
	err := s.Search(t.Context(), access.Everything("t"), Request{}, func(h Hit) bool {
		b, err := json.Marshal(h)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, string(b))
		return true
	})
	if err != nil || len(lines) != 2 {
		t.Fatalf("%d hits, %v", len(lines), err)
	}
	empty := mail.Sum(nil).String()
	want := `{"id":"` + d.Arrival.ID.String() + `","date":"2026-03-01T09:00:01Z","received":"2026-03-01T09:00:01Z",` +
		`"from":["Alice Archer \u003calice@example.org\u003e"],"to":["bob@example.org","Undisclosed"],"cc":[],` +
		`"delivered_to":["bob@example.org"],"subject":"Report","size":1001,"sha256":"` + d.Arrival.Digest.String() + `",` +
		`"attachments":[{"name":"a.pdf","type":"application/pdf","size":7,"sha256":"` + empty + `"}],"keywords":[],"snippet":"The text."}`
	if diff := cmp.Diff(want, lines[1]); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
	if !strings.Contains(lines[0], `"attachments":[],"keywords":[]`) {
		t.Errorf("empty lists are not []: %s", lines[0])
	}
}

func TestPagesAndSnippets(t *testing.T) {
	s := &Searcher{Catalog: filled(t, numbered(130)...)}
	s.Text = func(_ context.Context, scope access.Scope, row catalog.Row) (string, error) {
		if scope.Actor() != "anna" {
			t.Errorf("text was asked for by %q", scope.Actor())
		}
		if row.ID[15]%2 == 0 {
			return "", errors.New("no text today")
		}
		return "some text of number", nil
	}
	for _, limit := range []int{0, 1, 50, 51, 120} {
		n := 0
		var last Hit
		err := s.Search(t.Context(), access.Everything("anna"), Request{Query: "text", Limit: limit}, func(h Hit) bool {
			n++
			last = h
			want := "some [text] of number"
			if h.ID[15]%2 == 0 {
				want = ""
			}
			if got := show(h.Snippet, h.Marks); got != want {
				t.Errorf("snippet of %s = %q, want %q", h.ID, got, want)
			}
			return true
		})
		want := limit
		if limit == 0 {
			want = 130
		}
		if n != want || err != nil {
			t.Errorf("limit %d: %d hits, %v", limit, n, err)
		}
		rest := 0
		err = s.Search(t.Context(), access.Everything("anna"), Request{Query: "text", After: last.Next}, func(Hit) bool { rest++; return true })
		if rest != 130-want || err != nil {
			t.Errorf("behind %d hits: %d more, %v", want, rest, err)
		}
	}
}

func TestYieldEndsTheSearch(t *testing.T) {
	s := &Searcher{Catalog: filled(t, numbered(130)...)}
	n := 0
	err := s.Search(t.Context(), access.Everything("t"), Request{}, func(Hit) bool { n++; return n < 60 })
	if n != 60 || err != nil {
		t.Errorf("yield was called %d times, %v", n, err)
	}
}

func TestCountAndErrors(t *testing.T) {
	s := &Searcher{Catalog: filled(t, numbered(12)...)}
	if n, more, err := s.Count(t.Context(), access.Everything("t"), "text -number3", 10); n != 10 || !more || err != nil {
		t.Errorf("Count = %d, %v, %v; want 10 and more", n, more, err)
	}
	if _, _, err := s.Count(t.Context(), access.Everything("t"), "(", 10); !errors.Is(err, mail.ErrBadInput) {
		t.Errorf("Count of a broken query: %v", err)
	}
	err := s.Search(t.Context(), access.Everything("t"), Request{Query: `"`}, nil)
	var syntax *SyntaxError
	if !errors.As(err, &syntax) {
		t.Errorf("Search of a broken query: %v", err)
	}
	err = s.Search(t.Context(), access.Scope{}, Request{}, func(h Hit) bool {
		t.Error(fmt.Sprint("the zero scope sees ", h.ID))
		return true
	})
	if err != nil {
		t.Error(err)
	}
}
