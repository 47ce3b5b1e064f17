package search

import (
	"bytes"
	"slices"
	"unicode"
	"unicode/utf8"

	"mailarchive/internal/catalog"
	"mailarchive/internal/catalog/token"
)

// maxTerms is how many terms of a query are marked: a person types fewer, and
// each is compared with every word.
const maxTerms = 32

// term is what a query looks for: words next to each other, the last of them
// the beginning of one when open.
type term struct {
	words []string
	open  bool
}

// wanted are the terms of a query that are looked for in the text.
type wanted []term

// wordsOf gathers the terms of a query, those that it excludes left out.
func wordsOf(n catalog.Node) wanted {
	var w wanted
	w.gather(n)
	return w
}

func (w *wanted) gather(n catalog.Node) {
	switch n := n.(type) {
	case catalog.Text:
		if n.Field == catalog.AnyText || n.Field == catalog.Body {
			w.add(token.Phrase(n.Value, n.Prefix))
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

func (w *wanted) add(words []string, open bool) {
	known := slices.ContainsFunc(*w, func(t term) bool { return t.open == open && slices.Equal(t.words, words) })
	if len(words) > 0 && len(*w) < maxTerms && !known {
		*w = append(*w, term{words, open})
	}
}

// found is a place in a text where a term stands.
type found struct{ from, to, term int }

// each calls visit for each place at which a term begins, from at on, until it
// returns false.
func (w wanted) each(text string, at int, visit func(found) bool) {
	s := scanner{text: text, at: at, first: w.firstBytes()}
	var ahead scanner
	for len(w) > 0 && s.next() {
		for i, t := range w {
			if !t.is(0, s.word) {
				continue
			}
			ahead = scanner{text: text, at: s.at, to: s.to, space: ahead.space}
			if ahead.follow(t) && !visit(found{s.from, ahead.to, i}) {
				return
			}
		}
	}
}

// firstBytes are the bytes that the terms begin with.
func (w wanted) firstBytes() *[256]bool {
	var first [256]bool
	for _, t := range w {
		first[t.words[0][0]] = true
	}
	return &first
}

// is compares the term's word number i.
func (t term) is(i int, word []byte) bool {
	if t.open && i == len(t.words)-1 {
		return len(word) >= len(t.words[i]) && string(word[:len(t.words[i])]) == t.words[i]
	}
	return string(word) == t.words[i]
}

// follow goes on over the words of a term behind its first.
func (s *scanner) follow(t term) bool {
	for i := 1; i < len(t.words); i++ {
		if !s.next() || !t.is(i, s.word) {
			return false
		}
	}
	return true
}

// scanner goes through the words of a text as package token cuts them, and
// tells where they stand.
type scanner struct {
	text     string
	at       int // where the next word is looked for
	from, to int // the word: text[from:to]
	word     []byte
	space    []byte // for word
	// first, when set, tells the words that are of interest by their first
	// byte; most others are stepped over.
	first *[256]bool
}

// next finds the next word; it stays valid until the next call.
func (s *scanner) next() bool {
	for s.at < len(s.text) {
		c := s.text[s.at]
		switch {
		case c < utf8.RuneSelf && !isPlain(c):
			s.at++
		case s.first != nil && c < utf8.RuneSelf && !s.first[lower(c)] && s.skip():
		case s.take():
			return true
		}
	}
	return false
}

func isPlain(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z'
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	return c
}

// skip steps over a word if it is ASCII.
func (s *scanner) skip() bool {
	end := s.at
	for end < len(s.text) && isPlain(s.text[end]) {
		end++
	}
	if end < len(s.text) && s.text[end] >= utf8.RuneSelf {
		return false
	}
	s.at = end
	return true
}

// take reads the word at the place, if one begins there, and steps over it.
func (s *scanner) take() bool {
	s.from, s.to = s.at, s.at
	for s.to < len(s.text) && isPlain(s.text[s.to]) {
		s.to++
	}
	if s.to == len(s.text) || s.text[s.to] < utf8.RuneSelf {
		s.at = s.to
		return s.fold()
	}
	r, size := utf8.DecodeRuneInString(s.text[s.to:])
	if s.to == s.from && token.IsDense(r) {
		s.at = clusterEnd(s.text, s.from+size)
		s.to = s.at
		if r, size = utf8.DecodeRuneInString(s.text[s.at:]); token.IsDense(r) {
			s.to = clusterEnd(s.text, s.at+size)
		}
		return s.fold()
	}
	for inWord(r) && !token.IsDense(r) {
		s.to += size
		r, size = utf8.DecodeRuneInString(s.text[s.to:])
	}
	s.at = s.to
	if s.to == s.from {
		s.at += size
		return false
	}
	return s.fold()
}

// fold makes the word that is compared out of the characters that are there.
func (s *scanner) fold() bool {
	s.space = token.AppendText(s.space[:0], s.text[s.from:s.to])
	s.word, _, _ = bytes.Cut(s.space, []byte(" "))
	return len(s.word) > 0
}

// inWord reports whether a character is part of words; those of format vanish
// in them.
func inWord(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r) || unicode.Is(unicode.Cf, r)
}

// clusterEnd steps over the marks of a character.
func clusterEnd(text string, at int) int {
	for at < len(text) {
		r, size := utf8.DecodeRuneInString(text[at:])
		if !unicode.IsMark(r) {
			break
		}
		at += size
	}
	return at
}
