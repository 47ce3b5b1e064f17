package smtp

import (
	"bytes"
	"errors"
	"io"
	"sync"
)

const (
	// smallBuffer is what a connection holds while it waits for commands:
	// thousands of idle ones must be cheap.
	smallBuffer = 4 << 10
	// largeBuffer is borrowed for a message or a long command line.
	largeBuffer = 32 << 10
	// maxSkipped is how much of an endless command line is read in search of
	// its end.
	maxSkipped = 256 << 10
)

var errLineTooLong = errors.New("line too long")

// buffers lends the two sizes of buffer to the connections of a server.
type buffers struct{ small, large sync.Pool }

func (b *buffers) get(size int) []byte {
	if p, ok := b.pool(size).Get().(*[]byte); ok {
		return *p
	}
	return make([]byte, size)
}

func (b *buffers) put(buf []byte) { b.pool(len(buf)).Put(&buf) }

func (b *buffers) pool(size int) *sync.Pool {
	if size == largeBuffer {
		return &b.large
	}
	return &b.small
}

// input buffers what comes from a connection. A slice that one of its methods
// returns is good until the next fill, resize or release.
type input struct {
	src  io.Reader
	lend *buffers
	buf  []byte
	r, w int // buf[r:w] was read and not yet used
}

func newInput(src io.Reader, lend *buffers) input {
	return input{src: src, lend: lend, buf: lend.get(smallBuffer)}
}

func (in *input) buffered() []byte { return in.buf[in.r:in.w] }

func (in *input) discard(n int) { in.r += n }

// clear drops what was read ahead.
func (in *input) clear() { in.r, in.w = 0, 0 }

func (in *input) release() {
	in.lend.put(in.buf)
	in.buf = nil
}

// fill waits for more bytes behind those that are buffered. A large buffer
// without room is errLineTooLong.
func (in *input) fill() error {
	in.w = copy(in.buf, in.buffered())
	in.r = 0
	if in.w == len(in.buf) {
		if len(in.buf) == largeBuffer {
			return errLineTooLong
		}
		in.resize(largeBuffer)
	}
	n, err := in.src.Read(in.buf[in.w:])
	in.w += n
	if n > 0 {
		return nil // an error comes back with the next read
	}
	switch err {
	case nil:
		return io.ErrNoProgress
	case io.EOF: // no reader of ours may take it for the end of a message
		return io.ErrUnexpectedEOF
	}
	return err
}

// resize moves what is buffered into a buffer of the given size, if it fits.
func (in *input) resize(size int) {
	if len(in.buf) == size || len(in.buffered()) > size {
		return
	}
	buf := in.lend.get(size)
	w := copy(buf, in.buffered())
	in.lend.put(in.buf)
	in.buf, in.r, in.w = buf, 0, w
}

// some returns what is buffered, at least one byte of it.
func (in *input) some() ([]byte, error) {
	for in.r == in.w {
		if err := in.fill(); err != nil {
			return nil, err
		}
	}
	return in.buffered(), nil
}

// line returns the next line without its line end, CRLF or a bare LF. A line
// of more than limit bytes is errLineTooLong and stays for skipLine.
func (in *input) line(limit int) ([]byte, error) {
	scanned := 0
	for {
		b := in.buffered()
		i := bytes.IndexByte(b[scanned:], '\n')
		end := scanned + i
		if i < 0 {
			end = len(b)
		}
		line := bytes.TrimSuffix(b[:end], []byte{'\r'})
		if len(line) > limit {
			return nil, errLineTooLong
		}
		if i >= 0 {
			in.discard(end + 1)
			return line, nil
		}
		scanned = len(b)
		if err := in.fill(); err != nil {
			return nil, err
		}
	}
}

// skipLine drops everything up to and including the next LF. After maxSkipped
// bytes without one it gives up with errLineTooLong.
func (in *input) skipLine() error {
	for skipped := 0; skipped <= maxSkipped; {
		b, err := in.some()
		if err != nil {
			return err
		}
		if i := bytes.IndexByte(b, '\n'); i >= 0 {
			in.discard(i + 1)
			return nil
		}
		skipped += len(b)
		in.discard(len(b))
	}
	return errLineTooLong
}
