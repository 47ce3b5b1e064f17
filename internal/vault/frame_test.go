package vault

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"mailarchive/internal/mail"
)

// TestFrameLength of frames as different encoders write them.
func TestFrameLength(t *testing.T) {
	raws := [][]byte{{}, []byte("x"), bytes.Repeat([]byte("a"), 500), noise(1, 300), noise(2, 70_000), prose(300_000), make([]byte, 1<<20)}
	dictionary := zstd.WithEncoderDictRaw(7_000_000, prose(2000))
	for _, options := range [][]zstd.EOption{
		nil,
		{zstd.WithEncoderCRC(false)},
		{zstd.WithEncoderLevel(zstd.SpeedBestCompression)},
		{zstd.WithSingleSegment(true)},
		{zstd.WithWindowSize(zstd.MinWindowSize)},
		{zstd.WithZeroFrames(true)},
		{dictionary},
		{dictionary, zstd.WithSingleSegment(true), zstd.WithEncoderCRC(false)},
	} {
		e, err := zstd.NewWriter(nil, options...)
		if err != nil {
			t.Fatal(err)
		}
		for _, raw := range raws {
			frame := e.EncodeAll(raw, nil)
			if len(frame) == 0 {
				continue // nothing makes no frame
			}
			n, err := frameLength(append(bytes.Clone(frame), noise(9, 50)...))
			if err != nil || n != len(frame) {
				t.Errorf("frame of %d bytes: %d (%v)", len(frame), n, err)
			}
			for cut := range min(len(frame), 40) {
				if _, err := frameLength(frame[:cut]); !errors.Is(err, errCut) {
					t.Errorf("%d bytes of %d: %v", cut, len(frame), err)
				}
			}
		}
		e.Close()
	}
	// A stream of unknown length has no content size in its header.
	var b bytes.Buffer
	e, err := zstd.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if _, err := e.Write(prose(200_000)); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if n, err := frameLength(b.Bytes()); err != nil || n != b.Len() {
		t.Errorf("stream of %d bytes: %d (%v)", b.Len(), n, err)
	}
}

func TestNoFrame(t *testing.T) {
	for _, c := range []struct {
		what string
		b    []byte
	}{
		{"skippable", []byte{0x5d, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4}},
		{"zeros", make([]byte, 100)},
		{"reserved bit", []byte{0x28, 0xb5, 0x2f, 0xfd, 0x08, 0, 1, 0, 0}},
		{"reserved block", []byte{0x28, 0xb5, 0x2f, 0xfd, 0x20, 1, 7, 0, 0}},
	} {
		if n, err := frameLength(c.b); !errors.Is(err, errFrame) {
			t.Errorf("%s: %d, %v", c.what, n, err)
		}
	}
}

// TestFramesOfOurs say how much they hold, need a small window and no
// dictionary, and end in a checksum.
func TestFramesOfOurs(t *testing.T) {
	c, err := newCodec(zstd.SpeedFastest)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	for _, raw := range [][]byte{noise(1, 2048), prose(ChunkSize), make([]byte, maxFrameRaw)} {
		frame := c.compress(nil, raw)
		var h zstd.Header
		if err := h.Decode(frame); err != nil {
			t.Fatal(err)
		}
		if !h.HasFCS || h.FrameContentSize != uint64(len(raw)) || !h.HasCheckSum || h.DictionaryID != 0 || h.WindowSize > 8<<20 {
			t.Errorf("header %+v", h)
		}
		if len(frame) > maxFrame {
			t.Errorf("%d bytes, %d are the bound", len(frame), maxFrame)
		}
		if got, err := c.decompress(nil, frame); err != nil || !bytes.Equal(got, raw) {
			t.Errorf("%d bytes came back as %d (%v)", len(raw), len(got), err)
		}
		frame[len(frame)/2] ^= 1
		if _, err := c.decompress(nil, frame); !errors.Is(err, mail.ErrDamaged) {
			t.Errorf("flipped bit: %v", err)
		}
	}
	bomb := c.compress(nil, make([]byte, maxFrameRaw+1))
	if _, err := c.decompress(nil, bomb); !errors.Is(err, mail.ErrDamaged) {
		t.Errorf("a frame that holds too much: %v", err)
	}
}

