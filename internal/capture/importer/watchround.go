package importer

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"mailarchive/internal/durable"
)

// maxFailing is how many failed files are remembered by name. With more of
// them the next round looks at everything.
const maxFailing = 10_000

// watchRound is one import of a watched place.
type watchRound struct {
	watch  Watch
	last   placeMemory
	begun  time.Time
	log    *slog.Logger
	full   bool
	failed map[string]string // reason by file
}

// run imports what has changed since the last round and what failed in it.
func (r *watchRound) run(ctx context.Context, a Archive) (Summary, error) {
	r.failed = map[string]string{}
	r.full = r.last.Full.IsZero() || r.begun.Sub(r.last.Full) >= fullEvery || r.begun.Before(r.last.Begun)
	o := r.watch.Options
	o.pass = r.pass
	report := o.Report
	o.Report = func(out Outcome) {
		if out.Outcome == Failed {
			r.fail(ctx, out)
		}
		if report != nil {
			report(out)
		}
	}
	return Run(ctx, a, o)
}

// pass leaves out what may still be written to, and what was done before.
func (r *watchRound) pass(path string, info fs.FileInfo) bool {
	at := changed(info)
	switch {
	case at.After(r.begun.Add(-r.watch.Settle)):
		return true
	case r.full:
		return false
	}
	_, again := r.last.Failed[path]
	return !again && at.Before(r.last.Begun.Add(-changeMargin))
}

// fail remembers the file, and logs it if it did not fail so before.
func (r *watchRound) fail(ctx context.Context, out Outcome) {
	file := fileOf(out.Path)
	if r.last.Failed[file] != out.Reason {
		r.log.WarnContext(ctx, "not imported", "step", "capture", "path", out.Path, "reason", out.Reason)
	}
	if len(r.failed) < maxFailing {
		r.failed[file] = out.Reason
	}
}

// fileOf returns the file that a message is in: for one in a tar, the tar.
func fileOf(path string) string {
	for p := path; p != filepath.Dir(p); p = filepath.Dir(p) {
		if info, err := os.Lstat(p); err == nil {
			if info.IsDir() {
				return path // the file itself is gone
			}
			return p
		}
	}
	return path
}

// remember returns what the next round needs to know. What was changed within
// the settling time is for that round.
func (r *watchRound) remember() placeMemory {
	m := placeMemory{Begun: r.begun.Add(-r.watch.Settle), Full: r.last.Full, Failed: r.failed}
	if r.full {
		m.Full = r.begun
	}
	if len(r.failed) >= maxFailing {
		m.Full, m.Failed = time.Time{}, nil
	}
	return m
}

// memoryFormat is the version of the remembered state. Another one is not read.
const memoryFormat = 1

// watchMemory is the state of all watches, by their names.
type watchMemory struct {
	Format  int                    `json:"format"`
	Watches map[string]placeMemory `json:"watches"`
}

// placeMemory is the state of one.
type placeMemory struct {
	// Begun: what was changed before that was looked at.
	Begun time.Time `json:"begun"`
	// Full is when the last round began that looked at everything.
	Full time.Time `json:"full"`
	// Failed has the reasons by path.
	Failed map[string]string `json:"failed,omitempty"`
}

// load reads the state; without one, or with one that cannot be read, everything
// is looked at.
func (w *Watcher) load() *watchMemory {
	fresh := &watchMemory{Format: memoryFormat, Watches: map[string]placeMemory{}}
	if w.StateFile == "" {
		return fresh
	}
	f, err := w.fs().OpenFile(w.StateFile, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return fresh
	}
	var m watchMemory
	if err == nil {
		err = errors.Join(json.NewDecoder(f).Decode(&m), f.Close())
	}
	if err != nil || m.Format != memoryFormat || m.Watches == nil {
		w.log().Warn("state of watched imports cannot be read; all is looked at again", "step", "capture", "error", err)
		return fresh
	}
	return &m
}

// save writes the state of the watches that there are.
func (w *Watcher) save(m *watchMemory) error {
	if w.StateFile == "" {
		return nil
	}
	keep := &watchMemory{Format: memoryFormat, Watches: map[string]placeMemory{}}
	for _, watch := range w.Watches {
		if p, ok := m.Watches[watch.name()]; ok {
			keep.Watches[watch.name()] = p
		}
	}
	return durable.WriteFile(w.fs(), w.StateFile, 0o600, func(out io.Writer) error {
		return json.NewEncoder(out).Encode(keep)
	})
}

func (w *Watcher) fs() durable.FS {
	if w.FS == nil {
		return durable.OS{}
	}
	return w.FS
}
