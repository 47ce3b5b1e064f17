package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"

	"mailarchive/internal/keyword"
)

// snapshotEvery is after how many messages the frequencies are written whole:
// 2 MiB each time.
const snapshotEvery = 8192

// frequencies says how common each term is, as of the last Apply. What is in
// memory is what the file says; after an Apply that failed it is read anew.
type frequencies struct {
	*keyword.Frequencies     // nil: to be read
	since                int // messages counted since the last snapshot
}

// choose fills the keywords of the messages that are read for the first time.
// It goes by the number of the arrival that could be read, so that it does not
// matter how arrivals fall into batches.
func (w *writer) choose(ctx context.Context, entries []*entry) error {
	fresh := make([]*entry, 0, len(entries))
	for _, e := range entries {
		if (e.known == nil || e.known.unread) && !e.best().Unread {
			fresh = append(fresh, e)
		}
	}
	slices.SortFunc(fresh, func(a, b *entry) int { return cmp.Compare(a.best().Arrival.Seq, b.best().Arrival.Seq) })
	for _, e := range fresh {
		d := e.best()
		if chosen := w.terms.Choose(d.Candidates); len(d.Candidates) > 0 {
			d.Keywords = chosen
		}
		terms := make([]string, len(d.Candidates))
		for i, c := range d.Candidates {
			terms[i] = c.Term
		}
		text, err := encode(terms)
		if err != nil {
			return err
		}
		if _, err := w.add.candidate.ExecContext(ctx, d.Arrival.Seq, text); err != nil {
			return err
		}
		w.terms.since++
		e.first = true
	}
	if w.terms.since < snapshotEvery || len(fresh) == 0 {
		return nil
	}
	return w.snapshot(ctx, fresh[len(fresh)-1].best().Arrival.Seq)
}

// snapshot writes the frequencies whole.
func (w *writer) snapshot(ctx context.Context, seq uint64) error {
	counters, err := w.terms.MarshalBinary()
	if err != nil {
		return err
	}
	_, err1 := w.tx.ExecContext(ctx, `DELETE FROM frequency`)
	_, err2 := w.tx.ExecContext(ctx, `DELETE FROM candidate`)
	_, err3 := w.tx.ExecContext(ctx, `INSERT INTO frequency VALUES (?, ?)`, seq, counters)
	w.terms.since = 0
	return errors.Join(err1, err2, err3)
}

// readFrequencies reads the last snapshot and counts what came behind it.
func readFrequencies(ctx context.Context, tx *sql.Tx) (frequencies, error) {
	f := frequencies{keyword.NewFrequencies(), 0}
	var counters []byte
	err := tx.QueryRowContext(ctx, `SELECT counters FROM frequency`).Scan(&counters)
	if err == nil {
		err = f.UnmarshalBinary(counters)
	}
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return f, err
	}
	rows, err := tx.QueryContext(ctx, `SELECT terms FROM candidate ORDER BY seq`)
	if err != nil {
		return f, err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		var terms []string
		if err := rows.Scan(&text); err != nil {
			return f, err
		}
		if err := json.Unmarshal([]byte(text), &terms); err != nil {
			return f, err
		}
		candidates := make([]keyword.Candidate, len(terms))
		for i, term := range terms {
			candidates[i].Term = term
		}
		f.Choose(candidates)
		f.since++
	}
	return f, rows.Err()
}
