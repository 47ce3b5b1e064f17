package keyword

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"reflect"
	"slices"
	"testing"
)

func candidate(term string, weight float64) Candidate {
	return Candidate{Term: term, Shown: "*" + term, Weight: weight}
}

func TestChooseOrdersByWeightThenRarity(t *testing.T) {
	f := NewFrequencies()
	if got, want := f.Choose([]Candidate{candidate("a", 1), candidate("b", 3), candidate("c", 2)}), []string{"*b", "*c", "*a"}; !slices.Equal(got, want) {
		t.Errorf("in an empty archive: %q, want %q", got, want)
	}
	for range 10 {
		f.Choose([]Candidate{candidate("b", 1)})
	}
	if got, want := f.Choose([]Candidate{candidate("b", 3), candidate("c", 2)}), []string{"*c", "*b"}; !slices.Equal(got, want) {
		t.Errorf("with b common: %q, want %q", got, want)
	}
	if f.Count() != 12 {
		t.Errorf("Count() = %d, want 12", f.Count())
	}
}

func TestChooseDropsWhatRecurs(t *testing.T) {
	f := NewFrequencies()
	for i := range 60 {
		f.Choose([]Candidate{candidate("nordwind", 9), candidate(fmt.Sprint("rare", i), 1)})
	}
	if got, want := f.Choose([]Candidate{candidate("nordwind", 9), candidate("pump", 1)}), []string{"*pump"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestChooseBounds(t *testing.T) {
	f := NewFrequencies()
	var many []Candidate
	for i := range 200 {
		many = append(many, candidate(fmt.Sprint("t", i), 1))
	}
	if got := f.Choose(many); len(got) != MaxKeywords {
		t.Errorf("%d keywords, want %d", len(got), MaxKeywords)
	}
	if f.seen("t63") != 1 || f.seen("t64") != 0 {
		t.Errorf("t63 counted %d times and t64 %d times, want 1 and 0", f.seen("t63"), f.seen("t64"))
	}
	if got := f.Choose(nil); got != nil || f.Count() != 2 {
		t.Errorf("no candidates: %q, %d messages", got, f.Count())
	}
	f.Choose([]Candidate{candidate("twice", 1), candidate("twice", 1)})
	if n := f.seen("twice"); n != 1 {
		t.Errorf("a term given twice counts %d times, want 1", n)
	}
}

// TestSameOnAnyMachine holds the outcome of a sequence of calls against a
// digest: it must not change with machine, Go version or run.
func TestSameOnAnyMachine(t *testing.T) {
	f, digest := NewFrequencies(), sha256.New()
	for i := range 3000 {
		text := fmt.Sprintf("pump%d seal%d wheel%d Motor%d AB-2026-%d", i%7, i%31, i%311, i*i%97, i)
		fmt.Fprintf(digest, "%q\n", f.Choose(Candidates(text, text+"\n"+letter)))
	}
	b, err := f.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	digest.Write(b)
	const want = "732ddf5cd8a11ea1"
	if got := hex.EncodeToString(digest.Sum(nil))[:16]; got != want {
		t.Errorf("digest of all keywords is %s, want %s; when the choice was changed on purpose, set it anew", got, want)
	}
}

func TestUndo(t *testing.T) {
	f, untouched := NewFrequencies(), NewFrequencies()
	a := []Candidate{candidate("a", 1), candidate("b", 1), candidate("b", 1)}
	b := []Candidate{candidate("b", 2), candidate("c", 1)}
	f.Choose(a)
	untouched.Choose(a)
	f.Choose(b)
	f.Choose(a)
	f.Undo(b)
	f.Undo(a)
	if *f != *untouched {
		t.Errorf("after Undo: %d messages, a %d, b %d, c %d", f.Count(), f.seen("a"), f.seen("b"), f.seen("c"))
	}
	f.Undo(a)
	f.Undo(a) // one too many
	if *f != *NewFrequencies() {
		t.Error("Undo went below nothing")
	}
}

func TestHalving(t *testing.T) {
	f := NewFrequencies()
	f.total, f.recent = window-2, window-2
	for range full {
		f.count([]Candidate{candidate("often", 1)})
		f.recent, f.total = window-2, window-2
	}
	f.recent, f.total = window-1, window-1
	if f.seen("often") != full {
		t.Fatalf("counted %d times, want %d", f.seen("often"), full)
	}
	f.Choose([]Candidate{candidate("often", 1)})
	if f.seen("often") != full/2 || f.recent != window/2 || f.Count() != window {
		t.Errorf("after halving: %d times of %d, %d messages", f.seen("often"), f.recent, f.Count())
	}
}

func TestBinaryRoundTrip(t *testing.T) {
	f := NewFrequencies()
	for i := range 500 {
		f.Choose([]Candidate{candidate(fmt.Sprint("t", i%50), 1), candidate(fmt.Sprint("u", i), 1)})
	}
	data, err := f.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	got := NewFrequencies()
	got.Choose([]Candidate{candidate("forgotten", 1)})
	if err := got.UnmarshalBinary(data); err != nil {
		t.Fatal(err)
	}
	if *got != *f {
		t.Error("what was read is not what was written")
	}
	next := []Candidate{candidate("t1", 2), candidate("new", 1)}
	if a, b := f.Choose(next), got.Choose(next); !reflect.DeepEqual(a, b) {
		t.Errorf("they choose %q and %q", a, b)
	}
}

func TestUnmarshalRejects(t *testing.T) {
	good, err := NewFrequencies().MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	change := func(at int, b byte) []byte {
		data := slices.Clone(good)
		data[at] = b
		return data
	}
	f := NewFrequencies()
	f.Choose([]Candidate{candidate("a", 1)})
	before := *f
	for name, data := range map[string][]byte{
		"empty":          nil,
		"short":          good[:len(good)-1],
		"long":           append(slices.Clone(good), 0),
		"other version":  change(8, '9'),
		"recent > total": change(len(magic)+8, 1),
		"recent > most":  change(len(magic)+11, 255),
	} {
		if err := f.UnmarshalBinary(data); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if *f != before {
		t.Error("a failed UnmarshalBinary changed its receiver")
	}
}

func TestLog2(t *testing.T) {
	for _, test := range []struct{ n, want uint32 }{{1, 0}, {2, 1024}, {3, 1536}, {4, 2048}, {1 << 20, 20 << 10}, {1<<32 - 1, 32<<10 - 1}} {
		if got := log2(test.n); got != test.want {
			t.Errorf("log2(%d) = %d, want %d", test.n, got, test.want)
		}
	}
}
