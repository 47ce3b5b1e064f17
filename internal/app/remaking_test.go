package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"mailarchive/internal/control"
	"mailarchive/internal/mail"
)

// stocked returns an archive with n messages, all indexed.
func stocked(t *testing.T, n int) *App {
	t.Helper()
	a := opened(t, configured(t))
	for i := range n {
		accept(t, a, mail.Envelope{Source: "smtp"}, fmt.Sprintf("number %02d", i))
	}
	if got := subjects(t, a, "number"); len(got) != n {
		t.Fatalf("found %q", got)
	}
	return a
}

// heldUp begins to make a new catalog that stops after its first step until go
// is called, or until it is wanted as it is. end returns its error.
func heldUp(t *testing.T, a *App) (goOn func(), end func() error) {
	t.Helper()
	reached, release := make(chan struct{}), make(chan struct{})
	var err error
	var group sync.WaitGroup
	once := sync.OnceFunc(func() { close(reached) })
	group.Go(func() {
		err = a.reindex(t.Context(), func(uint64, uint64) {
			a.remaking.mu.Lock()
			under := a.remaking.now
			a.remaking.mu.Unlock()
			once()
			select {
			case <-release:
			case <-under.wanted:
			}
		})
	})
	goOn = sync.OnceFunc(func() { close(release) })
	t.Cleanup(func() { goOn(); group.Wait() })
	<-reached
	return goOn, func() error { group.Wait(); return err }
}

// catalogsMade is how many catalog files there have been.
func catalogsMade(a *App) int {
	a.catalogs.mu.Lock()
	defer a.catalogs.mu.Unlock()
	return a.catalogs.last
}

// TestReindexBesideAnother: who asks for a new catalog while one is made gets
// that one.
func TestReindexBesideAnother(t *testing.T) {
	a := stocked(t, 3)
	goOn, end := heldUp(t, a)
	heard := make(chan control.Progress, 1000)
	var second error
	var group sync.WaitGroup
	group.Go(func() {
		second = a.Reindex(t.Context(), func(p control.Progress) { heard <- p })
	})
	if p := <-heard; p.Done != 3 || p.Total != 3 {
		t.Errorf("the second heard %+v", p)
	}
	goOn()
	group.Wait()
	if first := end(); first != nil || second != nil {
		t.Errorf("first: %v, second: %v", first, second)
	}
	if n := catalogsMade(a); n != 2 {
		t.Errorf("%d catalogs were made, want the second only", n)
	}
	if got := found(t, a, "number"); len(got) != 3 {
		t.Errorf("found %q", got)
	}
}

// TestReindexGoesOnForOthers: when who makes the catalog is stopped, one of
// those who wait for it makes it.
func TestReindexGoesOnForOthers(t *testing.T) {
	a := stocked(t, 3)
	first, mine := a.remaking.begin()
	if !mine {
		t.Fatal("another makes a catalog")
	}
	var err error
	var group sync.WaitGroup
	waits := make(chan struct{})
	once := sync.OnceFunc(func() { close(waits) })
	group.Go(func() { err = a.reindex(t.Context(), func(uint64, uint64) { once() }) })
	<-waits
	a.remaking.end(first, fmt.Errorf("reindex: %w", context.Canceled))
	group.Wait()
	if err != nil || catalogsMade(a) != 2 {
		t.Errorf("%v, %d catalogs", err, catalogsMade(a))
	}
}

// TestWhoWaitsMayGo leaves the catalog to who makes it.
func TestWhoWaitsMayGo(t *testing.T) {
	a := stocked(t, 3)
	goOn, end := heldUp(t, a)
	ctx, cancel := context.WithCancel(t.Context())
	if err := a.Reindex(ctx, func(control.Progress) { cancel() }); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	goOn()
	if err := end(); err != nil {
		t.Errorf("the other: %v", err)
	}
}

// TestDamageWhileRemaking: the catalog in use becomes unreadable while another
// is made. That one takes its place as it is; there is no third.
func TestDamageWhileRemaking(t *testing.T) {
	a := stocked(t, 40)
	_, end := heldUp(t, a)
	harms["noise over file and log"](t, a)
	_, number := a.catalogs.inUse()
	a.keeper.decide(t.Context(), number, fmt.Errorf("read: %w", mail.ErrDamaged))
	if got := found(t, a, "number"); len(got) != 40 {
		t.Errorf("found %d messages, want what the new catalog has", len(got))
	}
	if err := end(); err != nil {
		t.Errorf("the making of it: %v", err)
	}
	kept(t, a)
	waitFor(t, "the end of it", func() bool { return a.keeper.step().InStep })
	if n := catalogsMade(a); n != 2 || a.Notice() != "" {
		t.Errorf("%d catalogs were made, notice %q", n, a.Notice())
	}
}

