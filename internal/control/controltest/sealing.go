package controltest

import (
	"context"
	"fmt"
	"time"

	"mailarchive/internal/access"
	"mailarchive/internal/control"
	"mailarchive/internal/mail"
)

// Seal makes one file of all messages that are in none.
func (a *Archive) Seal(_ context.Context, scope access.Scope, q control.ArchiveRequest, report control.Report) (control.Archived, error) {
	done := control.Archived{Files: []control.ArchiveFile{}}
	if err := a.fail("archive"); err != nil {
		return done, err
	}
	month := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	if q.Month != "" {
		var err error
		if month, err = time.Parse("2006-01", q.Month); err != nil {
			return done, fmt.Errorf("month %q: %w", q.Month, mail.ErrBadInput)
		}
	}
	messages := a.read(scope)
	a.mu.Lock()
	defer a.mu.Unlock()
	sealed := uint64(0)
	for _, f := range a.files {
		sealed = f.Last
	}
	if n := uint64(len(messages)); n > sealed {
		report.Say(control.Progress{Done: int64(n), Total: int64(n), Unit: "messages"})
		f := control.ArchiveFile{
			Name: month.Format("Jan-2006") + ".tgz", State: control.ArchiveHere, Messages: n - sealed, First: sealed + 1, Last: n,
			Size: 1000, Made: time.Date(2026, 12, 1, 0, 10, 0, 0, time.UTC), SHA256: mail.Sum([]byte("archive file")),
		}
		a.files = append(a.files, f)
		done.Files, done.Freed = append(done.Files, f), 1000
	}
	return done, nil
}

// Archives lists the files.
func (a *Archive) Archives(context.Context, access.Scope) ([]control.ArchiveFile, error) {
	if err := a.fail("archives"); err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]control.ArchiveFile{}, a.files...), nil
}

// ActOnArchives forgets a file whose copy has the right digest, and finds what
// Findings has in each.
func (a *Archive) ActOnArchives(_ context.Context, _ access.Scope, q control.ArchiveActionRequest, report control.Report) ([]control.ArchiveFile, error) {
	if err := a.fail("archives"); err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	list := []control.ArchiveFile{}
	for i := range a.files {
		f := &a.files[i]
		if len(q.Names) > 0 && q.Names[0] != f.Name {
			continue
		}
		switch q.Action {
		case control.ArchiveVerify:
			f.Findings = len(a.Findings)
			for _, finding := range a.Findings {
				report.Tell(finding)
			}
		case control.ArchiveForget:
			if q.Copy != f.SHA256 {
				return list, fmt.Errorf("%s: the copy is another file: %w", f.Name, mail.ErrNotAllowed)
			}
			f.State = control.ArchiveMoved
		}
		list = append(list, *f)
	}
	if len(list) == 0 {
		return list, fmt.Errorf("archive file: %w", mail.ErrNotFound)
	}
	return list, nil
}

// Restore says that all of the file is back.
func (a *Archive) Restore(_ context.Context, _ access.Scope, q control.RestoreRequest, _ control.Report) (control.Restored, error) {
	return control.Restored{Messages: 4, New: 3, Here: 1}, a.fail("restore")
}
