package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"mailarchive/internal/access"
	"mailarchive/internal/catalog"
	"mailarchive/internal/mail"
)

// shortestPrefix is the fewest characters of an ID that name a message.
const shortestPrefix = 4

// Lookup implements [catalog.Catalog].
func (db *DB) Lookup(ctx context.Context, scope access.Scope, ref string) (catalog.Row, error) {
	docid, err := db.find(ctx, scope, ref)
	if err != nil {
		return catalog.Row{}, fmt.Errorf("look up %q: %w", ref, kind(err))
	}
	rows, err := db.rows(ctx, []int64{docid})
	if err == nil && len(rows) == 0 {
		err = mail.ErrNotFound
	}
	if err != nil {
		return catalog.Row{}, fmt.Errorf("look up %q: %w", ref, kind(err))
	}
	return rows[0].Row, nil
}

// find returns the docid that ref names within the scope.
func (db *DB) find(ctx context.Context, scope access.Scope, ref string) (int64, error) {
	if !scope.All() {
		return 0, mail.ErrNotFound
	}
	docid, err := db.findID(ctx, ref)
	if !errors.Is(err, mail.ErrNotFound) {
		return docid, err
	}
	if catalog.FoldMessageID(ref) == "" {
		return 0, err
	}
	return db.one(ctx, `SELECT rowid FROM fts WHERE fts MATCH ? LIMIT 2`, string(phrase("", messageIDTerm(ref))))
}

// findID takes ref for an ID or the beginning of one.
func (db *DB) findID(ctx context.Context, ref string) (int64, error) {
	ref = strings.TrimSpace(ref)
	if len(ref) < shortestPrefix {
		return 0, mail.ErrNotFound
	}
	first, last, err := mail.IDRange(ref)
	if err != nil {
		return 0, mail.ErrNotFound
	}
	return db.one(ctx, `SELECT DISTINCT docid FROM arrival WHERE id BETWEEN ? AND ? LIMIT 2`, first[:], last[:])
}

// one runs a query for docids that should give exactly one.
func (db *DB) one(ctx context.Context, query string, args ...any) (docid int64, err error) {
	rows, err := db.read.QueryContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	n := 0
	for rows.Next() {
		if err := rows.Scan(&docid); err != nil {
			return 0, err
		}
		n++
	}
	if err := rows.Err(); err != nil {
		return 0, err
	}
	if n != 1 {
		return 0, map[int]error{0: mail.ErrNotFound, 2: mail.ErrAmbiguous}[n]
	}
	return docid, nil
}

// Arrivals implements [catalog.Catalog].
func (db *DB) Arrivals(ctx context.Context, scope access.Scope, id mail.ID) ([]mail.Arrival, error) {
	list, err := db.arrivals(ctx, scope, id)
	if err == nil && len(list) == 0 {
		err = mail.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("arrivals of %s: %w", id, kind(err))
	}
	return list, nil
}

func (db *DB) arrivals(ctx context.Context, scope access.Scope, id mail.ID) ([]mail.Arrival, error) {
	if !scope.All() {
		return nil, nil
	}
	var docid, first int64
	rows, err := db.read.QueryContext(ctx, `SELECT m.docid, m.first_seq FROM arrival a
		JOIN message m ON m.docid = a.docid WHERE a.id = ?`, id[:])
	if err != nil {
		return nil, err
	}
	err = eachKey(rows, func(k key) bool {
		docid, first = k.docid, k.place
		return false
	})
	if err != nil || docid == 0 {
		return nil, err
	}
	return scanArrivals(db.read.QueryContext(ctx, arrivalsOf, first, docid))
}

// Imported implements [catalog.Catalog].
func (db *DB) Imported(ctx context.Context, key mail.Digest) (found bool, err error) {
	err = db.read.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM arrival
		WHERE substr(import_key, 1, 8) = ? AND import_key = ?)`, key[:8], key[:]).Scan(&found)
	return found, wrap("look for import key", err)
}
