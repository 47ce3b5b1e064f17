package vault

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"math"
	"slices"
	"sync"

	"mailarchive/internal/mail"
)

// sharedMinimum is the size in bytes from which a content that is there
// already is not stored again. Below it naming the other arrival saves nothing.
const sharedMinimum = 1 << 10

// contents finds the arrival that holds the bytes with a digest, or that was
// restored with an ID: an open hash table of (32 bits of it, seq), 8 bytes a
// slot, so that ten million contents take 128 MiB. A find is a hint, the entry
// decides.
type contents struct {
	mu    sync.Mutex
	slots []contentSlot
	used  int
}

type contentSlot struct{ key, seq uint32 } // seq 0 is free

func contentKey(d mail.Digest) uint32 { return binary.BigEndian.Uint32(d[:]) }

// idKey is by what the records of a restored arrival are found.
func idKey(id mail.ID) uint32 { return crc32.ChecksumIEEE(id[:]) }

// add notes that the record with that seq goes with the key.
func (c *contents) add(key uint32, seq uint64) {
	if seq > math.MaxUint32 {
		return // such content is stored again: more space, nothing lost
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.used*4 >= len(c.slots)*3 {
		c.grow()
	}
	c.put(contentSlot{key, uint32(seq)})
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

// find returns the seqs of the records that may go with the key, rising.
func (c *contents) find(key uint32) []uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.slots) == 0 {
		return nil
	}
	var seqs []uint64
	for i := c.place(key); c.slots[i].seq != 0; i = (i + 1) % len(c.slots) {
		if c.slots[i].key == key {
			seqs = append(seqs, uint64(c.slots[i].seq))
		}
	}
	slices.Sort(seqs)
	return seqs
}

// sameContent looks for a record that holds the very same bytes, read back and
// compared. Its segment keeps them until the caller lets go of it (unpin).
func (v *Vault) sameContent(s *Staged) (mail.ID, *segment) {
	if s.size < sharedMinimum {
		return mail.ID{}, nil
	}
	digest := s.digest()
	for _, seq := range v.contents.find(contentKey(digest)) {
		at, ok := v.pin(seq, digest)
		if !ok {
			continue
		}
		stored, err := v.storedAt(at, digest)
		same := false
		if err == nil {
			same, err = equal(stored, s.reader())
			stored.Close()
		}
		if err != nil {
			v.log.Warn("content did not read back and is stored again", "id", at.id, "error", err)
		}
		if same {
			return at.id, at.segment
		}
		v.unpin(at.segment)
	}
	return mail.ID{}, nil
}

// pin finds the record if it holds bytes with that digest which nobody is about
// to release, and keeps it so.
func (v *Vault) pin(seq uint64, digest mail.Digest) (located, bool) {
	at, err := v.locate(func() (*segment, entry, error) {
		s, e, err := v.findSeq(seq)
		if err != nil {
			return s, e, err
		}
		v.mu.Lock()
		defer v.mu.Unlock()
		if e.digest != digest || e.flags&entryBytes == 0 || s.releasing {
			return nil, e, mail.ErrNotFound
		}
		s.pins++
		return s, e, nil
	})
	if err != nil && at.segment != nil {
		v.log.Warn("content did not read back and is stored again", "id", at.id, "error", err)
		v.unpin(at.segment)
	}
	return at, err == nil
}

// unpin ends what pin began. Nil is nothing.
func (v *Vault) unpin(s *segment) {
	if s == nil {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	s.pins--
	v.unpinned.Broadcast()
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

// loadContents makes the table of contents, in the background.
func (v *Vault) loadContents() {
	v.mu.Lock()
	segments := slices.Clone(v.segments)
	last := v.end.seq
	v.mu.Unlock()
	for _, s := range segments {
		select {
		case <-v.stop:
			return
		default:
		}
		entries, err := v.currentEntries(s)
		if err != nil {
			v.log.Warn("index not read; equal contents in it are stored again", "segment", s.number, "error", err)
			continue
		}
		for _, e := range entries {
			if e.seq <= last && e.flags&entryBytes != 0 && e.size >= sharedMinimum {
				v.contents.add(contentKey(e.digest), e.seq)
			}
		}
	}
}
