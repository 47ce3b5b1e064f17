package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"mailarchive/internal/catalog"
	"mailarchive/internal/mail"
)

// state is the one row of table state.
type state struct {
	catalog.Counts
	spill int64
}

type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func readState(ctx context.Context, q querier) (s state, err error) {
	err = q.QueryRowContext(ctx, `SELECT cursor, arrivals, messages, unparseable, bytes_raw, spill FROM state`).
		Scan(&s.Cursor, &s.Arrivals, &s.Messages, &s.Unparseable, &s.BytesRaw, &s.spill)
	s.Indexed = s.Messages // a message and its text come in one transaction
	return s, err
}

func (s state) write(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx,
		`UPDATE state SET cursor = ?, arrivals = ?, messages = ?, unparseable = ?, bytes_raw = ?, spill = ?`,
		s.Cursor, s.Arrivals, s.Messages, s.Unparseable, s.BytesRaw, s.spill)
	return err
}

// Counts implements [catalog.Catalog].
func (db *DB) Counts(ctx context.Context) (catalog.Counts, error) {
	s, err := readState(ctx, db.read)
	if err != nil {
		return catalog.Counts{}, fmt.Errorf("counts: %w", kind(err))
	}
	return s.Counts, nil
}

// Check implements [catalog.Catalog]. quick_check goes through the tables and
// asks FTS5 to go through its index; searches and Apply go on meanwhile.
func (db *DB) Check(ctx context.Context) error {
	rows, err := db.read.QueryContext(ctx, `PRAGMA quick_check`)
	if err != nil {
		return fmt.Errorf("check: %w", kind(err))
	}
	defer rows.Close()
	var found []error
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return fmt.Errorf("check: %w", kind(err))
		}
		if line != "ok" {
			found = append(found, errors.New(line))
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("check: %w", kind(err))
	}
	if len(found) > 0 {
		return fmt.Errorf("check: %w: %w", mail.ErrDamaged, errors.Join(found...))
	}
	return nil
}
