package export

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"

	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
)

// ToFolder writes a format that is a folder. The folder is made with permission
// for its owner only, or is there and empty; with Options.Resume it may hold an
// unfinished export of the same kind: messages that are there with the right
// bytes stay. When it returns nil, all is on disk and its names survive power
// loss. Else the messages so far are whole and MANIFEST.jsonl is missing.
// Errors as ToStream; a folder that holds something wraps fs.ErrExist.
func ToFolder(ctx context.Context, messages iter.Seq2[Message, error], dir string, o Options) (Summary, error) {
	e, err := newExporter(o)
	if err != nil {
		return Summary{}, err
	}
	if !e.o.Format.IsFolder() {
		return Summary{}, fmt.Errorf("export: %s is a file, not a folder: %w", e.o.Format, mail.ErrBadInput)
	}
	if err := e.folder(ctx, messages, dir); err != nil {
		return e.sum, fmt.Errorf("export to %s: %w", dir, err)
	}
	return e.sum, nil
}

func (e *exporter) folder(ctx context.Context, messages iter.Seq2[Message, error], dir string) error {
	if err := e.prepare(dir); err != nil {
		return err
	}
	to := &filer{fs: e.o.FS, dir: dir}
	var f format = emlFolder{to}
	if e.o.Format == Maildir {
		f = maildirFolder{to}
	}
	return e.write(filepath.Join(dir, ManifestName), func(manifest io.Writer) error {
		if err := e.all(ctx, messages, f, manifest); err != nil {
			return err
		}
		return to.sync()
	})
}

// prepare makes the folder, or looks whether it may be written to.
func (e *exporter) prepare(dir string) error {
	if err := durable.MakeFolder(e.o.FS, dir, 0o700); err != nil {
		return err
	}
	if err := e.mayWrite(dir); err != nil {
		return err
	}
	if err := durable.RemoveTemporary(e.o.FS, dir); err != nil {
		return err
	}
	readmeFile := filepath.Join(dir, ReadmeName)
	err := durable.WriteFile(e.o.FS, readmeFile, 0o600, func(w io.Writer) error {
		_, err := io.WriteString(w, readme(e.o))
		return err
	})
	if err != nil || e.o.Format != Maildir {
		return err
	}
	return prepareMaildir(e.o.FS, dir)
}

// mayWrite fails when the folder holds anything but an unfinished export of the
// same kind that is to be resumed.
func (e *exporter) mayWrite(dir string) error {
	entries, err := e.o.FS.ReadDir(dir)
	if err != nil || len(entries) == 0 {
		return err
	}
	if _, err := e.o.FS.Stat(filepath.Join(dir, ManifestName)); err == nil {
		return fmt.Errorf("a finished export is there (it has %s): %w; nothing is overwritten: choose another folder", ManifestName, fs.ErrExist)
	}
	same, err := e.hasReadme(dir, entries)
	switch {
	case err != nil:
		return err
	case !same:
		return fmt.Errorf("the folder is not empty and holds no unfinished export of this kind: %w; choose another one", fs.ErrExist)
	case !e.o.Resume:
		return fmt.Errorf("an unfinished export is there: %w; resume it, or choose another folder", fs.ErrExist)
	}
	return nil
}

// hasReadme reports whether the folder has the README.txt that we would write,
// or nothing but what a run left that was killed before it had one.
func (e *exporter) hasReadme(dir string, entries []fs.DirEntry) (bool, error) {
	if len(entries) == 1 && entries[0].Name() == ReadmeName+".tmp" {
		return true, nil
	}
	f, err := e.o.FS.OpenFile(filepath.Join(dir, ReadmeName), os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	want := []byte(readme(e.o))
	got, err := io.ReadAll(io.LimitReader(f, int64(len(want))+1))
	return bytes.Equal(got, want), err
}

// syncEvery is after how many messages the names in a folder are synced. None
// of them is promised before the export ends; this bounds the work of that sync.
const syncEvery = 512

// filer writes the files of a folder.
type filer struct {
	fs     durable.FS
	dir    string
	dirty  map[string]bool // folders whose names are not synced
	unsure int             // names in them
}

// put writes the message under temporary and moves it to final, both relative
// to the folder. It reports true when the message was there. A file with other
// bytes under that name is not ours to change.
func (f *filer) put(s *staged, temporary, final string) (there bool, err error) {
	temporary, final = filepath.Join(f.dir, temporary), filepath.Join(f.dir, final)
	if there, err = f.there(final, s); err != nil {
		return false, err
	}
	if !there {
		if err = f.write(temporary, s); err == nil {
			err = f.fs.Rename(temporary, final)
		}
	}
	if err != nil {
		return false, err
	}
	return there, f.named(filepath.Dir(temporary), filepath.Dir(final))
}

// named notes that names in the folders are to be synced. Those of files that
// were there are among them: the run that made them may have been killed.
func (f *filer) named(folders ...string) error {
	if f.dirty == nil {
		f.dirty = map[string]bool{}
	}
	for _, dir := range folders {
		f.dirty[dir] = true
	}
	f.unsure++
	if f.unsure < syncEvery {
		return nil
	}
	return f.sync()
}

// there reports whether the file is there with the right bytes.
func (f *filer) there(name string, s *staged) (bool, error) {
	file, err := f.fs.OpenFile(name, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer file.Close()
	h := sha256.New()
	if _, err := io.Copy(h, file); err != nil {
		return false, err
	}
	if mail.Digest(h.Sum(nil)) != s.written {
		return false, &contentError{fmt.Errorf("%s is there with other bytes: %w", filepath.Base(name), fs.ErrExist)}
	}
	return true, nil
}

// write makes a file and syncs its bytes. One that a killed run left under the
// temporary name goes first.
func (f *filer) write(name string, s *staged) error {
	if err := f.fs.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := f.fs.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, s.reader())
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		err = errors.Join(err, f.fs.Remove(name))
	}
	return err
}

// sync makes all names so far survive power loss.
func (f *filer) sync() error {
	for dir := range f.dirty {
		if err := f.fs.SyncDir(dir); err != nil {
			return err
		}
	}
	f.dirty, f.unsure = nil, 0
	return nil
}
