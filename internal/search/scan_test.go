package search

import (
	"slices"
	"strings"
	"testing"

	"mailarchive/internal/catalog/token"
	"mailarchive/sample"
)

// scanned returns the words that a scanner finds, each with its place checked.
func scanned(t *testing.T, text string) (words []string) {
	t.Helper()
	s := scanner{text: text}
	end := 0
	for s.next() {
		if s.from < end || s.to <= s.from || s.at <= s.from || s.at > s.to {
			t.Fatalf("%q: word %q at %d to %d, next from %d", text, s.word, s.from, s.to, s.at)
		}
		end = s.at
		words = append(words, string(s.word))
	}
	return words
}

// TestScannerFindsTheWordsOfTheIndex compares with package token, by which
// messages are found.
func TestScannerFindsTheWordsOfTheIndex(t *testing.T) {
	texts := []string{
		"", "a", "The Invoice RE-2026/00417, v1.2.3", "Größe naïve ÉCOLE Straße", "日本語の文書 abc日本def", "ภาษาไทย ก็ดี", "한국어 문장",
		"مَرْحَبًا بالعالم", "soft\u00adware zero\u200djoin", "ＡＢＣ１２３ ﬁne", "e\u0301te\u0301", "\xff\xfebad\xffbytes", "“quoted” — dash…", "٣٤٥ १२३", "x😀y",
		strings.Repeat("é", 300),
	}
	for _, m := range sample.Messages() {
		texts = append(texts, string(m.Data))
	}
	for _, text := range texts {
		got, want := scanned(t, text), token.Words(text)
		if !slices.Equal(got, want) {
			for i := range min(len(got), len(want)) {
				if got[i] != want[i] {
					t.Fatalf("%.60q: word %d is %q, want %q", text, i, got[i], want[i])
				}
			}
			t.Errorf("%.60q: %d words, want %d", text, len(got), len(want))
		}
	}
}

// TestSkippingLosesNothing has only words that are stepped over on the way.
func TestSkippingLosesNothing(t *testing.T) {
	text := "other words, größe, an x東京 and wörter; the CAT, Ca\u0301t, cat"
	var places []string
	anyWords("cat", "東京").each(text, 0, func(f found) bool {
		places = append(places, text[f.from:f.to])
		return true
	})
	if want := []string{"東京", "CAT", "Ca\u0301t", "cat"}; !slices.Equal(places, want) {
		t.Errorf("found %q, want %q", places, want)
	}
}
