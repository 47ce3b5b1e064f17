package indexer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"mailarchive/internal/catalog"
	"mailarchive/internal/extract"
	"mailarchive/internal/keyword"
	"mailarchive/internal/mail"
)

// Vault is what the indexer reads from.
type Vault interface {
	// Last is the seq of the newest record, 0 when there is none.
	Last() uint64
	// WaitPast returns nil once there is a record after seq, or ctx's error.
	WaitPast(ctx context.Context, seq uint64) error
	// Walk calls each for what is there from seq from on, by rising seq, until
	// each returns an error, which it returns. Seqs may be missing.
	Walk(ctx context.Context, from uint64, each func(Item) error) error
	// Seqs calls each for the number and the ID of every arrival from seq from
	// on that is not lost, by rising seq, until each returns an error, which it
	// returns. It reads no mail.
	Seqs(ctx context.Context, from uint64, each func(seq uint64, id mail.ID) error) error
}

// Item is an arrival in the vault.
type Item struct {
	// Arrival is what the record says. When the record is damaged some of it
	// may be missing; without an ID there is nothing to list.
	Arrival mail.Arrival
	// Err says that the record could not be read.
	Err error
	// Open opens the content, also after the walk went on. Errors wrap
	// mail.ErrDamaged when the bytes cannot be read back. Not called when Err
	// is set.
	Open func() (io.ReadCloser, error)
	// Known returns what was known of the message before its bytes left for an
	// archive file; it is asked when the error of Open wraps mail.ErrElsewhere.
	Known func() (catalog.Document, error)
	// Note says that the record is no arrival: there is nothing to list.
	Note bool
}

// Indexer keeps a catalog in step with a vault. The fields are set before use;
// those that are zero get working defaults from [New].
type Indexer struct {
	Vault   Vault
	Catalog catalog.Catalog
	Log     *slog.Logger
	Limits  extract.Limits
	// Local are the domains that tell which way mail went.
	Local Domains
	// Candidates takes the terms out of a message that its keywords are chosen
	// from.
	Candidates func(subject, text string) []keyword.Candidate
	// Workers is the number of extractions at once: by default one a core.
	Workers int
	// Gather is how long Run waits after the first new record for more, so
	// that a burst is one transaction: by default 40 ms.
	Gather time.Duration
	// Busy, when set, reports that mail comes in so fast that indexing should
	// give way to it; see giveway.go.
	Busy func() bool
	// Patience is the first and the longest wait after an error.
	Patience [2]time.Duration
	// Now tells the time.
	Now func() time.Time

	// one holds a token while a pass runs: Apply calls come one at a time.
	one chan struct{}
	// large holds a token while content above largeContent is extracted.
	large chan struct{}
	// moved has a token when another catalog took the place of the one that Run
	// waits behind.
	moved chan struct{}

	mu     sync.Mutex
	status Status
	meter  meter
	tries  tries
}

// pinner is a front that may change the catalog behind it (catalog.Switch): a
// pass stays with the one that it began on.
type pinner interface {
	Pin() (c catalog.Catalog, release func())
}

// New returns an Indexer from v to c.
func New(v Vault, c catalog.Catalog) *Indexer {
	return &Indexer{
		Vault: v, Catalog: c, Log: slog.New(slog.DiscardHandler),
		Limits: extract.DefaultLimits(), Candidates: keyword.NewFinder().Candidates, Workers: runtime.GOMAXPROCS(0), Gather: 40 * time.Millisecond,
		Patience: [2]time.Duration{200 * time.Millisecond, 30 * time.Second}, Now: time.Now,
		one: make(chan struct{}, 1), large: make(chan struct{}, 1), moved: make(chan struct{}, 1),
	}
}

// Run follows the vault until ctx ends and returns its error. Other errors are
// logged, shown by [Indexer.Status] and tried again.
func (ix *Indexer) Run(ctx context.Context) error {
	wait := ix.Patience[0]
	for {
		cursor, err := ix.step(ctx, ix.Catalog)
		if err == nil {
			wait = ix.Patience[0]
			err = ix.await(ctx, cursor)
			pause(ctx, ix.Gather)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			continue
		}
		ix.Log.ErrorContext(ctx, "indexing failed, trying again", "step", "catalog", "error", err, "wait", wait)
		pause(ctx, wait)
		wait = min(2*wait, ix.Patience[1])
	}
}

// await waits for a record behind the cursor, or for another catalog.
func (ix *Indexer) await(ctx context.Context, cursor uint64) error {
	waiting, stop := context.WithCancel(ctx)
	var group sync.WaitGroup
	group.Go(func() {
		select {
		case <-ix.moved:
			stop()
		case <-waiting.Done():
		}
	})
	err := ix.Vault.WaitPast(waiting, cursor)
	stop()
	group.Wait()
	if errors.Is(err, context.Canceled) {
		return ctx.Err() // nil when it was the other catalog
	}
	return err
}

// Moved tells that another catalog, with that cursor, is behind the front now:
// Status says so from here on, and Run goes on from there.
func (ix *Indexer) Moved(cursor uint64) {
	ix.place(cursor)
	select {
	case ix.moved <- struct{}{}:
	default:
	}
}

// CatchUp brings the catalog to where the vault is when it is called, beside
// Run or without it. It does not try again after an error.
func (ix *Indexer) CatchUp(ctx context.Context) error {
	last := ix.Vault.Last()
	for {
		cursor, err := ix.step(ctx, ix.Catalog)
		if err != nil || cursor >= last {
			return err
		}
	}
}

// Rebuild fills fresh, an empty catalog, from the whole vault while Run goes
// on with the old one. Once fresh has all that the vault has, swap is called
// with no Apply under way; when it returns nil, Run's next Apply must meet
// fresh (see [catalog.Switch]). progress is called now and then, from one
// goroutine.
func (ix *Indexer) Rebuild(ctx context.Context, fresh catalog.Catalog, progress func(done, total uint64), swap func() error) error {
	for {
		cursor, err := ix.pass(ctx, fresh, progress)
		if err != nil {
			return fmt.Errorf("rebuild catalog: %w", err)
		}
		if cursor >= ix.Vault.Last() {
			break
		}
	}
	if err := ix.hold(ctx); err != nil {
		return err
	}
	defer ix.release()
	// What came in since is little. More may come while this runs; Run will
	// take it from the fresh catalog's cursor on.
	if _, err := ix.pass(ctx, fresh, progress); err != nil {
		return fmt.Errorf("rebuild catalog: %w", err)
	}
	return swap()
}

// step makes one pass into c with no other beside it.
func (ix *Indexer) step(ctx context.Context, c catalog.Catalog) (cursor uint64, err error) {
	if err := ix.hold(ctx); err != nil {
		return 0, err
	}
	defer ix.release()
	if front, ok := c.(pinner); ok {
		pinned, release := front.Pin()
		defer release()
		c = pinned
	}
	if counts, err := c.Counts(ctx); err == nil {
		ix.place(counts.Cursor)
	}
	cursor, err = ix.pass(ctx, c, ix.applied)
	ix.note(err)
	if err == nil {
		ix.tries.forget()
	}
	return cursor, err
}

func (ix *Indexer) hold(ctx context.Context) error {
	select {
	case ix.one <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (ix *Indexer) release() { <-ix.one }
