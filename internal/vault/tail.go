package vault

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"time"

	"mailarchive/internal/mail"
)

// maxLost bounds how many lost records are entered one by one into an index.
const maxLost = 2 * maxSegmentRecords

// tailState collects what a scan of one segment finds.
type tailState struct {
	v        *Vault
	seg      *segment
	end      chain
	hash     hash.Hash
	findings []Finding
	last     int64 // where the last commit begins
	// damagedEnd says that the last commit is damaged: nothing may be written
	// behind it.
	damagedEnd bool
	// closed says that a later segment names this one's length: all of it was
	// acknowledged and nothing in it is torn.
	closed bool
	// next is the seq that the segment behind begins with, 0 when not known:
	// what claims to be it or later belongs to nobody.
	next uint64
}

func (v *Vault) newTail(number int) *tailState {
	return &tailState{v: v, seg: &segment{number: number}}
}

// recoverTail scans the segments that were written last, back to one that
// holds a commit, keeps what is whole and moves the rest aside. It returns the
// newest that holds records; the oldest when none does. The first record of a
// segment behind, in which no commit is whole, is in by, nil when none can be
// read: it says which of the bytes before it belong to nobody.
func (v *Vault) recoverTail(numbers []int, by *Record) (t *tailState, err error) {
	last := len(numbers) - 1
	t = v.newTail(numbers[last])
	err = v.withSegment(t.seg.number, func(f io.ReaderAt, size int64) error {
		committed, err := t.committed(f, size, by)
		if err != nil {
			return err
		}
		sc := v.newScanner(f, committed)
		if err := t.scan(sc); err != nil {
			return err
		}
		before := t
		if t.seg.empty() && last > 0 {
			first, err := t.firstRecord(sc.w)
			if err != nil {
				return err
			}
			if first != nil {
				by = first
			}
			if before, err = v.recoverTail(numbers[:last], by); err != nil {
				return err
			}
			t.end = before.end
		}
		if t.seg.length < size {
			if err := t.settle(sc, size); err != nil {
				return err
			}
		}
		if t.seg.empty() {
			t = before
		}
		if t.hash != nil { // of a segment before this one
			return nil
		}
		v.opened.Damaged = append(v.opened.Damaged, t.findings...)
		t.hash, err = hashOf(f, t.seg.length)
		return err
	})
	if err != nil {
		err = fmt.Errorf("segment %d: %w", numbers[last], err)
	}
	return t, err
}

// committed returns how much of the segment was committed by what a later
// record says. That is believed as long as the bytes behind are what a failed
// sync leaves: one commit whose place in the chain that record took over. A
// copy of an old segment in the place of the last says as much, and is wrong.
func (t *tailState) committed(f io.ReaderAt, size int64, by *Record) (int64, error) {
	if by == nil {
		return size, nil
	}
	said := by.before()
	committed := said.limit(t.seg.number, size)
	sc := t.v.newScanner(f, size)
	for off := committed; off < size; {
		s, err := nextSpan(sc.w, off, t.v.homeOf(t.seg.number))
		if err != nil {
			return 0, err
		}
		wrong := s.mark != nil && s.mark.first != by.Seq
		if _, err := sc.records(s, func(fd found) error {
			wrong = wrong || fd.record.Salt == by.Salt // the ID may be the same
			return nil
		}); err != nil {
			return 0, err
		}
		if wrong {
			return size, nil
		}
		off = s.end
	}
	t.closed = said != nil && said.Segment == t.seg.number
	return committed, nil
}

// firstRecord returns the record that the file begins with if it was written
// there, nil if not or if it is damaged: a segment that was copied in the place
// of this one knows nothing of those before it.
func (t *tailState) firstRecord(w *window) (*Record, error) {
	m, err := w.firstMark()
	if err != nil || m != nil && m.home != t.v.homeOf(t.seg.number) {
		return nil, err
	}
	r, err := t.v.firstRecord(w)
	switch {
	case errors.Is(err, mail.ErrDamaged):
		return nil, nil
	case err != nil || r.Vault != t.v.owner.vault:
		return nil, err
	}
	return r, nil
}

