package catalog_test

import (
	"testing"

	"mailarchive/internal/access"
	"mailarchive/internal/catalog"
	"mailarchive/internal/catalog/catalogtest"
)

func TestSwitchKeepsTheContract(t *testing.T) {
	catalogtest.Run(t, func(*testing.T) catalog.Catalog { return catalog.NewSwitch(&catalogtest.Memory{}) })
}

// closing tells when it is closed.
type closing struct {
	catalogtest.Memory
	closed chan struct{}
}

func (c *closing) Close() error { close(c.closed); return nil }

func TestSwapWaitsForCalls(t *testing.T) {
	old, fresh := &closing{closed: make(chan struct{})}, &catalogtest.Memory{}
	everything := access.Everything("t")
	for c, seq := range map[catalog.Catalog]uint64{old: 1, fresh: 2} {
		if err := c.Apply(t.Context(), []catalog.Document{catalogtest.Document(seq, nil)}, 0); err != nil {
			t.Fatal(err)
		}
	}
	s := catalog.NewSwitch(old)
	var gone <-chan error
	err := s.Search(t.Context(), catalog.Query{Scope: everything}, func(h catalog.Hit) bool {
		gone = s.Swap(fresh)
		select {
		case <-old.closed:
			t.Error("the old catalog was closed under a search")
		default:
		}
		if n, err := s.Counts(t.Context()); n.Cursor != 2 || err != nil {
			t.Errorf("a call after the swap sees cursor %d, %v", n.Cursor, err)
		}
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-gone; err != nil {
		t.Error(err)
	}
	<-old.closed
}

func TestSwapOfAnIdleCatalog(t *testing.T) {
	old := &closing{closed: make(chan struct{})}
	if err := <-catalog.NewSwitch(old).Swap(&catalogtest.Memory{}); err != nil {
		t.Error(err)
	}
	<-old.closed
}

// A catalog that is pinned stays open after the swap and is the same to its end.
func TestPin(t *testing.T) {
	old, fresh := &closing{closed: make(chan struct{})}, &catalogtest.Memory{}
	s := catalog.NewSwitch(old)
	pinned, release := s.Pin()
	gone := s.Swap(fresh)
	if err := pinned.Apply(t.Context(), []catalog.Document{catalogtest.Document(1, nil)}, 0); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Counts(t.Context()); n.Cursor != 0 || err != nil {
		t.Errorf("the new catalog got what was for the old: %+v, %v", n, err)
	}
	select {
	case <-old.closed:
		t.Error("closed while pinned")
	default:
	}
	release()
	if err := <-gone; err != nil {
		t.Error(err)
	}
}
