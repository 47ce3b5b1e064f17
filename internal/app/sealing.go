package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"mailarchive/internal/access"
	"mailarchive/internal/control"
	"mailarchive/internal/mail"
	"mailarchive/internal/seal"
	"mailarchive/internal/vault"
)

// seal is Seal but for its record.
func (a *App) seal(ctx context.Context, scope access.Scope, q control.ArchiveRequest, report control.Report) (control.Archived, error) {
	if !scope.All() {
		return control.Archived{}, fmt.Errorf("archive files are for administrators: %w", mail.ErrNotAllowed)
	}
	if !a.sealing.TryLock() {
		return control.Archived{}, fmt.Errorf("archive files are being made already: %w", mail.ErrRetry)
	}
	defer a.sealing.Unlock()
	month, before, err := a.span(q)
	if err != nil {
		return control.Archived{}, err
	}
	// The manifest has the keywords, which the catalog chooses.
	if err := a.CatchUp(ctx); err != nil {
		return control.Archived{}, fmt.Errorf("catalog before sealing: %w", err)
	}
	done, err := a.sealUntil(ctx, month, before, report)
	if err != nil {
		return done, err
	}
	return done, a.letGo(ctx, &done, report)
}

// span is the month that files are named after and the moment up to which
// records are taken.
func (a *App) span(q control.ArchiveRequest) (seal.Month, time.Time, error) {
	zone, now := a.config.Timezone.Location(), a.clock()
	switch {
	case q.Month != "" && !q.Until.IsZero():
		return seal.Month{}, time.Time{}, fmt.Errorf("either a month or a date: %w", mail.ErrBadInput)
	case q.Month != "":
		t, err := time.ParseInLocation("2006-01", q.Month, zone)
		if err != nil {
			return seal.Month{}, time.Time{}, fmt.Errorf("month %q is not written like 2026-10: %w", q.Month, mail.ErrBadInput)
		}
		month := seal.MonthOf(t, zone)
		if t.After(now) {
			return month, time.Time{}, fmt.Errorf("%s has not begun: %w", month, mail.ErrBadInput)
		}
		return month, month.End(zone), nil
	case !q.Until.IsZero():
		return seal.MonthOf(q.Until.Add(-time.Nanosecond), zone), q.Until, nil
	}
	begin := monthBegin(now, zone)
	return seal.MonthOf(begin.Add(-time.Nanosecond), zone), begin, nil
}

// monthBegin is the first moment of t's month in the zone.
func monthBegin(t time.Time, zone *time.Location) time.Time {
	t = t.In(zone)
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, zone)
}

// sealUntil makes the files and records them.
func (a *App) sealUntil(ctx context.Context, month seal.Month, before time.Time, report control.Report) (control.Archived, error) {
	done := control.Archived{Files: []control.ArchiveFile{}}
	lock, _, err := a.secrets.lock(ctx)
	if err != nil {
		return done, err
	}
	kept, err := a.manifests.begin(a.nextUnsealed())
	if err != nil {
		return done, fmt.Errorf("manifest: %w", err)
	}
	defer kept.Close()
	source := &sealSource{app: a, from: a.nextUnsealed(), before: before, manifest: kept}
	if !source.any(ctx) {
		return done, nil
	}
	pace := newPace("bytes")
	maker := &seal.Maker{
		Folder: a.config.Archives, FS: a.catalogs.fs, MaxSize: int64(a.config.ArchiveMaxSize), Lock: lock, Logger: a.log,
		Taken: a.nameTaken,
		Progress: func(p seal.Progress) {
			if p.Verify {
				report.Say(pace.at(p.Done, p.Total))
			} else {
				report.Say(pace.at(p.Done, source.bytes()))
			}
		},
	}
	made, err := maker.Make(ctx, month, source.items(ctx))
	for _, l := range made.LeftOut {
		done.LeftOut = append(done.LeftOut, l.ID)
	}
	if len(made.Files) == 0 {
		return done, err
	}
	// What is in a file is recorded even when a later one failed. The manifest
	// comes first: a file that the vault knows must have its lines here.
	if kerr := kept.keep(made.Files[len(made.Files)-1].Chain.Last.Seq); kerr != nil {
		return done, errors.Join(err, kerr)
	}
	for _, f := range made.Files {
		s, serr := a.vault.Seal(ctx, sealOf(f, made.LeftOut))
		if serr != nil {
			return done, errors.Join(err, serr)
		}
		if err := a.files.verified(s.File, f.Path, a.clock(), 0); err != nil {
			a.log.Warn("state of an archive file not written; it will count as unverified", "step", "seal", "file", s.File, "error", err)
		}
		a.log.Info("archive file made", "step", "seal", "file", s.File, "messages", s.Messages, "bytes", s.Length)
		done.Files = append(done.Files, a.archiveFile(s))
	}
	return done, err
}

