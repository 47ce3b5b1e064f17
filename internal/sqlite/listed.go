package sqlite

import (
	"context"
	"fmt"
)

// Listed implements [catalog.Catalog]. FTS5 keeps a row in fts_docsize for
// each document that it holds.
func (db *DB) Listed(ctx context.Context, first, last uint64) ([]uint64, error) {
	seqs, err := db.listed(ctx, first, last)
	if err != nil {
		return nil, fmt.Errorf("list arrivals: %w", kind(err))
	}
	return seqs, nil
}

func (db *DB) listed(ctx context.Context, first, last uint64) (seqs []uint64, err error) {
	rows, err := db.read.QueryContext(ctx, `SELECT a.seq FROM arrival a
		CROSS JOIN message m ON m.docid = a.docid
		CROSS JOIN fts_docsize d ON d.id = a.docid
		WHERE a.seq BETWEEN ? AND ? ORDER BY a.seq`, first, last)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var seq uint64
		if err := rows.Scan(&seq); err != nil {
			return nil, err
		}
		seqs = append(seqs, seq)
	}
	return seqs, rows.Err()
}
