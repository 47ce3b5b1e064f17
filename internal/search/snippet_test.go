package search

import (
	"strings"
	"testing"
	"unicode/utf8"

	"mailarchive/internal/catalog"
)

func anyWords(values ...string) wanted {
	var list catalog.And
	for _, v := range values {
		list = append(list, anyText(v))
	}
	return wordsOf(list)
}

// show puts brackets around the marks.
func show(piece string, marks [][2]int) string {
	var b strings.Builder
	at := 0
	for _, m := range marks {
		b.WriteString(piece[at:m[0]] + "[" + piece[m[0]:m[1]] + "]")
		at = m[1]
	}
	return b.String() + piece[at:]
}

func TestSnippet(t *testing.T) {
	far := strings.Repeat("filler words go on ", 50)
	for _, c := range []struct {
		text string
		wanted
		want string
	}{
		{"", anyWords("a"), ""},
		{"Nothing here", anyWords("absent"), "Nothing here"},
		{"The  Invoice\r\n\r\nof\tMarch.", anyWords("invoice", "march"), "The [Invoice] of [March]."},
		{"Größe zählt", anyWords("grösse"), "[Größe] zählt"},
		{"日本語の文書", anyWords("本語"), "日[本語]の文書"},
		{"日本語の文書", anyWords("文"), "日本語の[文書]"},
		{"a b c", nil, "a b c"},
		{"cat and dog", wordsOf(catalog.And{anyText("cat"), catalog.Not{Node: anyText("dog")}}), "[cat] and dog"},
		{"cat and dog", wordsOf(catalog.Or{anyText("cat"), catalog.Text{Field: catalog.Subject, Value: "dog"}}), "[cat] and dog"},
	} {
		if got := show(snippet(c.text, c.wanted)); got != c.want {
			t.Errorf("snippet of %q for %v = %q, want %q", c.text, c.wanted, got, c.want)
		}
	}
	got := show(snippet(far+"one cat here "+far+"a cat with a dog "+far, anyWords("cat", "dog")))
	if !strings.Contains(got, "[cat] with a [dog]") || !strings.HasPrefix(got, "…") || !strings.HasSuffix(got, "…") {
		t.Errorf("snippet = %q, want the place with both words", got)
	}
}

func TestSnippetOfLongText(t *testing.T) {
	text := strings.Repeat("日本", 500_000) + " cat"
	piece, _ := snippet(text, anyWords("cat"))
	if len(piece) > shown+2*len(ellipsis) || !utf8.ValidString(piece) {
		t.Errorf("snippet of %d bytes, valid: %v", len(piece), utf8.ValidString(piece))
	}
}

func FuzzSnippet(f *testing.F) {
	f.Add("a cat", "cat")
	f.Add(strings.Repeat("é ", 300)+"cat", "cat é")
	f.Add("日本語\u3099 ก็", "本")
	f.Fuzz(func(t *testing.T, text, value string) {
		text = strings.ToValidUTF8(text, "\uFFFD")
		piece, marks := snippet(text, anyWords(value))
		if !utf8.ValidString(piece) || strings.ContainsAny(piece, "\r\n") {
			t.Fatalf("snippet of %q = %q", text, piece)
		}
		at := 0
		for _, m := range marks {
			if m[0] < at || m[1] <= m[0] || m[1] > len(piece) || !utf8.ValidString(piece[m[0]:m[1]]) {
				t.Fatalf("snippet of %q for %q: marks %v in %q", text, value, marks, piece)
			}
			at = m[1]
		}
	})
}
