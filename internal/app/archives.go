package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"mailarchive/internal/access"
	"mailarchive/internal/control"
	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
	"mailarchive/internal/seal"
	"mailarchive/internal/vault"
)

// fileStates is what is known of archive files besides what the vault records:
// archives.json in the data folder. Without it files count as unverified.
type fileStates struct {
	fs   durable.FS
	name string

	mu  sync.Mutex
	all map[string]fileState // by name
}

// fileState is one file's.
type fileState struct {
	// Verified is when it was read whole, with so many Findings, being as
	// Changed and Size say; when it is not any more, it counts as unverified.
	Verified time.Time `json:"verified,omitzero"`
	Changed  time.Time `json:"changed,omitzero"`
	Size     int64     `json:"size,omitempty"`
	Findings int       `json:"findings,omitempty"`
	// Released: the administrator let the live bytes go.
	Released bool `json:"released,omitempty"`
}

func openFileStates(fsys durable.FS, name string) (*fileStates, error) {
	f := &fileStates{fs: fsys, name: name, all: map[string]fileState{}}
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return f, nil
	}
	if err == nil && json.Unmarshal(b, &f.all) != nil {
		f.all = map[string]fileState{} // it can be found out again
	}
	return f, err
}

func (f *fileStates) get(name string) fileState {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.all[name]
}

// change edits a file's state and writes all down.
func (f *fileStates) change(name string, edit func(*fileState)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.all[name]
	edit(&s)
	f.all[name] = s
	return durable.WriteFile(f.fs, f.name, 0o600, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(f.all)
	})
}

// verified notes that the file at path was read whole.
func (f *fileStates) verified(name, path string, at time.Time, findings int) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return f.change(name, func(s *fileState) {
		s.Verified, s.Findings, s.Changed, s.Size = at.UTC().Truncate(time.Second), findings, info.ModTime().UTC(), info.Size()
	})
}

// Archives implements [control.Archive].
func (a *App) Archives(_ context.Context, scope access.Scope) ([]control.ArchiveFile, error) {
	if !scope.All() {
		return nil, fmt.Errorf("archive files are for administrators: %w", mail.ErrNotAllowed)
	}
	list := []control.ArchiveFile{}
	known := map[string]bool{}
	for _, s := range a.vault.Sealed() {
		known[s.File] = true
		list = append(list, a.archiveFile(s))
	}
	entries, err := os.ReadDir(a.config.Archives)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return list, err
	}
	for _, e := range entries {
		if _, err := seal.ParseName(e.Name()); err == nil && !known[e.Name()] {
			f := control.ArchiveFile{Name: e.Name(), State: control.ArchiveForeign}
			if info, err := e.Info(); err == nil {
				f.Size = info.Size()
			}
			list = append(list, f)
		}
	}
	return list, nil
}

// archiveFile is a file as lists show it.
func (a *App) archiveFile(s vault.Seal) control.ArchiveFile {
	state := a.files.get(s.File)
	f := control.ArchiveFile{
		Name: s.File, Messages: s.Messages, Bytes: s.Bytes, Size: s.Length, SHA256: s.SHA256, First: s.First, Last: s.Last,
		Made: s.Made, Key: s.Key, Verified: state.Verified, Findings: state.Findings,
	}
	info, err := os.Stat(filepath.Join(a.config.Archives, s.File))
	switch {
	case err != nil:
		f.State, f.Where = control.ArchiveMoved, a.config.Archives
	case info.Size() != s.Length || state.Findings > 0 && state.same(info):
		f.State = control.ArchiveDamaged
	case !state.same(info):
		f.State = control.ArchiveUnverified
	default:
		f.State = control.ArchiveHere
	}
	return f
}

// same reports whether the file is the one that was verified.
func (s fileState) same(info os.FileInfo) bool {
	return !s.Verified.IsZero() && s.Size == info.Size() && s.Changed.Equal(info.ModTime())
}

