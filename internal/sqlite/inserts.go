package sqlite

import (
	"context"
	"database/sql"

	"mailarchive/internal/catalog"
)

// inserts are the statements of Apply, prepared once.
type inserts struct {
	find, message, joins, replace, arrival, comings, holds, unindex, index, candidate, uncounted *sql.Stmt
}

func prepareInserts(ctx context.Context, db *sql.DB) (*inserts, error) {
	s := &inserts{}
	for _, p := range []struct {
		to  **sql.Stmt
		sql string
	}{
		{&s.find, `SELECT docid, first_seq, arrivals, unread, problems IS NOT NULL, keywords FROM message WHERE sha256 = ?`},
		{&s.message, `INSERT INTO message (docid, first_seq, arrivals, sha256, size, sort_date,
			unread, date, message_id, subject, people, attachments, keywords, problems)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`},
		{&s.joins, `UPDATE message SET arrivals = arrivals + ? WHERE docid = ?`},
		{&s.replace, `UPDATE message SET unread = ?, date = ?, message_id = ?, subject = ?, people = ?,
			attachments = ?, keywords = ?, problems = ? WHERE docid = ?`},
		{&s.arrival, `INSERT INTO arrival (seq, id, docid, further, received, envelope, import_key, way)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?)`},
		{&s.comings, comingsOf},
		{&s.holds, `SELECT EXISTS (SELECT 1 FROM fts WHERE fts MATCH ? AND rowid = ?)`},
		{&s.candidate, `INSERT INTO candidate (seq, terms) VALUES (?, ?)`},
		{&s.uncounted, `INSERT INTO uncounted (docid) VALUES (?)`},
		{&s.unindex, `DELETE FROM fts WHERE rowid = ?`},
		{&s.index, `INSERT INTO fts (rowid, body, subject, attachment,
			from_name, to_name, cc_name, bcc_name, address, header) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`},
	} {
		stmt, err := db.PrepareContext(ctx, p.sql)
		if err != nil {
			return nil, err
		}
		*p.to = stmt
	}
	return s, nil
}

// in returns the statements bound to a transaction.
func (s *inserts) in(tx *sql.Tx) *inserts {
	return &inserts{
		find: tx.Stmt(s.find), message: tx.Stmt(s.message), joins: tx.Stmt(s.joins),
		replace: tx.Stmt(s.replace), arrival: tx.Stmt(s.arrival), comings: tx.Stmt(s.comings),
		holds: tx.Stmt(s.holds), unindex: tx.Stmt(s.unindex), index: tx.Stmt(s.index),
		candidate: tx.Stmt(s.candidate), uncounted: tx.Stmt(s.uncounted),
	}
}

// columns are the values of table message that come from reading the content,
// in the order of the statements above.
func columns(d *catalog.Document) ([]any, error) {
	people, err := encodePeople(&d.Message)
	if err != nil {
		return nil, err
	}
	attachments, err := encodeAttachments(d.Attachments)
	if err != nil {
		return nil, err
	}
	keywords, err := encodeList(d.Keywords)
	if err != nil {
		return nil, err
	}
	problems, err := encodeList(d.Problems)
	if err != nil {
		return nil, err
	}
	date := sql.NullInt64{Int64: d.Date.Unix(), Valid: !d.Date.IsZero()}
	return []any{d.Unread, date, d.MessageID, d.Subject, people, attachments, keywords, problems}, nil
}
