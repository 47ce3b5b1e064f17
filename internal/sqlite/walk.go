package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"

	"mailarchive/internal/access"
	"mailarchive/internal/catalog"
	"mailarchive/internal/mail"
)

// Rows are read in pieces, so that no connection is held while somebody looks
// at them; the first pieces are small, for who wants few.
const (
	firstPiece  = 50
	largestPart = 1000
)

// Search implements [catalog.Catalog].
func (db *DB) Search(ctx context.Context, q catalog.Query, yield func(catalog.Hit) bool) error {
	err := db.search(ctx, q, yield)
	if err != nil {
		return fmt.Errorf("search: %w", kind(err))
	}
	return nil
}

func (db *DB) search(ctx context.Context, q catalog.Query, yield func(catalog.Hit) bool) error {
	w, err := db.newWalk(ctx, q)
	if err != nil || w.plan.nothing {
		return err
	}
	left := q.Limit
	if left == 0 {
		left = math.MaxInt
	}
	for size := firstPiece; left > 0; size = min(2*size, largestPart) {
		keys, err := w.next(ctx, min(size, left))
		if err != nil || len(keys) == 0 {
			return err
		}
		rows, err := db.rows(ctx, docids(keys))
		if err != nil {
			return err
		}
		for _, r := range rows {
			if !yield(catalog.Hit{Row: r.Row, Next: w.position(r)}) {
				return nil
			}
		}
		left -= len(keys)
	}
	return nil
}

func docids(keys []key) []int64 {
	list := make([]int64, len(keys))
	for i, k := range keys {
		list[i] = k.docid
	}
	return list
}

// key is a message's place in a walk: its sort date or, in the order of
// arrival, its first seq.
type key struct{ docid, place int64 }

// walk goes through the matches of a plan.
type walk struct {
	db    *DB
	plan  plan
	order catalog.Order
	spill int64

	after key   // where to begin; zero for the beginning
	ready []key // found and in order, not yet handed out
	below int64 // what is not yet looked at: docids or seqs below
	whole int64 // the day that is read whole however crowded it is, -1 for none
}

func (db *DB) newWalk(ctx context.Context, q catalog.Query) (*walk, error) {
	w := &walk{db: db, order: q.Order, below: math.MaxInt64, whole: -1}
	var err error
	if w.plan, err = planFor(q.Scope, q.Where); err != nil {
		return nil, err
	}
	if q.After != "" {
		if w.after, err = parsePosition(q.After, q.Order); err != nil {
			return nil, err
		}
		w.below = w.after.place
		if q.Order == catalog.NewestFirst {
			w.below = db.days.last(db.days.dayOf(w.after.docid)) + 1
		}
	}
	s, err := readState(ctx, db.read)
	w.spill = s.spill
	return w, err
}

// next returns up to n further matches; none at the end.
func (w *walk) next(ctx context.Context, n int) ([]key, error) {
	for len(w.ready) == 0 && w.below > 0 {
		var err error
		if w.order == catalog.LastArrivedFirst {
			err = w.readArrivals(ctx, n)
		} else {
			err = w.readDays(ctx, n)
		}
		if err != nil {
			return nil, err
		}
	}
	n = min(n, len(w.ready))
	keys := w.ready[:n]
	w.ready = w.ready[n:]
	return keys, nil
}

// readArrivals finds the next n matches in the order of arrival.
func (w *walk) readArrivals(ctx context.Context, n int) error {
	sql, args := w.plan.byArrival(w.db.days, w.spill)
	rows, err := w.db.read.QueryContext(ctx, sql, append(args, w.below, n)...)
	if err != nil {
		return err
	}
	w.below = 0 // until a row says otherwise there is no more
	return eachKey(rows, func(k key) bool {
		w.ready = append(w.ready, k)
		w.below = k.place
		return true
	})
}

