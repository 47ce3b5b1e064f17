package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"mailarchive/internal/access"
	"mailarchive/internal/catalog"
	"mailarchive/internal/mail"
)

// watched is the catalog in use as everybody sees it: damage that a call meets
// is told to the keeper, and the call is made again on what there is then.
type watched struct {
	*catalog.Switch
	keeper *keeper
}

var _ catalog.Catalog = watched{}

// again makes a call, and once more when it met damage.
func (w watched) again(ctx context.Context, call func() error) error {
	_, number := w.keeper.app.catalogs.inUse()
	err := call()
	if !errors.Is(err, mail.ErrDamaged) || ctx.Err() != nil {
		return err
	}
	w.keeper.report(ctx, number, err)
	if err = call(); errors.Is(err, mail.ErrDamaged) && ctx.Value(ownCall{}) == nil {
		return w.keeper.unreadable()
	}
	return err
}

// unreadable is what those hear who ask for what cannot be read just now. The
// log has the engine's words.
func (k *keeper) unreadable() error {
	return fmt.Errorf("the catalog is damaged and is being made again (%d%% done); no mail is lost: %w", k.step().Percent, mail.ErrRetry)
}

// Pin is for the indexer, which tries again by itself.
func (w watched) Pin() (c catalog.Catalog, release func()) {
	_, number := w.keeper.app.catalogs.inUse()
	c, release = w.Switch.Pin()
	return pinned{c, w.keeper, number}, release
}

// pinned is one catalog, in use or no longer, as the indexer sees it.
type pinned struct {
	catalog.Catalog
	keeper *keeper
	number int
}

// Apply implements [catalog.Catalog].
func (p pinned) Apply(ctx context.Context, batch []catalog.Document, upTo uint64) error {
	err := p.Catalog.Apply(ctx, batch, upTo)
	if errors.Is(err, mail.ErrDamaged) {
		p.keeper.decide(ctx, p.number, err)
	}
	return err
}

// Counts implements [catalog.Catalog].
func (p pinned) Counts(ctx context.Context) (catalog.Counts, error) {
	n, err := p.Catalog.Counts(ctx)
	if errors.Is(err, mail.ErrDamaged) {
		p.keeper.decide(ctx, p.number, err)
	}
	return n, err
}

// Prepare implements [catalog.Preparer].
func (p pinned) Prepare(d *catalog.Document) {
	if c, ok := p.Catalog.(catalog.Preparer); ok {
		c.Prepare(d)
	}
}

// Counts implements [catalog.Catalog].
func (w watched) Counts(ctx context.Context) (n catalog.Counts, err error) {
	err = w.again(ctx, func() error {
		n, err = w.Switch.Counts(ctx)
		return err
	})
	return n, err
}

// Search implements [catalog.Catalog]. Once a row was given there is no other
// try: it might come twice.
func (w watched) Search(ctx context.Context, q catalog.Query, yield func(catalog.Hit) bool) error {
	given := false
	var failed error
	err := w.again(ctx, func() error {
		if given {
			return failed
		}
		failed = w.Switch.Search(ctx, q, func(h catalog.Hit) bool {
			given = true
			return yield(h)
		})
		return failed
	})
	return err
}

// Count implements [catalog.Catalog].
func (w watched) Count(ctx context.Context, scope access.Scope, where catalog.Node, limit int) (n int, more bool, err error) {
	err = w.again(ctx, func() error {
		n, more, err = w.Switch.Count(ctx, scope, where, limit)
		return err
	})
	return n, more, err
}

// Volume implements [catalog.Catalog].
func (w watched) Volume(ctx context.Context, scope access.Scope, unit catalog.Unit, since, before time.Time) (periods []catalog.Period, err error) {
	err = w.again(ctx, func() error {
		periods, err = w.Switch.Volume(ctx, scope, unit, since, before)
		return err
	})
	return periods, err
}

// Top implements [catalog.Catalog].
func (w watched) Top(ctx context.Context, scope access.Scope, of catalog.Dimension, limit int) (tallies []catalog.Tally, err error) {
	err = w.again(ctx, func() error {
		tallies, err = w.Switch.Top(ctx, scope, of, limit)
		return err
	})
	return tallies, err
}

// Lookup implements [catalog.Catalog].
func (w watched) Lookup(ctx context.Context, scope access.Scope, ref string) (r catalog.Row, err error) {
	err = w.again(ctx, func() error {
		r, err = w.Switch.Lookup(ctx, scope, ref)
		return err
	})
	return r, err
}

// Arrivals implements [catalog.Catalog].
func (w watched) Arrivals(ctx context.Context, scope access.Scope, id mail.ID) (list []mail.Arrival, err error) {
	err = w.again(ctx, func() error {
		list, err = w.Switch.Arrivals(ctx, scope, id)
		return err
	})
	return list, err
}

// Imported implements [catalog.Catalog].
func (w watched) Imported(ctx context.Context, key mail.Digest) (found bool, err error) {
	err = w.again(ctx, func() error {
		found, err = w.Switch.Imported(ctx, key)
		return err
	})
	return found, err
}

// Listed implements [catalog.Catalog].
func (w watched) Listed(ctx context.Context, first, last uint64) (list []catalog.Listing, err error) {
	err = w.again(ctx, func() error {
		list, err = w.Switch.Listed(ctx, first, last)
		return err
	})
	return list, err
}
