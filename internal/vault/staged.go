package vault

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
)

const (
	// stagingBudget is how many bytes of content on its way in may be held in
	// memory, over all connections together. Beyond it content goes to disk
	// from its first bytes on, so that many slow senders cannot fill memory.
	stagingBudget = 64 << 20
	// stagingAlways is what one content may hold in memory whatever the others
	// hold.
	stagingAlways = 16 << 10
	// freeCheckEvery is how many spooled bytes pass between two looks at the
	// free space.
	freeCheckEvery = 1 << 20
	// maxContent is the largest size in bytes that a ustar header can tell.
	maxContent = 1<<33 - 1
)

// Staged is content on its way in: written piece by piece, hashed on the way,
// held in memory while small and in a spool file when not. It belongs to one
// goroutine until [Vault.Append] takes it over.
type Staged struct {
	v      *Vault
	hash   hash.Hash
	size   int64
	buf    []byte // the content while it is in memory
	spool  *spool // the content when it is not
	packed *spool // its frames, made by pack
	frames []uint32
	err    error
}

// Stage begins a new content. The caller ends it with Append or Discard.
func (v *Vault) Stage() *Staged {
	return &Staged{v: v, hash: sha256.New()}
}

// Write takes the next bytes. After an error the content cannot be appended.
// Errors wrap mail.ErrFull when space runs out, mail.ErrTooLarge at 8 GiB.
func (s *Staged) Write(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	if int64(len(p)) > maxContent-s.size {
		s.err = fmt.Errorf("content of %d bytes and more: %w", maxContent, mail.ErrTooLarge)
		return 0, s.err
	}
	s.hash.Write(p) // never fails (hash.Hash)
	s.size += int64(len(p))
	if s.spool == nil && s.fits(len(p)) {
		s.hold(p)
		return len(p), nil
	}
	if s.err = s.toSpool(p); s.err != nil {
		return 0, s.err
	}
	return len(p), nil
}

// hold adds to the content in memory.
func (s *Staged) hold(p []byte) {
	if total := len(s.buf) + len(p); total > cap(s.buf) {
		larger := append(s.v.buffers.take(max(total, 2*cap(s.buf))), s.buf...)
		s.v.buffers.give(s.buf)
		s.buf = larger
	}
	s.buf = append(s.buf, p...)
}

// fits reserves memory for n more bytes if they may be held there.
func (s *Staged) fits(n int) bool {
	total := len(s.buf) + n
	if total > ChunkSize {
		return false
	}
	if s.v.staging.Add(int64(n)) > stagingBudget && total > stagingAlways {
		s.v.staging.Add(-int64(n))
		return false
	}
	return true
}

func (s *Staged) toSpool(p []byte) error {
	if s.spool == nil {
		var err error
		if s.spool, err = s.v.newSpool(); err != nil {
			return err
		}
		if err := s.spool.write(s.buf); err != nil {
			return err
		}
		s.release()
	}
	return s.spool.write(p)
}

// release gives back the memory of the content.
func (s *Staged) release() {
	s.v.staging.Add(-int64(len(s.buf)))
	s.v.buffers.give(s.buf)
	s.buf = nil
}

// Size is the number of bytes written so far.
func (s *Staged) Size() int64 { return s.size }

// Discard throws the content away. It may be called at any time, also after
// Append, and more than once.
func (s *Staged) Discard() {
	s.release()
	s.spool.discard()
	s.packed.discard()
	s.spool, s.packed = nil, nil
	if s.err == nil {
		s.err = fs.ErrClosed
	}
}

// digest returns the SHA-256 of what was written.
func (s *Staged) digest() mail.Digest { return mail.Digest(s.hash.Sum(nil)) }

// reader returns the content from its start.
func (s *Staged) reader() io.Reader {
	if s.spool == nil {
		return bytes.NewReader(s.buf)
	}
	return io.NewSectionReader(s.spool.file, 0, s.size)
}

// pack turns spooled content into the frames that a segment will hold, so that
// the one writer has only to copy them. Content in memory needs no packing
// unless it is larger than a chunk.
func (s *Staged) pack() (err error) {
	if s.spool == nil {
		return nil
	}
	s.v.packing <- struct{}{}
	defer func() { <-s.v.packing }()
	if s.packed, err = s.v.newSpool(); err != nil {
		return err
	}
	raw, frame := make([]byte, ChunkSize), []byte(nil)
	for left := padded(s.size); left > 0; {
		n := min(left, ChunkSize)
		clear(raw[:n]) // what the content does not fill is tar's padding
		off := padded(s.size) - left
		if got := min(n, s.size-off); got > 0 {
			if m, err := s.spool.file.ReadAt(raw[:got], off); int64(m) < got {
				return fmt.Errorf("read spool: %w", kind(err))
			}
		}
		frame = s.v.codec.compress(frame[:0], raw[:n])
		if err := s.packed.write(frame); err != nil {
			return err
		}
		s.frames = append(s.frames, uint32(len(frame)))
		left -= n
	}
	s.spool.discard()
	return nil
}

// spool is a temporary file. Nothing in it outlives a restart, and nothing in
// it is ever the only copy of an acknowledged message.
type spool struct {
	v    *Vault
	file durable.File
	name string
	size int64
	next int64 // size at which to look at the free space again
}

func (v *Vault) newSpool() (*spool, error) {
	name := filepath.Join(v.folder, spoolFolder, strconv.FormatUint(v.spooled.Add(1), 10))
	f, err := v.fs.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("spool: %w", kind(err))
	}
	return &spool{v: v, file: f, name: name}, nil
}

func (s *spool) write(p []byte) error {
	if s.size >= s.next {
		if err := s.v.checkFree(int64(len(p))); err != nil {
			return err
		}
		s.next = s.size + freeCheckEvery
	}
	n, err := s.file.Write(p)
	s.size += int64(n)
	if err != nil {
		return fmt.Errorf("spool: %w", kind(err))
	}
	return nil
}

// discard may be called on nil and twice.
func (s *spool) discard() {
	if s == nil || s.file == nil {
		return
	}
	err := errors.Join(s.file.Close(), s.v.fs.Remove(s.name))
	if err != nil {
		s.v.log.Warn("spool file not removed", "error", err)
	}
	s.file = nil
}

// kind marks an error of the file system with what a caller can do about it.
func kind(err error) error {
	switch {
	case err == nil, errors.Is(err, mail.ErrFull):
		return err
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%w: %w", mail.ErrFull, err)
	}
	return fmt.Errorf("%w: %w", mail.ErrRetry, err)
}
