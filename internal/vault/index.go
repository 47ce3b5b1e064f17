package vault

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"slices"
	"sort"

	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
)

// Flags of an entry.
const (
	entryBytes    = 1 << iota // the content follows the record
	entryLarge                // it does so in frames of its own
	entryLost                 // the record cannot be read; only its seq is known
	entryReleased             // the content was here and left (Release)
	entryNote                 // the record is no arrival
	entrySeal                 // and of KindSeal
	entryRestored             // it is of KindRestored or KindReturned
)

// entry is the position of one record. What it says of the message is a copy:
// the record in the segment is the truth.
type entry struct {
	seq        uint64
	id         mail.ID // of a lost record: that of the entry before it, or its own
	digest     mail.Digest
	size       int64
	frame      int64  // where in the file its frame begins
	frameSize  uint32 // compressed
	rawOffset  uint32 // of the record's tar header in what the frame holds
	recordSize uint32 // of the JSON
	flags      uint32
	// other is, of a restored record, the ID of the arrival that it tells of;
	// else whose .eml has the content, when it is not here.
	other mail.ID
}

// shares reports whether the content stands in another record of this vault,
// whose ID is other.
func (e *entry) shares() bool {
	return e.flags&(entryBytes|entryLost|entryReleased|entryNote|entryRestored) == 0
}

// The index of a closed segment, NNNNNNNNN.idx, is a header, an entry a
// record in order of seq, and the SHA-256 of all before it. It is derived: a
// missing or unfit one is made again from its segment.
const (
	indexSuffix = ".idx"
	indexName   = "MAindex1"
	indexHeader = 64
	entrySize   = 104
)

func (e *entry) append(b []byte) []byte {
	le := binary.LittleEndian
	b = le.AppendUint64(b, e.seq)
	b = append(b, e.id[:]...)
	b = append(b, e.digest[:]...)
	b = le.AppendUint64(b, uint64(e.size))
	b = le.AppendUint64(b, uint64(e.frame))
	b = le.AppendUint32(b, e.frameSize)
	b = le.AppendUint32(b, e.rawOffset)
	b = le.AppendUint32(b, e.recordSize)
	b = le.AppendUint32(b, e.flags)
	return append(b, e.other[:]...)
}

func decodeEntry(b []byte) entry {
	le := binary.LittleEndian
	return entry{
		seq: le.Uint64(b), id: mail.ID(b[8:24]), digest: mail.Digest(b[24:56]),
		size: int64(le.Uint64(b[56:])), frame: int64(le.Uint64(b[64:])),
		frameSize: le.Uint32(b[72:]), rawOffset: le.Uint32(b[76:]),
		recordSize: le.Uint32(b[80:]), flags: le.Uint32(b[84:]), other: mail.ID(b[88:104]),
	}
}

