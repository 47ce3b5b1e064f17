package seal

import (
	"io"
)

// Both packets of an encrypted file, the encrypted data and the literal packet
// inside it, come in pieces of one length (RFC 4880 4.2.2.4), so that any place
// in them can be computed.

const (
	// chunkSize is the length of a piece, a power of two as 4.2.2.4 wants.
	chunkPower = 16
	chunkSize  = 1 << chunkPower
	// The first bytes of the packets, in the new format (RFC 4880 4.2).
	packetSEIPD   = 0xc0 | 18
	packetLiteral = 0xc0 | 11
	packetMDC     = 0xc0 | 19
)

// partialWriter writes the content of a packet in pieces. Its first byte, the
// tag, is the caller's to write.
type partialWriter struct {
	w      io.Writer
	buffer []byte // the length in front, then content
}

func newPartialWriter(w io.Writer) *partialWriter {
	return &partialWriter{w: w, buffer: append(make([]byte, 0, 1+chunkSize), 224+chunkPower)}
}

func (p *partialWriter) Write(b []byte) (n int, err error) {
	for len(b) > 0 {
		m := min(len(b), cap(p.buffer)-len(p.buffer))
		p.buffer = append(p.buffer, b[:m]...)
		b = b[m:]
		n += m
		if len(p.buffer) == cap(p.buffer) {
			if _, err := p.w.Write(p.buffer); err != nil {
				return n, err
			}
			p.buffer = p.buffer[:1]
		}
	}
	return n, nil
}

// Close writes the last piece, whose length has five bytes (RFC 4880 4.2.2.3).
func (p *partialWriter) Close() error {
	n := len(p.buffer) - 1
	if _, err := p.w.Write([]byte{255, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}); err != nil {
		return err
	}
	_, err := p.w.Write(p.buffer[1:])
	return err
}

// partialReader reads the content of a packet from any of its pieces on; r
// stands in front of a length. An end before that of the packet is
// io.ErrUnexpectedEOF.
type partialReader struct {
	r    io.Reader
	left int64
	last bool
}

func (p *partialReader) Read(b []byte) (int, error) {
	for p.left == 0 {
		if p.last {
			return 0, io.EOF
		}
		if err := p.length(); err != nil {
			return 0, err
		}
	}
	n, err := p.r.Read(b[:min(int64(len(b)), p.left)])
	p.left -= int64(n)
	if err == io.EOF && (p.left > 0 || !p.last) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// length reads the length of the next piece (RFC 4880 4.2.2).
func (p *partialReader) length() error {
	var b [4]byte
	if _, err := io.ReadFull(p.r, b[:1]); err != nil {
		return io.ErrUnexpectedEOF
	}
	first := b[0]
	p.last = true
	var err error
	switch {
	case first < 192:
		p.left = int64(first)
	case first < 224:
		_, err = io.ReadFull(p.r, b[:1])
		p.left = int64(first-192)<<8 + int64(b[0]) + 192
	case first < 255:
		p.left, p.last = 1<<(first&0x1f), false
	default:
		_, err = io.ReadFull(p.r, b[:])
		p.left = int64(b[0])<<24 | int64(b[1])<<16 | int64(b[2])<<8 | int64(b[3])
	}
	if err != nil {
		return io.ErrUnexpectedEOF
	}
	return nil
}

// pieceAt returns where the piece that holds byte at of a packet's content
// begins, its length included, from the packet's first byte on, and how far in
// its content that byte is.
func pieceAt(at int64) (begin, within int64) {
	return 1 + at/chunkSize*(1+chunkSize), at % chunkSize
}
