package seal

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"sort"

	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
)

const (
	indexMagic = "MAseal-1"
	indexHead  = 48
	indexEntry = 100
)

// position is what the index says of one record.
type position struct {
	id        mail.ID
	seq       uint64
	sha256    mail.Digest
	size      int64
	content   place // its own, or that of the arrival that has the bytes
	record    place
	recordLen int
	isMessage bool
}

// positions are what a scan found to be right, by rising ID.
type positions struct {
	length   int64 // of the archive file
	manifest place
	list     []position
}

// positions lists the messages whose record and bytes are right.
func (j *judge) positions() *positions {
	p := &positions{manifest: j.manifestAt}
	for _, a := range j.arrivals {
		holder, held := j.holders[a.content]
		if a.isMessage && !held {
			continue
		}
		q := position{id: a.id, seq: a.seq, sha256: a.content, size: a.size, record: a.recordAt, recordLen: a.recordLen, isMessage: a.isMessage}
		if a.isMessage {
			q.content = j.arrivals[holder].contentAt
		}
		p.list = append(p.list, q)
	}
	return p
}

// writeIndex puts the index beside the archive file. It can be made again, so
// a crash may take it.
func writeIndex(fsys durable.FS, path string, p *positions) error {
	return durable.WriteFile(fsys, path+indexSuffix, 0o600, func(w io.Writer) error {
		b := bufio.NewWriterSize(w, 64<<10)
		if _, err := b.Write(p.head()); err != nil {
			return err
		}
		for _, q := range p.list {
			if _, err := b.Write(q.encode()); err != nil {
				return err
			}
		}
		return b.Flush()
	})
}

func (p *positions) head() []byte {
	b := make([]byte, indexHead-4, indexHead)
	copy(b, indexMagic)
	binary.LittleEndian.PutUint64(b[8:], uint64(p.length))
	binary.LittleEndian.PutUint64(b[16:], uint64(len(p.list)))
	binary.LittleEndian.PutUint64(b[24:], uint64(p.manifest.member))
	binary.LittleEndian.PutUint32(b[32:], uint32(p.manifest.at))
	return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

func (q *position) encode() []byte {
	b := make([]byte, 0, indexEntry)
	b = append(b, q.id[:]...)
	b = append(b, q.sha256[:]...)
	for _, v := range []int64{int64(q.seq), q.size, q.content.member, q.record.member} {
		b = binary.LittleEndian.AppendUint64(b, uint64(v))
	}
	length := uint32(q.recordLen) << 1
	if q.isMessage {
		length |= 1
	}
	// An entry's header stands at a whole block below 1 MiB: two bytes would do
	// for each, but for the room of a later larger member.
	for _, v := range []uint32{uint32(q.content.at), uint32(q.record.at), length} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	b = b[:indexEntry-8] // 16+32+32+12 bytes
	b = append(b, 0, 0, 0, 0)
	return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

// decodePosition reads one entry. Errors wrap mail.ErrDamaged.
func decodePosition(b []byte) (q position, err error) {
	if len(b) != indexEntry || binary.LittleEndian.Uint32(b[indexEntry-4:]) != crc32.ChecksumIEEE(b[:indexEntry-4]) {
		return q, fmt.Errorf("entry of the index: %w", mail.ErrDamaged)
	}
	copy(q.id[:], b)
	copy(q.sha256[:], b[16:])
	u64 := func(at int) uint64 { return binary.LittleEndian.Uint64(b[at:]) }
	u32 := func(at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
	q.seq, q.size, q.content.member, q.record.member = u64(48), int64(u64(56)), int64(u64(64)), int64(u64(72))
	q.content.at, q.record.at, q.recordLen, q.isMessage = int(u32(80)), int(u32(84)), int(u32(88)>>1), u32(88)&1 == 1
	if q.size < 0 || q.content.member < 0 || q.record.member < 0 || max(q.content.at, q.record.at) > MemberSize || q.recordLen > maxRecord {
		return q, fmt.Errorf("entry of the index: %w", mail.ErrDamaged)
	}
	return q, nil
}

// index gives positions: from a file, a few at a time, or from memory.
type index struct {
	r        io.ReaderAt
	close    func() error
	length   int64
	count    int
	manifest place
}

// openIndex opens the index of an archive file of that length. Errors wrap
// mail.ErrDamaged when it is another file's, or fs.ErrNotExist.
func openIndex(fsys durable.FS, path string, length int64) (*index, error) {
	f, err := fsys.OpenFile(path+indexSuffix, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil {
		var x *index
		if x, err = readIndex(f, info.Size(), length); err == nil {
			x.close = f.Close
			return x, nil
		}
	}
	return nil, errors.Join(err, f.Close())
}

// readIndex reads the head of an index that has size bytes.
func readIndex(r io.ReaderAt, size, length int64) (*index, error) {
	var b [indexHead]byte
	if _, err := r.ReadAt(b[:], 0); err != nil && err != io.EOF {
		return nil, err
	}
	x := &index{r: r, close: func() error { return nil }}
	x.length = int64(binary.LittleEndian.Uint64(b[8:]))
	count := binary.LittleEndian.Uint64(b[16:])
	x.manifest = place{int64(binary.LittleEndian.Uint64(b[24:])), int(binary.LittleEndian.Uint32(b[32:]))}
	if string(b[:8]) != indexMagic || binary.LittleEndian.Uint32(b[indexHead-4:]) != crc32.ChecksumIEEE(b[:indexHead-4]) ||
		x.length != length || count != uint64(size-indexHead)/indexEntry || (size-indexHead)%indexEntry != 0 ||
		x.manifest.member < 0 || x.manifest.at > MemberSize {
		return nil, fmt.Errorf("index is not that of this file: %w", mail.ErrDamaged)
	}
	x.count = int(count)
	return x, nil
}

// inMemory returns an index of positions that were just found.
func (p *positions) inMemory() *index {
	var b bytes.Buffer
	b.Write(p.head())
	for _, q := range p.list {
		b.Write(q.encode())
	}
	x, err := readIndex(bytes.NewReader(b.Bytes()), int64(b.Len()), p.length)
	if err != nil { // a bug: it was just made
		return &index{r: bytes.NewReader(nil), close: func() error { return nil }}
	}
	return x
}

// at returns entry number i.
func (x *index) at(i int) (position, error) {
	var b [indexEntry]byte
	if _, err := x.r.ReadAt(b[:], indexHead+int64(i)*indexEntry); err != nil && err != io.EOF {
		return position{}, err
	}
	return decodePosition(b[:])
}

// find returns the entry of an ID. Errors: mail.ErrNotFound, mail.ErrDamaged.
func (x *index) find(id mail.ID) (position, error) {
	var failed error
	i := sort.Search(x.count, func(i int) bool {
		q, err := x.at(i)
		failed = errors.Join(failed, err)
		return bytes.Compare(q.id[:], id[:]) >= 0
	})
	if failed != nil {
		return position{}, failed
	}
	if i < x.count {
		if q, err := x.at(i); err != nil || q.id == id {
			return q, err
		}
	}
	return position{}, fmt.Errorf("message %s is not in the archive file: %w", id, mail.ErrNotFound)
}
