package indexer

import (
	"context"
	"errors"
	"slices"
	"testing"

	"mailarchive/internal/catalog"
	"mailarchive/internal/catalog/catalogtest"
	"mailarchive/internal/mail"
)

// holey is a catalog that lacks some arrivals.
type holey struct {
	catalog.Catalog
	lacks  []uint64
	others []uint64 // numbers that another arrival bears
	err    error
	calls  int
}

func (h *holey) Listed(ctx context.Context, first, last uint64) ([]catalog.Listing, error) {
	h.calls++
	list, err := h.Catalog.Listed(ctx, first, last)
	list = slices.DeleteFunc(list, func(l catalog.Listing) bool { return slices.Contains(h.lacks, l.Seq) })
	for i, l := range list {
		if slices.Contains(h.others, l.Seq) {
			list[i].ID[0]++
		}
	}
	return list, errors.Join(err, h.err)
}

func TestCompare(t *testing.T) {
	for _, n := range []int{0, 1, compareChunk - 1, compareChunk, compareChunk + 1, 2*compareChunk + 5} {
		s, c := newShelf(), &holey{Catalog: &catalogtest.Memory{}}
		// Content in common, so that the memory catalog is quick.
		for range n {
			s.put([]byte("Subject: same\r\n\r\n"), nil)
		}
		s.lose() // known to be lost: not missed
		ix := newIndexer(s, c)
		if err := ix.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		end := uint64(n + 1)
		s.put([]byte("behind the cursor"), nil)
		if got, err := ix.Compare(t.Context(), 0); err != nil || got != (Compared{UpTo: end}) {
			t.Errorf("%d arrivals: %+v, %v", n, got, err)
		}
		if n == 0 {
			continue
		}
		c.lacks = []uint64{uint64(n)}
		if got, err := ix.Compare(t.Context(), 0); err != nil || got.Missing != 1 || got.First != uint64(n) {
			t.Errorf("%d arrivals, the last missing: %+v, %v", n, got, err)
		}
		c.lacks, c.others = nil, []uint64{uint64(n)}
		if got, err := ix.Compare(t.Context(), 0); err != nil || got.Missing != 1 || got.First != uint64(n) {
			t.Errorf("%d arrivals, the last of another vault: %+v, %v", n, got, err)
		}
		if got, err := ix.Compare(t.Context(), uint64(n)); err != nil || got.Missing != 0 {
			t.Errorf("%d arrivals, behind the missing one: %+v, %v", n, got, err)
		}
	}
}

func TestCompareFails(t *testing.T) {
	s, c := newShelf(), &holey{Catalog: &catalogtest.Memory{}}
	fill(s, 3)
	ix := newIndexer(s, c)
	if err := ix.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.err = mail.ErrDamaged
	if _, err := ix.Compare(t.Context(), 0); !errors.Is(err, mail.ErrDamaged) {
		t.Errorf("Compare: %v", err)
	}
	c.err = nil
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if got, err := ix.Compare(stopped, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("Compare when told to stop: %+v, %v", got, err)
	}
}

// A pass goes to its end on the catalog that it began on: its batches would
// leave a gap in another.
func TestPassStaysWithItsCatalog(t *testing.T) {
	s := newShelf()
	fill(s, 2*batchCount)
	empty := &catalogtest.Memory{}
	var front *catalog.Switch
	first := &recorder{Catalog: &catalogtest.Memory{}, fail: func(n int64) error {
		if n == 1 {
			front.Swap(empty)
		}
		return nil
	}}
	front = catalog.NewSwitch(first)
	ix := newIndexer(s, front)
	if err := ix.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, _ := empty.Counts(t.Context()); n.Cursor != 0 {
		t.Errorf("the new catalog got batches of a pass on the old one: %+v", n)
	}
	if err := ix.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, _ := empty.Counts(t.Context()); n.Arrivals != 2*batchCount {
		t.Errorf("counts after the next pass: %+v", n)
	}
}
