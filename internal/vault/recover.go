package vault

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
)

// Recovery is what a start found and did.
type Recovery struct {
	// Torn are stretches behind the last commit, moved aside.
	Torn []Torn
	// Kept is how many records behind the last mark were whole and got a mark:
	// nobody may have been told yes for them.
	Kept int
	// Damaged are faults in the segments that the start had to read.
	Damaged []Finding
	// Indexed are segments whose index was made again.
	Indexed []int
}

// recover makes the folder ready and returns the writer that goes on with it.
func (v *Vault) recover() (*writer, error) {
	for _, folder := range []string{v.folder, filepath.Join(v.folder, tornFolder), filepath.Join(v.folder, spoolFolder)} {
		if err := durable.MakeFolder(v.fs, folder, 0o700); err != nil {
			return nil, err
		}
	}
	if err := v.clearTemporary(); err != nil {
		return nil, err
	}
	numbers, err := v.segmentNumbers()
	if err != nil {
		return nil, err
	}
	if err := v.identify(numbers); err != nil {
		return nil, err
	}
	v.writeReadme()
	return v.recoverSegments(numbers)
}

func (v *Vault) clearTemporary() error {
	spools := filepath.Join(v.folder, spoolFolder)
	entries, err := v.fs.ReadDir(spools)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := v.fs.Remove(filepath.Join(spools, e.Name())); err != nil {
			return err
		}
	}
	return errors.Join(
		durable.RemoveTemporary(v.fs, v.folder),
		durable.RemoveTemporary(v.fs, filepath.Join(v.folder, tornFolder)))
}

// segmentNumbers lists the segments by rising number.
func (v *Vault) segmentNumbers() ([]int, error) {
	entries, err := v.fs.ReadDir(v.folder)
	if err != nil {
		return nil, err
	}
	var numbers []int
	for _, e := range entries {
		if n, ok := segmentNumber(e.Name()); ok {
			numbers = append(numbers, n)
		}
	}
	return numbers, nil
}

// recoverSegments takes in the tails, which a crash may have torn, and then
// the closed segments before them, from the newest back.
func (v *Vault) recoverSegments(numbers []int) (*writer, error) {
	if len(numbers) == 0 {
		return &writer{v: v, seg: &segment{}, hash: sha256.New()}, nil
	}
	tail, err := v.recoverTail(numbers, nil)
	if err != nil {
		return nil, err
	}
	v.end = tail.end
	if next := tail.seg; !next.empty() {
		v.segments = append(v.segments, next)
		for i := slices.Index(numbers, next.number) - 1; i >= 0; i-- {
			s, err := v.recoverClosed(numbers[i], next)
			if err != nil {
				return nil, fmt.Errorf("segment %d: %w", numbers[i], err)
			}
			if !s.empty() {
				v.segments, next = append(v.segments, s), s
			}
		}
	}
	slices.Reverse(v.segments)
	return v.newWriter(numbers, tail)
}

// newWriter goes on behind the tail: in its file, when that is the last one and
// whole to its end, else in a new one. Files behind the tail are empty: they go,
// because a sync of the folder may have failed when they were made, and only a
// name made anew can be made sure.
func (v *Vault) newWriter(numbers []int, tail *tailState) (*writer, error) {
	w := &writer{v: v, seg: tail.seg, hash: tail.hash}
	last := tail.seg.number
	if tail.seg.empty() {
		w.seg, w.hash, last = &segment{}, sha256.New(), 0
	}
	for _, n := range numbers {
		if n > last {
			v.removeEmpty(n)
		}
	}
	if last == 0 {
		return w, nil
	}
	if w.seg.replaces != nil || tail.damagedEnd {
		// A segment that was written anew ends here. The one behind it names
		// what it was, which holds whichever of the two a crash leaves.
		return w, nil
	}
	w.month = v.month(w.seg.lastID.Time())
	w.unsure = &unsure{last, tail.last, w.seg.length}
	file, err := w.secure()
	switch {
	case errors.Is(err, mail.ErrFull):
		v.log.Warn("no space to write the last commit again; it is read and nothing is taken in", "segment", last, "error", err)
		return w, nil
	case err != nil:
		return nil, err
	case numbers[len(numbers)-1] != last:
		return w, file.Close()
	}
	w.file = file
	return w, nil
}