// sealOf is what the vault records of a file.
func sealOf(f seal.Sealed, leftOut []seal.LeftOut) vault.Seal {
	s := vault.Seal{
		File: f.Name.String(), SHA256: f.SHA256, Length: f.Size, First: f.Chain.First.Seq, Last: f.Chain.Last.Seq,
		Messages: f.Chain.Messages, Bytes: f.Chain.Bytes, Encrypted: f.Name.Encrypted,
	}
	for _, l := range leftOut {
		if l.Seq >= s.First && l.Seq <= s.Last {
			s.Except = append(s.Except, l.Seq)
		}
	}
	if len(f.Keys) > 0 {
		s.Key = strings.Join(f.Keys, ", ")
	}
	return s
}

// letGo frees the space of what is sealed, as far as this server can read it
// again.
func (a *App) letGo(ctx context.Context, done *control.Archived, report control.Report) error {
	upTo := a.releasable(ctx)
	pace := newPace("bytes")
	r, err := a.vault.Release(ctx, upTo, func(n, total int64) { report.Say(pace.at(n, total)) })
	done.Freed = r.Bytes
	if last := a.nextUnsealed() - 1; upTo < last {
		done.Kept = "this server cannot open the newest file again, so its messages stay in the vault too until archive release"
	}
	if err != nil {
		return fmt.Errorf("free the space of sealed messages: %w", err)
	}
	return nil
}

// releasable is the number up to which this server can read all that is
// sealed, or was told to let it go.
func (a *App) releasable(ctx context.Context) (upTo uint64) {
	for _, s := range a.vault.Sealed() {
		if a.files.get(s.File).Released || !s.Encrypted || a.opens(ctx, s) {
			upTo = max(upTo, s.Last)
			continue
		}
		break
	}
	return upTo
}

// opens reports whether a secret that is configured opens the file.
func (a *App) opens(ctx context.Context, s vault.Seal) bool {
	archive, err := a.reader.open(ctx, s)
	if err != nil {
		return false
	}
	defer a.reader.release(archive)
	return archive.Messages(ctx, nil, nil) == nil // opens it, and reads no message
}

// nextUnsealed is the number of the first record that is in no file.
func (a *App) nextUnsealed() uint64 {
	next := uint64(1)
	for _, s := range a.vault.Sealed() {
		next = max(next, s.Last+1)
	}
	return next
}

// nameTaken reports whether a file of that name was made, wherever it is now.
func (a *App) nameTaken(n seal.Name) bool {
	return slices.ContainsFunc(a.vault.Sealed(), func(s vault.Seal) bool { return s.File == n.String() })
}

// monthly makes the file of each month on the 1st of the next, and of the
// months that were missed at once. It looks often rather than waiting for a
// moment: clocks jump.
func (a *App) monthly(ctx context.Context) {
	tick := time.NewTicker(monthlyLook)
	defer tick.Stop()
	for {
		if a.due(ctx) {
			_, err := a.Seal(ctx, access.Everything("schedule"), control.ArchiveRequest{}, control.Report{})
			if err != nil && ctx.Err() == nil {
				a.log.Error("archive file of the month not made, will try again", "step", "seal", "error", err)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// monthlyLook is how often it is looked whether a month is due.
const monthlyLook = 10 * time.Minute

// due reports whether something from before this month is in no file.
func (a *App) due(ctx context.Context) bool {
	source := &sealSource{app: a, from: a.nextUnsealed(), before: monthBegin(a.clock(), a.config.Timezone.Location())}
	return source.any(ctx)
}
