package vault

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"sync"

	"mailarchive/internal/mail"
)

// sharedMinimum is the size in bytes from which a content that is there
// already is not stored again. Below it naming the other arrival saves nothing.
const sharedMinimum = 1 << 10

// contents finds the arrival that holds the bytes with a digest: an open
// hash table of (32 bits of the digest, seq), 8 bytes a slot, so that ten
// million contents take 128 MiB. A find is a hint, the entry decides.
type contents struct {
	mu    sync.Mutex
	slots []contentSlot
	used  int
}

type contentSlot struct{ key, seq uint32 } // seq 0 is free

func contentKey(d mail.Digest) uint32 { return binary.BigEndian.Uint32(d[:]) }

// add notes that the arrival with that seq holds the bytes.
func (c *contents) add(d mail.Digest, seq uint64) {
	if seq > math.MaxUint32 {
		return // such content is stored again: more space, nothing lost
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.used*4 >= len(c.slots)*3 {
		c.grow()
	}
	c.put(contentSlot{contentKey(d), uint32(seq)})
	c.used++
}

func (c *contents) grow() {
	old := c.slots
	c.slots = make([]contentSlot, max(1024, 2*len(old)))
	for _, s := range old {
		if s.seq != 0 {
			c.put(s)
		}
	}
}

func (c *contents) put(s contentSlot) {
	i := c.place(s.key)
	for c.slots[i].seq != 0 {
		i = (i + 1) % len(c.slots)
	}
	c.slots[i] = s
}

func (c *contents) place(key uint32) int {
	return int(uint64(key) * uint64(len(c.slots)) >> 32)
}

// find returns the seqs of the arrivals that may hold the bytes.
func (c *contents) find(d mail.Digest) []uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.slots) == 0 {
		return nil
	}
	var seqs []uint64
	key := contentKey(d)
	for i := c.place(key); c.slots[i].seq != 0; i = (i + 1) % len(c.slots) {
		if c.slots[i].key == key {
			seqs = append(seqs, uint64(c.slots[i].seq))
		}
	}
	return seqs
}

// sameContent looks for an arrival that holds the very same bytes, read back
// and compared.
func (v *Vault) sameContent(s *Staged) (mail.ID, bool) {
	if s.size < sharedMinimum {
		return mail.ID{}, false
	}
	digest := s.digest()
	for _, seq := range v.contents.find(digest) {
		seg, e, err := v.findSeq(seq)
		if err != nil || e.digest != digest || e.size != s.size || e.flags&entryBytes == 0 {
			continue
		}
		stored, err := v.content(seg, e)
		if err != nil {
			v.log.Warn("content did not read back and is stored again", "id", e.id, "error", err)
			continue
		}
		same, err := equal(stored, s.reader())
		stored.Close()
		if err != nil {
			v.log.Warn("content did not read back and is stored again", "id", e.id, "error", err)
		}
		if same {
			return e.id, true
		}
	}
	return mail.ID{}, false
}

// equal reports whether both give the same bytes to their end.
func equal(a, b io.Reader) (bool, error) {
	x, y := make([]byte, 32<<10), make([]byte, 32<<10)
	for {
		n, errX := io.ReadFull(a, x)
		m, errY := io.ReadFull(b, y)
		if !bytes.Equal(x[:n], y[:m]) {
			return false, nil
		}
		if errX != nil || errY != nil {
			return ended(errX) && ended(errY), firstFault(errX, errY)
		}
	}
}

func ended(err error) bool { return err == io.EOF || err == io.ErrUnexpectedEOF }

func firstFault(errs ...error) error {
	for _, err := range errs {
		if err != nil && !ended(err) {
			return err
		}
	}
	return nil
}
