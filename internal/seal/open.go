package seal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
	"mailarchive/internal/vault"
)

// Open opens an archive file for reading by ID. When there is no index beside
// it, or one of another file, it reads the file through once and puts one there
// if it can. Errors: fs.ErrNotExist, [ErrNoSecret] (which may come from reading
// only), mail.ErrDamaged.
func Open(ctx context.Context, fsys durable.FS, path string, secret Secret) (*Archive, error) {
	a := newArchive(fsys, path, secret)
	info, err := a.fs.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("open archive file: %w", err)
	}
	if a.index, err = openIndex(a.fs, path, info.Size()); err == nil {
		return a, nil
	}
	_, p, err := a.scan(ctx, nil, nil)
	if err != nil {
		return nil, fmt.Errorf("open archive file %s: %w", path, err)
	}
	_ = writeIndex(a.fs, path, p) // for the next time; the folder may not be ours to write
	a.index = p.inMemory()
	return a, nil
}

// Close lets go of the index. Readers that are open may be read on.
func (a *Archive) Close() error { return a.index.close() }

// Message is a message of an archive file.
type Message struct {
	Arrival mail.Arrival
	Record  []byte // exact bytes of ID.json
	// Content reads the exact bytes, once, until the call that gave the message
	// returns or until it is closed. At its end it gives io.EOF only if their
	// SHA-256 is that of the record, else an error that wraps mail.ErrDamaged;
	// content up to MemberSize is compared before its first byte is given. Nil for
	// a record of another kind than arrival.
	Content io.Reader
}

// Message opens one message; the caller closes it. Its beginning is there after
// reading, and decrypting, a member or two. Errors:
// mail.ErrNotFound, mail.ErrDamaged, [ErrNoSecret].
func (a *Archive) Message(ctx context.Context, id mail.ID) (mail.Arrival, io.ReadCloser, error) {
	q, err := a.index.find(id)
	if err == nil && !q.isMessage {
		err = fmt.Errorf("record %s is no message: %w", id, mail.ErrNotFound)
	}
	if err != nil {
		return mail.Arrival{}, nil, err
	}
	t, err := a.tape()
	if err != nil {
		return mail.Arrival{}, nil, fmt.Errorf("read %s from %s: %w", id, a.path, err)
	}
	arrival, r, err := t.message(ctx, q)
	if err != nil {
		t.close()
		return mail.Arrival{}, nil, fmt.Errorf("read %s from %s: %w", id, a.path, err)
	}
	return arrival, closing{r, t}, nil
}

// message reads the record of q and opens its content.
func (t *tape) message(ctx context.Context, q position) (mail.Arrival, io.Reader, error) {
	if err := ctx.Err(); err != nil {
		return mail.Arrival{}, nil, err
	}
	_, record, err := t.record(q)
	if err != nil {
		return mail.Arrival{}, nil, err
	}
	r, err := t.content(q)
	return record.Arrival(), r, err
}

// closing closes the tape with the reader.
type closing struct {
	io.Reader
	t *tape
}

func (c closing) Close() error { c.t.close(); return nil }

// Messages calls each for the messages with these IDs, in one pass over the
// file, in the order they stand in it. IDs that are not in it are passed over.
// A message that cannot be read is given to each with its ID and what the index
// knows, and a Content that fails at once. Errors: that of each, [ErrNoSecret],
// those of ctx.
func (a *Archive) Messages(ctx context.Context, ids []mail.ID, each func(Message) error) error {
	var list []position
	for _, id := range ids {
		q, err := a.index.find(id)
		if errors.Is(err, mail.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		list = append(list, q)
	}
	return a.play(ctx, list, each)
}

// All calls each for every record of the file in order, messages and others.
func (a *Archive) All(ctx context.Context, each func(Message) error) error {
	list := make([]position, 0, a.index.count)
	for i := range a.index.count {
		q, err := a.index.at(i)
		if err != nil {
			return err
		}
		list = append(list, q)
	}
	return a.play(ctx, list, each)
}

// play reads the positions in the order of their records, with one tape that
// goes back only for bytes that an earlier arrival brought.
func (a *Archive) play(ctx context.Context, list []position, each func(Message) error) error {
	slices.SortFunc(list, func(p, q position) int { return p.record.compare(q.record) })
	list = slices.CompactFunc(list, func(p, q position) bool { return p.id == q.id })
	t, err := a.tape()
	if err != nil {
		return err
	}
	defer t.close()
	for _, q := range list {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := give(t, q, each); err != nil {
			return err
		}
	}
	return nil
}

func give(t *tape, q position, each func(Message) error) error {
	b, record, err := t.record(q)
	if err != nil {
		known := mail.Arrival{ID: q.id, Seq: q.seq, Digest: q.sha256, Size: q.size, Received: q.id.Time()}
		return each(Message{Arrival: known, Content: failing{err}})
	}
	m := Message{Arrival: record.Arrival(), Record: b}
	if !q.isMessage {
		return each(m)
	}
	if m.Content, err = t.content(q); err != nil {
		m.Content = failing{err}
	}
	return each(m)
}

// failing is content that cannot be read.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// Manifest calls each for the lines of the manifest in order. Errors:
// mail.ErrDamaged, mail.ErrNotFound when there is none, [ErrNoSecret], those of
// each and ctx.
func (a *Archive) Manifest(ctx context.Context, each func(Line) error) error {
	if a.index.manifest == (place{}) {
		return fmt.Errorf("%s has no manifest: %w", a.path, mail.ErrNotFound)
	}
	t, err := a.tape()
	if err != nil {
		return err
	}
	defer t.close()
	head, r, err := t.entry(a.index.manifest)
	if err != nil {
		return err
	}
	if head.name != manifestName {
		return fmt.Errorf("%s stands where the manifest should: %w", head.name, mail.ErrDamaged)
	}
	var failed error
	l := lines{each: func(b []byte, cut bool) {
		if failed != nil {
			return
		}
		var line Line
		if line, failed = decodeLine(b); failed == nil {
			failed = each(line)
		}
		if failed == nil {
			failed = ctx.Err()
		}
	}}
	b := make([]byte, 64<<10)
	for failed == nil {
		n, err := r.Read(b)
		l.feed(b[:n])
		if err == io.EOF {
			break
		}
		failed = errors.Join(failed, err)
	}
	l.finish()
	return failed
}

// decodeAt reads a record whose bytes were found by position.
func decodeAt(b []byte, q position) (*vault.Record, error) {
	r, err := vault.DecodeRecord(b)
	if err != nil {
		return nil, err
	}
	if r.ID != q.id || r.Seq != q.seq || r.SHA256 != q.sha256 {
		return nil, fmt.Errorf("index names record %s where %s stands: %w", q.id, r.ID, mail.ErrDamaged)
	}
	return r, nil
}

// compare orders places as they stand in the file.
func (p place) compare(q place) int {
	if p.member != q.member {
		return compare(uint64(p.member), uint64(q.member))
	}
	return compare(uint64(p.at), uint64(q.at))
}
