package vault

import (
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"mailarchive/internal/mail"
)

// sector is the unit that a disk writes whole or not at all, in bytes.
const sector = 512

// maxLost bounds how many lost records are entered one by one into an index.
const maxLost = 2 * maxSegmentRecords

// tailState collects what a scan of one segment finds.
type tailState struct {
	v        *Vault
	seg      *segment
	end      chain
	closed   *Closed // of the segment's first record
	hash     hash.Hash
	findings []Finding
	// damagedEnd says that the last commit is damaged: nothing may be written
	// behind it.
	damagedEnd bool
}

func (v *Vault) newTail(number int) *tailState {
	return &tailState{v: v, seg: &segment{number: number}}
}

// recoverTail scans the segments that were written last, back to one that
// holds a commit, keeps what is whole and moves the rest aside. It returns the
// newest that holds records; the oldest when none does.
func (v *Vault) recoverTail(numbers []int) (*tailState, error) {
	number := numbers[len(numbers)-1]
	f, err := v.openSegment(number)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	t := v.newTail(number)
	if err := t.scan(f, info.Size()); err != nil {
		return nil, fmt.Errorf("segment %d: %w", number, err)
	}
	before := t
	if t.seg.empty() && len(numbers) > 1 {
		if before, err = v.recoverTail(numbers[:len(numbers)-1]); err != nil {
			return nil, err
		}
		t.end = before.end
	}
	if t.seg.length < info.Size() {
		if err := t.settle(f, info.Size()); err != nil {
			return nil, fmt.Errorf("segment %d: %w", number, err)
		}
	}
	if t.seg.empty() {
		t = before
	}
	if t.hash != nil {
		return t, nil
	}
	v.opened.Damaged = append(v.opened.Damaged, t.findings...)
	t.hash, err = hashOf(f, t.seg.length)
	return t, err
}

// scan reads commit after commit up to size. It stops before a torn end, so
// that seg.length tells where that begins.
func (t *tailState) scan(r io.ReaderAt, size int64) error {
	sc := t.v.newScanner(r, size)
	for off := int64(0); off < size; {
		s, err := nextSpan(sc.w, off, t.v.uuid)
		if err != nil {
			return err
		}
		if s.mark == nil && s.end == size {
			return nil
		}
		last := s.end == size
		whole := false
		if s.mark != nil {
			if whole, err = s.intact(r); err != nil {
				return err
			}
		}
		if !whole && last {
			if torn, err := hasEmptySector(r, s.off, s.end); err != nil || torn {
				return err
			}
			t.damagedEnd = true
		}
		if err := t.take(sc, s); err != nil {
			return err
		}
		off = s.end
	}
	return nil
}

// take enters the records of a span.
func (t *tailState) take(sc scanner, s span) error {
	var entries []entry
	bad, err := sc.records(s, func(fd found) error {
		if !t.belongs(fd, s.mark, entries) {
			return fmt.Errorf("record %d is out of place: %w", fd.seq, mail.ErrDamaged)
		}
		if t.seg.empty() && len(entries) == 0 {
			t.closed = fd.record.Closed
		}
		entries = append(entries, fd.entry)
		received, _ := time.Parse(timeLayout, fd.record.Received)
		t.end = chain{seq: fd.seq, head: mail.Sum(fd.json), id: fd.id, received: received}
		return nil
	})
	if err != nil {
		return err
	}
	if m := s.mark; m != nil {
		t.end = chain{seq: m.last(), head: m.head, id: m.lastID, received: m.lastID.Time()}
	}
	entries, lost := t.fill(entries, s.mark)
	t.seg.extend(entries, s.end)
	for _, b := range bad {
		t.findings = append(t.findings, damagedFrame(t.seg.number, b, lost))
	}
	if s.mark == nil || s.broken {
		t.findings = append(t.findings, damagedStretch(t.seg.number, s))
	}
	return nil
}

// belongs reports whether the record may stand here: of this vault, later than
// what came before, within the mark.
func (t *tailState) belongs(fd found, m *mark, before []entry) bool {
	after := t.seg.last
	if len(before) > 0 {
		after = before[len(before)-1].seq
	}
	return fd.record.Vault == t.v.uuid && fd.seq > after &&
		(m == nil || fd.seq >= m.first && fd.seq <= m.last())
}

