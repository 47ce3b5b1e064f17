package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"sync"

	"mailarchive/internal/mail"
	"mailarchive/internal/seal"
	"mailarchive/internal/vault"
)

// readThrough is the vault with the archive files behind it: content that left
// for a file is read from there, when the file is here and opens.
type readThrough struct {
	*vault.Vault
	reader *archiveReader
}

// Open implements [retrieve.Vault].
func (r readThrough) Open(ctx context.Context, id mail.ID) (mail.Arrival, io.ReadCloser, error) {
	arrival, content, err := r.Vault.Open(ctx, id)
	var elsewhere *vault.Elsewhere
	if !errors.As(err, &elsewhere) {
		return arrival, content, err
	}
	if arrival, err = r.Vault.Get(ctx, id); err != nil {
		return arrival, nil, err
	}
	content, err = r.reader.content(ctx, elsewhere)
	return arrival, content, err
}

// archiveReader opens archive files and keeps those used last open.
type archiveReader struct {
	folder  string
	secrets secrets

	mu   sync.Mutex
	kept []*keptArchive // used last first
}

// keptArchive is an open file. It is closed when it is not kept any more and
// nobody uses it.
type keptArchive struct {
	*seal.Archive
	file  mail.Digest
	users int
	gone  bool
}

// archivesKept is how many files' indexes stay open.
const archivesKept = 8

// content opens the bytes of a record that is in archive files.
func (r *archiveReader) content(ctx context.Context, e *vault.Elsewhere) (io.ReadCloser, error) {
	errs := []error{e}
	for _, s := range e.Files {
		content, err := r.from(ctx, s, e.Record)
		if err == nil {
			return content, nil
		}
		errs = append(errs, r.explain(s, err))
	}
	return nil, errors.Join(errs...)
}

func (r *archiveReader) from(ctx context.Context, s vault.Seal, record mail.ID) (io.ReadCloser, error) {
	archive, err := r.open(ctx, s)
	if err != nil {
		return nil, err
	}
	defer r.release(archive)
	_, content, err := archive.Message(ctx, record)
	return content, err
}

// explain says what to do about a file that cannot be read.
func (r *archiveReader) explain(s vault.Seal, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s is not here: put it into %s, or mail-archive restore it", s.File, r.folder)
	case errors.Is(err, seal.ErrNoSecret):
		return fmt.Errorf("%s is encrypted (%s), and no password configured here opens it", s.File, s.Key)
	}
	return fmt.Errorf("%s: %w", s.File, err)
}

// open returns the opened file, for release. It stays open for the next time.
func (r *archiveReader) open(ctx context.Context, s vault.Seal) (*keptArchive, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, k := range r.kept {
		if k.file == s.SHA256 {
			copy(r.kept[1:i+1], r.kept[:i])
			r.kept[0] = k
			k.users++
			return k, nil
		}
	}
	secret, err := r.secrets.secret(ctx)
	if err != nil {
		return nil, err
	}
	archive, err := seal.Open(ctx, nil, filepath.Join(r.folder, s.File), secret)
	if err != nil {
		return nil, err
	}
	k := &keptArchive{Archive: archive, file: s.SHA256, users: 1}
	r.kept = append([]*keptArchive{k}, r.kept...)
	if len(r.kept) > archivesKept {
		r.drop(r.kept[archivesKept])
		r.kept = r.kept[:archivesKept]
	}
	return k, nil
}

func (r *archiveReader) release(k *keptArchive) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if k.users--; k.users == 0 && k.gone {
		k.Close() // its index was only read
	}
}

// drop closes a file as soon as nobody uses it.
func (r *archiveReader) drop(k *keptArchive) {
	if k.gone = true; k.users == 0 {
		k.Close()
	}
}

// forget closes what is kept open: files changed, or passwords.
func (r *archiveReader) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, k := range r.kept {
		r.drop(k)
	}
	r.kept = nil
}
