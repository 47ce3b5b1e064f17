package keyword

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// exact is Frequencies written plainly: a map that forgets nothing and shares
// no counters.
type exact struct {
	messages uint64
	seen     map[string]int
}

func (e *exact) choose(candidates []Candidate) []string {
	type scored struct {
		shown string
		score float64
	}
	var ranked []scored
	terms := make(map[string]bool)
	for _, c := range candidates[:min(len(candidates), MaxCandidates)] {
		if terms[c.Term] {
			continue
		}
		terms[c.Term] = true
		n := e.seen[c.Term]
		if n > 24+int(e.messages)/50 {
			continue
		}
		rarity := math.Round(1024*straight(e.messages+8)) - math.Round(1024*straight(uint64(n)+1))
		ranked = append(ranked, scored{c.Shown, c.Weight * rarity})
	}
	slices.SortStableFunc(ranked, func(a, b scored) int { return cmp.Compare(b.score, a.score) })
	var keywords []string
	for _, r := range ranked[:min(len(ranked), MaxKeywords)] {
		keywords = append(keywords, r.shown)
	}
	for term := range terms {
		e.seen[term]++
	}
	e.messages++
	return keywords
}

func (e *exact) undo(candidates []Candidate) {
	terms := make(map[string]bool)
	for _, c := range candidates[:min(len(candidates), MaxCandidates)] {
		terms[c.Term] = true
	}
	for term := range terms {
		e.seen[term]--
	}
	e.messages--
}

// straight is the binary logarithm, linear between powers of two, rounded
// down to 1/1024.
func straight(n uint64) float64 {
	whole := math.Floor(math.Log2(float64(n)))
	part := float64(n)/math.Exp2(whole) - 1
	return whole + math.Floor(part*1024)/1024
}

// TestChooseAgainstReference lets generated sequences of Choose, Undo and a
// way through the binary form agree with a plain map.
func TestChooseAgainstReference(t *testing.T) {
	message := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Candidate {
		term := fmt.Sprintf("t%d", rapid.IntRange(0, 30).Draw(t, "term"))
		return Candidate{Term: term, Shown: "*" + term, Weight: float64(rapid.IntRange(1, 300).Draw(t, "weight"))}
	}), 0, 80)
	rapid.Check(t, func(t *rapid.T) {
		f, reference := NewFrequencies(), &exact{seen: make(map[string]int)}
		for range rapid.IntRange(1, 60).Draw(t, "calls") {
			candidates := message.Draw(t, "candidates")
			got, want := f.Choose(candidates), reference.choose(candidates)
			if !slices.Equal(got, want) {
				t.Fatalf("message %d: chose %q, want %q", f.Count(), got, want)
			}
			if rapid.IntRange(0, 3).Draw(t, "undo") == 0 {
				f.Undo(candidates)
				reference.undo(candidates)
			}
			if f.Count() != reference.messages {
				t.Fatalf("Count() = %d, want %d", f.Count(), reference.messages)
			}
		}
		for i := range 31 {
			term := fmt.Sprintf("t%d", i)
			if got, want := f.seen(term), reference.seen[term]; int(got) != want {
				t.Fatalf("%s stands in %d messages, want %d", term, got, want)
			}
		}
	})
}

// TestSketchStaysNearTheTruth counts as many terms as a large archive has and
// looks how far the shared counters are off.
func TestSketchStaysNearTheTruth(t *testing.T) {
	f := NewFrequencies()
	const messages, each = 20_000, 30
	candidates := make([]Candidate, each)
	for i := range messages {
		for j := range candidates {
			candidates[j].Term = fmt.Sprintf("once %d %d", i, j)
		}
		f.count(candidates)
	}
	wrong := 0
	const asked = 10_000
	for i := range asked {
		if f.seen(fmt.Sprintf("never %d", i)) > 2 {
			wrong++
		}
	}
	// 600,000 terms in 2 x 524,288 counters: each has 1.14 on the average, and
	// three or more in both rows is one in ninety.
	if wrong > asked/50 {
		t.Errorf("%d of %d terms that never stood anywhere count 3 times and more", wrong, asked)
	}
}
