package vault

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"sync"
	"time"

	"mailarchive/internal/mail"
)

// maxRecord bounds the JSON of a record, in bytes: room for 10,000 recipients
// with long addresses and parameters.
const maxRecord = 8 << 20

// chain is the end of the chain of records: what the next record follows.
type chain struct {
	seq      uint64 // of the last record, 0 before the first
	head     mail.Digest
	id       mail.ID
	received time.Time
}

// after returns when the next record is received by a clock that says now:
// never before its predecessor.
func (c chain) after(now time.Time) time.Time {
	received := now.UTC().Truncate(time.Millisecond)
	if received.Before(c.received) {
		return c.received
	}
	return received
}

// follow returns the record that comes next in the chain, of an arrival until
// it is told otherwise. Received is what after returned.
func (c chain) follow(vault UUID, received time.Time) *Record {
	var salt [16]byte
	rand.Read(salt[:]) // never fails (crypto/rand)
	return &Record{
		Format: arrivalFormat, Vault: vault, Seq: c.seq + 1, Prev: c.head,
		Salt: hex.EncodeToString(salt[:]), Kind: KindArrival,
		ID: mail.NextID(c.id, received), Received: received.Format(timeLayout),
	}
}

// piece is one frame of a commit, or the row of frames of a large content.
type piece struct {
	raw     []byte // whole tar entries, until compress
	frame   []byte
	content *packed // instead of raw
	entries []int   // of the commit, that begin in this frame
}

// packed is content as frames of its own.
type packed struct {
	r      io.ReaderAt
	off    int64
	size   int64    // of the frames together, in bytes
	frames []uint32 // length of each
}

// commit is a batch on its way into a segment.
type commit struct {
	buffers *buffers
	pieces  []*piece
	entries []entry
	mark    mark
	end     chain  // the chain behind it
	seals   []Seal // among its records
}

// add puts the record of one request, and its content if it has any, behind
// those that are there.
func (c *commit) add(r *Record, s *Staged) error {
	if s != nil {
		r.SHA256, r.Size = s.digest(), s.size
	}
	record, err := r.encode()
	if err != nil {
		return err
	}
	if len(record) > maxRecord {
		return fmt.Errorf("envelope takes %d bytes, %d are the limit: %w", len(record), maxRecord, mail.ErrTooLarge)
	}
	fd := found{entry: entryOf(r, len(record)), record: r, json: record, head: mail.Sum(record)}
	var large *packed
	switch {
	case s == nil || r.BytesIn != nil:
	case s.packed != nil:
		fd.flags |= entryBytes | entryLarge
		large = &packed{s.packed.file, 0, s.packed.size, s.frames}
	default:
		fd.flags |= entryBytes
		fd.inline = s.buf
	}
	c.put(fd, large)
	return nil
}

// put puts a record behind those that are there, with the content that its
// flags say: inline, or in frames of its own.
func (c *commit) put(fd found, large *packed) {
	received, _ := time.Parse(timeLayout, fd.record.Received)
	e := fd.entry
	size := tarBlock + padded(int64(len(fd.json)))
	if e.flags&entryBytes != 0 {
		size += tarBlock + padded(int64(len(fd.inline)))
	}
	p := c.room(e, size)
	e.rawOffset = uint32(len(p.raw))
	p.raw = appendTarHeader(p.raw, e.id.String()+recordSuffix, int64(len(fd.json)), received)
	p.raw = pad(append(p.raw, fd.json...))
	if e.flags&entryBytes != 0 {
		p.raw = appendTarHeader(p.raw, e.id.String()+contentSuffix, e.size, received)
		p.raw = pad(append(p.raw, fd.inline...))
	}
	p.entries = append(p.entries, len(c.entries))
	c.entries = append(c.entries, e)
	if large != nil {
		c.pieces = append(c.pieces, &piece{content: large})
	}
	c.end = chain{seq: e.seq, head: fd.head, id: e.id, received: received}
}

// room returns the piece that the entry goes into: the last one if size more
// bytes fit, else a new one. Large content has its header in a frame alone.
func (c *commit) room(e entry, size int64) *piece {
	if n := len(c.pieces); n > 0 && e.flags&entryLarge == 0 {
		if p := c.pieces[n-1]; p.content == nil && int64(len(p.raw))+size <= ChunkSize {
			return p
		}
	}
	p := &piece{raw: c.buffers.take(int(size))}
	c.pieces = append(c.pieces, p)
	return p
}

// finish compresses the frames and makes the mark for a commit
// that will begin at offset of its file. The mark's digest is made by writeTo.
func (c *commit) finish(of home, offset int64, codec *codec) {
	c.compress(codec)
	c.mark = mark{
		home: of, offset: offset, first: c.entries[0].seq, count: uint32(len(c.entries)),
		lastID: c.end.id, head: c.end.head, replaces: c.mark.replaces,
	}
	for _, p := range c.pieces {
		for _, i := range p.entries {
			c.entries[i].frame, c.entries[i].frameSize = offset, uint32(len(p.frame))
		}
		if p.content == nil {
			c.mark.frames = append(c.mark.frames, uint32(len(p.frame)))
			offset += int64(len(p.frame))
			continue
		}
		for _, n := range p.content.frames {
			c.mark.frames = append(c.mark.frames, n|continuation)
			offset += int64(n)
		}
	}
}

// compress makes the frames, on all cores. The last is made here: most commits
// have one only, and a goroutine would cost more than it saves.
func (c *commit) compress(codec *codec) {
	var wg sync.WaitGroup
	for i, p := range c.pieces {
		if p.content != nil {
			continue
		}
		one := func() {
			p.frame = codec.compress(c.buffers.take(len(p.raw)), p.raw)
			c.buffers.give(p.raw)
		}
		if i == len(c.pieces)-1 {
			one()
		} else {
			wg.Go(one)
		}
	}
	wg.Wait()
}

// length returns the commit's size on disk in bytes, its mark included.
func (c *commit) length() int64 { return c.mark.body() + int64(c.mark.length()) }

// writeTo writes frames and mark.
func (c *commit) writeTo(w io.Writer) error {
	digest := sha256.New()
	both := io.MultiWriter(w, digest)
	for _, p := range c.pieces {
		var err error
		if p.content == nil {
			_, err = both.Write(p.frame)
			c.buffers.give(p.frame)
		} else {
			_, err = io.Copy(both, io.NewSectionReader(p.content.r, p.content.off, p.content.size))
		}
		if err != nil {
			return err
		}
	}
	digest.Sum(c.mark.digest[:0])
	_, err := w.Write(c.mark.encode())
	return err
}
