package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"mailarchive/internal/access"
	"mailarchive/internal/catalog"
	"mailarchive/internal/control"
	"mailarchive/internal/mail"
	"mailarchive/internal/retrieve"
	"mailarchive/internal/search"
	"mailarchive/internal/sqlite"
	"mailarchive/internal/vault"
)

// App is the archive as commands see it.
var _ control.Archive = (*App)(nil)

// countLimit is how far the number of hits is counted exactly.
const countLimit = 100_000

// Accept implements [control.Archive]. An item of an import that is in the
// vault already since this process runs is not stored again.
func (a *App) Accept(ctx context.Context, e mail.Envelope, content io.Reader) (mail.Arrival, error) {
	if e.Origin == nil {
		return a.acceptor.Accept(ctx, e, content)
	}
	key := e.Origin.Key
	arrival, known, err := a.imports.begin(ctx, key)
	if err != nil {
		return arrival, fmt.Errorf("accept: %w", err)
	}
	if known {
		_, err := io.Copy(io.Discard, content) // so that who sends it hears the answer
		return arrival, err
	}
	arrival, err = a.acceptor.Accept(ctx, e, content)
	a.imports.end(key, arrival, err)
	return arrival, err
}

// CatchUp brings the catalog to where the vault is.
func (a *App) CatchUp(ctx context.Context) error { return a.indexer.CatchUp(ctx) }

// search is Search but for its record.
func (a *App) search(ctx context.Context, scope access.Scope, q control.SearchRequest, yield func(control.Hit) error) (end control.SearchEnd, err error) {
	r := search.Request{Query: q.Query, After: catalog.Position(q.After), Limit: q.Limit}
	switch q.Sort {
	case "", "date":
	case "arrival":
		r.Order = catalog.LastArrivedFirst
	default:
		return end, fmt.Errorf("sort %q: %w", q.Sort, mail.ErrBadInput)
	}
	if q.Limit > 0 {
		r.Limit++ // one more tells whether there are more
	}
	// What is said before and what is said after may both have been true of
	// some of the hits.
	before := a.Notice()
	defer func() { end.Notice = cmp.Or(a.Notice(), before) }()
	var failed error
	n := 0
	err = a.searcher.Search(ctx, scope, r, func(h search.Hit) bool {
		if q.Limit > 0 && n == q.Limit {
			end.More = true
			return false
		}
		n++
		end.Next = string(h.Next)
		failed = yield(h)
		return failed == nil
	})
	if err == nil {
		err = failed
	}
	if err != nil || q.After != "" {
		return end, err
	}
	end.Total = n
	if end.More {
		end.Total, end.TotalMore, err = a.searcher.Count(ctx, scope, q.Query, countLimit)
	}
	return end, err
}

// Show implements [control.Archive].
func (a *App) Show(ctx context.Context, scope access.Scope, ref string) (control.Shown, error) {
	v, err := a.door.Show(ctx, scope, ref)
	if errors.Is(err, mail.ErrElsewhere) {
		return a.showElsewhere(ctx, scope, ref, err)
	}
	if err != nil {
		return control.Shown{}, err
	}
	return shown(v), nil
}

// showElsewhere shows what is known of a message whose bytes are in an archive
// file that cannot be read here; why stands in its problems.
func (a *App) showElsewhere(ctx context.Context, scope access.Scope, ref string, why error) (control.Shown, error) {
	row, err := a.catalog.Lookup(ctx, scope, ref)
	if err != nil {
		return control.Shown{}, errors.Join(why, err)
	}
	history, err := a.catalog.Arrivals(ctx, scope, row.ID)
	if err != nil {
		return control.Shown{}, errors.Join(why, err)
	}
	v := retrieve.View{Message: retrieve.Message{Row: row, History: history}}
	v.Read.Subject, v.Read.MessageID, v.Read.Attachments = row.Subject, row.MessageID, row.Attachments
	v.Read.From, v.Read.To, v.Read.Cc, v.Read.Bcc = row.From, row.To, row.Cc, row.Bcc
	v.Read.Problems = []string{strings.ReplaceAll(why.Error(), "\n", "; ")}
	return shown(v), nil
}

// Raw implements [control.Archive].
func (a *App) Raw(ctx context.Context, scope access.Scope, ref string) (io.ReadCloser, error) {
	_, content, err := a.door.Open(ctx, scope, ref, retrieve.ToRead)
	return content, err
}

