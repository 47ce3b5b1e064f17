package search

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Measures of a snippet in bytes: how much of a text is looked at, how long
// the piece shown is, and how much of it stands in front of the first hit.
const (
	searched = 64 << 10
	shown    = 200
	before   = 20
)

// snippet cuts the piece out of a text in which most of the wanted terms
// stand, on one line. marks are where they stand in the piece, rising.
func snippet(text string, w wanted) (piece string, marks [][2]int) {
	text = text[:cutBefore(text, searched)]
	from := w.best(text) - before
	if from <= 0 {
		from = 0
	} else {
		from = nextWord(text, from)
	}
	to := cutBefore(text, from+shown)
	line := newLine(from > 0)
	at := from
	w.each(text, from, func(f found) bool {
		if f.from >= at && f.to <= to {
			line.add(text[at:f.from])
			marks = append(marks, line.mark(text[f.from:f.to]))
			at = f.to
		}
		return f.from < to
	})
	line.add(text[at:to])
	return line.end(to < len(text)), marks
}

// best is where the stretch with most different terms begins, and among those
// the first; 0 when there is none. With all terms in one the rest of the text
// is not looked at.
func (w wanted) best(text string) (at int) {
	var near []found // those in a stretch that ends with the last one
	most := 0
	w.each(text, 0, func(f found) bool {
		near = append(near, f)
		for near[0].from < f.to-(shown-before) && len(near) > 1 {
			near = near[1:]
		}
		if n := differentTerms(near); n > most {
			most, at = n, near[0].from
		}
		return most < len(w)
	})
	return at
}

func differentTerms(list []found) int {
	var seen [maxTerms]bool
	n := 0
	for _, f := range list {
		if !seen[f.term] {
			seen[f.term] = true
			n++
		}
	}
	return n
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

// mark adds words and returns where they stand.
func (l *line) mark(words string) [2]int {
	if l.space && l.Len() > 0 {
		l.WriteByte(' ')
	}
	l.space = false
	from := l.Len()
	l.add(words)
	return [2]int{from, l.Len()}
}

func (l *line) end(cut bool) string {
	if cut {
		l.WriteString(ellipsis)
	}
	return l.String()
}
