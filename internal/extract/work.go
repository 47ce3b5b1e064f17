package extract

import (
	"errors"
	"hash"
	"io"
)

var errWork = errors.New("work limit reached")

// whole is the reader of the message itself. It keeps the reader's own error
// apart from the ends that the walk makes, and what it reads earns the work
// that nested messages may cost.
type whole struct {
	r      io.Reader
	credit *int64
	factor int64
	err    error // other than io.EOF
	// stopped tells that nobody wants the rest.
	stopped *bool
}

func (w *whole) Read(p []byte) (int, error) {
	if *w.stopped {
		return 0, io.EOF
	}
	n, err := w.r.Read(p)
	*w.credit += int64(n) * w.factor
	if err != nil && err != io.EOF {
		w.err = err
	}
	return n, err
}

// budget is the reader of a nested message. It ends when the work allowed is
// done.
type budget struct {
	r      io.Reader
	credit *int64
}

func (b budget) Read(p []byte) (int, error) {
	if *b.credit <= 0 {
		return 0, errWork
	}
	n, err := b.r.Read(p)
	*b.credit -= int64(n)
	return n, err
}

// meter counts what is read through it and hashes it when it has a hash.
type meter struct {
	r io.Reader
	h hash.Hash
	n int64
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.n += int64(n)
	if m.h != nil {
		m.h.Write(p[:n]) // never fails (hash.Hash)
	}
	return n, err
}

// drain reads r to its end.
func drain(r io.Reader, buf []byte) {
	for {
		if _, err := r.Read(buf); err != nil {
			return
		}
	}
}
