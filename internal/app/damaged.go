package app

import (
	"context"
	"errors"
	"time"

	"mailarchive/internal/mail"
)

// report takes the damage that a call met in the catalog of that number. On
// return another catalog may be in its place, at once when nothing could be
// read of the damaged one.
func (k *keeper) report(ctx context.Context, number int, err error) {
	if k.decide(ctx, number, err) {
		k.await(ctx)
	}
}

func (k *keeper) decide(ctx context.Context, number int, err error) (waits bool) {
	k.triage.Lock()
	defer k.triage.Unlock()
	db, now := k.app.catalogs.inUse()
	if now != number {
		return false
	}
	k.app.log.ErrorContext(ctx, "catalog is damaged", "step", "catalog", "error", err)
	k.begin(isDamaged, false)
	if bad := db.Probe(ctx); errors.Is(bad, mail.ErrDamaged) {
		if err := k.replace(ctx); err != nil {
			k.app.log.ErrorContext(ctx, "no new catalog could be begun", "step", "catalog", "error", err)
		}
	}
	select {
	case k.wake <- struct{}{}:
	default:
	}
	return true
}

// await waits for the work to be over, at most for the grace. The keeper's own
// calls do not wait: they are the work.
func (k *keeper) await(ctx context.Context) {
	k.mu.Lock()
	over := k.over
	k.mu.Unlock()
	if over == nil || ctx.Value(ownCall{}) != nil {
		return
	}
	timer := time.NewTimer(k.grace)
	defer timer.Stop()
	select {
	case <-over:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// isDamaged is the reason that makes the catalog in use bad.
const isDamaged = "it is damaged"

// ownCall marks the context of the keeper's own calls.
type ownCall struct{}

// replace puts another catalog in the place of one that cannot be read: the
// one that is being made, as far as it is, or an empty one.
func (k *keeper) replace(ctx context.Context) error {
	return k.app.remaking.either(ctx, func() error { return k.replaceEmpty(ctx) })
}

func (k *keeper) replaceEmpty(ctx context.Context) error {
	a := k.app
	db, next, err := a.catalogs.fresh(context.WithoutCancel(ctx))
	if err != nil {
		return err
	}
	a.imports.setReady(false)
	if err := a.swap(next, db); err != nil {
		return err
	}
	a.imports.setReady(false) // who called it ready meanwhile meant the former one
	k.begin(isDamaged, true)
	return nil
}
