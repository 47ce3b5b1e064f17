package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"mailarchive/internal/catalog"
	"mailarchive/internal/mail"
)

// Apply implements [catalog.Catalog].
func (db *DB) Apply(ctx context.Context, batch []catalog.Document, upTo uint64) error {
	if err := checkRising(batch); err != nil {
		return fmt.Errorf("apply: %w", err)
	}
	db.applying.Lock()
	defer db.applying.Unlock()
	// The transaction does not watch the context: ending it half-way saves
	// nothing, and a watched statement costs a goroutine.
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("apply: %w", err)
	}
	if err := db.apply(batch, upTo); err != nil {
		db.terms.Frequencies = nil // counted what is not in the file
		return fmt.Errorf("apply: %w", kind(err))
	}
	return nil
}

func checkRising(batch []catalog.Document) error {
	for i := 1; i < len(batch); i++ {
		if before, seq := batch[i-1].Arrival.Seq, batch[i].Arrival.Seq; seq <= before {
			return fmt.Errorf("arrival %d after %d: %w", seq, before, mail.ErrBadInput)
		}
	}
	return nil
}

func (db *DB) apply(batch []catalog.Document, upTo uint64) error {
	ctx := context.Background()
	tx, err := db.write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	state, err := readState(ctx, tx)
	if err != nil {
		return err
	}
	for len(batch) > 0 && batch[0].Arrival.Seq <= state.Cursor {
		batch = batch[1:]
	}
	if db.terms.Frequencies == nil {
		if db.terms, err = readFrequencies(ctx, tx); err != nil {
			return err
		}
	}
	w := &writer{tx: tx, add: db.add.in(tx), state: &state, terms: &db.terms, uncounted: &db.uncounted}
	if err := w.batch(ctx, batch, db.days); err != nil {
		return err
	}
	if db.uncounted >= countEvery {
		if err := count(ctx, tx); err != nil {
			return err
		}
		db.uncounted = 0
	}
	state.Cursor = max(state.Cursor, upTo)
	if err := state.write(ctx, tx); err != nil {
		return err
	}
	return tx.Commit()
}

// entry is one message of a batch with what comes in for it.
type entry struct {
	docid    int64
	arrivals []*catalog.Document // in vault order
	known    *stored             // nil for a new message
	first    bool                // it is read for the first time
	// comings are those of all arrivals, old ones too, when the index is to be
	// written; else nil.
	comings []coming
}

// stored is what the catalog has of a message already.
type stored struct {
	firstSeq uint64
	arrivals int
	unread   bool
	problems bool
	keywords sql.NullString // JSON
}

// best is the document whose text counts: the first that could be read.
func (e *entry) best() *catalog.Document {
	for _, d := range e.arrivals {
		if !d.Unread {
			return d
		}
	}
	return e.arrivals[0]
}

// writer writes one batch within a transaction.
type writer struct {
	tx    *sql.Tx
	add   *inserts
	state *state
	terms *frequencies
	// uncounted is how many messages wait to be counted, about.
	uncounted *int
}

// batch writes documents in the order of their docids: the index grows at its
// end, and FTS5 keeps the whole batch as one sorted run.
func (w *writer) batch(ctx context.Context, batch []catalog.Document, days numbering) error {
	entries, err := w.group(ctx, batch)
	if err != nil {
		return err
	}
	if err := w.choose(ctx, entries); err != nil {
		return err
	}
	n := numbers{numbering: days, tx: w.tx, given: map[int64]int64{}, spill: w.state.spill}
	for _, e := range entries {
		if e.known != nil {
			continue
		}
		// The first arrival decides, so that it does not matter how
		// arrivals fall into batches.
		if e.docid, err = n.next(ctx, millis(e.arrivals[0].SortDate)); err != nil {
			return err
		}
	}
	w.state.spill = n.spill
	slices.SortFunc(entries, func(a, b *entry) int { return cmp.Compare(a.docid, b.docid) })
	// All rows, then all text: an UPDATE in between would make FTS5 write out
	// what it has gathered, since it might have to be undone by itself.
	for _, write := range []func(context.Context, *entry) error{w.rows, w.index} {
		for _, e := range entries {
			if err := write(ctx, e); err != nil {
				return fmt.Errorf("message %s: %w", e.arrivals[0].Arrival.ID, err)
			}
		}
	}
	return nil
}

// group gathers the documents of the batch by content, in vault order of
// their first ones.
func (w *writer) group(ctx context.Context, batch []catalog.Document) ([]*entry, error) {
	byDigest := make(map[mail.Digest]*entry, len(batch))
	entries := make([]*entry, 0, len(batch))
	for i := range batch {
		d := &batch[i]
		w.state.Arrivals++
		w.state.Cursor = d.Arrival.Seq
		e := byDigest[d.Arrival.Digest]
		if e == nil {
			var err error
			if e, err = w.find(ctx, d.Arrival.Digest); err != nil {
				return nil, err
			}
			byDigest[d.Arrival.Digest] = e
			entries = append(entries, e)
		}
		e.arrivals = append(e.arrivals, d)
	}
	return entries, nil
}

// find returns an entry for content, with what is stored of it.
func (w *writer) find(ctx context.Context, digest mail.Digest) (*entry, error) {
	e, known := &entry{}, &stored{}
	err := w.add.find.QueryRowContext(ctx, digest[:]).Scan(&e.docid, &known.firstSeq, &known.arrivals, &known.unread, &known.problems, &known.keywords)
	if errors.Is(err, sql.ErrNoRows) {
		return e, nil
	}
	e.known = known
	return e, err
}

