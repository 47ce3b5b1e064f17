package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"mailarchive/internal/catalog"
	"mailarchive/internal/extract"
	"mailarchive/internal/mail"
)

// rowColumns are read by scanRow. The list of docids is a JSON array: one
// bound value whatever its length.
const rowsByDocid = `SELECT m.docid, m.arrivals, m.first_seq, m.sha256, m.size, m.sort_date, m.date,
	m.message_id, m.subject, m.people, m.attachments, m.keywords, m.problems,
	a.id, a.received, a.envelope
	FROM message m JOIN arrival a ON a.seq = m.first_seq
	WHERE m.docid IN (SELECT value FROM json_each(?))`

// rows reads whole rows, in the order of the docids. One that is gone is left
// out.
func (db *DB) rows(ctx context.Context, docids []int64) ([]numberedRow, error) {
	list, err := json.Marshal(docids)
	if err != nil {
		return nil, err
	}
	result, err := db.read.QueryContext(ctx, rowsByDocid, string(list))
	if err != nil {
		return nil, err
	}
	byDocid := make(map[int64]numberedRow, len(docids))
	var several []int64
	for result.Next() {
		r, err := scanRow(result)
		if err != nil {
			return nil, errors.Join(err, result.Close())
		}
		byDocid[r.docid] = r
		if r.Arrivals > 1 {
			several = append(several, r.docid)
		}
	}
	if err := errors.Join(result.Err(), result.Close()); err != nil {
		return nil, err
	}
	for _, docid := range several {
		r := byDocid[docid]
		if err := db.addRecipients(ctx, &r); err != nil {
			return nil, err
		}
		byDocid[docid] = r
	}
	return inOrder(docids, byDocid), nil
}

type numberedRow struct {
	docid    int64
	firstSeq uint64
	catalog.Row
}

func inOrder(docids []int64, byDocid map[int64]numberedRow) []numberedRow {
	list := make([]numberedRow, 0, len(docids))
	for _, docid := range docids {
		if r, ok := byDocid[docid]; ok {
			list = append(list, r)
		}
	}
	return list
}

// addRecipients adds the envelope recipients of arrivals after the first.
func (db *DB) addRecipients(ctx context.Context, r *numberedRow) error {
	arrivals, err := scanArrivals(db.read.QueryContext(ctx, arrivalsOf, r.firstSeq, r.docid))
	r.DeliveredTo = nil
	seen := map[mail.Address]bool{}
	for _, a := range arrivals {
		r.DeliveredTo = appendRecipients(r.DeliveredTo, seen, a.Envelope)
	}
	return err
}

func appendRecipients(list []mail.Address, seen map[mail.Address]bool, e mail.Envelope) []mail.Address {
	for _, to := range e.To {
		if !seen[to.Address] {
			seen[to.Address] = true
			list = append(list, to.Address)
		}
	}
	return list
}

func scanRow(rows *sql.Rows) (r numberedRow, err error) {
	var (
		digest, id                      []byte
		sortDate, received              int64
		date                            sql.NullInt64
		people, envelope                string
		attachments, keywords, problems sql.NullString
	)
	err = rows.Scan(&r.docid, &r.Arrivals, &r.firstSeq, &digest, &r.Size, &sortDate, &date,
		&r.MessageID, &r.Subject, &people, &attachments, &keywords, &problems, &id, &received, &envelope)
	if err != nil {
		return r, err
	}
	copy(r.Digest[:], digest)
	copy(r.ID[:], id)
	r.SortDate = time.UnixMilli(sortDate).UTC()
	r.Received = time.Unix(0, received).UTC()
	if date.Valid {
		r.Date = time.Unix(date.Int64, 0).UTC()
	}
	e, err1 := decodeEnvelope(envelope, nil)
	r.DeliveredTo = appendRecipients(nil, map[mail.Address]bool{}, e)
	err2 := decodePeople(people, &r.Row)
	var err3, err4, err5 error
	r.Attachments, err3 = decodeAttachments(attachments)
	r.Keywords, err4 = decodeList[string](keywords)
	r.Problems, err5 = decodeList[string](problems)
	return r, errors.Join(err1, err2, err3, err4, err5)
}

func decodePeople(text string, r *catalog.Row) error {
	var people []personColumn
	if err := json.Unmarshal([]byte(text), &people); err != nil {
		return err
	}
	lists := map[string]*[]extract.Participant{roleFrom: &r.From, roleTo: &r.To, roleCc: &r.Cc, roleBcc: &r.Bcc}
	for _, p := range people {
		if list := lists[p[0]]; list != nil {
			*list = append(*list, extract.Participant{Name: p[1], Address: p[2]})
		}
	}
	return nil
}

func decodeAttachments(text sql.NullString) ([]extract.Attachment, error) {
	columns, err := decodeList[attachmentColumn](text)
	var list []extract.Attachment
	for _, c := range columns {
		a := extract.Attachment{Name: c.Name, Type: c.Type, Size: c.Size}
		copy(a.Digest[:], c.Digest)
		list = append(list, a)
	}
	return list, err
}

// arrivalsOf takes first_seq and docid. The first arrival is in no index by
// docid.
const arrivalsOf = `SELECT a.seq, a.id, a.received, a.envelope, a.import_key, m.sha256, m.size
	FROM arrival a JOIN message m ON m.docid = a.docid WHERE a.seq = ?
	UNION ALL
	SELECT a.seq, a.id, a.received, a.envelope, a.import_key, m.sha256, m.size
	FROM arrival a JOIN message m ON m.docid = a.docid WHERE a.docid = ? AND a.further = 1`

// comingsOf is arrivalsOf for what arrivals add to the terms of a message.
const comingsOf = `SELECT envelope, way FROM arrival WHERE seq = ?
	UNION ALL SELECT envelope, way FROM arrival WHERE docid = ? AND further = 1`

// scanArrivals reads the answer to arrivalsOf, by rising seq, and closes it.
func scanArrivals(rows *sql.Rows, err error) ([]mail.Arrival, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []mail.Arrival
	for rows.Next() {
		var (
			a               mail.Arrival
			id, key, digest []byte
			received        int64
			envelope        string
		)
		if err := rows.Scan(&a.Seq, &id, &received, &envelope, &key, &digest, &a.Size); err != nil {
			return nil, err
		}
		copy(a.ID[:], id)
		copy(a.Digest[:], digest)
		a.Received = time.Unix(0, received).UTC()
		if a.Envelope, err = decodeEnvelope(envelope, key); err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b mail.Arrival) int { return int(int64(a.Seq) - int64(b.Seq)) })
	return list, rows.Err()
}
