package vault

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"mailarchive/internal/durable"
	"mailarchive/internal/durable/durabletest"
	"mailarchive/internal/mail"
)

// three are contents that take five frames: two have one each, the third has
// one for its record and two for its bytes.
func three() [][]byte {
	return [][]byte{repeated(1, 200_000), repeated(2, 100_000), repeated(3, 2*ChunkSize)}
}

// TestLastMarkFlipped: whoever was told yes for what stands before a damaged
// mark must not lose it to torn/.
func TestLastMarkFlipped(t *testing.T) {
	t.Parallel()
	for _, before := range []int{0, 1, 2} {
		for _, freshSegment := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d commits before, fresh segment %v", before, freshSegment), func(t *testing.T) {
				now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
				l := newLab(t, Options{Clock: func() time.Time { return now }})
				for i := range before {
					l.put(noise(uint64(10+i), 6000))
				}
				if freshSegment {
					now = now.Add(30 * 24 * time.Hour) // another month
				}
				l.group(three()...)
				number := l.v.Stats().Segments
				all := l.spans(number)
				last := all[len(all)-1]
				step := int64(11)
				if raced {
					step = 61
				}
				for off := last.markAt(); off < last.end; off += step {
					whole := l.read(l.name(number, segmentSuffix))
					l.flip(number, off)
					l.restart()
					if kept := l.v.Stats().Recovery.Kept; kept != 3 {
						t.Fatalf("mark flipped at %d: %d records kept", off-last.markAt(), kept)
					}
					l.whole()
					if !bytes.Equal(l.read(l.name(number, segmentSuffix)), whole) {
						t.Error("the mark was not made again as it was")
					}
					l.restart()
					l.nothingTorn()
					l.whole()
					l.v.Close()
					l.write(l.name(number, segmentSuffix), whole)
					l.start()
				}
			})
		}
	}
}

// TestTornCommitWithItsMark: the mark was written and a part of the frames was
// not. Nobody was told yes; the number goes to the next message.
func TestTornCommitWithItsMark(t *testing.T) {
	// (Frame 2 is so small that the sector takes the end of frame 1 along.)
	for frame, kept := range []int{0, 1, 1, 2, 2} {
		t.Run(fmt.Sprintf("frame %d", frame), func(t *testing.T) {
			l := newLab(t, Options{})
			l.put(noise(9, 100))
			l.group(three()...)
			commit := l.spans(1)[1]
			l.zero(1, commit.frames[frame].off+int64(commit.frames[frame].size)/2)
			l.told = l.told[:1+kept]
			l.restart()
			r := l.v.Stats().Recovery
			if r.Kept != kept || len(r.Torn) != 1 || len(r.Damaged) > 0 {
				t.Errorf("recovery: %+v", r)
			}
			l.whole()
			if a := l.put([]byte("next")); a.Seq != uint64(2+kept) {
				t.Errorf("next message is number %d", a.Seq)
			}
			l.crash(durabletest.Nothing)
			l.nothingTorn()
			l.whole()
		})
	}
}

// TestFirstSectorOfACommitIsMissing: it is shared with the commit before, and
// may have room for some bytes of the next one only.
func TestFirstSectorOfACommitIsMissing(t *testing.T) {
	l := newLab(t, Options{})
	for tried := 0; tried < 8; {
		l.put(noise(1, 700))
		end := l.v.Stats().BytesDisk
		shared := sector - end%sector
		if shared > 20 {
			continue
		}
		tried++
		told := l.told
		l.put(noise(2, 8000))
		l.edit(1, func(b []byte) []byte { clear(b[end : end+shared]); return b })
		l.told = told
		l.restart()
		if r := l.v.Stats().Recovery; len(r.Torn) != 1 || len(r.Damaged) > 0 {
			t.Errorf("%d bytes in the shared sector: %+v", shared, r)
		}
		l.whole()
	}
}