// rows writes the rows of an entry and leaves in it what is to be indexed.
func (w *writer) rows(ctx context.Context, e *entry) error {
	var err error
	if e.known == nil {
		err = w.message(ctx, e)
	} else {
		err = w.further(ctx, e)
	}
	if err != nil {
		return err
	}
	if e.first {
		if err := w.toCount(ctx, e.docid); err != nil {
			return err
		}
	}
	for i, d := range e.arrivals {
		if err := w.arrival(ctx, e.docid, d, e.known != nil || i > 0); err != nil {
			return err
		}
	}
	return nil
}

// message adds a new message.
func (w *writer) message(ctx context.Context, e *entry) error {
	first, d := e.arrivals[0], e.best()
	values, err := columns(d)
	if err != nil {
		return err
	}
	w.state.Messages++
	w.state.BytesRaw += uint64(first.Arrival.Size)
	if len(d.Problems) > 0 {
		w.state.Unparseable++
	}
	e.comings = comings(e.arrivals)
	args := append([]any{
		e.docid, first.Arrival.Seq, len(e.arrivals), first.Arrival.Digest[:],
		first.Arrival.Size, millis(first.SortDate),
	}, values...)
	_, err = w.add.message.ExecContext(ctx, args...)
	return err
}

// further adds arrivals to a known message.
func (w *writer) further(ctx context.Context, e *entry) error {
	d := e.best()
	if _, err := w.add.joins.ExecContext(ctx, len(e.arrivals), e.docid); err != nil {
		return err
	}
	if d.Unread && !e.known.unread {
		// The text in the index came from a copy that could be read; a row of
		// FTS5 is replaced whole or not at all, so it stays as it is.
		return nil
	}
	if e.known.unread && !d.Unread {
		if err := w.replace(ctx, e, d); err != nil {
			return err
		}
	}
	after := comings(e.arrivals)
	if e.known.unread == d.Unread {
		if known, err := w.holds(ctx, e, after); err != nil || known {
			return err
		}
	}
	before, err := w.comings(ctx, e)
	if err != nil {
		return err
	}
	if e.known.unread == d.Unread && !addsTerm(before, after) {
		return nil
	}
	e.comings = append(before, after...)
	if e.known.unread == d.Unread { // else they were chosen just now
		d.Keywords, err = decodeList[string](e.known.keywords)
	}
	return err
}

// replace puts what was read of a message in place of the reason why nothing
// could be.
func (w *writer) replace(ctx context.Context, e *entry, d *catalog.Document) error {
	values, err := columns(d)
	if err != nil {
		return err
	}
	if e.known.problems {
		w.state.Unparseable--
	}
	if len(d.Problems) > 0 {
		w.state.Unparseable++
	}
	_, err = w.add.replace.ExecContext(ctx, append(values, e.docid)...)
	return err
}

// Reading all arrivals of a message anew for each further copy of it would
// let a sender who repeats one message slow the index for all: above
// fewArrivals the index itself is asked whether it holds the new addresses, if
// they are no more than fewTerms.
const (
	fewArrivals = 16
	fewTerms    = 200
)

// holds reports whether the index is known to have all terms of the envelopes
// in the message's row.
func (w *writer) holds(ctx context.Context, e *entry, after []coming) (known bool, err error) {
	t := text{seen: map[string]bool{}}
	for _, c := range after {
		t.coming(c)
	}
	if e.known.arrivals <= fewArrivals || len(t.seen) > fewTerms {
		return false, nil
	}
	all := []expr{phrase("", termAll)}
	for term := range t.seen {
		all = append(all, phrase("", term))
	}
	err = w.add.holds.QueryRowContext(ctx, string(join("AND", all, termAll)), e.docid).Scan(&known)
	return known, err
}

// comings reads what the arrivals of a message before the batch added.
func (w *writer) comings(ctx context.Context, e *entry) ([]coming, error) {
	rows, err := w.add.comings.QueryContext(ctx, e.known.firstSeq, e.docid)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []coming
	for rows.Next() {
		var c coming
		var envelope string
		if err := rows.Scan(&envelope, &c.way); err != nil {
			return nil, err
		}
		if c.envelope, err = decodeEnvelope(envelope, nil); err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, rows.Err()
}

func comings(documents []*catalog.Document) []coming {
	list := make([]coming, len(documents))
	for i, d := range documents {
		list[i] = coming{d.Arrival.Envelope, d.Direction}
	}
	return list
}

// addsTerm reports whether comings of after have terms that those of before
// have not.
func addsTerm(before, after []coming) bool {
	t := text{seen: map[string]bool{}}
	for _, c := range before {
		t.coming(c)
	}
	terms := len(t.seen)
	for _, c := range after {
		t.coming(c)
	}
	return len(t.seen) > terms
}

func (w *writer) arrival(ctx context.Context, docid int64, d *catalog.Document, further bool) error {
	a := d.Arrival
	envelope, key, err := encodeEnvelope(a.Envelope)
	if err != nil {
		return err
	}
	_, err = w.add.arrival.ExecContext(ctx, a.Seq, a.ID[:], docid, further, a.Received.UnixNano(), envelope, key, d.Direction)
	return err
}

// index writes the full text of an entry, in place of what was there.
func (w *writer) index(ctx context.Context, e *entry) error {
	if e.comings == nil {
		return nil // what is in the index finds it all
	}
	if e.known != nil {
		if _, err := w.add.unindex.ExecContext(ctx, e.docid); err != nil {
			return err
		}
	}
	d := e.best()
	t, prepared := d.Prepared.(*text)
	if !prepared {
		t = textOf(&d.Message)
	}
	t = t.with(d.Keywords, e.comings)
	_, err := w.add.index.ExecContext(ctx, e.docid, t.body, t.subject, t.attachment,
		t.fromNames, t.toNames, t.ccNames, t.bccNames, t.address, t.header)
	return err
}
