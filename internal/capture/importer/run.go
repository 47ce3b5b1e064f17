package importer

import (
	"context"
	"fmt"
	"sync"
)

// Run imports what the options say. It returns nil when every item has an
// outcome, also when some are [Failed]: see the [Summary]. Otherwise it stopped
// early, by ctx (whose cause the error wraps), because the archive took nothing
// for Options.MaxWait, or because it does not allow it; then running it again
// with the same paths imports the rest. Errors about the options wrap
// mail.ErrBadInput. It leaves no goroutine behind.
func Run(ctx context.Context, a Archive, o Options) (Summary, error) {
	o, err := o.withDefaults()
	if err != nil {
		return Summary{}, fmt.Errorf("import: %w", err)
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	r := &run{
		o: o, archive: a, track: newTracker(o), stop: stop,
		tasks: make(chan func(context.Context)), memory: newBudget(inFlightBytes),
	}
	if err := r.all(ctx); err != nil {
		return r.track.summary(), fmt.Errorf("import stopped early; start it again to import the rest: %w", err)
	}
	r.track.phase(Done)
	return r.track.summary(), nil
}

// run is one import at work.
type run struct {
	o       Options
	archive Archive
	track   *tracker
	stop    context.CancelCauseFunc // ends all of it, with the reason
	tasks   chan func(context.Context)
	memory  *budget
}

// all scans, then reads while the workers hand over.
func (r *run) all(ctx context.Context) error {
	r.track.phase(Scanning)
	if err := walkAll(ctx, r.o.Paths, r.chosen(r.count)); err != nil {
		return err
	}
	r.track.phase(Reading)
	var workers sync.WaitGroup
	for range r.o.InFlight {
		workers.Go(func() {
			for task := range r.tasks {
				task(ctx)
			}
		})
	}
	err := walkAll(ctx, r.o.Paths, r.chosen(r.read))
	close(r.tasks)
	workers.Wait()
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// count is the visit of the scan.
func (r *run) count(_ context.Context, f found) error {
	r.track.found(max(1, len(f.names)), f.size)
	return nil
}

// submit gives a task to the next free worker.
func (r *run) submit(ctx context.Context, task func(context.Context)) error {
	select {
	case r.tasks <- task:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// inFlightBytes bounds the bytes of messages held in memory, whatever InFlight
// is: room for 64 of half a MiB.
const inFlightBytes = 32 << 20

// budget is a number of bytes that may be held at once.
type budget struct {
	mu   sync.Mutex
	more sync.Cond
	free int64
}

func newBudget(n int64) *budget {
	b := &budget{free: n}
	b.more.L = &b.mu
	return b
}

// take waits until n bytes are free. Who takes holds nothing else, and gives
// back without taking more, so that it always ends.
func (b *budget) take(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.free < n {
		b.more.Wait()
	}
	b.free -= n
}

// give returns n bytes.
func (b *budget) give(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free += n
	b.more.Broadcast()
}
