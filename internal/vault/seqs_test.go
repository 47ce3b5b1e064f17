package vault

import (
	"errors"
	"slices"
	"testing"

	"mailarchive/internal/mail"
)

func seqsFrom(t *testing.T, v *Vault, from uint64) (seqs []uint64) {
	t.Helper()
	err := v.Seqs(ctx, from, func(seq uint64, _ mail.ID) error {
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
	ids := map[uint64]mail.ID{}
	for i := range 40 {
		a := l.put(noise(uint64(i), 3000))
		want, ids[a.Seq] = append(want, a.Seq), a.ID
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
		err := l.v.Seqs(ctx, 0, func(seq uint64, id mail.ID) error {
			if ids[seq] != id {
				t.Errorf("%d has the ID %s, want %s", seq, id, ids[seq])
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		l.restart()
	}
	stop := errors.New("stop")
	if err := l.v.Seqs(ctx, 0, func(uint64, mail.ID) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("%v, want the error of each", err)
	}
}
