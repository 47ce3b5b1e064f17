package app

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"mailarchive/internal/access"
	"mailarchive/internal/extract"
	"mailarchive/internal/indexer"
	"mailarchive/internal/seal"
	"mailarchive/internal/vault"
)

// sealSource is the records from a number on that came before a moment, as an
// archive file takes them: each is described on all cores, and they come out in
// order.
type sealSource struct {
	app      *App
	from     uint64
	before   time.Time
	manifest *keptManifest

	total atomic.Int64 // bytes of content met so far
}

// errEnough ends a walk.
var errEnough = errors.New("enough")

// any reports whether there is a message to seal.
func (s *sealSource) any(ctx context.Context) bool {
	found := false
	err := s.walk(ctx, func(_ vault.Item, r *vault.Record) error {
		if r.HasContent() {
			found = true
			return errEnough
		}
		return nil
	})
	return err == nil && found
}

// bytes is how much content was met so far.
func (s *sealSource) bytes() int64 { return s.total.Load() }

// walk calls each for the records. One that cannot be read is left where it
// is, and those behind it go on.
func (s *sealSource) walk(ctx context.Context, each func(vault.Item, *vault.Record) error) error {
	err := s.app.vault.Walk(ctx, s.from, func(i vault.Item) error {
		if i.Err != nil {
			s.app.log.Error("record not sealed: it cannot be read", "step", "seal", "seq", i.Arrival.Seq, "error", i.Err)
			return nil
		}
		r, err := vault.DecodeRecord(i.Record)
		if err != nil {
			return err
		}
		// The time of the record itself: that of something restored is older.
		received, err := time.Parse(time.RFC3339Nano, r.Received)
		if err != nil {
			return fmt.Errorf("record %d: %w", r.Seq, err)
		}
		if !received.Before(s.before) {
			return errEnough
		}
		return each(i, r)
	})
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// sealJob is a record that is being described.
type sealJob struct {
	item vault.Item
	kind *vault.Record
	done chan struct{}
	out  seal.Item
	err  error
}

// items describes and yields the records.
func (s *sealSource) items(ctx context.Context) seal.Source {
	return func(yield func(seal.Item, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var group sync.WaitGroup
		defer group.Wait()
		defer cancel()
		ordered, work := make(chan *sealJob, 64), make(chan *sealJob)
		var walkErr error
		group.Go(func() {
			defer close(ordered)
			defer close(work)
			walkErr = s.walk(ctx, func(i vault.Item, r *vault.Record) error {
				j := &sealJob{item: i, kind: r, done: make(chan struct{})}
				for _, to := range []chan *sealJob{ordered, work} {
					select {
					case to <- j:
					case <-ctx.Done():
						return ctx.Err()
					}
				}
				return nil
			})
		})
		for range runtime.GOMAXPROCS(0) {
			group.Go(func() {
				x := extract.New(extract.DefaultLimits())
				for j := range work {
					s.describe(ctx, x, j)
				}
			})
		}
		for j := range ordered {
			select {
			case <-j.done:
			case <-ctx.Done():
				yield(seal.Item{}, ctx.Err())
				return
			}
			if j.err == nil && s.manifest != nil {
				j.err = s.manifest.add(j.kind, j.out.About)
			}
			if !yield(j.out, j.err) || j.err != nil {
				return
			}
		}
		if walkErr != nil {
			yield(seal.Item{}, walkErr)
		}
	}
}

func (s *sealSource) describe(ctx context.Context, x *extract.Extractor, j *sealJob) {
	defer close(j.done)
	j.out.Record = j.item.Record
	if !j.kind.HasContent() {
		return
	}
	s.total.Add(j.item.Arrival.Size)
	j.out.Content = j.item.Content
	item := indexer.Item{Arrival: j.item.Arrival, Open: j.item.Content}
	d, err := s.app.indexer.Describe(ctx, x, item)
	if err != nil {
		j.err = err
		return
	}
	// The keywords are those that were chosen when it came in.
	if row, err := s.app.catalog.Lookup(ctx, access.Everything("seal"), d.Arrival.ID.String()); err == nil {
		d.Keywords = row.Keywords
	}
	j.out.About = seal.Describe(d)
}
