package vault

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"

	"mailarchive/internal/mail"
)

// A commit mark is a zstd skippable frame (RFC 8878 3.1.2) behind the frames
// of a commit. doc/formats/vault-1.md has the table of its bytes, vault-2.md what
// version 2 has in addition.
const (
	markHeader  = 8 // skippable magic and length
	markName    = "MAcommit"
	markVersion = 1
	// markRewritten is the version of a mark in a segment that was written
	// anew; between table and digest it says what that one was: markReplaces
	// bytes.
	markRewritten = 2
	markReplaces  = 8 + sha256.Size
	markFixed     = 156 // payload before the table of frames
	markMinimum   = markHeader + markFixed + sha256.Size
	// markHome is where UUID, key and number of the segment stand, behind name,
	// version and count.
	markHome = markHeader + 16
	// maxMarkFrames bounds the table: a commit is one message of at most
	// maxContent or a batch of at most maxBatchBytes.
	maxMarkFrames = 1 << 16
	// continuation is set in the table for a frame that goes on with an entry
	// whose tar header stands in a frame before it.
	continuation = 1 << 31
)

// mark closes a commit.
type mark struct {
	home
	offset int64       // of the commit's first frame, from the start of the file
	first  uint64      // seq of its first record
	count  uint32      // records in it
	lastID mail.ID     // of its last record
	head   mail.Digest // of its last record: what the next one names as prev
	frames []uint32    // compressed length of each, with the continuation bit
	digest mail.Digest // of the frames' bytes
	// replaces is the segment as it was closed, when this one stands in its
	// place (Release); nil else.
	replaces *Closed
}

// length returns the mark's size on disk in bytes.
func (m *mark) length() int { return markLength(m.version(), len(m.frames)) }

func (m *mark) version() uint32 {
	if m.replaces != nil {
		return markRewritten
	}
	return markVersion
}

// markLength returns the size in bytes of a mark of that version.
func markLength(version uint32, frames int) int {
	n := markMinimum + 4*frames
	if version == markRewritten {
		n += markReplaces
	}
	return n
}

// body returns the length of the commit's frames in bytes.
func (m *mark) body() int64 {
	var n int64
	for _, f := range m.frames {
		n += int64(f &^ continuation)
	}
	return n
}

// last returns the seq of the commit's last record.
func (m *mark) last() uint64 { return m.first + uint64(m.count) - 1 }

// end returns the chain behind the commit.
func (m *mark) end() chain {
	return chain{seq: m.last(), head: m.head, id: m.lastID, received: m.lastID.Time()}
}

func (m *mark) encode() []byte {
	le := binary.LittleEndian
	b := make([]byte, 0, m.length())
	b = le.AppendUint32(b, skippableMagic)
	b = le.AppendUint32(b, uint32(m.length()-markHeader))
	b = append(b, markName...)
	b = le.AppendUint32(b, m.version())
	b = le.AppendUint32(b, m.count)
	b = append(b, m.vault[:]...)
	b = append(b, m.key[:]...)
	b = le.AppendUint64(b, m.segment)
	b = le.AppendUint64(b, uint64(m.offset))
	b = le.AppendUint64(b, m.first)
	b = append(b, m.lastID[:]...)
	b = append(b, m.head[:]...)
	b = append(b, m.digest[:]...)
	b = le.AppendUint32(b, uint32(len(m.frames)))
	for _, f := range m.frames {
		b = le.AppendUint32(b, f)
	}
	if m.replaces != nil {
		b = le.AppendUint64(b, uint64(m.replaces.Length))
		b = append(b, m.replaces.SHA256[:]...)
	}
	sum := sha256.Sum256(b[markHeader:])
	return append(b, sum[:]...)
}

// decodeMark reads the mark at the start of b, which stands right behind its
// frames when it is at offset at of the file. Whether it belongs there the
// caller looks.
func decodeMark(b []byte, at int64) (*mark, bool) {
	le := binary.LittleEndian
	if !beginsMark(b, nil) {
		return nil, false
	}
	length := int64(le.Uint32(b[4:])) + markHeader
	frames := int64(le.Uint32(b[markHeader+markFixed-4:]))
	version := le.Uint32(b[markHeader+8:])
	if length > int64(len(b)) || frames > maxMarkFrames || length != int64(markLength(version, int(frames))) {
		return nil, false
	}
	payload := b[markHeader : length-sha256.Size]
	if sum := sha256.Sum256(payload); !bytes.Equal(sum[:], b[length-sha256.Size:length]) {
		return nil, false
	}
	m := &mark{
		home:   home{owner{UUID(payload[16:]), markKey(payload[32:])}, le.Uint64(payload[48:])},
		count:  le.Uint32(payload[12:]),
		offset: int64(le.Uint64(payload[56:])), first: le.Uint64(payload[64:]),
		lastID: mail.ID(payload[72:]), head: mail.Digest(payload[88:]), digest: mail.Digest(payload[120:]),
		frames: make([]uint32, frames),
	}
	for i := range m.frames {
		m.frames[i] = le.Uint32(payload[markFixed+4*i:])
	}
	if version == markRewritten {
		said := payload[markFixed+4*frames:]
		m.replaces = &Closed{Segment: int(m.segment), Length: int64(le.Uint64(said)), SHA256: mail.Digest(said[8:])}
	}
	ok := (version == markVersion || version == markRewritten) && m.first > 0 && m.last() >= m.first &&
		m.offset >= 0 && m.offset+m.body() == at
	return m, ok
}

// beginsMark reports whether a mark that belongs there may stand at the start of
// b; with no home, any.
func beginsMark(b []byte, of *home) bool {
	pattern, at := markPattern(of)
	return len(b) >= markMinimum && binary.LittleEndian.Uint32(b) == skippableMagic &&
		string(b[markHeader:markHeader+len(markName)]) == markName && bytes.HasPrefix(b[at:], pattern)
}

// markPattern returns bytes to search marks by and where they stand in one.
// No message can hold those of a home.
func markPattern(of *home) ([]byte, int) {
	if of == nil {
		return []byte(markName), markHeader
	}
	b := append(of.vault[:len(of.vault):len(of.vault)], of.key[:]...)
	return binary.LittleEndian.AppendUint64(b, of.segment), markHome
}
