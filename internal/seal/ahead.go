package seal

import (
	"io"
	"sync"
)

// readAhead reads in a goroutine of its own, so that decrypting and what is
// done with the result run side by side.
type readAhead struct {
	full, free chan []byte
	stop       chan struct{}
	done       sync.WaitGroup
	current    []byte // what is left of rest
	rest       []byte // to give back
	err        error  // read once full is closed
}

// ahead begins to read; Close ends it, and must be called.
func ahead(r io.Reader) *readAhead {
	const buffers, size = 4, 256 << 10
	a := &readAhead{full: make(chan []byte, buffers), free: make(chan []byte, buffers), stop: make(chan struct{})}
	for range buffers {
		a.free <- make([]byte, size)
	}
	a.done.Go(func() { a.run(r) })
	return a
}

func (a *readAhead) run(r io.Reader) {
	defer close(a.full)
	for a.err == nil {
		select {
		case b := <-a.free:
			var n int
			n, a.err = io.ReadFull(r, b[:cap(b)])
			a.full <- b[:n]
		case <-a.stop:
			return
		}
	}
}

func (a *readAhead) Read(b []byte) (int, error) {
	for len(a.current) == 0 {
		if a.rest != nil {
			a.free <- a.rest
			a.rest = nil
		}
		next, ok := <-a.full
		if !ok {
			if a.err == io.ErrUnexpectedEOF {
				return 0, io.EOF
			}
			return 0, a.err
		}
		a.current, a.rest = next, next
	}
	n := copy(b, a.current)
	a.current = a.current[n:]
	return n, nil
}

// Close waits until nothing reads any more.
func (a *readAhead) Close() error {
	close(a.stop)
	a.done.Wait()
	return nil
}
