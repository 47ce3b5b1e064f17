package sqlite

import (
	"strings"
	"testing"

	"mailarchive/internal/catalog"
	"mailarchive/internal/catalog/catalogtest"
	"mailarchive/internal/extract"
)

// TestFieldsBehindALongOne: words of header fields are bounded, names are not.
func TestFieldsBehindALongOne(t *testing.T) {
	db := open(t, Options{})
	defer db.Close()
	d := catalogtest.Document(1, func(d *catalog.Document) {
		d.Headers = []extract.Header{{Name: "x-long", Value: strings.Repeat("word ", 2*maxHeaderWords)}, {Name: "x-behind", Value: "lost"}, {Name: "x-last"}}
	})
	if err := db.Apply(t.Context(), []catalog.Document{d}, 0); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"x-long": 1, "X-Behind": 1, "x-last": 1, "x-none": 0} {
		if n, _, err := db.Count(t.Context(), everything(), catalog.Header{Name: name}, 9); err != nil || n != want {
			t.Errorf("%s: %d, %v", name, n, err)
		}
	}
}

// TestIdentifiersOfAThread: a message is found by what it answers and by what
// its thread began with.
func TestIdentifiersOfAThread(t *testing.T) {
	db := open(t, Options{})
	defer db.Close()
	d := catalogtest.Document(1, func(d *catalog.Document) {
		d.InReplyTo = []string{"Parent.9@example.org"}
		d.References = []string{"root@example.org", "1@example.org", "2@example.org", "grand@example.org", "Parent.9@example.org"}
	})
	if err := db.Apply(t.Context(), []catalog.Document{d}, 0); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		header catalog.Header
		want   int
	}{
		{catalog.Header{Name: "In-Reply-To"}, 1},
		{catalog.Header{Name: "references"}, 1},
		{catalog.Header{Name: "in-reply-to", Value: "<parent.9@EXAMPLE.org>"}, 1},
		{catalog.Header{Name: "in-reply-to", Value: "root@example.org"}, 0},
		{catalog.Header{Name: "in-reply-to", Value: "parent"}, 0},
		{catalog.Header{Name: "references", Value: "root@example.org"}, 1},
		{catalog.Header{Name: "references", Value: "grand@example.org"}, 1},
		{catalog.Header{Name: "references", Value: "1@example.org"}, 0}, // in the middle
	} {
		if n, _, err := db.Count(t.Context(), everything(), c.header, 9); err != nil || n != c.want {
			t.Errorf("%+v: %d, %v", c.header, n, err)
		}
	}
	if n, _, err := db.Count(t.Context(), everything(), catalog.Text{Field: catalog.AnyText, Value: "root@example.org"}, 9); err != nil || n != 0 {
		t.Errorf("text finds an identifier: %d, %v", n, err)
	}
}
