package seal

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"

	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
)

// spool holds what belongs at the end of an archive file until that comes: it
// may be larger than memory. It is never synced, and gone after close.
type spool struct {
	fs   durable.FS
	name string
	file durable.File
	w    *bufio.Writer
	hash hash.Hash
	size int64
}

func newSpool(fsys durable.FS, name string) (*spool, error) {
	f, err := fsys.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return &spool{fs: fsys, name: name, file: f, w: bufio.NewWriterSize(f, 64<<10), hash: sha256.New()}, nil
}

func (s *spool) Write(b []byte) (int, error) {
	n, err := s.w.Write(b)
	s.hash.Write(b[:n])
	s.size += int64(n)
	return n, err
}

func (s *spool) digest() (d mail.Digest) {
	s.hash.Sum(d[:0])
	return d
}

// reader reads all that was written, from the beginning.
func (s *spool) reader() (io.Reader, error) {
	if err := s.w.Flush(); err != nil {
		return nil, err
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return bufio.NewReaderSize(s.file, 64<<10), nil
}

// close takes the file away.
func (s *spool) close() error {
	if s == nil {
		return nil
	}
	s.file.Close() // nothing in it is needed any more
	if err := s.fs.Remove(s.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