// TestUserRemakesBesideTheKeeper: neither fails, and nothing is an error.
func TestUserRemakesBesideTheKeeper(t *testing.T) {
	a := stocked(t, 3)
	var log lockedBuffer
	a.log = slog.New(slog.NewTextHandler(&log, nil))
	goOn, end := heldUp(t, a) // the user's
	a.keeper.begin("test", false)
	kept(t, a)
	waitFor(t, "the keeper's wait", func() bool { return a.keeper.now().total == 3 })
	goOn()
	if err := end(); err != nil {
		t.Errorf("user: %v", err)
	}
	waitFor(t, "the end of it", func() bool { return a.keeper.step().InStep })
	if n := catalogsMade(a); n != 2 || strings.Contains(log.String(), "level=ERROR") {
		t.Errorf("%d catalogs, log:\n%s", n, log.String())
	}
}

// TestOneNewCatalogIsEnough: a reindex that ends before the keeper begins does
// what the keeper would do.
func TestOneNewCatalogIsEnough(t *testing.T) {
	a := stocked(t, 3)
	a.keeper.begin("test", false)
	if err := a.Reindex(t.Context(), func(control.Progress) {}); err != nil {
		t.Fatal(err)
	}
	kept(t, a)
	waitFor(t, "the end of it", func() bool { return a.keeper.step().InStep })
	if n := catalogsMade(a); n != 2 {
		t.Errorf("%d catalogs were made", n)
	}
}

// TestUserWaitsForTheFill: an empty catalog that fills is being made again
// already.
func TestUserWaitsForTheFill(t *testing.T) {
	a := stocked(t, 3)
	if err := a.keeper.replace(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s, err := a.Stats(t.Context(), everything); err != nil || s.Stored != 3 || s.Indexed != 0 || s.Remaking == nil || *s.Remaking != 0 {
		t.Errorf("stats %+v, %v", s, err)
	}
	started := make(chan struct{})
	once := sync.OnceFunc(func() { close(started) })
	var err error
	var group sync.WaitGroup
	group.Go(func() { err = a.Reindex(t.Context(), func(control.Progress) { once() }) })
	<-started
	kept(t, a)
	group.Wait()
	if err != nil || catalogsMade(a) != 2 {
		t.Errorf("%v, %d catalogs", err, catalogsMade(a))
	}
	if got := found(t, a, "number"); len(got) != 3 {
		t.Errorf("found %q", got)
	}
}

// TestIndexerFollowsToAnEmptyCatalog: it waits for mail behind the former one,
// and none comes.
func TestIndexerFollowsToAnEmptyCatalog(t *testing.T) {
	a := stocked(t, 3)
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() { a.indexer.Run(ctx) })
	defer group.Wait()
	defer cancel()
	if err := a.keeper.replace(t.Context()); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the indexer", func() bool { return len(found(t, a, "number")) == 3 })
}

// TestStoredWhileFilling: copies of a message are not further messages, though
// the new catalog does not know them yet.
func TestStoredWhileFilling(t *testing.T) {
	a := stocked(t, 3)
	for range 5 {
		accept(t, a, mail.Envelope{Source: "smtp"}, "number 01")
	}
	subjects(t, a, "number")
	if s, err := a.Stats(t.Context(), everything); err != nil || s.Stored != 3 || s.Arrivals != 8 {
		t.Fatalf("before: %+v, %v", s, err)
	}
	if err := a.keeper.replace(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s, err := a.Stats(t.Context(), everything); err != nil || s.Stored != 3 || s.Indexed != 0 {
		t.Errorf("while it fills: stored %d, indexed %d, %v", s.Stored, s.Indexed, err)
	}
}

// TestNoticeOfTheBeginning: a catalog that was whole only after some of the
// hits were read gave an answer that may lack others.
func TestNoticeOfTheBeginning(t *testing.T) {
	a := stocked(t, 3)
	a.keeper.begin("test", true)
	end, err := a.Search(t.Context(), everything, control.SearchRequest{Query: "number"}, func(control.Hit) error {
		if a.keeper.now().reason != "" {
			a.keeper.end(seen{})
		}
		return nil
	})
	if err != nil || !strings.Contains(end.Notice, "incomplete") {
		t.Errorf("notice %q, %v", end.Notice, err)
	}
}

// TestSearchMeetsDamageThatStays: a page in the middle is spoilt and the
// keeper cannot mend it just now.
func TestSearchMeetsDamageThatStays(t *testing.T) {
	a := stocked(t, 40)
	a.keeper.grace = 0
	execute(t, a, `UPDATE fts_data SET block = zeroblob(length(block)) WHERE id > 10`)
	_, err := a.Search(t.Context(), everything, control.SearchRequest{Query: "number"}, func(control.Hit) error { return nil })
	if !errors.Is(err, mail.ErrRetry) || errors.Is(err, mail.ErrDamaged) || !strings.Contains(err.Error(), "no mail is lost") {
		t.Errorf("%v", err)
	}
}

// lockedBuffer is a buffer for several goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