// fill puts an entry for each record that should be here and cannot be read.
func (t *tailState) fill(entries []entry, m *mark) (filled []entry, lost []uint64) {
	seq, id := t.seg.last+1, t.seg.lastID
	switch {
	case !t.seg.empty():
	case m != nil:
		seq = m.first
	case len(entries) > 0:
		seq = entries[0].seq
	}
	gap := func(to uint64) {
		for ; seq < to && len(lost) < maxLost; seq++ {
			filled = append(filled, entry{seq: seq, id: id, flags: entryLost})
			lost = append(lost, seq)
		}
	}
	for _, e := range entries {
		gap(e.seq)
		filled, seq, id = append(filled, e), e.seq+1, e.id
	}
	if m != nil {
		gap(m.last() + 1)
	}
	return filled, lost
}

// settle deals with the bytes behind the last commit: whole records that go on
// with the chain are kept and get a mark, the rest goes to torn/.
func (t *tailState) settle(r io.ReaderAt, size int64) error {
	off := t.seg.length
	sc := t.v.newScanner(r, size)
	s, err := nextSpan(sc.w, off, t.v.uuid)
	if err != nil {
		return err
	}
	kept, m, err := t.salvage(sc, s)
	if err != nil {
		return err
	}
	end := off
	if m != nil {
		end += m.body()
	}
	if err := t.v.cutTail(t.seg.number, end, size, m); err != nil {
		return err
	}
	if m == nil {
		return nil
	}
	t.v.opened.Kept += len(kept)
	t.v.log.Warn("whole records behind the last commit kept", "segment", t.seg.number, "records", len(kept), "first", m.first)
	t.seg.extend(kept, end+int64(m.length()))
	return nil
}

var errStop = errors.New("stop")

// salvage returns the entries of the whole frames at the start of a stretch
// whose records follow the chain, and a mark for them; a nil mark when there
// are none.
func (t *tailState) salvage(sc scanner, s span) ([]entry, *mark, error) {
	var kept []entry
	m := &mark{vault: t.v.uuid, offset: s.off}
	for i := 0; i < len(s.frames); {
		var some []entry
		end, used := t.end, 1
		err := sc.frame(s.frames[i], s.frames[i+1:], func(fd found) error {
			if fd.record.Vault != t.v.uuid || fd.seq != end.seq+1 || fd.record.Prev != end.head {
				return errStop
			}
			if err := sc.checkContent(fd); err != nil {
				return err
			}
			if t.seg.empty() && len(kept)+len(some) == 0 {
				t.closed = fd.record.Closed
			}
			received, _ := time.Parse(timeLayout, fd.record.Received)
			end = chain{seq: fd.seq, head: mail.Sum(fd.json), id: fd.id, received: received}
			some, used = append(some, fd.entry), 1+len(fd.chunks)
			return nil
		})
		if err == errStop || errors.Is(err, mail.ErrDamaged) {
			break
		}
		if err != nil {
			return nil, nil, err
		}
		for j, f := range s.frames[i : i+used] {
			size := uint32(f.size)
			if j > 0 {
				size |= continuation
			}
			m.frames = append(m.frames, size)
		}
		kept, t.end, i = append(kept, some...), end, i+used
	}
	if len(kept) == 0 {
		return nil, nil, nil
	}
	m.first, m.count, m.lastID, m.head = kept[0].seq, uint32(len(kept)), t.end.id, t.end.head
	h, err := digestOf(sc.w.r, m.offset, m.body())
	m.digest = h
	return kept, m, err
}

// checkContent reads the content of a record and compares its digest. Content
// that stands in another record is that one's to check.
func (sc scanner) checkContent(fd found) error {
	if fd.flags&entryBytes == 0 {
		return nil
	}
	if fd.flags&entryLarge == 0 {
		if mail.Sum(fd.inline) != fd.digest {
			return fmt.Errorf("content of %s has another digest than its record says: %w", fd.id, mail.ErrDamaged)
		}
		return nil
	}
	return sc.checkLarge(fd)
}

// hasEmptySector reports whether a whole sector of [off, end), or the part of
// one at either end, holds only zeros: what a write that did not complete
// leaves. Compressed bytes never do.
func hasEmptySector(r io.ReaderAt, off, end int64) (bool, error) {
	const enough = 16
	w := &window{r: r, limit: end}
	for off < end {
		b, err := w.at(off, sector-int(off%sector))
		if err != nil {
			return false, err
		}
		if len(b) >= enough && allZero(b) {
			return true, nil
		}
		off += int64(len(b))
	}
	return false, nil
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

func digestOf(r io.ReaderAt, off, length int64) (d mail.Digest, err error) {
	h, err := hashOf(io.NewSectionReader(r, off, length), length)
	return mail.Digest(h.Sum(nil)), err
}
