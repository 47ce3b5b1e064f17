package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"mailarchive/internal/control"
	"mailarchive/internal/sqlite"
)

// remaking is the new catalog that is made beside the one in use. There is one
// at most: who asks for one meanwhile gets the same.
type remaking struct {
	mu  sync.Mutex
	now *attempt // nil while there is none
}

// attempt is the making of one catalog.
type attempt struct {
	wanted  chan struct{} // closed when it must be put in use as far as it is
	want    func()        // closes wanted
	settled chan struct{} // closed when it is in use, or never will be
	settle  func()        // closes settled
	over    chan struct{} // closed at the end
	err     error         // set before

	mu          sync.Mutex
	done, total uint64
}

// begin makes the caller the one who makes the catalog, unless there is
// another: then the attempt is that one's.
func (r *remaking) begin() (t *attempt, mine bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.now != nil {
		return r.now, false
	}
	t = &attempt{wanted: make(chan struct{}), settled: make(chan struct{}), over: make(chan struct{})}
	t.want = sync.OnceFunc(func() { close(t.wanted) })
	t.settle = sync.OnceFunc(func() { close(t.settled) })
	r.now = t
	return t, true
}

func (r *remaking) end(t *attempt, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now, t.err = nil, err
	t.settle()
	close(t.over)
}

// either has the attempt under way put in use as far as it is, or calls
// otherwise, during which none begins.
func (r *remaking) either(ctx context.Context, otherwise func() error) error {
	r.mu.Lock()
	t := r.now
	if t == nil {
		defer r.mu.Unlock()
		return otherwise()
	}
	r.mu.Unlock()
	t.want()
	select {
	case <-t.settled:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (t *attempt) at() (done, total uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.done, t.total
}

func (t *attempt) set(done, total uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.done, t.total = done, total
}

// Reindex implements [control.Archive].
func (a *App) Reindex(ctx context.Context, progress func(control.Progress)) error {
	pace := newPace("messages")
	report := func(done, total uint64) { progress(pace.at(int64(done), int64(total))) }
	if over := a.keeper.fillingUp(); over != nil {
		return follow(ctx, over, a.filled, report)
	}
	return a.reindex(ctx, report)
}

// reindex makes a new catalog and puts it in use, or waits for the one that is
// being made. When who made that gave up, it begins anew.
func (a *App) reindex(ctx context.Context, progress func(done, total uint64)) error {
	for {
		t, mine := a.remaking.begin()
		if mine {
			err := a.make(ctx, t, progress)
			a.remaking.end(t, err)
			return err
		}
		if err := follow(ctx, t.over, t.at, progress); err != nil {
			return err
		}
		if !errors.Is(t.err, context.Canceled) {
			return t.err
		}
	}
}

// errWanted ends the making of a catalog that must be put in use at once.
var errWanted = errors.New("the catalog in use cannot be read any more")

func (a *App) make(ctx context.Context, t *attempt, progress func(done, total uint64)) error {
	fresh, next, err := a.catalogs.fresh(ctx)
	if err != nil {
		return fmt.Errorf("reindex: %w", err)
	}
	swapped := false
	err = a.rebuild(ctx, t, fresh, progress, func() error {
		swapped = true
		return a.swap(next, fresh)
	})
	switch {
	case swapped || err == nil:
		return err
	case errors.Is(err, errWanted):
		return a.takeUp(ctx, t, next, fresh, progress)
	}
	fresh.Close()
	a.catalogs.remove(next.file())
	return fmt.Errorf("reindex: %w", err)
}

// rebuild fills the fresh catalog until it has all, or is wanted as it is.
func (a *App) rebuild(ctx context.Context, t *attempt, fresh *sqlite.DB, progress func(done, total uint64), swap func() error) error {
	building, stop := context.WithCancelCause(ctx)
	var group sync.WaitGroup
	group.Go(func() {
		select {
		case <-t.wanted:
			stop(errWanted)
		case <-building.Done():
		}
	})
	err := a.indexer.Rebuild(building, fresh, func(done, total uint64) {
		t.set(done, total)
		progress(done, total)
	}, swap)
	wanted := err != nil && context.Cause(building) == errWanted
	stop(nil)
	group.Wait()
	if wanted {
		return errWanted
	}
	return err
}

// takeUp puts a catalog that is not whole yet in use and fills it there.
func (a *App) takeUp(ctx context.Context, t *attempt, next pointer, fresh *sqlite.DB, progress func(done, total uint64)) error {
	a.imports.setReady(false)
	if err := a.swap(next, fresh); err != nil {
		return fmt.Errorf("reindex: %w", err)
	}
	a.imports.setReady(false) // who called it ready meanwhile meant the former one
	a.keeper.begin(isDamaged, true)
	t.settle()
	filled := make(chan struct{})
	var err error
	go func() {
		defer close(filled)
		err = a.keeper.fill(ctx)
	}()
	follow(context.WithoutCancel(ctx), filled, a.filled, progress)
	if err != nil {
		return fmt.Errorf("reindex: %w", err)
	}
	return nil
}

// filled says how far the catalog in use is.
func (a *App) filled() (done, total uint64) {
	s := a.indexer.Status()
	return s.Indexed, s.Stored
}

// followEvery is how often somebody who waits for another's work hears of it.
const followEvery = 200 * time.Millisecond

// follow waits for the end of work and tells how far it is.
func follow(ctx context.Context, over <-chan struct{}, at func() (done, total uint64), progress func(done, total uint64)) error {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		progress(at())
		select {
		case <-over:
			progress(at())
			return nil
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
