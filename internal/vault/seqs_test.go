package vault

import (
	"errors"
	"slices"
	"testing"
)

func seqsFrom(t *testing.T, v *Vault, from uint64) (seqs []uint64) {
	t.Helper()
	err := v.Seqs(ctx, from, func(seq uint64) error {
		seqs = append(seqs, seq)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return seqs
}

func TestSeqs(t *testing.T) {
	l := newLab(t, Options{SegmentSize: 20 << 10})
	if got := seqsFrom(t, l.v, 0); len(got) != 0 {
		t.Errorf("empty: %v", got)
	}
	var want []uint64
	for i := range 40 {
		want = append(want, l.put(noise(uint64(i), 3000)).Seq)
	}
	for range 2 {
		if n := l.v.Stats().Segments; n < 3 {
			t.Fatalf("%d segments prove little", n)
		}
		for from := uint64(0); from <= 41; from++ {
			if got := seqsFrom(t, l.v, from); !slices.Equal(got, want[max(from, 1)-1:]) {
				t.Errorf("from %d: %v", from, got)
			}
		}
		l.restart()
	}
	stop := errors.New("stop")
	if err := l.v.Seqs(ctx, 0, func(uint64) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("%v, want the error of each", err)
	}
}
