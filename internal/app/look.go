package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"mailarchive/internal/mail"
)

// look finds a reason to make the catalog again.
func (k *keeper) look(ctx context.Context) error {
	ctx = context.WithValue(ctx, ownCall{}, true)
	if k.now().reason != "" {
		return nil
	}
	reason, err := k.fault(ctx)
	if reason != "" {
		k.begin(reason, false)
	}
	if reason != "" || err != nil {
		return err
	}
	return k.compare(ctx)
}

// fault says what is wrong with the catalog's file; "" when nothing is.
func (k *keeper) fault(ctx context.Context) (string, error) {
	if reason := k.app.catalogs.touched(); reason != "" {
		k.app.log.WarnContext(ctx, "somebody else touched the catalog", "step", "catalog", "file", reason)
		return reason, nil
	}
	db, number := k.app.catalogs.inUse()
	err := db.Probe(ctx)
	reason := ""
	if err == nil {
		reason, err = db.Stale(ctx)
	}
	if _, now := k.app.catalogs.inUse(); now != number {
		return "", nil // it was changed meanwhile, by a reindex
	}
	if errors.Is(err, mail.ErrDamaged) {
		k.app.log.ErrorContext(ctx, "catalog is damaged", "step", "catalog", "error", err)
		return isDamaged, nil
	}
	return reason, err
}

// compare compares what came in since the last look, and all now and then.
func (k *keeper) compare(ctx context.Context) error {
	s, now := k.found(), time.Now()
	if now.Sub(s.whole) >= k.whole {
		s.upTo, s.missing, s.whole = 0, 0, now
	}
	_, number := k.app.catalogs.inUse()
	c, err := k.app.indexer.Compare(ctx, s.upTo)
	if err != nil {
		return err
	}
	if _, now := k.app.catalogs.inUse(); now != number {
		k.again()
		return nil
	}
	s.upTo, s.missing = c.UpTo, s.missing+c.Missing
	k.setFound(s)
	if counts, err := k.app.catalog.Counts(ctx); err == nil {
		k.counted(counts)
	}
	if s.missing > 0 && now.After(s.until) {
		k.app.log.WarnContext(ctx, "catalog lacks stored mail", "step", "catalog", "missing", s.missing, "first", c.First)
		k.begin(fmt.Sprintf("it lacked %d of the stored messages", s.missing), false)
		return nil
	}
	return k.check(ctx)
}

// check has the file's structure looked over once in a while.
func (k *keeper) check(ctx context.Context) error {
	s := k.found()
	if s.checked.IsZero() { // what was opened just now is checked a while later
		s.checked = time.Now()
	}
	if time.Since(s.checked) < k.sound {
		k.setFound(s)
		return nil
	}
	s.checked = time.Now()
	k.setFound(s)
	err := k.app.catalog.Check(ctx)
	if errors.Is(err, mail.ErrDamaged) {
		k.app.log.ErrorContext(ctx, "catalog is damaged", "step", "catalog", "error", err)
		k.begin(isDamaged, false)
		return nil
	}
	return err
}
