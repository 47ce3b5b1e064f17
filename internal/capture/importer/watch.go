package importer

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"mailarchive/internal/durable"
)

const (
	// defaultEvery is how often a watched place is looked at.
	defaultEvery = time.Hour
	// defaultSettle is how long a file must have been left alone: one that was
	// just changed may be half written.
	defaultSettle = time.Minute
	// fullEvery is how often a round looks at every file, whenever it was
	// changed: a folder that was moved in brings files that look old.
	fullEvery = 24 * time.Hour
	// changeMargin makes up for the coarse clock of file systems.
	changeMargin = time.Minute
)

// Watch is a place that is imported again and again.
type Watch struct {
	// Options are those of one import. Report may be set; it is not told of
	// files that were done in an earlier round.
	Options
	// Every is how often, from the beginning of one round to the next; an
	// hour if 0.
	Every time.Duration
	// Settle is how long a file must have been left alone before it is taken;
	// a minute if 0.
	Settle time.Duration
}

func (w Watch) withDefaults() Watch {
	if w.Every <= 0 {
		w.Every = defaultEvery
	}
	if w.Settle <= 0 {
		w.Settle = defaultSettle
	}
	return w
}

// name tells a watch from others, in the remembered state too: with other
// options everything is looked at anew.
func (w Watch) name() string {
	return fmt.Sprintf("%q as %q, delivered-to %t, owner %q, folder %q", w.Paths, w.Format, w.DeliveredTo, w.Owner, w.Folder)
}

// Watcher imports what is new in watched places. It remembers when it last
// looked and what failed then, so that a round does not read what is old; what
// it remembers is safe to lose, for the archive knows what it has. Archive must
// be set.
type Watcher struct {
	Archive Archive
	Watches []Watch
	// StateFile is where it remembers over restarts; empty for nowhere.
	StateFile string
	FS        durable.FS   // of StateFile; durable.OS if nil
	Log       *slog.Logger // nowhere if nil
	// Clock is time.Now if nil; Wait as in [Options].
	Clock func() time.Time
	Wait  func(ctx context.Context, d time.Duration) error

	mu     sync.Mutex
	status []WatchStatus
}

// WatchStatus tells of one watch.
type WatchStatus struct {
	Paths []string
	// Running is true during a round. Begun and Ended are of the last round
	// that ended, Next is when the next begins.
	Running            bool
	Begun, Ended, Next time.Time
	// Summary is of the last round, Failing the files that will be tried
	// again in the next.
	Summary Summary
	Failing int
	// Err is why the last round stopped early; nil if it did not.
	Err error
}

// Status may be called at any time. It is empty before Run.
func (w *Watcher) Status() []WatchStatus {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.status)
}

// Run imports until ctx ends, one round at a time, and returns nil then. A
// round that fails is logged and tried again when its time comes. Errors about
// the watches wrap mail.ErrBadInput; nothing was imported then.
func (w *Watcher) Run(ctx context.Context) error {
	watches := make([]Watch, len(w.Watches))
	for i := range w.Watches {
		watches[i] = w.Watches[i].withDefaults()
		if _, err := watches[i].Options.withDefaults(); err != nil {
			return fmt.Errorf("watch %d: %w", i+1, err)
		}
	}
	memory := w.load()
	w.begin(watches, memory)
	for ctx.Err() == nil && len(watches) > 0 {
		i, pause := w.next()
		if pause > 0 {
			if w.wait(ctx, pause) != nil {
				break
			}
			continue
		}
		w.round(ctx, i, watches[i], memory)
	}
	return nil
}

// begin fills the status with when each is due.
func (w *Watcher) begin(watches []Watch, memory *watchMemory) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.status = make([]WatchStatus, len(watches))
	for i, watch := range watches {
		last := memory.Watches[watch.name()]
		w.status[i] = WatchStatus{Paths: watch.Paths, Next: w.now(), Failing: len(last.Failed)}
		if !last.Begun.IsZero() {
			w.status[i].Next = last.Begun.Add(watch.Every)
		}
	}
}

// next returns the watch that is due first and how long that is to go: never
// more than its interval, whatever became of the clock.
func (w *Watcher) next() (int, time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now, first := w.now(), 0
	for i := range w.status {
		s := &w.status[i]
		if latest := now.Add(w.Watches[i].withDefaults().Every); s.Next.After(latest) {
			s.Next = latest
		}
		if s.Next.Before(w.status[first].Next) {
			first = i
		}
	}
	return first, w.status[first].Next.Sub(now)
}

// round does one watch and remembers what came of it.
func (w *Watcher) round(ctx context.Context, i int, watch Watch, memory *watchMemory) {
	begun := w.now()
	w.set(i, func(s *WatchStatus) { s.Running = true })
	one := watchRound{watch: watch, last: memory.Watches[watch.name()], begun: begun, log: w.log()}
	sum, err := one.run(ctx, w.Archive)
	if err == nil {
		memory.Watches[watch.name()] = one.remember()
		err = w.save(memory)
	}
	w.set(i, func(s *WatchStatus) {
		*s = WatchStatus{
			Paths: watch.Paths, Begun: begun, Ended: w.now(), Next: begun.Add(watch.Every),
			Summary: sum, Failing: len(one.failed), Err: err,
		}
	})
	switch {
	case ctx.Err() != nil:
	case err != nil:
		w.log().ErrorContext(ctx, "watched import stopped early", "step", "capture", "paths", watch.Paths, "error", err)
	case sum.Stored+sum.Failed > 0:
		w.log().InfoContext(ctx, "watched import done", "step", "capture", "paths", watch.Paths,
			"stored", sum.Stored, "already", sum.Already, "skipped", sum.Skipped, "failed", sum.Failed)
	}
}

func (w *Watcher) set(i int, change func(*WatchStatus)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(&w.status[i])
}

func (w *Watcher) now() time.Time {
	if w.Clock == nil {
		return time.Now()
	}
	return w.Clock()
}

func (w *Watcher) wait(ctx context.Context, d time.Duration) error {
	if w.Wait == nil {
		return wait(ctx, d)
	}
	return w.Wait(ctx, d)
}

func (w *Watcher) log() *slog.Logger {
	if w.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return w.Log
}
