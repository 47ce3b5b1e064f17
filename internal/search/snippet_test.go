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

func prefixed(v string) catalog.Text {
	return catalog.Text{Field: catalog.AnyText, Value: v, Prefix: true}
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
		{"An annual reports' report: annual report", anyWords("annual report"), "…reports' report: [annual report]"},
		{"See RE-2026/\n00417 of 2026", anyWords("re-2026/00417"), "See [RE-2026/ 00417] of 2026"},
		{"reporting on Répétition", wordsOf(catalog.And{prefixed("rep")}), "[reporting] on [Répétition]"},
		{"annual report", wordsOf(prefixed("annual rep")), "[annual report]"},
		{"全角ＡＢＣと東京都庁", anyWords("東京都", "abc"), "全角[ＡＢＣ]と[東京都]庁"},
		{"ไทยภาษา", anyWords("ภาษา"), "ไทย[ภาษา]"},
		{"soft\u00adware", anyWords("software"), "[soft\u00adware]"},
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

// BenchmarkSnippet makes a piece of a text in which the word is at the end,
// and of one without it.
func BenchmarkSnippet(b *testing.B) {
	for name, text := range map[string]string{
		"english": strings.Repeat("All of the filler words go on and on until here. ", 400),
		"german":  strings.Repeat("Größere Übungen für ältere Schüler, für später. ", 400),
		"chinese": strings.Repeat("这是一个很长的句子，没有空格。", 500),
	} {
		wanted := anyWords("zebra", "annual report", "斑馬")
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				snippet(text+"zebra", wanted)
			}
		})
	}
}
