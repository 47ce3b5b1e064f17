package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"time"

	"mailarchive/internal/access"
	"mailarchive/internal/catalog"
	"mailarchive/internal/mail"
)

// Statistics are kept as counters. What is to be counted is noted with each
// message and counted many at once: one by one it would take a score of writes
// for each.

// countEvery is how many messages wait at most.
const countEvery = 20_000

// counters are sums that are to be added to the tables volume, tally and form.
type counters struct {
	volume map[volumeKey]catalog.Amount
	tally  map[tallyKey]catalog.Amount
	forms  map[formKey]uint64
}

type volumeKey struct {
	hour int64 // Unix seconds
	way  mail.Direction
}

type tallyKey struct {
	of    catalog.Dimension
	value string
}

// formKey is a keyword as it is counted and as it is written.
type formKey struct{ value, written string }

// toCount notes a message that was read for the first time.
func (w *writer) toCount(ctx context.Context, docid int64) error {
	_, err := w.add.uncounted.ExecContext(ctx, docid)
	*w.uncounted++
	return err
}

// count adds what waits to the counters, piece by piece: a message may have ten
// thousand recipients.
func count(ctx context.Context, tx *sql.Tx) error {
	for docid, more := int64(0), true; more; {
		c := counters{map[volumeKey]catalog.Amount{}, map[tallyKey]catalog.Amount{}, map[formKey]uint64{}}
		var err error
		if docid, more, err = c.read(ctx, tx, docid); err != nil {
			return err
		}
		if err := c.write(ctx, tx); err != nil {
			return err
		}
	}
	_, err := tx.ExecContext(ctx, `DELETE FROM uncounted`)
	return err
}

// mostKeys is how many sums are held in memory, about.
const mostKeys = 100_000

// read adds up messages behind a docid, until there are no more or the sums are
// many, and returns the last docid.
func (c *counters) read(ctx context.Context, tx *sql.Tx, after int64) (last int64, more bool, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT m.docid, m.size, m.sort_date, m.people, m.keywords, a.way, a.envelope
		FROM uncounted u CROSS JOIN message m ON m.docid = u.docid CROSS JOIN arrival a ON a.seq = m.first_seq
		WHERE u.docid > ? ORDER BY u.docid`, after)
	if err != nil {
		return 0, false, err
	}
	defer rows.Close()
	for rows.Next() {
		var (
			counted          catalog.Counted
			sortDate         int64
			people, envelope string
			keywords         sql.NullString
		)
		if err := rows.Scan(&last, &counted.Size, &sortDate, &people, &keywords, &counted.Way, &envelope); err != nil {
			return 0, false, err
		}
		if err := addParties(&counted, people, envelope); err != nil {
			return 0, false, err
		}
		if counted.Keywords, err = decodeList[string](keywords); err != nil {
			return 0, false, err
		}
		if c.add(&counted, time.UnixMilli(sortDate)); len(c.tally) >= mostKeys {
			return last, true, rows.Err()
		}
	}
	return last, false, rows.Err()
}

func addParties(c *catalog.Counted, people, envelope string) error {
	var r catalog.Row
	if err := decodePeople(people, &r); err != nil {
		return err
	}
	e, err := decodeEnvelope(envelope, nil)
	for _, p := range r.From {
		c.Senders = append(c.Senders, p.Address)
	}
	for _, p := range append(append(r.To, r.Cc...), r.Bcc...) {
		c.Recipients = append(c.Recipients, p.Address)
	}
	for _, to := range e.To {
		c.Recipients = append(c.Recipients, string(to.Address))
	}
	return err
}

func (c *counters) add(m *catalog.Counted, sortDate time.Time) {
	hour, _ := catalog.Hour.Start(sortDate)
	addTo(c.volume, volumeKey{hour.Unix(), m.Way}, m.Size)
	for _, of := range catalog.Dimensions() {
		values, _ := m.Values(of)
		for _, v := range values {
			addTo(c.tally, tallyKey{of, v}, m.Size)
		}
	}
	for v, form := range m.Forms() {
		if form != v {
			c.forms[formKey{v, form}]++
		}
	}
}

func addTo[K comparable](sums map[K]catalog.Amount, key K, size int64) {
	a := sums[key]
	a.Add(size)
	sums[key] = a
}

func (c *counters) write(ctx context.Context, tx *sql.Tx) error {
	const adding = ` ON CONFLICT DO UPDATE SET messages = messages + excluded.messages, bytes = bytes + excluded.bytes`
	volume, err := tx.PrepareContext(ctx, `INSERT INTO volume (hour, way, messages, bytes) VALUES (?, ?, ?, ?)`+adding)
	if err != nil {
		return err
	}
	defer volume.Close()
	for k, a := range c.volume {
		if _, err := volume.ExecContext(ctx, k.hour, k.way, a.Messages, a.Bytes); err != nil {
			return err
		}
	}
	tally, err := tx.PrepareContext(ctx, `INSERT INTO tally (dimension, value, messages, bytes) VALUES (?, ?, ?, ?)`+adding)
	if err != nil {
		return err
	}
	defer tally.Close()
	for k, a := range c.tally {
		if _, err := tally.ExecContext(ctx, k.of, k.value, a.Messages, a.Bytes); err != nil {
			return err
		}
	}
	form, err := tx.PrepareContext(ctx, `INSERT INTO form (value, written, messages) VALUES (?, ?, ?)
		ON CONFLICT DO UPDATE SET messages = messages + excluded.messages`)
	if err != nil {
		return err
	}
	defer form.Close()
	for k, n := range c.forms {
		if _, err := form.ExecContext(ctx, k.value, k.written, n); err != nil {
			return err
		}
	}
	return nil
}

// settle counts what waits, so that the counters are exact.
func (db *DB) settle(ctx context.Context) error {
	var waiting bool
	err := db.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM uncounted)`).Scan(&waiting)
	if err != nil || !waiting {
		return err
	}
	db.applying.Lock()
	defer db.applying.Unlock()
	tx, err := db.write.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := count(context.WithoutCancel(ctx), tx); err != nil {
		return err
	}
	db.uncounted = 0
	return tx.Commit()
}

