package export

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"

	"mailarchive/internal/mail"
)

// smallMax is the size in bytes up to which a message is held in memory while
// it is checked; a larger one waits in a file.
const smallMax = 1 << 20

// stage holds one message at a time, between the archive and the export: a
// format cannot take back what it has written, so bytes are checked before.
type stage struct {
	dir   string       // for large messages
	small bytes.Buffer // the message, or its beginning
	large *os.File     // the rest of it; nil when there is none
	rest  int64        // bytes in large
}

// staged is a message whose bytes are known to be right. It is good until the
// stage takes the next.
type staged struct {
	stage   *stage
	size    int64  // of the original, in bytes
	front   []byte // lines that go before it
	written mail.Digest
	ending  byte // last byte; 0 for an empty message
}

// reader returns the bytes to be written, from the start: front and original.
func (s *staged) reader() io.Reader {
	parts := []io.Reader{bytes.NewReader(s.front), bytes.NewReader(s.stage.small.Bytes())}
	if s.stage.large != nil {
		parts = append(parts, io.NewSectionReader(s.stage.large, 0, s.stage.rest))
	}
	return io.MultiReader(parts...)
}

// total is the number of bytes that reader gives.
func (s *staged) total() int64 { return int64(len(s.front)) + s.size }

// contentError is a failure of one message; the export goes on.
type contentError struct{ err error }

func (e *contentError) Error() string { return e.err.Error() }
func (e *contentError) Unwrap() error { return e.err }

// take reads a message to its end and checks it. The errors of the message
// are contentErrors, other ones are of the place where it is staged.
func (g *stage) take(ctx context.Context, m *Message) (*staged, error) {
	if err := g.clear(); err != nil {
		return nil, err
	}
	if m.Open == nil {
		return nil, &contentError{mail.ErrNotFound}
	}
	content, err := m.Open(ctx)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return nil, cause
	}
	if err != nil {
		return nil, &contentError{err}
	}
	digest, err := g.fill(ctx, content)
	if cerr := content.Close(); err == nil && cerr != nil {
		err = &contentError{cerr}
	}
	if err != nil {
		return nil, err
	}
	if digest != m.Digest {
		return nil, &contentError{fmt.Errorf("digest is %s, recorded was %s: %w", digest, m.Digest, mail.ErrDamaged)}
	}
	return g.staged(digest)
}

// fill takes the bytes and returns their digest.
func (g *stage) fill(ctx context.Context, content io.Reader) (mail.Digest, error) {
	h := sha256.New()
	source := &interruptible{ctx: ctx, r: content}
	in := io.TeeReader(source, h)
	_, err := g.small.ReadFrom(io.LimitReader(in, smallMax))
	if err == nil && g.small.Len() == smallMax {
		err = g.fillLarge(in)
	}
	if cause := context.Cause(ctx); cause != nil {
		return mail.Digest{}, cause
	}
	if source.err != nil {
		return mail.Digest{}, &contentError{source.err}
	}
	return mail.Digest(h.Sum(nil)), err
}

// fillLarge puts the rest of a message into a file that has no name: it is
// gone with the process.
func (g *stage) fillLarge(in io.Reader) error {
	f, err := namelessFile(g.dir)
	if err != nil {
		return fmt.Errorf("stage: %w", err)
	}
	g.large = f
	if g.rest, err = io.Copy(f, in); err != nil {
		return fmt.Errorf("stage: %w", err)
	}
	return nil
}

func namelessFile(dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, "mail-archive-export-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// staged describes what fill took.
func (g *stage) staged(digest mail.Digest) (*staged, error) {
	s := &staged{stage: g, size: int64(g.small.Len()) + g.rest, written: digest}
	if n := g.small.Len(); n > 0 {
		s.ending = g.small.Bytes()[n-1]
	}
	if g.rest == 0 {
		return s, nil
	}
	last := make([]byte, 1)
	if _, err := g.large.ReadAt(last, g.rest-1); err != nil {
		return nil, fmt.Errorf("stage: %w", err)
	}
	s.ending = last[0]
	return s, nil
}

// clear lets go of the last message.
func (g *stage) clear() error {
	g.small.Reset()
	f := g.large
	g.large, g.rest = nil, 0
	if f == nil {
		return nil
	}
	return f.Close()
}

// interruptible reads until ctx ends, and remembers how the source failed.
type interruptible struct {
	ctx context.Context
	r   io.Reader
	err error
}

func (i *interruptible) Read(p []byte) (int, error) {
	if err := context.Cause(i.ctx); err != nil {
		return 0, err
	}
	n, err := i.r.Read(p)
	if err != nil && err != io.EOF {
		i.err = err
	}
	return n, err
}
