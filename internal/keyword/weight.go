package keyword

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"
)

// candidates returns the weightiest terms; among equals those that come first.
func (m *message) candidates() []Candidate {
	m.order = m.order[:0]
	isGerman := m.languages[1] > m.languages[0] && m.languages[1] > m.languages[2]
	for i := range m.terms {
		m.terms[i].weight = m.terms[i].weigh(isGerman)
		m.order = append(m.order, i)
	}
	slices.SortFunc(m.order, m.compare)
	order := m.order[:min(len(m.order), MaxCandidates)]
	m.thin(order)
	return m.export(order)
}

// compare puts the weightier first, then what comes first.
func (m *message) compare(a, b int) int {
	return cmp.Or(cmp.Compare(m.terms[b].weight, m.terms[a].weight), cmp.Compare(a, b))
}

// maxCodes is how many codes and names from the text keep their weight.
const maxCodes = 4

// thin makes the codes of a patch, a log or a table weigh less, so that they
// do not crowd out the words.
func (m *message) thin(order []int) {
	n := 0
	for _, i := range order {
		t := &m.terms[i]
		if t.subject == 0 && (t.kind == code || t.kind == name) {
			if n++; n > maxCodes {
				t.weight /= 4
			}
		}
	}
	slices.SortFunc(order, m.compare)
}

// export copies terms, so that they do not hold on to the message.
func (m *message) export(order []int) []Candidate {
	if len(order) == 0 {
		return nil
	}
	var all strings.Builder
	all.Grow(MaxCandidates * 20)
	for _, i := range order {
		t := &m.terms[i]
		all.Write(m.arena[t.start:t.end])
		all.WriteString(t.best())
	}
	text := all.String()
	out := make([]Candidate, len(order))
	for n, i := range order {
		t := &m.terms[i]
		folded, shown := t.end-t.start, len(t.best())
		out[n] = Candidate{text[:folded], text[folded : folded+shown], float64(t.weight)}
		text = text[folded+shown:]
	}
	return out
}

// best returns the most common way that a term is written.
func (t *term) best() string {
	best := t.shown[0]
	for _, s := range t.shown[1:] {
		if s.count > best.count {
			best = s
		}
	}
	return best.text
}

// damped is what a term weighs that stands there so often.
var damped = [...]int{0, 100, 140, 163, 180, 193, 203, 212, 220}

// weigh returns what a term weighs within its message. All steps are whole
// numbers, so that all machines agree.
func (t *term) weigh(isGerman bool) int {
	w := damped[min(t.count, len(damped)-1)]
	if t.subject > 0 {
		w = w * 5 / 2
	}
	switch t.kind {
	case code:
		return w * 2
	case name:
		return w / 2
	case run:
		return w
	}
	switch {
	case t.capital > t.lower || t.subject > 0 && t.lower == 0:
		w = w * 3 / 2
	case isGerman && t.lower > 0: // German nouns have capitals
		w = w * 2 / 5
	}
	switch letters := utf8.RuneCountInString(t.shown[0].text); {
	case letters >= 9:
		w = w * 5 / 4
	case letters <= 4:
		w = w * 3 / 4
	}
	return w
}
