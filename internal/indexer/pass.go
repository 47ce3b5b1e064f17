package indexer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
	"unicode/utf8"

	"mailarchive/internal/catalog"
	"mailarchive/internal/catalog/token"
	"mailarchive/internal/extract"
)

// The bounds of a pass. Content is weighed by its size up to heaviest until it
// was read, then by what its words take when that is more; what was taken from
// the vault and is not yet in the catalog weighs at most inFlight, but for what
// the contents that the workers have just read became.
const (
	batchCount  = 1000
	batchWeight = 16 << 20
	inFlight    = 32 << 20
	heaviest    = 8 << 20
	leastWeight = 2 << 10
	// linger is how long a document waits for others while the walk goes on.
	// At its end nothing waits.
	linger = 50 * time.Millisecond
)

// job is an item on its way.
type job struct {
	item   Item
	weight int           // the applier's once done is closed
	done   chan struct{} // closed when doc and err are set
	doc    catalog.Document
	skip   bool // there is nothing to list
	err    error
}

// pass applies to c what the vault has behind c's cursor, and returns the
// cursor.
func (ix *Indexer) pass(ctx context.Context, c catalog.Catalog, progress func(done, total uint64)) (uint64, error) {
	counts, err := c.Counts(ctx)
	if err != nil {
		return 0, err
	}
	p := &pass{
		Indexer: ix, into: c, progress: progress, cursor: counts.Cursor, last: ix.Vault.Last(),
		jobs: make(chan *job, batchCount), work: make(chan *job), budget: newBudget(inFlight),
	}
	if p.last <= p.cursor {
		p.report()
		return p.cursor, nil
	}
	err = p.run(ctx)
	return p.cursor, err
}

// pass is one walk over what is new: the walker puts jobs in order and hands
// them to the workers; the applier takes them in order.
type pass struct {
	*Indexer
	into         catalog.Catalog
	progress     func(done, total uint64)
	cursor, last uint64

	jobs   chan *job // in order
	work   chan *job // the same, to whom is free
	budget *budget

	batch  []catalog.Document
	weight int
	upTo   uint64 // all up to here is in the batch or before it
	rest   resting
}

func (p *pass) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	var walkErr error
	group.Go(func() {
		defer close(p.jobs)
		defer close(p.work)
		walkErr = p.walk(ctx)
	})
	for range p.Workers {
		group.Go(func() { p.extract(ctx) })
	}
	err := p.apply(ctx)
	cancel()
	group.Wait()
	return errors.Join(err, ignoreCancel(walkErr, err))
}

// ignoreCancel drops the walk's error when it only says that apply ended it.
func ignoreCancel(walkErr, applyErr error) error {
	if applyErr != nil && errors.Is(walkErr, context.Canceled) {
		return nil
	}
	return walkErr
}

func (p *pass) walk(ctx context.Context) error {
	err := p.Vault.Walk(ctx, p.cursor+1, func(item Item) error {
		j := &job{item: item, weight: int(min(max(item.Arrival.Size, leastWeight), heaviest)), done: make(chan struct{})}
		if err := p.budget.take(ctx, j.weight); err != nil {
			return err
		}
		for _, to := range []chan *job{p.jobs, p.work} {
			select {
			case to <- j:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	if err != nil {
		// The applier must not take the end of the jobs for the end of the
		// vault.
		failed := &job{err: fmt.Errorf("walk vault: %w", err), done: make(chan struct{})}
		close(failed.done)
		select {
		case p.jobs <- failed:
		case <-ctx.Done():
		}
	}
	return err
}

func (p *pass) extract(ctx context.Context) {
	x := extract.New(p.Limits)
	ahead, prepares := p.into.(catalog.Preparer)
	var r resting
	for j := range p.work {
		begun := p.Now()
		j.doc, j.skip, j.err = p.read(ctx, x, j.item)
		p.weigh(j)
		if prepares && j.err == nil && !j.skip {
			ahead.Prepare(&j.doc)
		}
		close(j.done)
		p.giveWay(ctx, &r, p.Now().Sub(begun))
	}
}

// weigh corrects the weight of a job that was read: a small content may have
// become a large text, and a small text many words.
func (p *pass) weigh(j *job) {
	if len(j.doc.Text) < mattersFrom {
		return
	}
	is := len(j.doc.Text) + min(mostWords(j.doc.Text), maxWordBytes)
	if is > j.weight {
		p.budget.owe(is - j.weight)
		j.weight = is
	}
}

// mostWords is what the words of a text take at most, in bytes.
func mostWords(text string) int {
	wide := 0
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			wide++
		}
	}
	return 2*(len(text)-wide) + token.MostGrowth*wide
}

// mattersFrom is the length of a text from which its words matter.
const mattersFrom = 64 << 10

// apply takes jobs in order until there are no more, and applies them in
// batches.
func (p *pass) apply(ctx context.Context) error {
	p.upTo = p.cursor
	timer := time.NewTimer(linger)
	defer timer.Stop()
	for {
		select {
		case j, more := <-p.jobs:
			if !more {
				p.upTo = max(p.upTo, p.last) // what is missing at the end is lost
				return p.flush(ctx)
			}
			if len(p.batch) == 0 {
				timer.Reset(linger)
			}
			if err := p.take(ctx, j); err != nil {
				return errors.Join(p.flush(ctx), err)
			}
		case <-timer.C:
			if len(p.batch) > 0 {
				if err := p.flush(ctx); err != nil {
					return err
				}
			}
		}
	}
}

// take adds a job to the batch and applies a batch that is full.
func (p *pass) take(ctx context.Context, j *job) error {
	select {
	case <-j.done:
	case <-ctx.Done():
		return ctx.Err()
	}
	if j.err != nil {
		return j.err
	}
	p.weight += j.weight
	p.upTo = j.item.Arrival.Seq
	if !j.skip {
		p.batch = append(p.batch, j.doc)
	}
	if len(p.batch) < batchCount && p.weight < batchWeight {
		return nil
	}
	return p.flush(ctx)
}

func (p *pass) flush(ctx context.Context) error {
	if p.upTo <= p.cursor {
		return nil
	}
	begun := p.Now()
	if err := p.into.Apply(ctx, p.batch, p.upTo); err != nil {
		return err
	}
	applied := p.Now()
	p.meter.add(applied, len(p.batch))
	p.cursor = p.upTo
	p.budget.give(p.weight)
	clear(p.batch)
	p.batch, p.weight = p.batch[:0], 0
	p.report()
	p.giveWay(ctx, &p.rest, applied.Sub(begun))
	return nil
}

func (p *pass) report() {
	if p.progress != nil {
		p.progress(p.cursor, max(p.last, p.cursor))
	}
}

// budget bounds what is on its way.
type budget struct {
	mu      sync.Mutex
	free    int
	changed chan struct{} // has room for one
}

func newBudget(n int) *budget { return &budget{free: n, changed: make(chan struct{}, 1)} }

// take waits for weight; one goroutine calls it.
func (b *budget) take(ctx context.Context, weight int) error {
	for {
		b.mu.Lock()
		enough := b.free >= weight
		if enough {
			b.free -= weight
		}
		b.mu.Unlock()
		if enough {
			return nil
		}
		select {
		case <-b.changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// owe takes weight that is used already: who waits waits for that much more.
func (b *budget) owe(weight int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free -= weight
}

func (b *budget) give(weight int) {
	b.mu.Lock()
	b.free += weight
	b.mu.Unlock()
	select {
	case b.changed <- struct{}{}:
	default:
	}
}
