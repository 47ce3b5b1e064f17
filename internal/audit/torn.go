package audit

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"mailarchive/internal/durable"
)

// Torn is a stretch of bytes that belongs to no entry, kept in a file of its
// own.
type Torn struct {
	File   string // that it was in
	Offset int64  // where, in bytes
	Length int64  // bytes
	Kept   string // the file that has it now, within the folder
}

// moveAside copies [off, size) of a file to torn/ and cuts the file there, or
// removes it when nothing is left.
func (l *Log) moveAside(name string, off, size int64) error {
	f, err := l.fs.OpenFile(l.path(name), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := l.keepTorn(f, name, off, size); err != nil {
		return err
	}
	if off == 0 {
		if err := l.fs.Remove(l.path(name)); err != nil {
			return err
		}
		return l.fs.SyncDir(l.folder)
	}
	if err := f.Truncate(off); err != nil {
		return err
	}
	return f.Sync()
}

func (l *Log) keepTorn(f io.ReaderAt, name string, off, size int64) error {
	if err := durable.MakeFolder(l.fs, l.path(tornFolder), 0o700); err != nil {
		return err
	}
	base := fmt.Sprintf("%s-%d", name, off)
	kept := filepath.Join(tornFolder, base)
	for i := 2; ; i++ {
		if _, err := l.fs.Stat(l.path(kept)); err != nil {
			break
		}
		kept = filepath.Join(tornFolder, fmt.Sprintf("%s-%d", base, i))
	}
	err := durable.WriteFile(l.fs, l.path(kept), 0o600, func(w io.Writer) error {
		_, err := io.Copy(w, io.NewSectionReader(f, off, size-off))
		return err
	})
	if err != nil {
		return fmt.Errorf("keep torn bytes: %w", kind(err))
	}
	t := Torn{File: name, Offset: off, Length: size - off, Kept: kept}
	l.opened.Torn = append(l.opened.Torn, t)
	l.log.Warn("torn bytes behind the last entry moved aside", "file", name, "offset", off, "length", t.Length, "kept", kept)
	return nil
}
