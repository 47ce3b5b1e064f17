package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"mailarchive/internal/access"
	"mailarchive/internal/audit"
	"mailarchive/internal/catalog"
	"mailarchive/internal/control"
	"mailarchive/internal/mail"
	"mailarchive/internal/retrieve"
	"mailarchive/internal/seal"
	"mailarchive/internal/vault"
)

// fetchBatch is how many messages are recorded and opened together.
const fetchBatch = 500

// Fetch implements [control.Archive].
func (a *App) Fetch(ctx context.Context, scope access.Scope, q control.FetchRequest, each func(control.Fetched) error) error {
	f := &fetching{app: a, ctx: ctx, scope: scope, request: q, each: each}
	if len(q.Refs) == 0 {
		return f.query()
	}
	for _, ref := range q.Refs {
		row, err := a.catalog.Lookup(ctx, scope, ref)
		if err == nil {
			err = f.add(row)
		}
		if err != nil {
			return err
		}
	}
	return f.flush()
}

// fetching is one Fetch at work.
type fetching struct {
	app     *App
	ctx     context.Context
	scope   access.Scope
	request control.FetchRequest
	each    func(control.Fetched) error
	batch   []catalog.Row
}

func (f *fetching) query() error {
	query, err := f.app.searcher.Language.Parse(f.request.Query)
	if err != nil {
		return err
	}
	var failed error
	q := catalog.Query{Scope: f.scope, Where: query.Where, Order: query.Order, Limit: f.request.Limit}
	err = f.app.catalog.Search(f.ctx, q, func(h catalog.Hit) bool {
		failed = f.add(h.Row)
		return failed == nil
	})
	if err := errors.Join(err, failed); err != nil {
		return err
	}
	return f.flush()
}

func (f *fetching) add(row catalog.Row) error {
	f.batch = append(f.batch, row)
	if len(f.batch) < fetchBatch {
		return nil
	}
	return f.flush()
}

// flush records the reading of the batch and gives its messages out: first
// those that can be opened one by one, then those in encrypted files, in one
// pass over each.
func (f *fetching) flush() error {
	if len(f.batch) == 0 {
		return nil
	}
	e := by(f.scope, audit.ActExport)
	e.Query, e.Reason = f.request.Query, f.request.Reason
	for _, row := range f.batch {
		e.IDs = append(e.IDs, row.ID)
	}
	if err := f.app.audit.Record(f.ctx, e); err != nil {
		return err
	}
	inFiles := map[string]*together{}
	for _, row := range f.batch {
		if e := f.app.encrypted(row.ID); e != nil {
			s := e.Files[0]
			if inFiles[s.File] == nil {
				inFiles[s.File] = &together{file: s, rows: map[mail.ID]catalog.Row{}}
			}
			inFiles[s.File].rows[e.Record] = row
			continue
		}
		if err := f.one(row); err != nil {
			return err
		}
	}
	for _, t := range inFiles {
		if err := f.together(t); err != nil {
			return err
		}
	}
	f.batch = f.batch[:0]
	return nil
}

func (f *fetching) one(row catalog.Row) error {
	m, content, err := f.app.door.Open(f.ctx, f.scope, row.ID.String(), retrieve.ToExport)
	if m.ID.IsZero() {
		m.Row = row // its bytes cannot be had; the others go on
	}
	return give(m, content, err, f.each)
}

// together are messages in one encrypted file, by the ID of their records there.
type together struct {
	file vault.Seal
	rows map[mail.ID]catalog.Row
}

// encrypted says where the message's bytes are, when that is a file that has to
// be read from its beginning for each; else it is nil.
func (a *App) encrypted(id mail.ID) *vault.Elsewhere {
	_, content, err := a.vault.Open(context.Background(), id)
	if err == nil {
		content.Close()
		return nil
	}
	var elsewhere *vault.Elsewhere
	if !errors.As(err, &elsewhere) || len(elsewhere.Files) == 0 || !elsewhere.Files[0].Encrypted {
		return nil
	}
	return elsewhere
}

// together reads the messages in one pass. What that does not bring is tried
// one by one, which says why it cannot be had.
func (f *fetching) together(t *together) error {
	archive, err := f.app.reader.open(f.ctx, t.file)
	if err == nil {
		defer f.app.reader.release(archive)
		if err := f.pass(archive.Archive, t); err != nil {
			return err
		}
	}
	for _, row := range t.rows {
		if err := f.one(row); err != nil {
			return err
		}
	}
	if f.ctx.Err() != nil {
		return fmt.Errorf("fetch: %w", f.ctx.Err())
	}
	return nil
}

// pass gives out what one pass over the file brings, and takes it off the list.
// The error is that of each alone: what the file does not give is tried again.
func (f *fetching) pass(archive *seal.Archive, t *together) (failed error) {
	ids := slices.Collect(maps.Keys(t.rows))
	err := archive.Messages(f.ctx, ids, func(m seal.Message) error {
		record, err := vault.DecodeRecord(m.Record)
		if err != nil || m.Content == nil {
			return nil
		}
		row, ok := t.rows[record.ID]
		if !ok {
			return nil
		}
		history, err := f.app.catalog.Arrivals(f.ctx, f.scope, row.ID)
		if err != nil {
			return nil
		}
		delete(t.rows, record.ID)
		failed = f.each(control.Fetched{Row: row, History: history, Content: m.Content})
		return failed
	})
	if err != nil && failed == nil {
		f.app.log.Warn("archive file not read through", "step", "retrieve", "file", t.file.File, "error", err)
	}
	return failed
}

// give hands one message over; err is why its content is missing.
func give(m retrieve.Message, content io.ReadCloser, err error, each func(control.Fetched) error) error {
	f := control.Fetched{Row: m.Row, History: m.History, Content: missing{err}}
	if err == nil {
		defer content.Close() // it was read, or is of no use
		f.Content = content
	}
	return each(f)
}

// missing is content that cannot be had.
type missing struct{ err error }

func (m missing) Read([]byte) (int, error) { return 0, m.err }
