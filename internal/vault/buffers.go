package vault

import "sync"

// buffers lends memory for contents and frames, so that intake at full speed
// does not make garbage of ten times what it stores. Large ones are made anew
// and left to the collector.
type buffers struct{ pool sync.Pool }

const (
	// bufferSize is what a lent buffer holds at least, in bytes: most mail.
	bufferSize = 16 << 10
	// bufferKeep is the largest buffer that is kept for the next one.
	bufferKeep = ChunkSize + bufferSize
)

// take returns an empty buffer with room for size bytes.
func (b *buffers) take(size int) []byte {
	if kept, ok := b.pool.Get().(*[]byte); ok && cap(*kept) >= size {
		return (*kept)[:0]
	}
	return make([]byte, 0, max(size, bufferSize))
}

// give takes a buffer back. Nobody may use it afterwards.
func (b *buffers) give(p []byte) {
	if cap(p) >= bufferSize && cap(p) <= bufferKeep {
		b.pool.Put(&p)
	}
}