// readDays finds at least the next n matches and all others of the last one's
// day: numbers of a day are in vault order, rows are wanted in order of time.
// Of a day that is crowded it finds n, since most askers want no more; for who
// goes on it is read whole.
func (w *walk) readDays(ctx context.Context, n int) error {
	days := w.db.days
	sql, args := w.plan.byDay(days, w.spill, w.below)
	rows, err := w.db.read.QueryContext(ctx, sql, args...)
	if err != nil {
		return err
	}
	var day []key
	done, crowded := true, false
	err = eachKey(rows, func(k key) bool {
		if len(day) > 0 && days.dayOf(day[0].docid) != days.dayOf(k.docid) {
			w.addDay(day)
			w.below = days.first(days.dayOf(day[0].docid))
			day = day[:0]
			done = len(w.ready) < n
		}
		day = append(day, k)
		crowded = len(day) > w.db.crowd && days.dayOf(k.docid) != w.whole
		return done && !crowded
	})
	if err == nil && crowded {
		if len(w.ready) > 0 { // of days before
			return nil
		}
		return w.readNewest(ctx, days.dayOf(day[0].docid), n)
	}
	if err == nil && done {
		w.addDay(day)
		w.below = 0
	}
	return err
}

// readNewest finds the next n matches of a day.
func (w *walk) readNewest(ctx context.Context, day int64, n int) error {
	days := w.db.days
	after := w.after
	if days.dayOf(after.docid) != day {
		after = key{}
	}
	sql, args := w.plan.byTime(days, w.spill, day, after)
	rows, err := w.db.read.QueryContext(ctx, sql, append(args, n)...)
	if err != nil {
		return err
	}
	err = eachKey(rows, func(k key) bool {
		w.ready = append(w.ready, k)
		return true
	})
	if err != nil {
		return err
	}
	if len(w.ready) < n {
		w.below = days.first(day)
		return nil
	}
	w.after, w.below, w.whole = w.ready[n-1], days.last(day)+1, day
	return nil
}

// addDay sorts the matches of a day and makes those behind the position ready.
func (w *walk) addDay(day []key) {
	newest := func(a, b key) int {
		return cmp.Or(cmp.Compare(b.place, a.place), cmp.Compare(b.docid, a.docid))
	}
	slices.SortFunc(day, newest)
	for _, k := range day {
		sameDay := w.db.days.dayOf(k.docid) == w.db.days.dayOf(w.after.docid)
		if w.after == (key{}) || !sameDay || newest(w.after, k) < 0 {
			w.ready = append(w.ready, k)
		}
	}
}

// eachKey calls visit for each row until it returns false, and closes rows.
func eachKey(rows *sql.Rows, visit func(key) bool) error {
	for rows.Next() {
		var k key
		if err := rows.Scan(&k.docid, &k.place); err != nil {
			return errors.Join(err, rows.Close())
		}
		if !visit(k) {
			return rows.Close()
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}

// Count implements [catalog.Catalog].
func (db *DB) Count(ctx context.Context, scope access.Scope, where catalog.Node, limit int) (n int, more bool, err error) {
	p, err := planFor(scope, where)
	if err != nil || p.nothing {
		return 0, false, wrap("count", err)
	}
	s, err := readState(ctx, db.read)
	if err != nil {
		return 0, false, wrap("count", err)
	}
	sql, args := p.counting(db.days, s.spill)
	err = db.read.QueryRowContext(ctx, sql, append(args, limit+1)...).Scan(&n)
	return min(n, limit), n > limit, wrap("count", err)
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, kind(err))
}

// position writes the place behind a row; see parsePosition.
func (w *walk) position(r numberedRow) catalog.Position {
	if w.order == catalog.LastArrivedFirst {
		return catalog.Position(fmt.Sprintf("a%x", r.firstSeq))
	}
	return catalog.Position(fmt.Sprintf("d%x.%x", r.docid, r.SortDate.UnixMilli()))
}

func parsePosition(p catalog.Position, order catalog.Order) (k key, err error) {
	format, into := "d%x.%x", []any{&k.docid, &k.place}
	if order == catalog.LastArrivedFirst {
		format, into = "a%x", []any{&k.place}
	}
	if _, err := fmt.Sscanf(string(p), format, into...); err != nil || k.docid < 0 {
		return key{}, fmt.Errorf("%q is no position in this order: %w", p, mail.ErrBadInput)
	}
	return k, nil
}
