package cli

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"mailarchive/internal/control"
	"mailarchive/internal/mail"
	"mailarchive/internal/search"
)

func TestMarksMoveWithSafeText(t *testing.T) {
	for _, c := range []struct {
		text  string
		marks [][2]int
		want  string
	}{
		{"a cat", [][2]int{{2, 5}}, "a <cat>"},
		{"\x1b[2J cat, dog", [][2]int{{5, 8}, {10, 13}}, `\x1b[2J <cat>, <dog>`},
		{"c\x1bat", [][2]int{{0, 4}}, `<c\x1bat>`},
		{"cat", [][2]int{{2, 9}, {-1, 2}}, "cat"}, // of another text
		{"cat", [][2]int{{0, 2}, {1, 3}}, "<ca>t"},
		{"", nil, ""},
	} {
		text, marks := safeMarked(c.text, c.marks)
		if text != safe(c.text) {
			t.Errorf("%q: text %q, want %q", c.text, text, safe(c.text))
		}
		if got := brackets(embolden(text, marks)); got != c.want {
			t.Errorf("%q with %v = %q, want %q", c.text, c.marks, got, c.want)
		}
	}
	if got := brackets(embolden("a cat and a do…", [][2]int{{2, 5}, {12, 15}})); got != "a <cat> and a do…" {
		t.Errorf("cut text: %q", got)
	}
}

func brackets(s string) string {
	return strings.NewReplacer("\x1b[1m", "<", "\x1b[0m", ">").Replace(s)
}

func TestTableMarksWhatWasFound(t *testing.T) {
	for width, want := range map[int]string{
		100: "  00000000000000000000000000  [k1]  of a <cat> and a <dog>",
		45:  "  00000000000000000000000000  [k1]  of a <cat>…",
		43:  "  00000000000000000000000000  [k1]  of a c…",
		30:  "  00000000000000000000000000  …",
	} {
		var b strings.Builder
		table := newTable(&b, width, time.UTC)
		table.bold = true
		hit := control.Hit{Keywords: []string{"k1"}, Snippet: "of a cat and a dog", Marks: [][2]int{{5, 8}, {15, 18}}}
		if err := table.second(hit); err != nil {
			t.Fatal(err)
		}
		if got := brackets(b.String()); got != want+"\n" {
			t.Errorf("width %d: %q, want %q", width, got, want)
		}
	}
}

func TestShellQuoted(t *testing.T) {
	for text, want := range map[string]string{
		"":            "''",
		"from:a@b.c":  "from:a@b.c",
		"a b":         "'a b'",
		`it's "x"`:    `'it'\''s "x"'`,
		"-$(rm *)":    "'-$(rm *)'",
		"größe":       "'größe'",
		"d1f.18e0ab2": "d1f.18e0ab2",
	} {
		if got := shellQuoted(text); got != want {
			t.Errorf("shellQuoted(%q) = %s, want %s", text, got, want)
		}
	}
}

func TestErrorsPointAtTheirPlace(t *testing.T) {
	for query, want := range map[string]string{
		"größe )":        "  größe )\n        ^\n",
		"寸法 fron:a":      "  寸法 fron:a\n       ^\n",
		"x\x1b (":        "  x\\x1b (\n         ^\n",
		"direction:in":   "  direction:in\n            ^\n",
		"direction:in (": "  direction:in (\n            ^\n",
	} {
		_, err := search.Language{}.Parse(query)
		var b strings.Builder
		p := &program{std: Stdio{Err: &b}}
		p.point(fmt.Errorf("search: %w", err), query)
		if b.String() != want {
			t.Errorf("%q (%v):\n%swant\n%s", query, err, b.String(), want)
		}
	}
	var b strings.Builder
	p := &program{std: Stdio{Err: &b}}
	p.point(errors.New("no such thing"), "(")
	p.point(fmt.Errorf("another complaint: %w", mail.ErrBadInput), "(")
	if p.point(nil, "("); b.Len() > 0 {
		t.Errorf("said %q", b.String())
	}
}
