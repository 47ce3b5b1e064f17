package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"net/url"
)

// probes is how many arrivals a Probe reads.
const probes = 8

// Probe opens the file anew and reads a little of it, here and there:
// connections that are open may go on from what they keep in memory after the
// file was spoilt. Errors: ErrDamaged.
func (db *DB) Probe(ctx context.Context) error {
	fresh, err := sql.Open("sqlite", "file:"+(&url.URL{Path: db.path}).EscapedPath()+"?mode=ro&"+pragma("busy_timeout", "200"))
	if err != nil {
		return wrap("probe catalog", err)
	}
	return wrap("probe catalog", errors.Join(probe(ctx, fresh), fresh.Close()))
}

// probe needs one connection at a time. It begins with the table meta, whose page is written once: it comes from
// the file and not from the log.
func probe(ctx context.Context, fresh *sql.DB) error {
	var n int64
	if err := fresh.QueryRowContext(ctx, `SELECT count(*) FROM meta`).Scan(&n); err != nil {
		return err
	}
	s, err := readState(ctx, fresh)
	for i := 0; err == nil && i < probes; i++ {
		at := rand.Uint64N(s.Cursor + 1)
		err = fresh.QueryRowContext(ctx, `SELECT m.docid FROM arrival a JOIN message m ON m.docid = a.docid
			WHERE a.seq >= ? ORDER BY a.seq LIMIT 1`, at).Scan(&n)
		if errors.Is(err, sql.ErrNoRows) {
			err = nil
		}
	}
	return err
}
