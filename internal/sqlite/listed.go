package sqlite

import (
	"context"
	"fmt"

	"mailarchive/internal/catalog"
)

// Listed implements [catalog.Catalog]. FTS5 keeps a row in fts_docsize for
// each document that it holds.
func (db *DB) Listed(ctx context.Context, first, last uint64) ([]catalog.Listing, error) {
	list, err := db.listed(ctx, first, last)
	if err != nil {
		return nil, fmt.Errorf("list arrivals: %w", kind(err))
	}
	return list, nil
}

func (db *DB) listed(ctx context.Context, first, last uint64) (list []catalog.Listing, err error) {
	rows, err := db.read.QueryContext(ctx, `SELECT a.seq, a.id FROM arrival a
		CROSS JOIN message m ON m.docid = a.docid
		CROSS JOIN fts_docsize d ON d.id = a.docid
		WHERE a.seq BETWEEN ? AND ? ORDER BY a.seq`, first, last)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var l catalog.Listing
		var id []byte
		if err := rows.Scan(&l.Seq, &id); err != nil {
			return nil, err
		}
		copy(l.ID[:], id)
		list = append(list, l)
	}
	return list, rows.Err()
}
