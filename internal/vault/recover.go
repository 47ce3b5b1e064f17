package vault

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

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

// Torn is a stretch of bytes that no commit closes, kept in a file of its own.
type Torn struct {
	Segment int
	Offset  int64
	Length  int64 // bytes
	File    string
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
	if err := v.identify(); err != nil {
		return nil, err
	}
	if err := v.writeReadme(); err != nil {
		return nil, err
	}
	numbers, err := v.segmentNumbers()
	if err != nil {
		return nil, err
	}
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
		return v.firstWriter()
	}
	tail, err := v.recoverTail(numbers)
	if err != nil {
		return nil, err
	}
	var segments []*segment
	if next := tail.seg; !next.empty() {
		segments = append(segments, next)
		for i := len(numbers) - 1; i >= 0; i-- {
			if numbers[i] >= tail.seg.number {
				continue
			}
			s, err := v.recoverClosed(numbers[i], next)
			if err != nil {
				return nil, fmt.Errorf("segment %d: %w", numbers[i], err)
			}
			if !s.empty() {
				segments, next = append(segments, s), s
			}
		}
	}
	slices.Reverse(segments)
	v.segments = segments
	return v.newWriter(numbers[len(numbers)-1], tail)
}

func (v *Vault) firstWriter() (*writer, error) {
	w := &writer{v: v, hash: sha256.New(), seg: &segment{number: 1}}
	v.segments = append(v.segments, w.seg)
	var err error
	w.file, err = v.createSegment(1)
	return w, err
}

