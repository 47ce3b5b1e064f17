package sqlite

import (
	"encoding/json"
	"errors"
	"testing"
	"unicode/utf8"

	"mailarchive/internal/catalog"
	"mailarchive/internal/mail"
)

func FuzzRaw(f *testing.F) {
	for _, s := range []string{"", "a", "\x00", "\x00AAAA", "\xff\xfe", "<&>", "ü\u2028"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text, err := encode(raw(s))
		if err != nil || !utf8.ValidString(text) {
			t.Fatalf("encode %q = %q, %v", s, text, err)
		}
		var back raw
		if err := json.Unmarshal([]byte(text), &back); err != nil || string(back) != s {
			t.Errorf("%q came back as %q, %v", s, back, err)
		}
	})
}

func FuzzPosition(f *testing.F) {
	for _, s := range []string{"", "d1.2", "a5", "d-1.-1", "dffffffffffffffff.0", "a", "d1.2 x"} {
		f.Add(s)
	}
	db := open(f, Options{})
	f.Cleanup(func() { db.Close() })
	if err := db.Apply(f.Context(), mixed(), 0); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, order := range []catalog.Order{catalog.NewestFirst, catalog.LastArrivedFirst} {
			q := catalog.Query{Scope: everything(), Order: order, After: catalog.Position(s)}
			n := 0
			err := db.Search(t.Context(), q, func(catalog.Hit) bool { n++; return true })
			if err != nil && !errors.Is(err, mail.ErrBadInput) || n > len(mixed()) {
				t.Errorf("after %q: %d rows, %v", s, n, err)
			}
		}
	})
}

// FuzzMatch hands any text to each field: FTS5 must take it for words.
func FuzzMatch(f *testing.F) {
	for _, s := range []string{"a", `"`, `" OR "`, "a*", "NEAR(a b)", "{body}:x", "-a", "\x00", "日", "@", ".a", "a@b", "(", "^a", "a + b"} {
		f.Add(s)
	}
	db := open(f, Options{})
	f.Cleanup(func() { db.Close() })
	if err := db.Apply(f.Context(), mixed(), 0); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, field := range []catalog.Field{
			catalog.AnyText, catalog.From, catalog.To, catalog.Subject,
			catalog.Delivered, catalog.MessageID, catalog.Body, catalog.Attachments,
		} {
			is := catalog.Text{Field: field, Value: s}
			n, _, err := db.Count(t.Context(), everything(), is, 100)
			not, _, err2 := db.Count(t.Context(), everything(), catalog.Not{Node: is}, 100)
			if err != nil || err2 != nil || n+not != len(mixed()) {
				t.Errorf("%s:%q finds %d, its opposite %d, of %d; %v %v", field, s, n, not, len(mixed()), err, err2)
			}
		}
	})
}
