package app

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"mailarchive/internal/catalog"
	"mailarchive/internal/mail"
)

// keeper keeps the catalog in step with the vault. It looks now and then
// whether the file is the one that was opened, can be read, is of this
// version, and lists all that the vault has; when not, it makes the catalog
// again from the vault, one at a time, until that worked. Search goes on in
// the one in use meanwhile, or, when nothing of it can be read, in an empty
// one that fills.
type keeper struct {
	app *App
	// every is the time between looks, whole that between comparisons of all
	// that is stored, sound that between checks of the file's structure.
	every, whole, sound time.Duration
	// patience is the first and the longest wait after an attempt that failed.
	patience [2]time.Duration
	// grace is how long a call that met damage waits for the catalog to be
	// whole again: a small one is made in less.
	grace time.Duration

	wake    chan struct{} // has room for one
	remakes atomic.Int64
	// made is when the last catalog was made, spacing the wait before the next;
	// both belong to run.
	made    time.Time
	spacing time.Duration

	triage sync.Mutex // held by report

	mu   sync.Mutex
	work work
	over chan struct{} // closed when the work is over; nil while there is none
	seen seen
	// known are the counts of the last catalog that was whole.
	known catalog.Counts
}

// work is the making of a catalog that is under way.
type work struct {
	reason      string // "" when there is none
	number      int    // of the catalog that the reason is about
	filling     bool   // the catalog in use is the one that fills
	done, total uint64
	err         error // of the last attempt
}

// seen is what the comparisons found.
type seen struct {
	upTo    uint64 // the number up to which vault and catalog were compared
	missing uint64
	whole   time.Time // when all was compared last
	checked time.Time // when the file was checked last
	// patience is how long a catalog that was made again and still lacks
	// something is left as it is, until when.
	patience time.Duration
	until    time.Time
}

func newKeeper(a *App) *keeper {
	return &keeper{
		app: a, every: 5 * time.Second, whole: time.Hour, sound: 24 * time.Hour, grace: 3 * time.Second,
		patience: [2]time.Duration{time.Second, time.Minute}, wake: make(chan struct{}, 1),
	}
}

// run looks and mends until ctx ends.
func (k *keeper) run(ctx context.Context) {
	if reason := k.app.catalogs.begun; reason != "" {
		k.begin(reason, true)
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-k.wake:
		}
		if err := k.look(ctx); err != nil && ctx.Err() == nil {
			k.app.log.Warn("catalog could not be compared with the vault", "step", "catalog", "error", err)
			k.again()
		}
		k.mend(ctx)
		timer.Reset(k.every)
	}
}

// begin notes that the catalog must be made again. Of two reasons the first
// stays, unless the second is damage; filling may be added.
func (k *keeper) begin(reason string, filling bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.work.reason == "" {
		k.work = work{reason: reason}
		k.over = make(chan struct{})
		k.app.log.Info("catalog is made again", "step", "catalog", "reason", reason)
	}
	if reason == isDamaged {
		k.work.reason = reason
	}
	_, k.work.number = k.app.catalogs.inUse()
	k.work.filling = k.work.filling || filling
}

// end notes that the catalog is whole.
func (k *keeper) end(s seen) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.work, k.seen = work{}, s
	close(k.over)
	k.over = nil
}

func (k *keeper) now() work {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.work
}

// counted notes the counts of the catalog in use, if it is whole, and returns
// those of the last one that was, unless they say less.
func (k *keeper) counted(now catalog.Counts) catalog.Counts {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.work.filling || now.Cursor >= k.known.Cursor {
		k.known = now
	}
	return k.known
}

// again asks for a comparison of all at the next look.
func (k *keeper) again() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.seen.whole = time.Time{}
}

// mend makes the catalog again if there is a reason, as often as it takes.
func (k *keeper) mend(ctx context.Context) {
	if k.now().reason == "" {
		return
	}
	k.spaceOut(ctx)
	wait := k.patience[0]
	for ctx.Err() == nil && k.now().reason != "" {
		err := k.remake(context.WithValue(ctx, ownCall{}, true))
		if err == nil {
			k.finish(ctx)
			return
		}
		if ctx.Err() != nil {
			return
		}
		k.failed(err)
		k.app.log.Error("catalog was not made again, trying again", "step", "catalog", "error", err, "wait", wait)
		pause(ctx, wait)
		wait = min(2*wait, k.patience[1])
	}
}

// settled is how long a new catalog must have been good for another one to be
// made at once.
const settled = 10 * time.Minute

