package smtp

import (
	"errors"
	"io"
)

// tooLarge answers a message over the limit (RFC 1870 6.3).
var tooLarge = Reply{552, "5.3.4", "Message is larger than this server takes"}

// body is the reader that a session gets. It ends with io.EOF at the end of
// the message, with tooLarge at the limit, or with the connection's error.
type body struct {
	src     chunkSource
	pending []byte
	left    int64 // bytes until the limit
	err     error // how it ended; nil while there may be more
}

func (b *body) reset(src chunkSource, limit int64) { *b = body{src: src, left: limit} }

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(b.pending) == 0 {
		if err := b.advance(); err != nil {
			return 0, err
		}
	}
	n := copy(p, b.pending)
	b.pending = b.pending[n:]
	return n, nil
}

// WriteTo implements io.WriterTo: it hands on the connection's own buffer.
func (b *body) WriteTo(w io.Writer) (total int64, err error) {
	for {
		if len(b.pending) > 0 {
			n, err := w.Write(b.pending)
			total += int64(n)
			b.pending = b.pending[n:]
			if err != nil {
				return total, err
			}
		}
		if err := b.advance(); err != nil {
			if err == io.EOF {
				err = nil
			}
			return total, err
		}
	}
}

func (b *body) advance() error {
	if b.err == nil {
		b.pending, b.err = b.src.next()
		if b.left -= int64(len(b.pending)); b.left < 0 {
			b.pending, b.err = nil, tooLarge
		}
	}
	if b.err == errEnd {
		return io.EOF
	}
	return b.err
}

// complete says whether the session saw the message's very end.
func (b *body) complete() bool { return b.err == errEnd }

// oversized says whether the limit ended it.
func (b *body) oversized() bool {
	_, limit := b.err.(Reply)
	return limit
}

// broken returns what befell the connection, if anything.
func (b *body) broken() error {
	if b.err == nil || b.complete() || b.oversized() {
		return nil
	}
	return b.err
}

var errDrained = errors.New("too much left to read")

// drain reads on to the end of a message that the session left or that is too
// large. After extra bytes more than the limit it gives up with errDrained.
func (b *body) drain(extra int64) error {
	for left := max(b.left, 0) + extra; left >= 0; {
		chunk, err := b.src.next()
		if err == errEnd {
			return nil
		}
		if err != nil {
			return err
		}
		left -= int64(len(chunk))
	}
	return errDrained
}
