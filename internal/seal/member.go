package seal

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/flate"

	"mailarchive/internal/mail"
)

// MemberSize is how many raw bytes of the tar file a gzip member holds at
// most. Whole entries are packed up to it; a larger entry is cut.
const MemberSize = 1 << 20

const (
	// maxDeflated bounds the compressed bytes of a member: deflate adds 5
	// bytes to a stored block of at most 65,535 (RFC 1951 3.2.4).
	maxDeflated = MemberSize + MemberSize/1024 + 1024
	// memberHead is the length of a member's header, memberTail that of the
	// CRC-32 and length behind it (RFC 1952 2.3).
	memberHead = len(memberMagic) + fieldSize
	memberTail = 8
	fieldSize  = 37
	// outerField is the length of the second subfield, which the first member
	// of an encrypted file has: SHA-256 of what stands before the encrypted data.
	outerField = 4 + sha256.Size
)

// memberMagic begins every member: gzip, deflate, an extra field, no time, no
// name, unknown system (RFC 1952 2.3.1), then the extra field with our
// subfield "MA" (2.3.1.1). firstMagic is that of the first member of an
// encrypted file, whose extra field is longer.
const (
	memberMagic = "\x1f\x8b\x08\x04\x00\x00\x00\x00\x00\xff\x29\x00MA\x25\x00"
	firstMagic  = "\x1f\x8b\x08\x04\x00\x00\x00\x00\x00\xff\x4d\x00MA\x25\x00"
	outerMagic  = "MK\x20\x00"
)

// What the flags of a member say.
const (
	flagContinues = 1 // begins in the middle of an entry
	flagLast      = 2 // no member follows
	flagOuter     = 4 // has the second subfield
	flagsKnown    = flagContinues | flagLast | flagOuter
)

// mark is the same in all members of a file and known to nobody before it is
// made, so that what a sender writes is never taken for a member.
type mark [8]byte

// memberField is our subfield of a member's header.
type memberField struct {
	flags    byte
	number   uint32 // of the member in the file, from 0
	deflated uint32 // length of the compressed data
	raw      uint32 // length of what it decodes to
	mark     mark
	digest   [16]byte // see memberDigest
}

// encode writes the subfield's bytes.
func (f *memberField) encode(b []byte) {
	b[0] = f.flags
	binary.LittleEndian.PutUint32(b[1:], f.number)
	binary.LittleEndian.PutUint32(b[5:], f.deflated)
	binary.LittleEndian.PutUint32(b[9:], f.raw)
	copy(b[13:], f.mark[:])
	copy(b[21:], f.digest[:])
}

func (f *memberField) decode(b []byte) {
	f.flags = b[0]
	f.number = binary.LittleEndian.Uint32(b[1:])
	f.deflated = binary.LittleEndian.Uint32(b[5:])
	f.raw = binary.LittleEndian.Uint32(b[9:])
	copy(f.mark[:], b[13:])
	copy(f.digest[:], b[21:])
}

// head is the length of the header that the flags ask for.
func (f *memberField) head() int {
	if f.flags&flagOuter != 0 {
		return memberHead + outerField
	}
	return memberHead
}

// length is that of the whole member, in bytes.
func (f *memberField) length() int64 { return int64(f.head()) + int64(f.deflated) + memberTail }

// plausible reports whether the lengths are within what is ever written.
func (f *memberField) plausible() bool {
	return f.flags&^flagsKnown == 0 && f.raw <= MemberSize && f.deflated <= maxDeflated && f.deflated > 0
}

// memberDigest covers all of a member that is not constant, but for the CRC-32
// and length at its end: the first 128 bits of SHA-256 over the 21 bytes of the
// subfield before the digest, the second subfield's digest, and the compressed
// data.
func memberDigest(f memberField, outer, deflated []byte) (d [16]byte) {
	var b [fieldSize]byte
	f.encode(b[:])
	h := sha256.New()
	h.Write(b[:21])
	h.Write(outer)
	h.Write(deflated)
	copy(d[:], h.Sum(nil))
	return d
}

// encoder turns raw bytes into members. It belongs to one goroutine.
type encoder struct {
	deflate *flate.Writer
	out     bytes.Buffer
}