// spaceOut waits when the last catalog was made just now: a disk that spoils
// each new one must not keep the machine busy with that alone.
func (k *keeper) spaceOut(ctx context.Context) {
	if k.made.IsZero() || time.Since(k.made) > settled {
		k.spacing = 0
		return
	}
	k.spacing = min(max(2*k.spacing, k.patience[0]), k.patience[1])
	pause(ctx, k.spacing)
}

func (k *keeper) failed(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.work.err = err
}

// remake is one attempt.
func (k *keeper) remake(ctx context.Context) error {
	a := k.app
	if !k.now().filling && k.useless(ctx) {
		if err := k.replace(ctx); err != nil {
			return err
		}
	}
	w := k.now()
	if w.filling {
		return k.fill(ctx)
	}
	if _, number := a.catalogs.inUse(); number != w.number {
		return nil // somebody's reindex has put another in its place
	}
	err := a.reindex(ctx, k.progress)
	if errors.Is(err, mail.ErrFull) && k.damaged() {
		// There is no room for both, and the one in use is no good.
		return errors.Join(err, k.replace(ctx))
	}
	return err
}

// useless reports whether nothing in the catalog in use is to be shown: it
// cannot be read, or it is another vault's.
func (k *keeper) useless(ctx context.Context) bool {
	db, _ := k.app.catalogs.inUse()
	if _, err := db.Stale(ctx); errors.Is(err, mail.ErrDamaged) {
		return true
	}
	if err := db.Probe(ctx); !errors.Is(err, mail.ErrDamaged) {
		return false
	}
	_, err := db.Counts(ctx)
	return err != nil
}

// fill brings the catalog in use to where the vault is, and begins anew when
// another one takes its place meanwhile.
func (k *keeper) fill(ctx context.Context) error {
	for {
		_, number := k.app.catalogs.inUse()
		err := k.app.indexer.CatchUp(ctx)
		if _, now := k.app.catalogs.inUse(); now == number || ctx.Err() != nil {
			return err
		}
	}
}

// fillingUp returns the end of the work when it is the catalog in use that
// fills, else nil.
func (k *keeper) fillingUp() <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.work.filling {
		return nil
	}
	return k.over
}

// damaged reports whether the reason is one that makes the catalog in use bad.
func (k *keeper) damaged() bool { return k.now().reason == isDamaged }

func (k *keeper) progress(done, total uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.work.done, k.work.total, k.work.err = done, total, nil
}

// finish compares what was made with the vault. When it lacks something all
// the same, making it once more is of little use: it is left as it is for a
// while.
func (k *keeper) finish(ctx context.Context) {
	reason := k.now().reason
	k.remakes.Add(1)
	k.made = time.Now()
	c, err := k.app.indexer.Compare(ctx, 0)
	if err != nil {
		k.end(seen{}) // the next look compares all
		k.app.log.Warn("catalog was made again and not yet compared with the vault", "step", "catalog", "reason", reason, "error", err)
		return
	}
	now := time.Now()
	s := seen{upTo: c.UpTo, missing: c.Missing, whole: now, checked: now}
	if c.Missing == 0 {
		k.end(s)
		k.app.log.Info("catalog was made again", "step", "catalog", "reason", reason, "arrivals", c.UpTo)
		return
	}
	s.patience = max(2*k.found().patience, k.whole)
	s.until = now.Add(s.patience)
	k.end(s)
	k.app.log.Error("catalog was made again and lacks arrivals all the same", "step", "catalog",
		"missing", c.Missing, "first", c.First, "next_try", s.until)
}

func (k *keeper) found() seen {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.seen
}

func (k *keeper) setFound(s seen) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.seen = s
}

// newest is how many arrivals a command compares before it begins.
const newest = 100_000

// mendNow looks and mends once, for a command that has the archive for itself.
// What cannot be looked at now does not stop the command.
func (k *keeper) mendNow(ctx context.Context) error {
	if last := k.app.vault.Last(); last > newest {
		k.setFound(seen{upTo: last - newest, whole: time.Now()})
	}
	if err := k.look(ctx); err != nil {
		k.app.log.Warn("catalog could not be compared with the vault", "step", "catalog", "error", err)
	}
	k.again()
	if k.now().reason == "" {
		return nil
	}
	if err := k.remake(context.WithValue(ctx, ownCall{}, true)); err != nil {
		return err
	}
	k.finish(ctx)
	return nil
}

// pause waits for d or the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
