// Package keyword finds the terms that set a message apart.
//
// In come a message's subject and text, out go [Candidates], taken from its own
// words alone: quoted text, signatures and disclaimers are left out, and so are
// words that say nothing. [Frequencies] knows how common a term is in the
// archive and chooses the keywords among the candidates. Nothing is on disk
// when a call returns, and a crash leaves nothing; who keeps Frequencies does
// so by its MarshalBinary.
//
// Both are deterministic: the same calls in the same order give the same
// results on any machine.
package keyword

// Version numbers what the functions of this package choose: a catalog that was
// made with another one is made again.
const Version = 2

// Candidate is a term of a message that may become one of its keywords.
type Candidate struct {
	Term   string  // folded: words of package token, a space between
	Shown  string  // as the message writes it
	Weight float64 // how much it stands out in this message
}

// MaxCandidates is the most candidates of one message.
const MaxCandidates = 64

// MaxKeywords is the most keywords of one message.
const MaxKeywords = 12
