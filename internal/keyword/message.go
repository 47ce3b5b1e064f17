package keyword

import (
	"bytes"
	"math/bits"
	"unicode"
	"unicode/utf8"

	"mailarchive/internal/catalog/token"
)

// message gathers the terms of one message.
type message struct {
	terms     []term
	slots     [slots]uint16 // by hash: one more than the index of a term, 0 for none
	arena     []byte        // folded forms of all terms
	scratch   []byte
	pending   []byte // folded forms of the paragraph
	start     []byte // of the reader
	paragraph []sighting
	disclaims uint8 // of the paragraph: the classes of telling words
	languages [3]int
	order     []int
}

const (
	maxTerms = 4096
	slots    = 2 * maxTerms
	// maxParagraph bounds what is held back until a paragraph's end shows
	// whether it is a disclaimer. A longer one is none.
	maxParagraph = 400
)

// term is a term of the message.
type term struct {
	start, end int // of the folded form in the arena
	kind       kind
	count      int
	subject    int // how often in the subject
	capital    int // how often with a capital letter that no sentence's begin asks for
	lower      int // how often without
	shown      [3]surface
	weight     int
}

// surface is how a term is written, and how often.
type surface struct {
	text  string
	count int
}

// sighting is a piece of text that is a term.
type sighting struct {
	piece      string
	kind       kind
	where      where
	start, end int // of the folded form in pending
}

// where a piece stands.
type where uint8

const (
	inside where = iota // a sentence
	first               // of a sentence or line
	above               // in the subject
)

func (m *message) reset() {
	clear(m.terms) // it refers to the text before
	clear(m.paragraph[:cap(m.paragraph)])
	clear(m.slots[:])
	m.terms, m.arena, m.paragraph, m.pending = m.terms[:0], m.arena[:0], m.paragraph[:0], m.pending[:0]
	m.disclaims, m.languages = 0, [3]int{}
}

func (m *message) subject(s string) {
	pieces(s, func(piece string, k kind, _ int) { m.see(sighting{piece: piece, kind: k, where: above}) })
	m.commit()
}

func (m *message) text(s string) {
	r := reader{rest: s, start: m.start}
	defer func() { m.start = r.start }()
	for {
		line, more := r.next()
		if line == "" {
			m.commit()
		}
		if !more {
			return
		}
		pieces(line, func(piece string, k kind, at int) {
			where := inside
			if beginsSentence(line[:at]) {
				where = first
			}
			m.see(sighting{piece: piece, kind: k, where: where})
		})
	}
}

// beginsSentence reports whether a sentence may begin behind before.
func beginsSentence(before string) bool {
	for before != "" {
		r, size := utf8.DecodeLastRuneInString(before)
		switch r {
		case ' ', '\t', '"', '\'', '(', '*', '-', '„', '“', '”', '«', '»', '–', '—':
			before = before[:len(before)-size]
		case '.', '!', '?', ':', ';':
			return true
		default:
			return false
		}
	}
	return true
}

// see holds a piece back until the paragraph ends, unless it says nothing.
func (m *message) see(s sighting) {
	folded := m.fold(s.piece)
	if s.kind == word || s.kind == run {
		if i := bytes.IndexByte(folded, ' '); i < 0 {
			m.disclaims |= telling[string(folded)]
		}
		if language := stopped(folded); language != 0 {
			m.tally(language)
			return
		}
		if utf8.RuneCount(folded) < 3 {
			return
		}
	}
	if len(folded) == 0 {
		return
	}
	s.start = len(m.pending)
	m.pending = append(m.pending, folded...)
	s.end = len(m.pending)
	m.paragraph = append(m.paragraph, s)
	if len(m.paragraph) >= maxParagraph {
		m.disclaims = 0
		m.commit()
	}
}

// stopped returns the languages that have folded among their stop words. Where
// all parts of a compound are stop words, it is one too: "pourriez-vous".
func stopped(folded []byte) language {
	language := stops[string(folded)]
	if language != 0 || bytes.IndexByte(folded, ' ') < 0 {
		return language
	}
	for part := range bytes.FieldsSeq(folded) {
		if stops[string(part)] == 0 {
			return 0
		}
	}
	return anywhere
}

// tally counts stop words by the one language that they are of.
func (m *message) tally(l language) {
	switch l {
	case english:
		m.languages[0]++
	case german:
		m.languages[1]++
	case french:
		m.languages[2]++
	}
}

// fold returns the folded words of a piece with spaces between. The result is
// good until the next call.
func (m *message) fold(piece string) []byte {
	m.scratch = token.AppendText(m.scratch[:0], piece)
	return bytes.TrimSuffix(m.scratch, []byte(" "))
}

// commit counts the terms of a paragraph, unless it is a disclaimer.
func (m *message) commit() {
	if m.disclaims < heavy || bits.OnesCount8(m.disclaims&^heavy) < 3 {
		for _, s := range m.paragraph {
			m.count(s)
		}
	}
	m.paragraph, m.pending, m.disclaims = m.paragraph[:0], m.pending[:0], 0
}

func (m *message) count(s sighting) {
	t := m.find(m.pending[s.start:s.end], s.kind)
	if t == nil {
		return
	}
	t.count++
	initial, _ := utf8.DecodeRuneInString(s.piece)
	switch {
	case s.where == above:
		t.subject++
	case !unicode.IsUpper(initial):
		t.lower++
	case s.where == inside:
		t.capital++
	}
	for i := range t.shown {
		if t.shown[i].count == 0 {
			t.shown[i].text = s.piece
		}
		if t.shown[i].text == s.piece {
			t.shown[i].count++
			return
		}
	}
}

// find returns the term of a folded form, a new one if need be; nil when there
// are too many.
func (m *message) find(folded []byte, k kind) *term {
	slot := hash(folded) % slots
	for ; m.slots[slot] != 0; slot = (slot + 1) % slots {
		t := &m.terms[m.slots[slot]-1]
		if bytes.Equal(m.arena[t.start:t.end], folded) {
			return t
		}
	}
	if len(m.terms) == maxTerms {
		return nil
	}
	start := len(m.arena)
	m.arena = append(m.arena, folded...)
	m.terms = append(m.terms, term{start: start, end: len(m.arena), kind: k})
	m.slots[slot] = uint16(len(m.terms))
	return &m.terms[len(m.terms)-1]
}