// scan reads commit after commit. It stops before a torn end, so that
// seg.length tells where that begins.
func (t *tailState) scan(sc *scanner) error {
	err := t.v.eachSpan(context.Background(), t.seg.number, sc.w.r, sc.w.limit, (*scanner).readRecords, func(r readSpan) error {
		if t.next > 0 && r.mark != nil && r.mark.first >= t.next {
			return errStop
		}
		if r.end == sc.w.limit && !t.closed {
			if torn, err := t.torn(sc, r.span); torn || err != nil {
				if err == nil {
					err = errStop
				}
				return err
			}
		}
		t.take(r)
		return nil
	})
	if err == errStop {
		return nil
	}
	return err
}

// torn reports whether the last stretch is what a crash left of a commit that
// nobody was told yes for.
func (t *tailState) torn(sc *scanner, s span) (bool, error) {
	if s.mark == nil {
		return true, nil
	}
	whole, err := s.intact(sc.w)
	if whole || err != nil {
		return false, err
	}
	torn, err := sc.missesSector(s)
	t.damagedEnd = !torn
	return torn, err
}

// take enters the records of a span.
func (t *tailState) take(r readSpan) {
	var entries []entry
	r.follow(t.v.owner.vault, func() chain { return t.end }, func(record readRecord) {
		if t.next > 0 && record.seq >= t.next {
			return // it stands in the next segment, and here it is nobody's
		}
		entries = append(entries, record.entry)
		t.end = record.end()
	})
	if r.mark != nil {
		t.end = r.mark.end()
		if r.mark.replaces != nil {
			t.seg.replaces = r.mark.replaces
		}
	}
	entries, lost := t.fill(entries, r.mark)
	t.seg.extend(entries, r.span.end)
	t.last = r.off
	for _, b := range r.bad {
		t.findings = append(t.findings, damagedFrame(t.seg.number, b, lost))
	}
	if r.mark == nil {
		t.findings = append(t.findings, damagedStretch(t.seg.number, r.span))
	}
}

// end returns the chain behind the record.
func (fd found) end() chain {
	received, _ := time.Parse(timeLayout, fd.record.Received) // checked by DecodeRecord
	return chain{seq: fd.seq, head: fd.head, id: fd.id, received: received}
}

// fill puts an entry for each record that should be here and cannot be read.
// The mark knows the ID of its last one, by which segments are searched.
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
	if m != nil && seq <= m.last() {
		gap(m.last())
		id = m.lastID
		gap(m.last() + 1)
	}
	return filled, lost
}

// settle deals with the bytes behind the last commit, up to size: whole
// records that go on with the chain are kept and get a mark, the rest goes to
// torn/. Behind the scanner's limit there is nothing to keep.
func (t *tailState) settle(sc *scanner, size int64) error {
	off := t.seg.length
	s, err := nextSpan(sc.w, off, t.v.homeOf(t.seg.number))
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
func (t *tailState) salvage(sc *scanner, s span) ([]entry, *mark, error) {
	var kept []entry
	m := &mark{home: t.v.homeOf(t.seg.number), offset: s.off}
	for i := 0; i < len(s.frames); {
		some, end, used, err := t.salvageFrame(sc, s.frames[i:])
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
	d, err := sc.w.digest(m.offset, m.body())
	m.digest = d
	return kept, m, err
}

// salvageFrame reads the first of the frames and, when its content stands in
// frames of its own, those. It returns how many frames that took.
func (t *tailState) salvageFrame(sc *scanner, frames []frameSpan) (some []entry, end chain, used int, err error) {
	end, used = t.end, 1
	err = sc.frame(frames[0], frames[1:], func(fd found) error {
		if fd.record.Vault != t.v.owner.vault || fd.seq != end.seq+1 || fd.record.Prev != end.head {
			return errStop
		}
		if err := sc.checkContent(fd); err != nil {
			return err
		}
		end = fd.end()
		some, used = append(some, fd.entry), 1+len(fd.chunks)
		return nil
	})
	return some, end, used, err
}

// hashOf returns the running hash of the first length bytes.
func hashOf(r io.ReaderAt, length int64) (hash.Hash, error) {
	h := sha256.New()
	err := (&window{r: r, limit: length}).each(0, length, func(b []byte) { h.Write(b) })
	return h, err
}
