package catalog

import (
	"context"
	"sync"
	"time"

	"mailarchive/internal/access"
	"mailarchive/internal/mail"
)

// Switch is a catalog that stands in front of another and can change it for a
// newer one while searches go on: a call stays with the catalog that it began
// on, and that one is closed when its last call has returned. A call made from
// within a yield may meet the newer one.
type Switch struct {
	mu  sync.Mutex
	now *held
}

// held is a catalog with the number of calls that are inside it.
type held struct {
	Catalog
	calls  int
	closed chan error // nil until it is to be closed; has room for one
}

// NewSwitch returns a Switch in front of c, which it closes in the end.
func NewSwitch(c Catalog) *Switch { return &Switch{now: &held{Catalog: c}} }

// Swap puts next in place. The channel gives the former catalog's Close error
// once, after its last call; then its files may be removed.
func (s *Switch) Swap(next Catalog) <-chan error {
	s.mu.Lock()
	defer s.mu.Unlock()
	former := s.now
	s.now = &held{Catalog: next}
	former.closed = make(chan error, 1)
	former.closeIfIdle()
	return former.closed
}

// enter returns the catalog of the hour; leave must follow.
func (s *Switch) enter() *held {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now.calls++
	return s.now
}

func (s *Switch) leave(h *held) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h.calls--
	h.closeIfIdle()
}

func (h *held) closeIfIdle() {
	if h.calls == 0 && h.closed != nil {
		go func() { h.closed <- h.Catalog.Close() }() // out of the lock: it may take long
	}
}

// Apply implements [Catalog].
func (s *Switch) Apply(ctx context.Context, batch []Document, upTo uint64) error {
	c := s.enter()
	defer s.leave(c)
	return c.Apply(ctx, batch, upTo)
}

// Preparer is a catalog that can do a part of Apply's work on a document ahead
// of it, in the goroutine that made the document; several may do so at once.
// Apply does it for documents that were not prepared.
type Preparer interface{ Prepare(d *Document) }

// Pin returns the catalog in place and keeps it open until release is called.
// Who applies one batch after the other does so on one catalog, whose cursor
// it knows: batches that followed each other would leave a gap in another.
func (s *Switch) Pin() (c Catalog, release func()) {
	h := s.enter()
	return h.Catalog, func() { s.leave(h) }
}

// Counts implements [Catalog].
func (s *Switch) Counts(ctx context.Context) (Counts, error) {
	c := s.enter()
	defer s.leave(c)
	return c.Counts(ctx)
}

// Search implements [Catalog].
func (s *Switch) Search(ctx context.Context, q Query, yield func(Hit) bool) error {
	c := s.enter()
	defer s.leave(c)
	return c.Search(ctx, q, yield)
}

// Count implements [Catalog].
func (s *Switch) Count(ctx context.Context, scope access.Scope, where Node, limit int) (int, bool, error) {
	c := s.enter()
	defer s.leave(c)
	return c.Count(ctx, scope, where, limit)
}

// Volume implements [Catalog].
func (s *Switch) Volume(ctx context.Context, scope access.Scope, unit Unit, since, before time.Time) ([]Period, error) {
	c := s.enter()
	defer s.leave(c)
	return c.Volume(ctx, scope, unit, since, before)
}

// Top implements [Catalog].
func (s *Switch) Top(ctx context.Context, scope access.Scope, of Dimension, limit int) ([]Tally, error) {
	c := s.enter()
	defer s.leave(c)
	return c.Top(ctx, scope, of, limit)
}

// Lookup implements [Catalog].
func (s *Switch) Lookup(ctx context.Context, scope access.Scope, ref string) (Row, error) {
	c := s.enter()
	defer s.leave(c)
	return c.Lookup(ctx, scope, ref)
}

// Arrivals implements [Catalog].
func (s *Switch) Arrivals(ctx context.Context, scope access.Scope, id mail.ID) ([]mail.Arrival, error) {
	c := s.enter()
	defer s.leave(c)
	return c.Arrivals(ctx, scope, id)
}

// Imported implements [Catalog].
func (s *Switch) Imported(ctx context.Context, key mail.Digest) (bool, error) {
	c := s.enter()
	defer s.leave(c)
	return c.Imported(ctx, key)
}

// Listed implements [Catalog].
func (s *Switch) Listed(ctx context.Context, first, last uint64) ([]Listing, error) {
	c := s.enter()
	defer s.leave(c)
	return c.Listed(ctx, first, last)
}

// Check implements [Catalog].
func (s *Switch) Check(ctx context.Context) error {
	c := s.enter()
	defer s.leave(c)
	return c.Check(ctx)
}

// Close closes the catalog in place. A former one closes with its last call.
func (s *Switch) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now.Close()
}