func newEncoder(level int) (*encoder, error) {
	w, err := flate.NewWriter(nil, level)
	if err != nil {
		return nil, fmt.Errorf("compression level %d: %w", level, mail.ErrBadInput)
	}
	return &encoder{deflate: w}, nil
}

// encode appends the member to dst.
func (e *encoder) encode(dst, raw []byte, f memberField, outer []byte) ([]byte, error) {
	e.out.Reset()
	e.deflate.Reset(&e.out)
	if _, err := e.deflate.Write(raw); err != nil {
		return dst, err
	}
	if err := e.deflate.Close(); err != nil {
		return dst, err
	}
	magic := memberMagic
	if outer != nil {
		f.flags |= flagOuter
		magic = firstMagic
	}
	f.raw, f.deflated = uint32(len(raw)), uint32(e.out.Len())
	f.digest = memberDigest(f, outer, e.out.Bytes())
	var field [fieldSize]byte
	f.encode(field[:])
	dst = append(append(dst, magic...), field[:]...)
	if outer != nil {
		dst = append(append(dst, outerMagic...), outer...)
	}
	dst = append(dst, e.out.Bytes()...)
	dst = binary.LittleEndian.AppendUint32(dst, crc32.ChecksumIEEE(raw))
	return binary.LittleEndian.AppendUint32(dst, uint32(len(raw))), nil
}

// readField reads the header that b begins with. ok is false when it is not
// byte for byte one that this package writes; the digest is not looked at.
func readField(b []byte) (f memberField, outer []byte, ok bool) {
	if len(b) < memberHead {
		return f, nil, false
	}
	f.decode(b[len(memberMagic):])
	magic := memberMagic
	if f.flags&flagOuter != 0 {
		magic = firstMagic
	}
	ok = f.plausible() && string(b[:len(magic)]) == magic
	if ok && f.flags&flagOuter != 0 {
		if len(b) < memberHead+outerField || string(b[memberHead:memberHead+4]) != outerMagic {
			return f, nil, false
		}
		outer = b[memberHead+4 : memberHead+outerField]
	}
	return f, outer, ok
}

// decoder turns members into raw bytes. It belongs to one goroutine.
type decoder struct {
	in      bytes.Reader
	inflate io.ReadCloser
}

func newDecoder() *decoder { return &decoder{inflate: flate.NewReader(nil)} }

// expand appends what the compressed data decodes to, at most MemberSize bytes,
// to dst. After an error dst has what came before it.
func (d *decoder) expand(dst, deflated []byte) ([]byte, error) {
	d.in.Reset(deflated)
	if err := d.inflate.(flate.Resetter).Reset(&d.in, nil); err != nil {
		return dst, err
	}
	limit := len(dst) + MemberSize
	for {
		if len(dst) == cap(dst) {
			dst = append(dst, 0)[:len(dst)]
		}
		n, err := d.inflate.Read(dst[len(dst):min(cap(dst), limit+1)])
		dst = dst[:len(dst)+n]
		switch {
		case len(dst) > limit:
			return dst[:limit], fmt.Errorf("member is longer than %d bytes: %w", MemberSize, mail.ErrDamaged)
		case err == io.EOF && d.in.Len() > 0:
			return dst, fmt.Errorf("%d bytes behind the compressed data: %w", d.in.Len(), mail.ErrDamaged)
		case err == io.EOF:
			return dst, nil
		case err != nil:
			return dst, fmt.Errorf("%v: %w", err, mail.ErrDamaged)
		}
	}
}

// verify compares a whole member with its header: digest, lengths, CRC-32. The
// error says what differs and wraps mail.ErrDamaged.
func verify(f memberField, outer, deflated, tail, raw []byte) error {
	switch {
	case memberDigest(f, outer, deflated) != f.digest:
		return fmt.Errorf("digest of the member is not what its header says: %w", mail.ErrDamaged)
	case int(f.raw) != len(raw) || binary.LittleEndian.Uint32(tail[4:]) != f.raw:
		return fmt.Errorf("length of the member is not what its header and end say: %w", mail.ErrDamaged)
	case binary.LittleEndian.Uint32(tail) != crc32.ChecksumIEEE(raw):
		return fmt.Errorf("CRC-32 at the end of the member is wrong: %w", mail.ErrDamaged)
	}
	return nil
}