func (v *Vault) removeEmpty(number int) {
	if err := v.fs.Remove(v.path(number, segmentSuffix)); err != nil {
		v.log.Warn("empty segment not removed", "segment", number, "error", err)
	}
}

// recoverClosed takes in a segment that a later one follows.
func (v *Vault) recoverClosed(number int, next *segment) (s *segment, err error) {
	err = v.withSegment(number, func(f io.ReaderAt, size int64) error {
		s = &segment{number: number, length: size}
		if v.useIndex(s, next.first) == nil {
			return nil
		}
		// No index, or one for another length: the segment behind says how
		// long this one was when it was closed.
		said, err := v.saidBy(next)
		if err != nil {
			return err
		}
		s.length = said.limit(number, size)
		if s.length < size {
			if err := v.cutTail(number, s.length, size, nil); err != nil {
				return err
			}
		}
		if s.length == 0 || v.useIndex(s, next.first) == nil {
			return nil
		}
		s, _, err = v.makeIndex(number, f, s.length, next.first)
		return err
	})
	return s, err
}

// limit returns how many bytes of a segment of that size were committed, by
// what the first record behind it says. A segment that is passed over there was
// given up before its first commit.
func (c *Closed) limit(number int, size int64) int64 {
	switch {
	case c == nil || c.Segment > number:
		return size
	case c.Segment < number:
		return 0
	}
	return min(size, c.Length)
}

// before returns what a segment's first record says of those before it: the
// vault's first record that there is nothing in them.
func (r *Record) before() *Closed {
	if r.Closed == nil && r.Seq == 1 {
		return &Closed{}
	}
	return r.Closed
}

// saidBy returns what the segment's first record says of those before it, nil
// when that record is damaged. One that cannot be read today ends the start: it
// may say so tomorrow, and an index made without it would be believed for ever.
func (v *Vault) saidBy(s *segment) (said *Closed, err error) {
	err = v.withSegment(s.number, func(f io.ReaderAt, size int64) error {
		r, err := v.firstRecord(&window{r: f, limit: size})
		switch {
		case err == nil:
			said = r.before()
		case !errors.Is(err, mail.ErrDamaged):
			return err
		default:
			v.log.Error("no record says how long the segment before was", "segment", s.number, "error", err)
		}
		return nil
	})
	if err != nil {
		err = fmt.Errorf("first record of segment %d: %w", s.number, err)
	}
	return said, err
}

// useIndex fills the segment from its index, as far as that can be true: a
// record is there for each number, and next stands in the segment behind.
func (v *Vault) useIndex(s *segment, next uint64) error {
	return v.withIndex(s, func(f *indexFile) error {
		first, err := f.at(0)
		if err != nil {
			return err
		}
		last, err := f.at(f.count - 1)
		if err != nil {
			return err
		}
		if first.seq == 0 || last.seq >= next || last.seq-first.seq != uint64(f.count-1) {
			return fmt.Errorf("index counts from %d to %d: %w", first.seq, last.seq, mail.ErrDamaged)
		}
		s.first, s.last, s.lastID, s.counts = first.seq, last.seq, last.id, f.counts
		return nil
	})
}

// makeIndex reads a closed segment of that length and writes its index anew.
// The segment behind it begins with record next, 0 when there is none. It
// returns the positions, which stay in the segment only when the index could
// not be written.
func (v *Vault) makeIndex(number int, f io.ReaderAt, length int64, next uint64) (*segment, []entry, error) {
	t := v.newTail(number)
	t.closed, t.next = true, next
	if err := t.scan(v.newScanner(f, length)); err != nil {
		return nil, nil, err
	}
	t.seg.length = length
	v.mu.Lock()
	v.opened.Indexed = append(v.opened.Indexed, number)
	v.opened.Damaged = append(v.opened.Damaged, t.findings...)
	v.mu.Unlock()
	entries := t.seg.entries
	v.retire(t.seg)
	return t.seg, entries, nil
}

// firstRecord reads the record that a segment begins with.
func (v *Vault) firstRecord(w *window) (*Record, error) {
	frame, err := w.frame(0)
	if err != nil {
		return nil, err
	}
	raw, err := v.codec.decompress(nil, frame)
	if err != nil {
		return nil, err
	}
	fd, _, err := parsePair(raw, 0)
	return fd.record, err
}