// Stats implements [control.Archive].
func (a *App) Stats(ctx context.Context, scope access.Scope) (control.Stats, error) {
	if !scope.All() {
		return control.Stats{}, fmt.Errorf("stats are for administrators: %w", mail.ErrNotAllowed)
	}
	counts, err := a.catalog.Counts(ctx)
	if err != nil {
		return control.Stats{}, err
	}
	v := a.vault.Stats()
	known := a.keeper.counted(counts)
	waiting, err := a.vault.Arrivals(known.Cursor)
	if err != nil {
		return control.Stats{}, err
	}
	torn, err := a.torn()
	if err != nil {
		return control.Stats{}, err
	}
	step := a.keeper.step()
	stats := control.Stats{
		Vault: v.Vault.String(), Data: a.config.Data,
		Arrivals: v.Arrivals, Stored: known.Messages + waiting, Indexed: counts.Indexed,
		Unparseable: counts.Unparseable, BytesRaw: counts.BytesRaw, BytesDisk: uint64(v.BytesDisk),
		Segments: v.Segments, Torn: torn, Started: a.started, LastReceived: v.LastReceived,
		InStep: step.InStep, Missing: step.Missing, Notice: a.Notice(),
	}
	for _, sealed := range a.vault.Sealed() {
		if f := a.archiveFile(sealed); f.State != control.ArchiveMoved {
			stats.BytesArchives += uint64(f.Size)
		}
		stats.Archives++
	}
	if step.Remaking {
		stats.Remaking = &step.Percent
	}
	// What lacks its row or its text is no use, though the engine counted it.
	stats.Indexed = min(stats.Indexed, stats.Stored-min(stats.Missing, stats.Stored))
	return stats, nil
}

// Volume implements [control.Archive].
func (a *App) Volume(ctx context.Context, scope access.Scope, unit catalog.Unit, since, before time.Time) ([]catalog.Period, error) {
	if !scope.All() {
		return nil, fmt.Errorf("statistics are for administrators: %w", mail.ErrNotAllowed)
	}
	return a.catalog.Volume(ctx, scope, unit, since, before)
}

// Top implements [control.Archive].
func (a *App) Top(ctx context.Context, scope access.Scope, of catalog.Dimension, limit int) ([]catalog.Tally, error) {
	if !scope.All() {
		return nil, fmt.Errorf("statistics are for administrators: %w", mail.ErrNotAllowed)
	}
	return a.catalog.Top(ctx, scope, of, limit)
}

// torn counts the files of writes that crashes cut off.
func (a *App) torn() (int, error) {
	entries, err := a.catalogs.fs.ReadDir(filepath.Join(a.config.Data, vaultFolder, "torn"))
	return len(entries), err
}

// Verify implements [control.Archive].
func (a *App) Verify(ctx context.Context, progress func(control.Progress), finding func(control.Finding)) (control.Verified, error) {
	pace := newPace("bytes")
	v, err := a.vault.Verify(ctx,
		func(done, total int64) { progress(pace.at(done, total)) },
		func(f vault.Finding) {
			finding(control.Finding{Segment: f.Segment, Offset: f.Offset, Length: f.Length, Seqs: f.Lost, IDs: f.IDs, What: f.What})
		})
	done := control.Verified{Segments: v.Segments, Arrivals: v.Arrivals, Bytes: uint64(v.Bytes), Findings: v.Findings}
	if err != nil {
		return done, err
	}
	if err := a.catalog.Check(ctx); err != nil {
		_, number := a.catalogs.inUse()
		a.keeper.decide(ctx, number, err)
		done.Findings++
		finding(control.Finding{What: "catalog: " + err.Error(), Hint: "mail-archive reindex makes it again from the vault"})
	}
	return done, nil
}

// swap puts a catalog in the place of the one in use, which is taken away.
func (a *App) swap(next pointer, fresh *sqlite.DB) error {
	a.swapping.Lock()
	defer a.swapping.Unlock()
	former := a.catalogs.now
	var closed <-chan error
	err := a.catalogs.point(next, fresh, func() { closed = a.catalogs.current.Swap(fresh) })
	if err != nil {
		return errors.Join(err, fresh.Close(), a.catalogs.remove(next.file()))
	}
	cursor := uint64(0)
	if counts, err := fresh.Counts(context.Background()); err == nil {
		cursor = counts.Cursor
	}
	a.indexer.Moved(cursor)
	a.leaving.Go(func() { a.removeFormer(former, closed) })
	return nil
}

// removeFormer takes the old catalog away once nobody reads it any more. When
// the process ends before that, the next start does it.
func (a *App) removeFormer(former pointer, closed <-chan error) {
	if err := <-closed; err != nil {
		a.log.Warn("former catalog reported an error when closed", "step", "catalog", "error", err)
	}
	if err := a.catalogs.remove(former.file()); err != nil {
		a.log.Warn("former catalog not removed", "step", "catalog", "error", err)
	}
}

// pace turns counts into progress with a rate.
type pace struct {
	unit  string
	begun time.Time
}

func newPace(unit string) pace { return pace{unit, time.Now()} }

func (p pace) at(done, total int64) control.Progress {
	progress := control.Progress{Done: done, Total: total, Unit: p.unit}
	if took := time.Since(p.begun).Seconds(); took > 0 {
		progress.Rate = float64(done) / took
	}
	return progress
}
