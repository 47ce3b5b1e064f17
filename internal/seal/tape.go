package seal

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
	"os"

	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
	"mailarchive/internal/vault"
)

// tape reads entries by their place. It belongs to one goroutine.
type tape struct {
	file    durable.File
	open    func(offset int64) (io.Reader, error) // reads from that byte of the .tgz on
	members *members                              // nil at the beginning
	d       *decoder
	current expanded
	loaded  bool // current is the member at its offset
}

// tape opens the file.
func (a *Archive) tape() (*tape, error) {
	f, err := a.fs.OpenFile(a.path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	t := &tape{file: f, d: newDecoder()}
	if !a.encrypted {
		t.open = func(offset int64) (io.Reader, error) {
			return io.NewSectionReader(f, offset, math.MaxInt64-offset), nil
		}
		return t, nil
	}
	u, err := a.unlock(f)
	if err != nil {
		f.Close()
		return nil, err
	}
	t.open = func(offset int64) (io.Reader, error) { return u.at(f, offset) }
	return t, nil
}

func (t *tape) close() { t.file.Close() }

// load brings the member at the offset.
func (t *tape) load(offset int64) error {
	if t.loaded && t.current.offset == offset {
		return nil
	}
	if err := t.seek(offset); err != nil {
		return err
	}
	return t.next()
}

// seek puts the tape at a member.
func (t *tape) seek(offset int64) (err error) {
	t.loaded = false
	if t.members == nil || t.members.offset != offset {
		t.members, err = membersAt(t.open, offset, true)
	}
	return err
}

// next brings the member that follows. The error wraps mail.ErrDamaged when it
// is not there.
func (t *tape) next() error {
	t.loaded = false
	offset := t.members.offset
	err := t.members.next(&t.current.member)
	if err == nil && !t.current.sound { // its length cannot be believed, or the buffer is too short
		if t.members, err = membersAt(t.open, offset, false); err == nil {
			err = t.members.next(&t.current.member)
		}
	}
	if err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = fmt.Errorf("the file is cut: %w", mail.ErrDamaged)
		}
		return err
	}
	t.current.expand(t.d)
	t.loaded = true
	return nil
}

// following brings the member behind the current one.
func (t *tape) following() error {
	if err := t.seek(t.current.offset + t.current.length); err != nil {
		return err
	}
	return t.next()
}

// entry opens the entry at a place. What it returns reads exactly its content.
func (t *tape) entry(p place) (entryHead, io.Reader, error) {
	if err := t.load(p.member); err != nil {
		return entryHead{}, nil, err
	}
	if p.at > len(t.current.raw) {
		return entryHead{}, nil, fmt.Errorf("there is no entry at byte %d of the member at %d: %w", p.at, p.member, mail.ErrDamaged)
	}
	head, err := parseTarHeader(t.current.raw[p.at:])
	return head, &entryReader{t: t, member: p.member, at: p.at + tarBlock, left: head.size}, err
}

// record reads the record of a position.
func (t *tape) record(q position) ([]byte, *vault.Record, error) {
	head, r, err := t.entry(q.record)
	if err != nil {
		return nil, nil, err
	}
	if head.name != recordName(q.id) || head.size != int64(q.recordLen) {
		return nil, nil, fmt.Errorf("%s stands where the record of %s should: %w", head.name, q.id, mail.ErrDamaged)
	}
	b := make([]byte, head.size)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, nil, err
	}
	record, err := decodeAt(b, q)
	return b, record, err
}

// content opens the bytes of a position. Small ones are compared here.
func (t *tape) content(q position) (io.Reader, error) {
	head, r, err := t.entry(q.content)
	if err != nil {
		return nil, err
	}
	if _, suffix := head.message(); suffix != contentSuffix || head.size != q.size {
		return nil, fmt.Errorf("%s stands where the bytes of %s should: %w", head.name, q.id, mail.ErrDamaged)
	}
	v := &verified{r: r, hash: sha256.New(), want: q.sha256}
	if q.size > MemberSize {
		return v, nil
	}
	b := make([]byte, 0, q.size)
	buffer := bytes.NewBuffer(b)
	_, err = io.Copy(buffer, v)
	return buffer, err
}

// entryReader reads the content of an entry, from member to member.
type entryReader struct {
	t      *tape
	member int64
	at     int
	left   int64
}

func (e *entryReader) Read(b []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	if !e.t.loaded || e.t.current.offset != e.member {
		return 0, fmt.Errorf("read after the file went on to another message: %w", mail.ErrBadInput)
	}
	if e.at >= len(e.t.current.raw) {
		if err := e.t.following(); err != nil {
			return 0, err
		}
		if e.t.current.field.flags&flagContinues == 0 {
			return 0, fmt.Errorf("an entry does not go on in the next member: %w", mail.ErrDamaged)
		}
		e.member, e.at = e.t.current.offset, 0
	}
	n := copy(b[:min(int64(len(b)), e.left)], e.t.current.raw[e.at:])
	e.at += n
	e.left -= int64(n)
	return n, nil
}

// verified reads r and compares the digest at its end.
type verified struct {
	r    io.Reader
	hash hash.Hash
	want mail.Digest
}

func (v *verified) Read(b []byte) (int, error) {
	n, err := v.r.Read(b)
	v.hash.Write(b[:n])
	if err == io.EOF && mail.Digest(v.hash.Sum(nil)) != v.want {
		err = fmt.Errorf("content is not what came in (its SHA-256 should be %s): %w", v.want, mail.ErrDamaged)
	}
	return n, err
}
