package app

import (
	"context"
	"sync"

	"mailarchive/internal/mail"
)

// imports knows which items of imports are in the vault already, those
// included that the catalog has not reached yet, and which are on their way
// there.
type imports struct {
	mu    sync.Mutex
	fresh map[mail.Digest]mail.Arrival  // by key: what this process accepted
	under map[mail.Digest]chan struct{} // by key: closed when the Accept under way is over
	ready bool                          // the catalog has all that was there at the start
}

// begin returns the arrival of an item that was accepted already, or gives the
// item to the caller, who must call end. While another has it, it waits: two
// imports of the same files, or one that was cut off and started again while
// its last messages were still being written, store nothing twice.
func (i *imports) begin(ctx context.Context, key mail.Digest) (a mail.Arrival, known bool, err error) {
	for {
		a, known, under := i.claim(key)
		if known || under == nil {
			return a, known, nil
		}
		select {
		case <-under:
		case <-ctx.Done():
			return a, false, ctx.Err()
		}
	}
}

// claim is begin without waiting: under is set while another has the item.
func (i *imports) claim(key mail.Digest) (a mail.Arrival, known bool, under <-chan struct{}) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if a, known = i.fresh[key]; known {
		return a, true, nil
	}
	if wait, busy := i.under[key]; busy {
		return a, false, wait
	}
	if i.under == nil {
		i.fresh, i.under = map[mail.Digest]mail.Arrival{}, map[mail.Digest]chan struct{}{}
	}
	i.under[key] = make(chan struct{})
	return a, false, nil
}

// end lets go of an item, and remembers its arrival if err is nil.
func (i *imports) end(key mail.Digest, a mail.Arrival, err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	close(i.under[key])
	delete(i.under, key)
	if err == nil {
		a.Envelope = mail.Envelope{} // nobody asks for it, and it may be large
		i.fresh[key] = a
	}
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
		for k, a := range i.fresh {
			if a.Seq <= cursor {
				delete(i.fresh, k)
			}
		}
	}
	return false
}

// Imported implements [control.Archive]. The first call waits until the
// catalog has all that the vault had at the start: an import that was cut off
// goes on where it was, and stores nothing twice. So does the first call after
// an empty catalog took the place of one that could not be read.
func (a *App) Imported(ctx context.Context, key mail.Digest) (bool, error) {
	for {
		if err := a.awaitCatalog(ctx); err != nil {
			return false, err
		}
		_, number := a.catalogs.inUse()
		if a.imports.has(key, a.indexer.Status().Indexed) {
			return true, nil
		}
		found, err := a.catalog.Imported(ctx, key)
		if _, now := a.catalogs.inUse(); now == number || ctx.Err() != nil {
			return found, err
		}
	}
}

func (a *App) awaitCatalog(ctx context.Context) error {
	if a.imports.isReady() {
		return nil
	}
	_, number := a.catalogs.inUse()
	if err := a.indexer.CatchUp(ctx); err != nil {
		return err
	}
	if _, now := a.catalogs.inUse(); now == number {
		a.imports.setReady(true)
	}
	return nil
}

func (i *imports) isReady() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.ready
}

func (i *imports) setReady(ready bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.ready = ready
}
