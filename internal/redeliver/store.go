package redeliver

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
)

// suffix of the files in the queue's folder.
const suffix = ".json"

// maxEntryFile is more than an entry with all recipients that a message can
// have takes.
const maxEntryFile = 64 << 20

// store is the folder of entries: a JSON file for each, replaced as a whole
// when it changes. Entries live and end on their own, so nothing has to be
// compacted, jq reads what is there, and a file that is damaged costs one
// entry.
type store struct {
	fsys   durable.FS
	folder string
}

func (s store) file(id EntryID) string { return filepath.Join(s.folder, id.String()+suffix) }

// save has the entry on disk, synced, when it returns nil. After an error the
// file is the old or the new one, and saving again is safe.
func (s store) save(e *Entry) error {
	text, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return fmt.Errorf("encode entry %s: %w", e.ID, err)
	}
	err = durable.WriteFile(s.fsys, s.file(e.ID), 0o600, func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
	if err != nil {
		return fmt.Errorf("save entry %s: %w", e.ID, err)
	}
	return nil
}

// remove takes an entry away. It may be back after a power loss, which harms
// nobody: it is finished.
func (s store) remove(id EntryID) error {
	if err := s.fsys.Remove(s.file(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove entry %s: %w", id, err)
	}
	return nil
}

// load makes the folder if need be and reads all entries. Files that are
// damaged stay where they are; the errors name them.
func (s store) load() (entries []*Entry, damaged []error, err error) {
	if err := durable.MakeFolder(s.fsys, s.folder, 0o700); err != nil {
		return nil, nil, err
	}
	if err := durable.RemoveTemporary(s.fsys, s.folder); err != nil {
		return nil, nil, err
	}
	files, err := s.fsys.ReadDir(s.folder)
	if err != nil {
		return nil, nil, err
	}
	for _, f := range files {
		if f.IsDir() || !strings.HasSuffix(f.Name(), suffix) {
			continue
		}
		e, err := s.read(f.Name())
		switch {
		case errors.Is(err, mail.ErrDamaged):
			damaged = append(damaged, err)
		case err != nil:
			return nil, nil, err
		default:
			entries = append(entries, e)
		}
	}
	return entries, damaged, nil
}

func (s store) read(name string) (*Entry, error) {
	path := filepath.Join(s.folder, name)
	f, err := s.fsys.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxEntryFile))
	if err != nil {
		return nil, err
	}
	var e Entry
	if err := json.Unmarshal(text, &e); err != nil {
		return nil, fmt.Errorf("%s: %w: %w", path, err, mail.ErrDamaged)
	}
	if err := e.check(name); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &e, nil
}