// TestWindow reads across its own borders, at any place in any order.
func TestWindow(t *testing.T) {
	b := noise(1, 3*windowSize+777)
	r := &countingReader{r: bytes.NewReader(b)}
	w := &window{r: r, limit: int64(len(b)) - 100}
	for _, c := range []struct {
		off  int64
		size int
	}{
		{0, 10}, {windowSize - 5, 10}, {5, windowSize}, {0, 2*windowSize + 1}, {w.limit - 3, 10}, {w.limit, 5}, {w.limit + 50, 5}, {1, 1}, {windowSize, 0},
	} {
		got, err := w.at(c.off, c.size)
		end := min(c.off+int64(c.size), w.limit)
		want := b[min(c.off, end):end]
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("at(%d, %d): %d bytes, want %d (%v)", c.off, c.size, len(got), len(want), err)
		}
	}
	r.n = 0
	for off := int64(0); off < w.limit; off += 1000 {
		if _, err := w.at(off, 1500); err != nil {
			t.Fatal(err)
		}
	}
	if r.n > w.limit+w.limit/10+windowSize {
		t.Errorf("%d bytes read to pass over %d", r.n, w.limit)
	}
	var all []byte
	if err := w.each(10, 2*windowSize, func(p []byte) { all = append(all, p...) }); err != nil || !bytes.Equal(all, b[10:10+2*windowSize]) {
		t.Errorf("each gave %d bytes (%v)", len(all), err)
	}
	if err := w.each(w.limit-5, 10, func([]byte) {}); !errors.Is(err, mail.ErrDamaged) {
		t.Errorf("each over the end: %v", err)
	}
}

// TestFrameAcrossWindows: frames of all sizes are found where they begin.
func TestFrameAcrossWindows(t *testing.T) {
	var b []byte
	var ends []int
	for i := uint64(0); len(b) < 3*windowSize; i++ {
		frame, _ := rawFrame(noise(i, 1+int(i*i*977%400_000)), 0)
		b = append(b, frame...)
		ends = append(ends, len(b))
	}
	frame, _ := rawFrame(noise(1, maxFrameRaw), 0)
	b = append(b, frame...)
	ends = append(ends, len(b))
	w := &window{r: bytes.NewReader(b), limit: int64(len(b))}
	off := 0
	for _, end := range ends {
		frame, err := w.frame(int64(off))
		if err != nil || len(frame) != end-off {
			t.Fatalf("frame at %d: %d bytes, want %d (%v)", off, len(frame), end-off, err)
		}
		off = end
	}
	w = &window{r: w.r, limit: w.limit - 1}
	if _, err := w.frame(int64(ends[len(ends)-2])); !errors.Is(err, errCut) {
		t.Errorf("frame that is cut: %v", err)
	}
}

// TestTarHeaderForOthers: archive/tar reads what is written, in all fields.
func TestTarHeaderForOthers(t *testing.T) {
	id := mail.NextID(mail.ID{}, time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC))
	for _, size := range []int64{0, 1, 511, 512, ChunkSize, maxContent} {
		for _, suffix := range []string{recordSuffix, contentSuffix} {
			b := appendTarHeader([]byte("before"), id.String()+suffix, size, id.Time())
			h, err := tar.NewReader(bytes.NewReader(b[6:])).Next()
			if err != nil {
				t.Fatal(err)
			}
			if h.Name != id.String()+suffix || h.Size != size || !h.ModTime.Equal(id.Time()) || h.Mode != 0o644 ||
				h.Uid != 0 || h.Gid != 0 || h.Typeflag != tar.TypeReg || h.Format != tar.FormatUSTAR {
				t.Errorf("header %+v", h)
			}
			e, err := parseTarHeader(b[6:])
			if err != nil || e.id != id || e.suffix != suffix || e.size != size {
				t.Errorf("read back as %+v (%v)", e, err)
			}
		}
	}
	if b := appendTarHeader(nil, "x", 0, time.Date(1950, 1, 1, 0, 0, 0, 0, time.UTC)); !strings.HasPrefix(string(b[136:]), "00000000000\x00") {
		t.Errorf("time before 1970: %q", b[136:148])
	}
}

