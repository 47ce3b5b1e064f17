package keyword

import (
	"sync"
	"unicode/utf8"
)

// What of a message is looked at, in bytes.
const (
	maxSubject = 1 << 10
	maxText    = 1 << 16
)

// Candidates returns the terms of a message that may be its keywords, the
// weightiest first, at most [MaxCandidates]. Time and memory are bounded: only
// the beginning of a long text is read.
func Candidates(subject, text string) []Candidate {
	return NewFinder().Candidates(subject, text)
}

// Finder finds candidates and keeps its buffers for the next message. It is
// safe for concurrent use.
type Finder struct {
	pool sync.Pool // of *message
}

// NewFinder returns a Finder.
func NewFinder() *Finder {
	return &Finder{sync.Pool{New: func() any { return new(message) }}}
}

// Candidates is [Candidates] with the buffers of the Finder.
func (f *Finder) Candidates(subject, text string) []Candidate {
	m := f.pool.Get().(*message)
	defer f.pool.Put(m)
	m.reset()
	m.subject(cut(subject, maxSubject))
	m.text(cut(text, maxText))
	return m.candidates()
}

// cut returns the beginning of s, at most n bytes, between characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