// encodeIndex returns the bytes of the index of a segment of length bytes.
func encodeIndex(vault UUID, number int, length int64, entries []entry) []byte {
	le := binary.LittleEndian
	b := make([]byte, 0, indexHeader+entrySize*len(entries)+sha256.Size)
	b = append(b, indexName...)
	b = append(b, vault[:]...)
	b = le.AppendUint64(b, uint64(number))
	b = le.AppendUint64(b, uint64(length))
	b = le.AppendUint64(b, uint64(len(entries)))
	b = countsOf(entries).append(b)
	for i := range entries {
		b = entries[i].append(b)
	}
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

// indexFile reads an index on disk.
type indexFile struct {
	r     io.ReaderAt
	count int
	counts
}

// counts are what a start wants to know of a segment without reading its index.
type counts struct{ notes, seals, restored uint32 }

func countsOf(entries []entry) (c counts) {
	for i := range entries {
		c.add(entries[i].flags)
	}
	return c
}

func (c *counts) add(flags uint32) {
	if flags&entryNote != 0 {
		c.notes++
	}
	if flags&entrySeal != 0 {
		c.seals++
	}
	if flags&entryRestored != 0 {
		c.restored++
	}
}

// append writes the counts at the end of an index header. All zeros, checksum
// included, is what format 1 has there.
func (c counts) append(b []byte) []byte {
	le := binary.LittleEndian
	if c == (counts{}) {
		return append(b, make([]byte, indexHeader-len(b))...)
	}
	b = le.AppendUint32(b, c.notes)
	b = le.AppendUint32(b, c.seals)
	b = le.AppendUint32(b, c.restored)
	return le.AppendUint32(b, crc32.ChecksumIEEE(b))
}

// decodeCounts reads the counts out of an index header. What it says here is
// believed at a start, before the digest of the index is looked at.
func decodeCounts(h []byte) (c counts, ok bool) {
	le := binary.LittleEndian
	c = counts{le.Uint32(h[48:]), le.Uint32(h[52:]), le.Uint32(h[56:])}
	said := le.Uint32(h[60:])
	if c == (counts{}) {
		return c, said == 0
	}
	return c, said == crc32.ChecksumIEEE(h[:60])
}

// openIndex checks that the file belongs to the segment and is as long as it
// says. Its digest is checked when all of it is read, not here: a start must be
// quick.
func openIndex(r io.ReaderAt, size int64, vault UUID, number int, length int64) (*indexFile, error) {
	le := binary.LittleEndian
	h := make([]byte, indexHeader)
	if n, err := r.ReadAt(h, 0); n < len(h) {
		return nil, fmt.Errorf("read index: %w", err)
	}
	count := le.Uint64(h[40:])
	c, ok := decodeCounts(h)
	if string(h[:8]) != indexName || UUID(h[8:24]) != vault || le.Uint64(h[24:]) != uint64(number) ||
		int64(le.Uint64(h[32:])) != length || !ok || count > uint64(size) ||
		size != int64(indexHeader+entrySize*count+sha256.Size) {
		return nil, fmt.Errorf("index does not fit its segment: %w", mail.ErrDamaged)
	}
	return &indexFile{r, int(count), c}, nil
}

func (f *indexFile) at(i int) (entry, error) {
	var b [entrySize]byte
	if n, err := f.r.ReadAt(b[:], int64(indexHeader+entrySize*i)); n < len(b) {
		return entry{}, fmt.Errorf("read index: %w", err)
	}
	return decodeEntry(b[:]), nil
}

// all returns the entries after a look at the digest.
func (f *indexFile) all() ([]entry, error) {
	b := make([]byte, indexHeader+entrySize*f.count+sha256.Size)
	if n, err := f.r.ReadAt(b, 0); n < len(b) {
		return nil, fmt.Errorf("read index: %w", err)
	}
	body := len(b) - sha256.Size
	if mail.Sum(b[:body]) != mail.Digest(b[body:]) {
		return nil, fmt.Errorf("index has another digest than it was written with: %w", mail.ErrDamaged)
	}
	entries := make([]entry, f.count)
	for i := range entries {
		entries[i] = decodeEntry(b[indexHeader+i*entrySize:])
	}
	return entries, nil
}

// searchEntries returns the first of n entries for which notBefore holds.
func searchEntries(n int, at func(int) (entry, error), notBefore func(entry) bool) (entry, bool, error) {
	var failed error
	i := sort.Search(n, func(i int) bool {
		e, err := at(i)
		if err != nil {
			failed = err
		}
		return notBefore(e)
	})
	if failed != nil || i == n {
		return entry{}, false, failed
	}
	e, err := at(i)
	return e, err == nil, err
}

// withIndex opens the segment's index for the time of the call.
func (v *Vault) withIndex(s *segment, use func(*indexFile) error) error {
	name := v.path(s.number, indexSuffix)
	f, err := v.fs.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	index, err := openIndex(f, info.Size(), v.owner.vault, s.number, s.length)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return use(index)
}

// writeIndex puts the index of a closed segment on disk. The segment does not
// depend on it.
func (v *Vault) writeIndex(s *segment, entries []entry) error {
	b := encodeIndex(v.owner.vault, s.number, s.length, entries)
	return durable.WriteFile(v.fs, v.path(s.number, indexSuffix), 0o600, func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
}

// currentEntries is entriesOf for who does not open the file too.
func (v *Vault) currentEntries(s *segment) ([]entry, error) {
	v.swap.RLock()
	defer v.swap.RUnlock()
	return v.entriesOf(s)
}

// entriesOf returns the positions of a segment as they are now. An index that
// is missing or damaged is made again. The caller holds swap, if only for
// reading.
func (v *Vault) entriesOf(s *segment) (entries []entry, err error) {
	v.mu.Lock()
	entries, open := s.entries, s.entries != nil || s.empty()
	v.mu.Unlock()
	if open {
		return entries, nil
	}
	err = v.withIndex(s, func(f *indexFile) error {
		entries, err = f.all()
		return err
	})
	if err == nil {
		return entries, nil
	}
	v.log.Error("index cannot be used and is made again", "segment", s.number, "error", err)
	if entries, err = v.mendIndex(s); err != nil {
		return nil, fmt.Errorf("index of segment %d: %w", s.number, err)
	}
	return entries, nil
}

// mendIndex makes the positions of a closed segment again from the segment.
func (v *Vault) mendIndex(s *segment) (entries []entry, err error) {
	v.mending.Lock()
	defer v.mending.Unlock()
	var made *segment
	err = v.withSegment(s.number, func(f io.ReaderAt, _ int64) error {
		made, entries, err = v.makeIndex(s.number, f, s.length, v.firstBehind(s))
		return err
	})
	if err != nil {
		return nil, err
	}
	if made.empty() {
		return nil, fmt.Errorf("no record in it can be read: %w", mail.ErrDamaged)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	s.first, s.last, s.lastID, s.entries, s.counts = made.first, made.last, made.lastID, made.entries, made.counts
	return entries, nil
}

// firstBehind returns the seq that the segment behind begins with, 0 when there
// is none. When that segment's first record is damaged, nobody has said where
// this one ends, and bytes of a refused commit may be in it.
func (v *Vault) firstBehind(s *segment) uint64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	if i := slices.Index(v.segments, s) + 1; i < len(v.segments) {
		return v.segments[i].first
	}
	return 0
}
