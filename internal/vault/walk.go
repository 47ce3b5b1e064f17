package vault

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sort"

	"mailarchive/internal/durable"
)

// Walk calls each for every record from seq from on that is there when it is
// called, in order, lost ones included, until each returns an error or ctx
// ends. A zero from is the beginning.
func (v *Vault) Walk(ctx context.Context, from uint64, each func(Item) error) error {
	v.mu.Lock()
	segments := slices.Clone(v.segments)
	w := walk{v: v, ctx: ctx, each: each, next: max(from, 1), end: v.end.seq + 1}
	v.mu.Unlock()
	for _, s := range segments {
		entries, f, err := v.openWhole(s)
		if err != nil {
			return err
		}
		place := func(seq uint64) int {
			return sort.Search(len(entries), func(i int) bool { return entries[i].seq >= seq })
		}
		err = w.segment(f, entries[min(place(w.next), place(w.end)):place(w.end)])
		if f.File != nil {
			f.Close()
		}
		if err != nil {
			return err
		}
	}
	return w.missing(w.end)
}

// walkFile is a segment's file, or why there is none.
type walkFile struct {
	durable.File
	err error
}

// openWhole returns the positions of a segment and the file that they belong to.
// A file that is gone is damage, which is each record's to tell.
func (v *Vault) openWhole(s *segment) ([]entry, walkFile, error) {
	v.swap.RLock()
	defer v.swap.RUnlock()
	entries, err := v.entriesOf(s)
	if err != nil || len(entries) == 0 {
		return nil, walkFile{}, err
	}
	f, err := v.openSegment(s.number)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, walkFile{}, fmt.Errorf("segment %d: %w", s.number, err)
	}
	if err != nil {
		return entries, walkFile{err: err}, nil
	}
	return entries, walkFile{File: f}, nil
}

// walk goes from record to record.
type walk struct {
	v    *Vault
	ctx  context.Context
	each func(Item) error
	next uint64 // seq of the record that comes next
	end  uint64 // behind the last one
}

func (w *walk) give(i Item) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	w.next = i.Arrival.Seq + 1
	return w.each(i)
}

// missing gives the records up to seq, of which no segment knows anything.
func (w *walk) missing(seq uint64) error {
	for w.next < seq {
		if err := w.give(lostItem(w.next)); err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) segment(f walkFile, entries []entry) error {
	bad := f.err
	var frame int64 = -1
	var raw []byte
	for _, e := range entries {
		if err := w.missing(e.seq); err != nil {
			return err
		}
		if f.File != nil && e.flags&entryLost == 0 && e.frame != frame {
			frame = e.frame
			raw, bad = w.v.readRaw(f, e)
		}
		if err := w.give(w.v.item(e, raw, bad)); err != nil {
			return err
		}
	}
	return nil
}
