package keyword

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"
)

// Frequencies knows in how many messages each term stands, in fixed memory
// (2 MiB): each term has a counter in either of two rows, which it shares with
// others by chance, and the lower one counts. So a term may seem more common
// than it is, never less.
//
// When [window] messages are counted, all counters are halved, so that an
// archive of any size fits and old mail weighs less. It is not safe for
// concurrent use.
type Frequencies struct {
	total    uint64 // messages counted
	recent   uint32 // the same, halved with the counters
	counters [rows][width]uint16
}

const (
	rows  = 2
	width = 1 << 19
	// window bounds recent. A counter is full at 1/16 of it, which is well
	// above what is common, so it need not count on.
	window = 1 << 20
)

// NewFrequencies returns Frequencies that have seen no message.
func NewFrequencies() *Frequencies { return new(Frequencies) }

// Count returns the number of messages counted.
func (f *Frequencies) Count() uint64 { return f.total }

// Choose returns the keywords of a message as the message writes them, the
// best first, at most [MaxKeywords], and then counts its candidates, each term
// once. Terms that recur all over the archive are none. It counts messages
// without candidates too.
func (f *Frequencies) Choose(candidates []Candidate) []string {
	candidates = distinct(candidates)
	keywords := f.best(candidates)
	f.count(candidates)
	return keywords
}

// Undo takes back a Choose of the same candidates, exactly so unless counters
// were halved or full in between. It may follow other calls of Choose.
func (f *Frequencies) Undo(candidates []Candidate) {
	if f.total == 0 || f.recent == 0 {
		return
	}
	f.total--
	f.recent--
	for _, c := range distinct(candidates) {
		for _, counter := range f.of(c.Term) {
			if *counter > 0 && *counter < full {
				*counter--
			}
		}
	}
}

// distinct returns the first candidate of each term, at most MaxCandidates,
// without changing the slice that it is given.
func distinct(candidates []Candidate) []Candidate {
	candidates = candidates[:min(len(candidates), MaxCandidates)]
	out := make([]Candidate, 0, len(candidates))
	for _, c := range candidates {
		if !slices.ContainsFunc(out, func(o Candidate) bool { return o.Term == c.Term }) {
			out = append(out, c)
		}
	}
	return out
}

// scored is a candidate and how well it does as a keyword.
type scored struct {
	Candidate
	score float64
}

func (f *Frequencies) best(candidates []Candidate) []string {
	var ranked []scored
	for _, c := range candidates {
		n := f.seen(c.Term)
		if n <= f.common() {
			ranked = append(ranked, scored{c, c.Weight * f.rarity(n)})
		}
	}
	slices.SortStableFunc(ranked, func(a, b scored) int { return cmp.Compare(b.score, a.score) })
	var keywords []string
	for _, c := range ranked[:min(len(ranked), MaxKeywords)] {
		keywords = append(keywords, c.Shown)
	}
	return keywords
}

// common is in how many messages a term may stand and still be a keyword: one
// in fifty, and some more while the archive is small, where a single matter
// may fill much of it.
func (f *Frequencies) common() uint32 { return 24 + f.recent/50 }

// rarity is the logarithm of how seldom a term is that stands in n messages.
// In an empty archive all terms are alike.
func (f *Frequencies) rarity(n uint32) float64 {
	return float64(log2(f.recent+8) - log2(n+1))
}

// log2 returns 1,024 times the binary logarithm of n > 0, linear between
// powers of two. Package math may differ in the last bit between machines.
func log2(n uint32) uint32 {
	exponent := uint32(bits.Len32(n)) - 1
	return exponent<<10 + uint32(uint64(n)<<10>>exponent) - 1<<10
}

func (f *Frequencies) count(candidates []Candidate) {
	for _, c := range candidates {
		for _, counter := range f.of(c.Term) {
			if *counter < full {
				*counter++
			}
		}
	}
	f.total++
	f.recent++
	if f.recent >= window {
		f.halve()
	}
}

const full = 1<<16 - 1

func (f *Frequencies) halve() {
	f.recent /= 2
	for row := range f.counters {
		for i := range f.counters[row] {
			f.counters[row][i] /= 2
		}
	}
}

// seen returns in how many messages term stands, at most.
func (f *Frequencies) seen(term string) uint32 {
	counters := f.of(term)
	return uint32(min(*counters[0], *counters[1]))
}

// of returns the counters of a term.
func (f *Frequencies) of(term string) [rows]*uint16 {
	h := hash(term)
	return [rows]*uint16{&f.counters[0][h%width], &f.counters[1][(h>>32)%width]}
}

// hash is FNV-1a with the last step of MurmurHash3, which spreads it over all
// bits.
func hash[T string | []byte](s T) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// The binary form: magic, total, recent, then the counters, all in little
// endian.
const (
	magic      = "keywords1\n"
	binarySize = len(magic) + 8 + 4 + rows*width*2
)

// MarshalBinary returns what UnmarshalBinary takes, always of the same length.
func (f *Frequencies) MarshalBinary() ([]byte, error) {
	b := append(make([]byte, 0, binarySize), magic...)
	b = binary.LittleEndian.AppendUint64(b, f.total)
	b = binary.LittleEndian.AppendUint32(b, f.recent)
	for row := range f.counters {
		for _, n := range f.counters[row] {
			b = binary.LittleEndian.AppendUint16(b, n)
		}
	}
	return b, nil
}

// UnmarshalBinary replaces f by what MarshalBinary wrote. On an error f is
// unchanged; the archive's messages can be counted again.
func (f *Frequencies) UnmarshalBinary(data []byte) error {
	if len(data) != binarySize {
		return fmt.Errorf("read term frequencies: %d bytes instead of %d", len(data), binarySize)
	}
	if string(data[:len(magic)]) != magic {
		return errors.New("read term frequencies: of another version")
	}
	data = data[len(magic):]
	total, recent := binary.LittleEndian.Uint64(data), binary.LittleEndian.Uint32(data[8:])
	if uint64(recent) > total || recent >= window {
		return fmt.Errorf("read term frequencies: %d recent messages of %d", recent, total)
	}
	f.total, f.recent = total, recent
	data = data[12:]
	for row := range f.counters {
		for i := range f.counters[row] {
			f.counters[row][i] = binary.LittleEndian.Uint16(data)
			data = data[2:]
		}
	}
	return nil
}