// actOnArchives is ActOnArchives but for its record.
func (a *App) actOnArchives(ctx context.Context, scope access.Scope, q control.ArchiveActionRequest, report control.Report) ([]control.ArchiveFile, error) {
	if !scope.All() {
		return nil, fmt.Errorf("archive files are for administrators: %w", mail.ErrNotAllowed)
	}
	seals, err := a.sealsNamed(q)
	if err != nil {
		return nil, err
	}
	if !a.sealing.TryLock() {
		return nil, fmt.Errorf("archive files are being made: %w", mail.ErrRetry)
	}
	defer a.sealing.Unlock()
	list := []control.ArchiveFile{}
	for _, s := range seals {
		switch q.Action {
		case control.ArchiveVerify:
			err = a.verifyFile(ctx, s, report)
		case control.ArchiveForget:
			err = a.forgetFile(s, q.Copy)
		case control.ArchiveRelease:
			err = a.releaseFile(ctx, s, report)
		default:
			err = fmt.Errorf("archive %q: %w", q.Action, mail.ErrBadInput)
		}
		if err != nil {
			return list, fmt.Errorf("%s: %w", s.File, err)
		}
		list = append(list, a.archiveFile(s))
	}
	return list, nil
}

// sealsNamed are the files of a request; those that are here, for a
// verification of all.
func (a *App) sealsNamed(q control.ArchiveActionRequest) (named []vault.Seal, err error) {
	all := a.vault.Sealed()
	if len(q.Names) == 0 && q.Action == control.ArchiveVerify {
		return slices.DeleteFunc(all, func(s vault.Seal) bool { return a.archiveFile(s).State == control.ArchiveMoved }), nil
	}
	for _, name := range q.Names {
		i := slices.IndexFunc(all, func(s vault.Seal) bool { return s.File == filepath.Base(name) })
		if i < 0 {
			return nil, fmt.Errorf("archive file %s was not made here: %w", name, mail.ErrNotFound)
		}
		named = append(named, all[i])
	}
	if len(named) == 0 {
		return nil, fmt.Errorf("archive %s needs the name of a file: %w", q.Action, mail.ErrBadInput)
	}
	return named, nil
}

// verifyFile reads a file whole and compares it with what the vault recorded.
func (a *App) verifyFile(ctx context.Context, s vault.Seal, report control.Report) error {
	secret, err := a.secrets.secret(ctx)
	if err != nil {
		return err
	}
	path := filepath.Join(a.config.Archives, s.File)
	pace := newPace("bytes")
	r, err := seal.Check(ctx, nil, path, secret,
		func(done, total int64) { report.Say(pace.at(done, total)) },
		func(f seal.Finding) { report.Tell(findingIn(s.File, f)) })
	if err != nil {
		return a.reader.explain(s, err)
	}
	findings := r.Findings
	if r.SHA256 != s.SHA256 && findings == 0 {
		findings++
		report.Tell(control.Finding{What: s.File + " is whole, and not the file that was sealed", Hint: "find the file with the SHA-256 " + s.SHA256.String()})
	}
	return a.files.verified(s.File, path, a.clock(), findings)
}

func findingIn(file string, f seal.Finding) control.Finding {
	return control.Finding{Offset: f.Offset, Length: f.Length, IDs: f.IDs, What: file + ": " + f.String()}
}

// forgetFile takes a file away of which there is a copy elsewhere.
func (a *App) forgetFile(s vault.Seal, digest mail.Digest) error {
	if digest != s.SHA256 {
		return fmt.Errorf("the copy has another SHA-256 than the file that was sealed (%s): %w", s.SHA256, mail.ErrNotAllowed)
	}
	path := filepath.Join(a.config.Archives, s.File)
	if err := a.catalogs.fs.Remove(path); err != nil {
		return err
	}
	a.reader.forget()
	if err := a.catalogs.fs.Remove(path + ".idx"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	a.log.Info("archive file taken away, a copy is elsewhere", "step", "seal", "file", s.File)
	return a.catalogs.fs.SyncDir(a.config.Archives)
}

// releaseFile lets go of the live bytes of a file that this server cannot read.
func (a *App) releaseFile(ctx context.Context, s vault.Seal, report control.Report) error {
	if err := a.files.change(s.File, func(f *fileState) { f.Released = true }); err != nil {
		return err
	}
	done := control.Archived{}
	return a.letGo(ctx, &done, report)
}