// Volume implements [catalog.Catalog].
func (db *DB) Volume(ctx context.Context, scope access.Scope, unit catalog.Unit, since, before time.Time) ([]catalog.Period, error) {
	if _, ok := unit.Start(since); !ok {
		return nil, fmt.Errorf("unit %q: %w", unit, mail.ErrBadInput)
	}
	if !scope.All() {
		return nil, nil
	}
	if err := db.settle(ctx); err != nil {
		return nil, wrap("count", err)
	}
	list, err := db.volume(ctx, unit, since, before)
	return list, wrap("volume", err)
}

func (db *DB) volume(ctx context.Context, unit catalog.Unit, since, before time.Time) (list []catalog.Period, err error) {
	first, end := int64(math.MinInt64), int64(math.MaxInt64)
	if !since.IsZero() {
		first = secondsUp(since)
	}
	if !before.IsZero() {
		end = secondsUp(before)
	}
	rows, err := db.read.QueryContext(ctx, `SELECT hour, way, messages, bytes FROM volume
		WHERE hour >= ? AND hour < ? ORDER BY hour`, first, end)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var hour int64
		var way mail.Direction
		var a catalog.Amount
		if err := rows.Scan(&hour, &way, &a.Messages, &a.Bytes); err != nil {
			return nil, err
		}
		start, _ := unit.Start(time.Unix(hour, 0))
		if n := len(list); n == 0 || !list[n-1].Start.Equal(start) {
			list = append(list, catalog.Period{Start: start, Ways: map[mail.Direction]catalog.Amount{}})
		}
		p := &list[len(list)-1]
		p.Messages, p.Bytes = p.Messages+a.Messages, p.Bytes+a.Bytes
		if way != "" {
			of := p.Ways[way]
			p.Ways[way] = catalog.Amount{Messages: of.Messages + a.Messages, Bytes: of.Bytes + a.Bytes}
		}
	}
	return list, rows.Err()
}

// secondsUp is the first second that is not before t.
func secondsUp(t time.Time) int64 {
	s := t.Unix()
	if t.After(time.Unix(s, 0)) {
		s++
	}
	return s
}

// Top implements [catalog.Catalog].
func (db *DB) Top(ctx context.Context, scope access.Scope, of catalog.Dimension, limit int) ([]catalog.Tally, error) {
	if _, ok := (&catalog.Counted{}).Values(of); !ok {
		return nil, fmt.Errorf("dimension %q: %w", of, mail.ErrBadInput)
	}
	if !scope.All() {
		return nil, nil
	}
	if err := db.settle(ctx); err != nil {
		return nil, wrap("count", err)
	}
	list, err := db.top(ctx, of, limit)
	if of == catalog.ByKeyword && err == nil {
		err = db.asWritten(ctx, list)
	}
	return list, wrap("top", err)
}

// asWritten gives keywords the form that the most messages write.
func (db *DB) asWritten(ctx context.Context, list []catalog.Tally) error {
	for i, t := range list {
		form, err := db.form(ctx, t)
		if err != nil {
			return err
		}
		list[i].Value = form
	}
	return nil
}

func (db *DB) form(ctx context.Context, t catalog.Tally) (form string, err error) {
	rows, err := db.read.QueryContext(ctx, `SELECT written, messages FROM form
		WHERE value = ? ORDER BY messages DESC, written`, t.Value)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	var most uint64
	plain := t.Messages // write it as it is counted
	for rows.Next() {
		var written string
		var messages uint64
		if err := rows.Scan(&written, &messages); err != nil {
			return "", err
		}
		if most == 0 {
			form, most = written, messages
		}
		plain -= min(messages, plain)
	}
	if plain > most || plain == most && t.Value < form {
		form = t.Value
	}
	return form, rows.Err()
}

func (db *DB) top(ctx context.Context, of catalog.Dimension, limit int) (list []catalog.Tally, err error) {
	rows, err := db.read.QueryContext(ctx, `SELECT value, messages, bytes FROM tally
		WHERE dimension = ? ORDER BY messages DESC, value LIMIT ?`, of, limit)
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		var t catalog.Tally
		if err := rows.Scan(&t.Value, &t.Messages, &t.Bytes); err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		list = append(list, t)
	}
	return list, errors.Join(rows.Err(), rows.Close())
}
