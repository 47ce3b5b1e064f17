package app

import (
	"context"
	"sync"

	"mailarchive/internal/mail"
)

// imports knows which items of imports are in the vault already, those
// included that the catalog has not reached yet.
type imports struct {
	mu    sync.Mutex
	fresh map[mail.Digest]uint64 // key -> seq of what was accepted by this process
	ready bool                   // the catalog has all that was there at the start
}

// note remembers an accepted item.
func (i *imports) note(key mail.Digest, seq uint64) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.fresh == nil {
		i.fresh = map[mail.Digest]uint64{}
	}
	i.fresh[key] = seq
}

// has reports whether the item is among the remembered ones, and forgets what
// the catalog has up to its cursor.
func (i *imports) has(key mail.Digest, cursor uint64) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if _, ok := i.fresh[key]; ok {
		return true
	}
	const enough = 10_000 // so that forgetting is not done at each call
	if len(i.fresh) > enough {
		for k, seq := range i.fresh {
			if seq <= cursor {
				delete(i.fresh, k)
			}
		}
	}
	return false
}

// Imported implements [control.Archive]. The first call waits until the
// catalog has all that the vault had at the start: an import that was cut off
// goes on where it was, and stores nothing twice.
func (a *App) Imported(ctx context.Context, key mail.Digest) (bool, error) {
	if err := a.awaitCatalog(ctx); err != nil {
		return false, err
	}
	if a.imports.has(key, a.indexer.Status().Indexed) {
		return true, nil
	}
	return a.catalog.Imported(ctx, key)
}

func (a *App) awaitCatalog(ctx context.Context) error {
	a.imports.mu.Lock()
	ready := a.imports.ready
	a.imports.mu.Unlock()
	if ready {
		return nil
	}
	if err := a.indexer.CatchUp(ctx); err != nil {
		return err
	}
	a.imports.mu.Lock()
	defer a.imports.mu.Unlock()
	a.imports.ready = true
	return nil
}