func TestTarHeadersOfOthers(t *testing.T) {
	header := func(h tar.Header) []byte {
		var b bytes.Buffer
		if err := tar.NewWriter(&b).WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	id := "01M8RD1XXR75QJMK38Y1WA3V7Q"
	good := header(tar.Header{Name: id + ".eml", Size: 5, Format: tar.FormatUSTAR})
	if _, err := parseTarHeader(good); err != nil {
		t.Errorf("header of archive/tar: %v", err)
	}
	for _, c := range []struct {
		what string
		b    []byte
	}{
		{"other name", header(tar.Header{Name: "x.eml", Format: tar.FormatUSTAR})},
		{"other suffix", header(tar.Header{Name: id + ".txt", Format: tar.FormatUSTAR})},
		{"no suffix", header(tar.Header{Name: id, Format: tar.FormatUSTAR})},
		{"folder in it", header(tar.Header{Name: "a/" + id + ".eml", Format: tar.FormatUSTAR})},
		{"cut", good[:tarBlock-1]},
		{"zeros", make([]byte, tarBlock)},
		{"checksum", append([]byte("1"), good[1:]...)},
	} {
		if e, err := parseTarHeader(c.b); !errors.Is(err, mail.ErrDamaged) {
			t.Errorf("%s: %+v, %v", c.what, e, err)
		}
	}
}

func TestPadded(t *testing.T) {
	for _, c := range [][2]int64{{0, 0}, {1, 512}, {511, 512}, {512, 512}, {513, 1024}, {maxContent, 1 << 33}} {
		if got := padded(c[0]); got != c[1] {
			t.Errorf("padded(%d) = %d, want %d", c[0], got, c[1])
		}
	}
	for n := range 1100 {
		if got := len(pad(make([]byte, n))); int64(got) != padded(int64(n)) {
			t.Errorf("%d bytes padded to %d", n, got)
		}
	}
	for _, c := range []struct{ size, frames int }{{0, 0}, {1, 1}, {ChunkSize, 1}, {ChunkSize + 1, 2}, {3*ChunkSize - 512, 3}, {3 * ChunkSize, 3}} {
		if got := chunks(int64(c.size)); got != c.frames {
			t.Errorf("content of %d bytes takes %d frames, want %d", c.size, got, c.frames)
		}
	}
}

// TestMarkAsThePageSays reads the marks of the sample by the table of
// doc/formats/vault-1.md.
func TestMarkAsThePageSays(t *testing.T) {
	l := sampleLab(t)
	for number := 1; number <= 5; number++ {
		b := l.read(l.name(number, segmentSuffix))
		for _, s := range l.spans(number) {
			m := b[s.markAt():s.end]
			num := func(off, size int) (n uint64) {
				for i := range size {
					n |= uint64(m[off+i]) << (8 * i)
				}
				return n
			}
			n := int(num(160, 4))
			var last found
			records := 0
			sc := l.v.newScanner(bytes.NewReader(b), int64(len(b)))
			if _, err := sc.records(s, func(fd found) error { records++; last = fd; return nil }); err != nil {
				t.Fatal(err)
			}
			for _, c := range []struct {
				what      string
				got, want any
			}{
				{"magic", num(0, 4), uint64(0x184D2A5D)},
				{"length", int(num(4, 4)) + 8, len(m)},
				{"name", string(m[8:16]), "MAcommit"},
				{"version", num(16, 4), uint64(1)},
				{"count", int(num(20, 4)), records},
				{"UUID", UUID(m[24:40]), l.v.owner.vault},
				{"key", markKey(m[40:56]), l.v.owner.key},
				{"segment", int(num(56, 8)), number},
				{"begin", int64(num(64, 8)), s.off},
				{"first", num(72, 8), last.seq - uint64(records) + 1},
				{"last ID", mail.ID(m[80:96]), last.id},
				{"last record", mail.Digest(m[96:128]), last.head},
				{"frames", mail.Digest(m[128:160]), mail.Sum(b[s.off:s.markAt()])},
				{"own digest", mail.Digest(m[164+4*n:]), mail.Sum(m[8 : 164+4*n])},
			} {
				if c.got != c.want {
					t.Errorf("segment %d: %s is %v, want %v", number, c.what, c.got, c.want)
				}
			}
			off := s.off
			for i := range n {
				size, err := frameLength(b[off:])
				if err != nil || int(num(164+4*i, 4)&0x7fffffff) != size {
					t.Errorf("frame %d: length %d, want %d (%v)", i, num(164+4*i, 4), size, err)
				}
				off += int64(size)
			}
		}
	}
}

// TestIndexAsThePageSays reads an index of the sample by its description.
func TestIndexAsThePageSays(t *testing.T) {
	l := sampleLab(t)
	b := l.read(l.name(1, indexSuffix))
	var want bytes.Buffer
	put := func(n uint64, size int) {
		for i := range size {
			want.WriteByte(byte(n >> (8 * i)))
		}
	}
	want.WriteString("MAindex1")
	want.Write(l.v.owner.vault[:])
	put(1, 8)
	put(uint64(len(l.read(l.name(1, segmentSuffix)))), 8)
	put(4, 8)
	want.Write(make([]byte, 64-want.Len()))
	segment := l.read(l.name(1, segmentSuffix))
	sc := l.v.newScanner(bytes.NewReader(segment), int64(len(segment)))
	_, err := sc.records(l.spans(1)[0], func(fd found) error {
		put(fd.record.Seq, 8)
		want.Write(fd.record.ID[:])
		want.Write(fd.record.SHA256[:])
		put(uint64(fd.record.Size), 8)
		put(0, 8) // all in the first frame
		put(uint64(l.spans(1)[0].frames[0].size), 4)
		put(uint64(bytes.Index(sc.raw, fd.json)-tarBlock), 4)
		put(uint64(len(fd.json)), 4)
		put(1, 4)
		want.Write(make([]byte, 16))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	sum := mail.Sum(want.Bytes())
	want.Write(sum[:])
	if !bytes.Equal(b, want.Bytes()) {
		t.Errorf("index is\n%x\nwant\n%x", b, want.Bytes())
	}
}

// TestSteadyReads what a disk gives, and pages of 0xFF where it gives nothing.
func TestSteadyReads(t *testing.T) {
	b := noise(1, 5*page+100)
	for _, bad := range []int64{0, page - 1, page, 2*page + 7, 5*page + 99} {
		l := newLab(t, Options{})
		l.write("/x", b)
		file, err := badSector{l.disk, "/x", bad}.OpenFile("/x", 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		s := steady{file, l.v.log}
		for _, off := range []int64{0, 1, page - 10, 2 * page} {
			got := make([]byte, int64(len(b))-off)
			if n, err := s.ReadAt(got, off); n != len(got) || err != nil && err != io.EOF {
				t.Fatalf("read at %d: %d bytes (%v)", off, n, err)
			}
			for i, c := range got {
				at := off + int64(i)
				want := b[at]
				if at/page == bad/page && off <= bad {
					want = 0xFF
				}
				if c != want {
					t.Fatalf("bad at %d, read at %d: byte %d is %#x, want %#x", bad, off, at, c, want)
				}
			}
		}
		if _, err := s.ReadAt(make([]byte, 10), int64(len(b))-5); err != io.EOF && bad < 5*page {
			t.Errorf("read over the end: %v", err)
		}
		file.Close()
	}
	if fmt.Sprint(page%sector) != "0" {
		t.Error("a page is whole sectors")
	}
}
