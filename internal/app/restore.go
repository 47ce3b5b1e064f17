package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"mailarchive/internal/access"
	"mailarchive/internal/control"
	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
	"mailarchive/internal/seal"
	"mailarchive/internal/vault"
)

// restore is Restore but for its record.
func (a *App) restore(ctx context.Context, scope access.Scope, q control.RestoreRequest, report control.Report) (control.Restored, error) {
	if !scope.All() {
		return control.Restored{}, fmt.Errorf("archive files are for administrators: %w", mail.ErrNotAllowed)
	}
	if !a.sealing.TryLock() {
		return control.Restored{}, fmt.Errorf("archive files are being made: %w", mail.ErrRetry)
	}
	defer a.sealing.Unlock()
	secret, err := a.secrets.secret(ctx, q.Password)
	if err != nil {
		return control.Restored{}, err
	}
	pace := newPace("bytes")
	checked, err := seal.Check(ctx, nil, q.Path, secret, func(done, total int64) { report.Say(pace.at(done, total)) }, nil)
	if errors.Is(err, seal.ErrNoSecret) {
		err = fmt.Errorf("%w: %w", err, mail.ErrNotAllowed)
	}
	if err != nil {
		return control.Restored{}, err
	}
	sealed := a.vault.Sealed()
	own := slices.IndexFunc(sealed, func(s vault.Seal) bool { return s.SHA256 == checked.SHA256 })
	if own >= 0 && checked.Findings == 0 {
		return a.putBack(sealed[own], q.Path)
	}
	return a.takeOut(ctx, q.Path, secret, report)
}

// putBack copies a file of this archive to its place, from where its messages
// are read.
func (a *App) putBack(s vault.Seal, path string) (control.Restored, error) {
	done := control.Restored{File: s.File, Messages: s.Messages, Returned: s.Messages}
	target := filepath.Join(a.config.Archives, s.File)
	if from, err := filepath.EvalSymlinks(path); err == nil && from == target {
		return done, a.files.verified(s.File, target, a.clock(), 0) // it lies there already
	}
	source, err := os.Open(path)
	if err != nil {
		return done, err
	}
	defer source.Close()
	if err := durable.MakeFolder(a.catalogs.fs, a.config.Archives, 0o750); err != nil {
		return done, err
	}
	err = durable.WriteFile(a.catalogs.fs, target, 0o600, func(w io.Writer) error {
		_, err := io.Copy(w, source)
		return err
	})
	if err != nil {
		return done, err
	}
	a.reader.forget()
	return done, a.files.verified(s.File, target, a.clock(), 0)
}

// takeOut takes what can be read of a file into the vault.
func (a *App) takeOut(ctx context.Context, path string, secret seal.Secret, report control.Report) (control.Restored, error) {
	var done control.Restored
	name := filepath.Base(path)
	pace := newPace("messages")
	r, err := seal.Salvage(ctx, nil, path, secret, func(f seal.Finding) { report.Tell(findingIn(name, f)) }, func(m seal.Message) error {
		if m.Content == nil {
			return nil // tells something, and is no message
		}
		done.Messages++
		report.Say(pace.at(int64(done.Messages), 0))
		return a.takeIn(ctx, m, &done, report)
	})
	done.Lost, done.Findings = append(done.Lost, r.Lost...), done.Findings+r.Findings
	if err != nil {
		return done, err
	}
	if done.Messages == 0 && r.Findings > 0 {
		return done, fmt.Errorf("%s: no message can be read from it: %w", name, mail.ErrBadInput)
	}
	return done, a.CatchUp(ctx)
}

// takeIn stores one message.
func (a *App) takeIn(ctx context.Context, m seal.Message, done *control.Restored, report control.Report) error {
	content := a.vault.Stage()
	_, err := io.Copy(content, m.Content)
	var did vault.Restoration
	if err == nil {
		_, did, err = a.vault.AppendRestored(ctx, m.Record, content)
	} else {
		content.Discard()
	}
	switch {
	case errors.Is(err, mail.ErrDamaged), errors.Is(err, mail.ErrBadInput):
		done.Lost = append(done.Lost, m.Arrival.ID)
		done.Findings++
		report.Tell(control.Finding{IDs: []mail.ID{m.Arrival.ID}, What: err.Error()})
		return nil
	case err != nil:
		return err
	}
	switch did {
	case vault.Added:
		done.New++
	case vault.Returned:
		done.Returned++
	case vault.Present:
		done.Here++
	}
	return nil
}
