package search

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"mailarchive/internal/catalog"
	"mailarchive/internal/catalog/token"
)

// Measures of a snippet in bytes: how much of a text is looked at, how long
// the piece shown is, and how much of it stands in front of the first hit.
const (
	searched = 256 << 10
	shown    = 200
	before   = 40
)

// wanted are the words that a query looks for; true for beginnings of words.
type wanted map[string]bool

// wordsOf gathers the words of a query, those that it excludes left out.
func wordsOf(n catalog.Node) wanted {
	w := wanted{}
	w.gather(n)
	return w
}

func (w wanted) gather(n catalog.Node) {
	switch n := n.(type) {
	case catalog.Text:
		if n.Field != catalog.AnyText && n.Field != catalog.Body {
			return
		}
		words, prefix := token.Phrase(n.Value, n.Prefix)
		for i, word := range words {
			w[word] = w[word] || prefix && i == len(words)-1
		}
	case catalog.And:
		for _, n := range n {
			w.gather(n)
		}
	case catalog.Or:
		for _, n := range n {
			w.gather(n)
		}
	}
}

// find returns the wanted word that a word of the text is.
func (w wanted) find(in string) (string, bool) {
	if _, ok := w[in]; ok {
		return in, true
	}
	for word, prefix := range w {
		if prefix && strings.HasPrefix(in, word) {
			return word, true
		}
	}
	return "", false
}

// found is a place in the text with the wanted word that stands there.
type found struct {
	from, to int
	word     string
}

// snippet cuts the piece out of a text in which most of the wanted words
// stand, on one line. marks are where they stand in the piece.
func snippet(text string, w wanted) (piece string, marks [][2]int) {
	places := w.places(text[:cutBefore(text, searched)])
	from := bestPlace(places) - before
	if from <= 0 {
		from = 0
	} else {
		from = nextWord(text, from)
	}
	to := cutBefore(text, from+shown)
	line := newLine(from > 0)
	at := from
	for _, f := range places {
		if f.from < at || f.to > to {
			continue
		}
		line.add(text[at:f.from])
		marks = append(marks, line.mark(text[f.from:f.to]))
		at = f.to
	}
	line.add(text[at:to])
	return line.end(to < len(text)), marks
}

// places finds the wanted words in a text.
func (w wanted) places(text string) (list []found) {
	if len(w) == 0 {
		return nil
	}
	for from := 0; from < len(text); {
		to := wordEnd(text, from)
		if to > from {
			list = append(list, w.within(text, from, to)...)
		}
		_, size := utf8.DecodeRuneInString(text[to:])
		from = to + size
	}
	return list
}

// wordEnd returns the end of the run of word characters at from.
func wordEnd(text string, from int) int {
	n := strings.IndexFunc(text[from:], func(r rune) bool { return !unicode.In(r, unicode.L, unicode.N, unicode.M) })
	if n < 0 {
		return len(text)
	}
	return from + n
}

// within looks at one run. It is one word, or in a script without spaces many,
// of which each is two characters long.
func (w wanted) within(text string, from, to int) (list []found) {
	words := token.Words(text[from:to])
	if len(words) == 1 {
		if word, ok := w.find(words[0]); ok {
			return []found{{from, to, word}}
		}
		return nil
	}
	if !slices.ContainsFunc(words, func(s string) bool { _, ok := w.find(s); return ok }) {
		return nil
	}
	for at := from; at < to; {
		_, one := utf8.DecodeRuneInString(text[at:])
		_, two := utf8.DecodeRuneInString(text[at+one:])
		pair := token.Words(text[at : at+one+two])
		if word, ok := w.findFirst(pair); ok {
			list = append(list, found{at, min(at+one+two, to), word})
			at += two
		}
		at += one
	}
	return list
}

func (w wanted) findFirst(words []string) (string, bool) {
	if len(words) == 0 {
		return "", false
	}
	return w.find(words[0])
}

// bestPlace is where the piece with most different words begins, and among
// those the first; 0 when there is none.
func bestPlace(places []found) int {
	best, at := 0, 0
	for i, first := range places {
		words := map[string]bool{}
		for _, f := range places[i:min(i+shown, len(places))] {
			if f.to > first.from+shown-before {
				break
			}
			words[f.word] = true
		}
		if len(words) > best {
			best, at = len(words), first.from
		}
	}
	return at
}

// nextWord moves forward to the beginning of a word, not far.
func nextWord(text string, at int) int {
	if n := strings.IndexFunc(text[at:min(at+before, len(text))], unicode.IsSpace); n >= 0 {
		return at + n + 1
	}
	return cutBefore(text, at)
}

// cutBefore moves back to the beginning of a character.
func cutBefore(text string, at int) int {
	if at >= len(text) {
		return len(text)
	}
	for at > 0 && !utf8.RuneStart(text[at]) {
		at--
	}
	return at
}

// line writes text on one line, with single spaces.
type line struct {
	strings.Builder
	space bool // white space came since the last character
}

const ellipsis = "…"

func newLine(cut bool) *line {
	l := &line{}
	if cut {
		l.WriteString(ellipsis)
	}
	return l
}

func (l *line) add(text string) {
	for _, r := range text {
		if unicode.IsSpace(r) || unicode.IsControl(r) {
			l.space = true
			continue
		}
		if l.space && l.Len() > 0 {
			l.WriteByte(' ')
		}
		l.space = false
		l.WriteRune(r)
	}
}

// mark adds a word and returns where it stands.
func (l *line) mark(word string) [2]int {
	l.add(word)
	return [2]int{l.Len() - len(word), l.Len()}
}

func (l *line) end(cut bool) string {
	if cut {
		l.WriteString(ellipsis)
	}
	return l.String()
}
