package app

import "fmt"

// step says how far the catalog is in step with the vault.
type step struct {
	// InStep: all that is stored is searchable, but for what came in just now,
	// and no new catalog is being made.
	InStep bool
	// Missing is the number of stored arrivals that the last comparison did not
	// find in the catalog.
	Missing uint64
	// Remaking: a new catalog is being made, of which Percent is done.
	Remaking bool
	Percent  int
}

// step is exact as of the last look.
func (k *keeper) step() step {
	w := k.now()
	k.mu.Lock()
	missing := k.seen.missing
	k.mu.Unlock()
	return step{
		InStep: w.reason == "" && missing == 0, Missing: missing,
		Remaking: w.reason != "", Percent: k.percent(w),
	}
}

// far says how far the catalog is: the new one, if one is made beside that in
// use.
func (k *keeper) far() (done, total uint64) {
	w := k.now()
	if w.reason != "" && !w.filling {
		return w.done, w.total
	}
	return k.app.filled()
}

func (k *keeper) percent(w work) int {
	if w.filling {
		w.done, w.total = k.app.filled()
	}
	if w.reason == "" || w.total == 0 {
		return 0
	}
	return int(100 * min(w.done, w.total) / w.total)
}

// Notice is what those who search should know of the catalog: that it is being
// made again, why and how far it is, or that it lacks something. It is empty
// when all is well.
func (a *App) Notice() string {
	k := a.keeper
	w, s := k.now(), k.step()
	switch {
	case w.reason != "" && w.err != nil:
		return fmt.Sprintf("the catalog must be made again (%s), which failed and is tried again: results may be incomplete", w.reason)
	case w.filling:
		return fmt.Sprintf("the catalog is being made again (%s), %d%% done: results are incomplete until then", w.reason, s.Percent)
	case w.reason != "":
		return fmt.Sprintf("the catalog is being made again (%s), %d%% done: until then the former one answers", w.reason, s.Percent)
	case s.Missing > 0:
		return fmt.Sprintf("%d stored messages are not searchable; the log says more", s.Missing)
	}
	return ""
}