// newWriter goes on in the file with the last number: the tail itself, or an
// empty one that a crash left behind it.
func (v *Vault) newWriter(last int, tail *tailState) (*writer, error) {
	v.end = tail.end
	w := &writer{v: v, seg: tail.seg, hash: tail.hash, broken: tail.damagedEnd, closed: tail.closed}
	if tail.seg.number != last {
		w.seg, w.hash, w.broken, w.closed = &segment{number: last}, sha256.New(), false, nil
		if !tail.seg.empty() {
			w.closed = &Closed{Segment: tail.seg.number, Length: tail.seg.length, SHA256: mail.Digest(tail.hash.Sum(nil))}
			v.retire(tail.seg)
		}
	}
	if w.seg.empty() {
		v.segments = append(v.segments, w.seg)
	} else {
		w.month = v.month(w.seg.firstID.Time())
	}
	file, err := v.fs.OpenFile(v.path(last, segmentSuffix), os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	w.file = file
	_, err = file.Seek(w.seg.length, io.SeekStart)
	return w, err
}

// recoverClosed takes in a segment that a later one follows.
func (v *Vault) recoverClosed(number int, next *segment) (*segment, error) {
	f, err := v.openSegment(number)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	s := &segment{number: number, length: info.Size()}
	if v.useIndex(s) == nil {
		return s, nil
	}
	// No index, or one for another length: the record behind says how long
	// the segment was when it was closed.
	closed, err := v.closedBefore(next)
	switch {
	case err != nil:
		v.log.Error("no record says how long this segment was", "segment", number, "error", err)
	case closed == nil, closed.Segment < number:
		s.length = 0 // given up before its first commit
	case closed.Segment == number:
		s.length = min(s.length, closed.Length)
	}
	if s.length < info.Size() {
		if err := v.cutTail(number, s.length, info.Size(), nil); err != nil {
			return nil, err
		}
	}
	if s.length == 0 || v.useIndex(s) == nil {
		return s, nil
	}
	return s, v.makeIndex(s, f)
}

// useIndex fills the segment from its index.
func (v *Vault) useIndex(s *segment) error {
	return v.withIndex(s, func(f *indexFile) error {
		if f.count == 0 {
			return mail.ErrDamaged
		}
		first, err := f.at(0)
		if err != nil {
			return err
		}
		last, err := f.at(f.count - 1)
		if err != nil {
			return err
		}
		s.first, s.firstID, s.last, s.lastID = first.seq, first.id, last.seq, last.id
		return nil
	})
}

// makeIndex reads a closed segment and writes its index anew.
func (v *Vault) makeIndex(s *segment, f io.ReaderAt) error {
	t := v.newTail(s.number)
	if err := t.scan(f, s.length); err != nil {
		return err
	}
	v.opened.Indexed = append(v.opened.Indexed, s.number)
	v.opened.Damaged = append(v.opened.Damaged, t.findings...)
	*s = *t.seg
	v.retire(s)
	return nil
}

// closedBefore reads what the segment's first record says of the one before.
func (v *Vault) closedBefore(s *segment) (*Closed, error) {
	f, err := v.openSegment(s.number)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	record, err := v.firstRecord(f, s.length)
	if err != nil {
		return nil, err
	}
	return record.Closed, nil
}

// firstRecord reads the record that a segment begins with.
func (v *Vault) firstRecord(f io.ReaderAt, length int64) (*Record, error) {
	frame, err := (&window{r: f, limit: length}).frame(0)
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

// uuidOfRecords finds the vault's name in its records, for when vault.json is
// gone.
func (v *Vault) uuidOfRecords() (UUID, bool, error) {
	numbers, err := v.segmentNumbers()
	if err != nil {
		return UUID{}, false, err
	}
	bytes := int64(0)
	for _, n := range numbers {
		f, err := v.openSegment(n)
		if err != nil {
			return UUID{}, false, err
		}
		info, err := f.Stat()
		if err == nil {
			bytes += info.Size()
			var r *Record
			if r, err = v.firstRecord(f, info.Size()); err == nil {
				f.Close()
				return r.Vault, true, nil
			}
		}
		f.Close()
	}
	if bytes > maxFrameRaw {
		return UUID{}, false, fmt.Errorf("%s is gone and no segment begins with a readable record; put the file back from a backup: %w", identityFile, mail.ErrDamaged)
	}
	return UUID{}, false, nil
}

// cutTail copies [off, size) of a segment to torn/ and cuts the segment there,
// then appends the mark of records that were kept, if any.
func (v *Vault) cutTail(number int, off, size int64, m *mark) error {
	f, err := v.fs.OpenFile(v.path(number, segmentSuffix), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if off < size {
		if err := v.keepTorn(f, number, off, size); err != nil {
			return err
		}
		if err := f.Truncate(off); err != nil {
			return err
		}
	}
	if m != nil {
		if _, err := f.Seek(off, io.SeekStart); err != nil {
			return err
		}
		if _, err := f.Write(m.encode()); err != nil {
			return kind(err)
		}
	}
	return f.Sync()
}

func (v *Vault) keepTorn(f io.ReaderAt, number int, off, size int64) error {
	base := fmt.Sprintf("%09d-%d", number, off)
	name := filepath.Join(v.folder, tornFolder, base+".bin")
	for i := 2; ; i++ {
		if _, err := v.fs.Stat(name); err != nil {
			break
		}
		name = filepath.Join(v.folder, tornFolder, fmt.Sprintf("%s-%d.bin", base, i))
	}
	err := durable.WriteFile(v.fs, name, 0o600, func(w io.Writer) error {
		_, err := io.Copy(w, io.NewSectionReader(f, off, size-off))
		return err
	})
	if err != nil {
		return fmt.Errorf("keep torn bytes: %w", kind(err))
	}
	t := Torn{Segment: number, Offset: off, Length: size - off, File: strings.TrimPrefix(name, v.folder+"/")}
	v.opened.Torn = append(v.opened.Torn, t)
	v.log.Warn("torn bytes behind the last commit moved aside", "segment", t.Segment, "offset", t.Offset, "length", t.Length, "file", t.File)
	return nil
}

// hashOf returns the running hash of the first length bytes.
func hashOf(r io.ReaderAt, length int64) (hash.Hash, error) {
	h := sha256.New()
	_, err := io.Copy(h, io.NewSectionReader(r, 0, length))
	return h, err
}
