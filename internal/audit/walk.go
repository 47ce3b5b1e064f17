package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
)

// Filter says which entries Walk gives. The zero Filter is all of them, oldest
// first; each field that is set narrows it.
type Filter struct {
	From, Until   time.Time // from From on, before Until
	After, Before uint64    // seqs, both exclusive: the next page begins where the last one ended
	Actor         string    // exactly
	Acts          []Act     // one of them
	Outcome       Outcome
	ID            mail.ID // among the entry's
	Object        string  // exactly
	Newest        bool    // newest first
	Limit         int     // so many entries at most, 0 for no limit
}

// begun reports whether the line is at or behind the filter's beginning.
func (f *Filter) begun(l *line) bool { return l.Seq > f.After && !l.time().Before(f.From) }

// ended reports whether the line is behind the filter's end.
func (f *Filter) ended(l *line) bool {
	return f.Before > 0 && l.Seq >= f.Before || !f.Until.IsZero() && !l.time().Before(f.Until)
}

// takes reports whether the filter wants the line.
func (f *Filter) takes(l *line) bool {
	return f.begun(l) && !f.ended(l) &&
		(f.Actor == "" || f.Actor == l.Actor) &&
		(len(f.Acts) == 0 || slices.Contains(f.Acts, l.Act)) &&
		(f.Outcome == "" || f.Outcome == l.Outcome) &&
		(f.ID.IsZero() || slices.Contains(l.IDs, f.ID)) &&
		(f.Object == "" || f.Object == l.Object)
}

// passes reports whether no line of the file can be wanted, by its month.
func (f *Filter) passes(p part) bool {
	name, _ := monthOf(p.name)
	month, _ := time.Parse(monthLayout, name) // checked by list
	return !f.From.IsZero() && !f.From.Before(month.AddDate(0, 1, 0)) || !f.Until.IsZero() && !f.Until.After(month)
}

// block is how much is read at once when walking backwards, in bytes.
const block = 256 << 10

// errEnough ends a walk that has reached its limit.
var errEnough = errors.New("enough")

// walk is one Walk on its way.
type walk struct {
	ctx     context.Context
	filter  Filter
	give    func(Entry) error
	given   int
	damaged error // the first line that could not be read
}

// Walk calls give with each entry that the filter takes and that was on disk
// when Walk was called. An error of give ends it and is returned. Lines that
// cannot be read are passed over; after all others were given the error then
// wraps mail.ErrDamaged. What Walk gives is not checked against the chain:
// that is Verify's.
func (l *Log) Walk(ctx context.Context, filter Filter, give func(Entry) error) error {
	parts, _ := l.snapshot()
	if filter.Newest {
		slices.Reverse(parts)
	}
	w := &walk{ctx: ctx, filter: filter, give: give}
	for _, p := range parts {
		if p.size == 0 || filter.passes(p) {
			continue
		}
		err := l.withPart(p, func(f durable.File, size int64) error {
			if size < p.size {
				w.note(p, size, fmt.Errorf("%d bytes are missing: %w", p.size-size, mail.ErrDamaged))
			}
			return w.part(f, part{p.name, size})
		})
		switch {
		case errors.Is(err, errEnough):
			return w.damaged
		case errors.Is(err, os.ErrNotExist):
			w.note(p, 0, fmt.Errorf("the file is missing: %w", mail.ErrDamaged))
		case err != nil:
			return err
		}
	}
	return w.damaged
}

// withPart opens a file for reading. size is that of the part, or what is left
// of it.
func (l *Log) withPart(p part, use func(f durable.File, size int64) error) error {
	f, err := l.fs.OpenFile(l.path(p.name), os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return use(f, min(p.size, info.Size()))
}

func (w *walk) note(p part, off int64, err error) {
	if w.damaged == nil {
		w.damaged = fmt.Errorf("%s, byte %d: %w", p.name, off, err)
	}
}

// part walks one file.
func (w *walk) part(f io.ReaderAt, p part) error {
	low, high := int64(0), p.size
	var err error
	if w.filter.After > 0 || !w.filter.From.IsZero() {
		if low, err = firstAt(f, p.size, w.filter.begun); err != nil {
			return err
		}
	}
	if w.filter.Before > 0 || !w.filter.Until.IsZero() {
		if high, err = firstAt(f, p.size, w.filter.ended); err != nil {
			return err
		}
	}
	if w.filter.Newest {
		return w.backward(f, p, low, high)
	}
	return w.forward(f, p, low, high, w.hand)
}

// forward calls each with the wanted entries in [low, high).
func (w *walk) forward(f io.ReaderAt, p part, low, high int64, each func(Entry) error) error {
	return eachLine(f, low, max(low, high), func(s span) error {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		l, err := decode(s.text)
		if err != nil {
			w.note(p, s.off, err)
			return nil
		}
		if !w.filter.takes(l) {
			return nil
		}
		return each(l.entry(mail.Sum(s.text)))
	})
}

// backward gives the wanted entries in [low, high), the last one first.
func (w *walk) backward(f io.ReaderAt, p part, low, high int64) error {
	for high > low {
		begin := low
		for from := high - block; from > low; from -= block {
			start, err := nextStart(f, from, high)
			if err != nil {
				return err
			}
			if start < high {
				begin = start
				break
			}
		}
		var entries []Entry
		err := w.forward(f, p, begin, high, func(e Entry) error {
			entries = append(entries, e)
			return nil
		})
		if err != nil {
			return err
		}
		for _, e := range slices.Backward(entries) {
			if err := w.hand(e); err != nil {
				return err
			}
		}
		high = begin
	}
	return nil
}

// hand gives one entry.
func (w *walk) hand(e Entry) error {
	if err := w.give(e); err != nil {
		return err
	}
	w.given++
	if w.given == w.filter.Limit {
		return errEnough
	}
	return nil
}