// TestZerosInAMessageAreNotATornWrite: noise with zeros in the middle is stored
// as it is. When a bit flips elsewhere in the commit, that is damage, and the
// messages around stay.
func TestZerosInAMessageAreNotATornWrite(t *testing.T) {
	l := newLab(t, Options{})
	zeros := noise(1, 250_000)
	clear(zeros[120_000:121_100])
	l.group(zeros, noise(2, 200_000), noise(3, 200_000))
	commit := l.spans(1)[0]
	w := &window{r: bytes.NewReader(l.read(l.name(1, segmentSuffix))), limit: commit.end}
	if empty, err := w.emptySector(commit.frames[0], 0); !empty || err != nil {
		t.Fatalf("the test wants an empty sector in the first frame (%v)", err)
	}
	l.flip(1, commit.frames[1].off+1000)
	l.restart()
	l.nothingTorn()
	if lost := l.lost(); !slices.Equal(lost, []uint64{2}) {
		t.Errorf("lost %v", lost)
	}
	if a := l.put([]byte("next")); a.Seq != 4 {
		t.Errorf("next message is number %d", a.Seq)
	}
}

func TestDamagedLastCommit(t *testing.T) {
	l := newLab(t, Options{})
	l.put(noise(9, 100))
	l.group(three()...)
	commit := l.spans(1)[1]
	l.flip(1, commit.frames[1].off+100)
	l.restart()
	l.nothingTorn()
	if d := l.v.Stats().Recovery.Damaged; len(d) != 1 || !slices.Equal(d[0].Lost, []uint64{3}) {
		t.Errorf("the start names %v", d)
	}
	if got := l.put([]byte("behind the damage")); got.Seq != 5 || l.v.Stats().Segments != 2 {
		t.Errorf("number %d in %d segments", got.Seq, l.v.Stats().Segments)
	}
	for range 2 {
		if lost := l.lost(); !slices.Equal(lost, []uint64{3}) {
			t.Errorf("lost %v", lost)
		}
		l.counted()
		err := l.v.Walk(ctx, 3, func(i Item) error {
			if a := i.Arrival; a.Seq == 3 && (i.Err == nil || !a.ID.IsZero() || a.Size != 0) {
				t.Errorf("lost record is %+v (%v)", a, i.Err)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		_, findings := verified(t, l.v)
		if len(findings) != 1 || !slices.Equal(findings[0].Lost, []uint64{3}) || !named(findings, 1, commit.frames[1].off) {
			t.Errorf("findings %v", findings)
		}
		l.restart()
	}
}

// TestLostMarkInTheMiddle: the frames before it are read by their own headers.
func TestLostMarkInTheMiddle(t *testing.T) {
	for _, closed := range []bool{false, true} {
		l := newLab(t, Options{})
		l.put(noise(8, 3000))
		l.group(noise(1, 200_000), noise(3, 2*ChunkSize), noise(2, 900))
		l.put(noise(9, 3000))
		commit := l.spans(1)[1]
		l.flip(1, commit.markAt()+50)
		if closed {
			l.o.SegmentSize = 1
			l.restart()
			l.put(noise(7, 3000))
			l.disk.Remove(l.name(1, indexSuffix))
		}
		l.restart()
		l.nothingTorn()
		if lost := l.lost(); len(lost) > 0 {
			t.Errorf("lost %v", lost)
		}
		_, findings := verified(t, l.v)
		if !named(findings, 1, commit.markAt()) {
			t.Errorf("findings %v", findings)
		}
	}
}

func TestMissingSegment(t *testing.T) {
	l := newLab(t, Options{SegmentSize: 1})
	for i := range uint64(4) {
		l.put(noise(i, 3000))
	}
	l.v.Close()
	l.disk.Remove(l.name(2, segmentSuffix))
	l.start()
	if lost := l.lost(); !slices.Equal(lost, []uint64{2}) {
		t.Errorf("lost %v", lost)
	}
	l.counted()
	_, findings := verified(t, l.v)
	if len(findings) != 2 || !slices.Equal(findings[0].Lost, []uint64{2}) || findings[1].Segment != 2 {
		t.Errorf("findings %v", findings)
	}
}

// TestClosedSegmentIsNeverTorn: all of it was acknowledged, whatever a sector
// of it looks like, and the index is not there to tell. The segment behind says
// so even when its own mark is damaged.
func TestClosedSegmentIsNeverTorn(t *testing.T) {
	for _, markFlipped := range []bool{false, true} {
		l := newLab(t, Options{})
		l.group(three()...)
		frame := l.spans(1)[0].frames[1]
		l.o.SegmentSize = 1
		l.restart()
		l.put(noise(9, 3000))
		l.v.Close()
		l.zero(1, frame.off+sector)
		l.disk.Remove(l.name(1, indexSuffix))
		if markFlipped {
			l.flip(2, l.spans(2)[0].markAt()+100)
		}
		l.start()
		if r := l.v.Stats().Recovery; len(r.Torn) > 1 || len(r.Torn) > 0 && r.Torn[0].Segment == 1 || len(r.Damaged) == 0 {
			t.Errorf("recovery: %+v", r)
		}
		for range 2 {
			if lost := l.lost(); !slices.Equal(lost, []uint64{2}) {
				t.Errorf("lost %v", lost)
			}
			l.counted()
			_, findings := verified(t, l.v)
			if !named(findings, 1, frame.off) {
				t.Errorf("findings %v", findings)
			}
			l.restart()
			l.v.loading.Wait()
			if indexed := l.v.Stats().Recovery.Indexed; len(indexed) > 0 {
				t.Errorf("indexes made once more: %v", indexed)
			}
		}
	}
}

// TestClosedSegmentIsCutShort: what is left of it is read.
func TestClosedSegmentIsCutShort(t *testing.T) {
	l := newLab(t, Options{})
	for i := range uint64(3) {
		l.put(noise(i, 3000))
	}
	end := l.spans(1)[1].end
	l.o.SegmentSize = 1
	l.restart()
	l.put(noise(9, 3000))
	for _, cut := range []int64{end + 100, end, 0} {
		l.v.Close()
		l.edit(1, func(b []byte) []byte { return b[:cut] })
		l.disk.Remove(l.name(1, indexSuffix))
		l.start()
		l.nothingTorn()
		want := []uint64{3}
		if cut == 0 {
			want = []uint64{1, 2, 3}
		}
		if lost := l.lost(); !slices.Equal(lost, want) {
			t.Errorf("cut at %d: lost %v", cut, lost)
		}
		l.counted()
		if _, findings := verified(t, l.v); len(findings) == 0 {
			t.Errorf("cut at %d: verify has nothing to say", cut)
		}
	}
}

// TestWholeFramesBehindTheLastMark are kept as far as they follow the chain.
func TestWholeFramesBehindTheLastMark(t *testing.T) {
	for _, c := range []struct {
		what   string
		kept   int
		change []func(*Record)
	}{
		{"good", 2, []func(*Record){alike, alike}},
		{"other vault", 0, []func(*Record){func(r *Record) { r.Vault[0]++ }}},
		{"other predecessor", 0, []func(*Record){func(r *Record) { r.Prev[0]++ }}},
		{"other number", 0, []func(*Record){func(r *Record) { r.Seq++ }}},
		{"second has another predecessor", 0, []func(*Record){alike, func(r *Record) { r.Prev[0]++ }}},
		{"content", 0, nil},
	} {
		x := newTampered(t)
		switch c.change {
		case nil:
			x.commit(same, []byte("a text"), alike)
			x.reframe(func(raw string) string { return strings.Replace(raw, "a text", "b text", 1) })
		default:
			x.commit(same, []byte("a text"), c.change...)
		}
		x.write(x.name(1, segmentSuffix), x.body)
		all := x.spans(1)
		x.edit(1, func(b []byte) []byte { return b[:all[1].markAt()] })
		x.start()
		if r := x.v.Stats().Recovery; r.Kept != c.kept || x.v.Last() != uint64(1+c.kept) || (len(r.Torn) == 1) != (c.kept == 0) {
			t.Errorf("%s: the last is number %d; %+v", c.what, x.v.Last(), r)
		}
		x.whole()
	}
}

// TestUnmarkedRecordHasToFollow: in a stretch that has lost its mark nothing
// counts that does not name the record before it.
func TestUnmarkedRecordHasToFollow(t *testing.T) {
	for _, c := range []struct {
		what   string
		change func(*Record)
		lost   bool
	}{
		{"follows", alike, false},
		{"other predecessor", func(r *Record) { r.Prev[0]++ }, true},
		{"other vault", func(r *Record) { r.Vault[0]++ }, true},
		{"later number", func(r *Record) { r.Seq++ }, true},
		{"earlier number", func(r *Record) { r.Seq-- }, true},
	} {
		x := newTampered(t)
		x.commit(same, []byte("unmarked"), c.change)
		id := x.end.id
		if x.end.seq != 2 {
			x.end.seq = 2
		}
		x.commit(same, []byte("behind"), alike)
		x.write(x.name(1, segmentSuffix), x.body)
		x.flip(1, x.spans(1)[1].markAt()+100)
		x.start()
		_, err := x.v.Get(ctx, id)
		if (err != nil) != c.lost {
			t.Errorf("%s: %v", c.what, err)
		}
		done, findings := verified(t, x.v)
		if want := uint64(3); done.Records != want && !c.lost || c.lost && done.Records != 2 || len(findings) == 0 {
			t.Errorf("%s: verify counts %d records; %v", c.what, done.Records, findings)
		}
	}
}

// TestClosedSegmentThatCannotBeReadAtAll costs what is in it.
func TestClosedSegmentThatCannotBeReadAtAll(t *testing.T) {
	l := newLab(t, Options{SegmentSize: 1})
	for i := range uint64(3) {
		l.put(noise(i, 3000))
	}
	l.v.Close()
	l.edit(2, func(b []byte) []byte { return noise(9, len(b)) })
	l.disk.Remove(l.name(2, indexSuffix))
	l.start()
	if lost := l.lost(); !slices.Equal(lost, []uint64{2}) {
		t.Errorf("lost %v", lost)
	}
	l.counted()
	_, findings := verified(t, l.v)
	if len(findings) == 0 || !slices.ContainsFunc(findings, func(f Finding) bool { return f.Segment == 2 }) {
		t.Errorf("findings %v", findings)
	}
}

// badSector is a disk that gives an error for the byte at off of a file.
type badSector struct {
	durable.FS
	name string
	off  int64
}

func (b badSector) OpenFile(name string, flag int, perm fs.FileMode) (durable.File, error) {
	f, err := b.FS.OpenFile(name, flag, perm)
	if err != nil || name != b.name {
		return f, err
	}
	return badFile{f, b.off}, nil
}

type badFile struct {
	durable.File
	off int64
}

func (b badFile) ReadAt(p []byte, off int64) (int, error) {
	if off <= b.off && b.off < off+int64(len(p)) {
		return 0, &fs.PathError{Op: "read", Path: "segment", Err: syscall.EIO}
	}
	return b.File.ReadAt(p, off)
}

func TestBadSector(t *testing.T) {
	for _, last := range []bool{false, true} {
		l := newLab(t, Options{})
		l.put(noise(1, 20_000))
		l.put(noise(2, 20_000))
		if !last {
			l.put(noise(3, 20_000))
		}
		at := l.spans(1)[1].off + 8000
		l.wrap = func(d durable.FS) durable.FS { return badSector{d, l.name(1, segmentSuffix), at} }
		l.restart()
		l.nothingTorn()
		if lost := l.lost(); !slices.Equal(lost, []uint64{2}) {
			t.Errorf("lost %v", lost)
		}
		_, findings := verified(t, l.v)
		if !named(findings, 1, at) {
			t.Errorf("findings %v", findings)
		}
		l.put(noise(4, 3000))
		l.wrap = nil
		l.restart()
		verified(t, l.v) // mends the index, which has it that record 2 is lost
		if lost := l.lost(); len(lost) > 0 {
			t.Errorf("the disk is well again and %v cannot be read", lost)
		}
	}
}

// TestTornBytesAreKept: they are in torn/, once, and the segment ends before
// them.
func TestTornBytesAreKept(t *testing.T) {
	l := newLab(t, Options{})
	l.put(noise(1, 3000))
	end := l.spans(1)[0].end
	for i, junk := range [][]byte{noise(5, 1), noise(6, 5000), make([]byte, 700)} {
		l.v.Close()
		l.edit(1, func(b []byte) []byte { return append(b, junk...) })
		l.start()
		torn := l.v.Stats().Recovery.Torn
		if len(torn) != 1 || torn[0].Offset != end || torn[0].Length != int64(len(junk)) {
			t.Fatalf("moved aside: %+v", torn)
		}
		if got := l.read("/v/" + torn[0].File); !bytes.Equal(got, junk) {
			t.Errorf("%s has %d bytes, not what was cut off", torn[0].File, len(got))
		}
		if got := l.read(l.name(1, segmentSuffix)); int64(len(got)) != end {
			t.Errorf("segment has %d bytes, %d were committed", len(got), end)
		}
		if names := l.files(".bin"); len(names) != i+1 {
			t.Errorf("in torn/: %v", names)
		}
		l.whole()
	}
	l.crash(durabletest.Nothing)
	l.nothingTorn()
	l.whole()
}

// TestSpoolIsEmptied: what was on its way in when the process died is gone.
func TestSpoolIsEmptied(t *testing.T) {
	l := newLab(t, Options{})
	l.write("/v/spool/17", []byte("half a message"))
	l.write("/v/"+readmeFile+".tmp", []byte("half a page"))
	l.restart()
	for _, name := range []string{"/v/spool/17", "/v/" + readmeFile + ".tmp"} {
		if _, err := l.disk.Stat(name); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still there (%v)", name, err)
		}
	}
}

// TestStartOnAFullDisk: nothing can be stored; what is there can be read.
func TestStartOnAFullDisk(t *testing.T) {
	l := newLab(t, Options{SegmentSize: 1})
	l.put(noise(1, 3000))
	l.put(noise(2, 3000))
	l.disk.SetCapacity(0)
	l.disk.Remove("/v/" + readmeFile)
	l.disk.Remove(l.name(1, indexSuffix))
	l.restart()
	if lost := l.lost(); len(lost) > 0 {
		t.Errorf("lost %v", lost)
	}
	if _, err := tryPut(l.v, noise(3, 3000)); !errors.Is(err, mail.ErrFull) {
		t.Errorf("append: %v", err)
	}
	// A file system that never writes in place has no room for the same bytes.
	l.failing(durabletest.Write, segmentSuffix, -1, durabletest.Fault{Err: syscall.ENOSPC})
	l.restart()
	l.disk.Before(nil)
	l.disk.SetCapacity(1 << 20)
	l.put(noise(4, 3000))
	l.restart()
	l.whole()
}

// TestSegmentInThePlaceOfAnother: what it says of those before it is not true
// of this place.
func TestSegmentInThePlaceOfAnother(t *testing.T) {
	for _, from := range []int{1, 3, 4, -1, -3, -4} {
		l := newLab(t, Options{SegmentSize: 1})
		for i := range uint64(5) {
			l.put(noise(i, 3000))
		}
		l.v.Close()
		b := l.read(l.name(max(from, -from), segmentSuffix))
		if from < 0 {
			b[len(b)-1]++ // and its mark is damaged
		}
		l.write(l.name(5, segmentSuffix), b)
		l.start()
		if lost := l.lost(); !slices.Equal(lost, []uint64{5}) {
			t.Errorf("segment %d as 5: lost %v", from, lost)
		}
		l.counted()
		torn := l.v.Stats().Recovery.Torn
		if len(torn) != 1 || torn[0].Segment != 5 {
			t.Errorf("segment %d as 5: moved aside: %+v", from, torn)
		}
	}
}
