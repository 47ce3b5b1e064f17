package seal

import (
	"io"
	"sync"
)

// compressor writes members in the order they are handed in, compressed on
// several cores. It holds a fixed number of buffers and no more, and waits when
// all are on their way. take, submit and finish are one goroutine's.
type compressor struct {
	free, order chan *job
	work        chan *job
	workers     sync.WaitGroup
	written     chan error // one value, from the writer at its end
	mark        mark
	outer       []byte // for the first member; nil in files that are not encrypted
	number      uint32
	settled     int64 // length of all members whose buffers came back
	waiting     int64 // raw bytes, and a header each, of those that did not
}

// job is a member on its way. Its buffers are used again.
type job struct {
	raw, out []byte
	field    memberField
	err      error
	done     chan struct{}
}

// newCompressor starts workers and a writer; finish or abandon ends them.
func newCompressor(w io.Writer, workers, level int, m mark, outer []byte) (*compressor, error) {
	depth := 2*workers + 1
	c := &compressor{
		free: make(chan *job, depth), order: make(chan *job, depth), work: make(chan *job, depth),
		written: make(chan error, 1), mark: m, outer: outer,
	}
	for range workers {
		e, err := newEncoder(level)
		if err != nil {
			close(c.work)
			return nil, err
		}
		c.workers.Go(func() { c.compress(e) })
	}
	for range depth {
		c.free <- &job{raw: make([]byte, 0, MemberSize), done: make(chan struct{}, 1)}
	}
	go func() { c.written <- c.write(w) }()
	return c, nil
}

func (c *compressor) compress(e *encoder) {
	for j := range c.work {
		var outer []byte
		if j.field.number == 0 {
			outer = c.outer
		}
		j.out, j.err = e.encode(j.out[:0], j.raw, j.field, outer)
		j.done <- struct{}{}
	}
}

// write takes all jobs, in order, and gives their buffers back; after an error
// it writes nothing more.
func (c *compressor) write(w io.Writer) (err error) {
	for j := range c.order {
		<-j.done
		if err == nil {
			err = j.err
		}
		if err == nil {
			_, err = w.Write(j.out)
		}
		j.err = err
		c.free <- j
	}
	return err
}

// take returns an empty buffer. The error is that of an earlier member.
// Buffers come back in the order they went, so after each take it is certain,
// and the same in every run, which lengths are known: the bound does not depend
// on how fast the cores are.
func (c *compressor) take() (*job, error) {
	j := <-c.free
	if len(j.out) > 0 {
		c.settled += int64(len(j.out))
		c.waiting -= bound(len(j.raw))
	}
	j.raw, j.out = j.raw[:0], j.out[:0]
	return j, j.err
}

// submit hands a filled buffer over.
func (c *compressor) submit(j *job, flags byte) {
	j.field = memberField{flags: flags, number: c.number, mark: c.mark}
	c.number++
	c.waiting += bound(len(j.raw))
	c.order <- j
	c.work <- j
}

// bound is the most that a member of so many raw bytes can take.
func bound(raw int) int64 {
	return int64(raw) + int64(raw)/1024 + 256
}

// size is a bound of the file's length with all that was submitted.
func (c *compressor) size() int64 { return c.settled + c.waiting }

// finish waits until all is written and ends the goroutines. It may be called
// once.
func (c *compressor) finish() error {
	close(c.work)
	close(c.order)
	c.workers.Wait()
	return <-c.written
}
