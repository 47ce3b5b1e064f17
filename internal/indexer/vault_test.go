package indexer

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"mailarchive/internal/mail"
)

// shelf is a vault in memory.
type shelf struct {
	mu      sync.Mutex
	items   []Item // by rising seq; lost ones may be missing
	last    uint64
	changed chan struct{}
	opened  int
	walkErr error
}

func newShelf() *shelf { return &shelf{changed: make(chan struct{})} }

func (s *shelf) Last() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

func (s *shelf) WaitPast(ctx context.Context, seq uint64) error {
	for {
		s.mu.Lock()
		last, changed := s.last, s.changed
		s.mu.Unlock()
		if last > seq {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *shelf) Walk(ctx context.Context, from uint64, each func(Item) error) error {
	s.mu.Lock()
	items, err := s.items, s.walkErr
	s.mu.Unlock()
	for _, i := range items {
		if i.Arrival.Seq < from {
			continue
		}
		if err := each(i); err != nil {
			return err
		}
	}
	return err
}

// arrival is the next arrival, with content.
func (s *shelf) arrival(content []byte) mail.Arrival {
	seq := s.last + 1
	now := time.Date(2026, 3, 1, 9, 0, int(seq), 0, time.UTC)
	var id mail.ID
	binary.BigEndian.PutUint64(id[:8], uint64(now.UnixMilli())<<16)
	binary.BigEndian.PutUint64(id[8:], seq)
	return mail.Arrival{
		ID: id, Seq: seq, Digest: mail.Sum(content), Size: int64(len(content)),
		Received: now, Envelope: mail.Envelope{Source: "smtp"},
	}
}

// put adds content that reads back as read gives it.
func (s *shelf) put(content []byte, read func() (io.ReadCloser, error)) mail.Arrival {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.arrival(content)
	if read == nil {
		read = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
	}
	s.add(a.Seq, &Item{Arrival: a, Open: func() (io.ReadCloser, error) {
		s.mu.Lock()
		s.opened++
		s.mu.Unlock()
		return read()
	}})
	return a
}

// add makes seq the last one, with an item or as a gap.
func (s *shelf) add(seq uint64, i *Item) {
	if i != nil {
		s.items = append(s.items, *i)
	}
	s.last = seq
	close(s.changed)
	s.changed = make(chan struct{})
}

// lose adds a number that the walk skips.
func (s *shelf) lose() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(s.last+1, nil)
}

// spoil adds a record that cannot be read; with some of it known or nothing.
func (s *shelf) spoil(known bool) mail.Arrival {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.arrival([]byte("spoilt"))
	if known {
		a.Received, a.Envelope = time.Time{}, mail.Envelope{}
	} else {
		a = mail.Arrival{Seq: a.Seq}
	}
	s.add(a.Seq, &Item{Arrival: a, Err: fmt.Errorf("record: %w", mail.ErrDamaged)})
	return a
}

func message(n int) []byte {
	return fmt.Appendf(nil, "Message-ID: <m%d@example.org>\r\nSubject: number%d\r\nDate: Sun, 1 Mar 2026 08:00:00 +0000\r\n\r\nbody text\r\n", n, n)
}

func breaks(err error) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(iotest.ErrReader(err)), nil }
}

func fill(s *shelf, n int) {
	for i := range n {
		s.put(message(i), nil)
	}
}

// waitFor waits for the indexer's progress, which is a fact of the catalog.
func waitFor(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("waited in vain for: %s", what)
		}
	}
}

func (s *shelf) Seqs(_ context.Context, from uint64, each func(seq uint64, id mail.ID) error) error {
	s.mu.Lock()
	items := s.items
	s.mu.Unlock()
	for _, i := range items {
		if i.Arrival.Seq < from || i.Err != nil && i.Arrival.ID.IsZero() {
			continue
		}
		if err := each(i.Arrival.Seq, i.Arrival.ID); err != nil {
			return err
		}
	}
	return nil
}
