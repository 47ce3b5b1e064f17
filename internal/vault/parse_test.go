package vault

import (
	"bytes"
	"errors"
	"math"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"mailarchive/internal/mail"
)

// TestParsePair: what a sound frame holds is looked at all the same.
func TestParsePair(t *testing.T) {
	id, other := mail.ID{1}, mail.ID{2}
	record := func(id mail.ID, size int64, bytesIn *mail.ID) []byte {
		r := &Record{Format: 1, Kind: KindArrival, Seq: 1, ID: id, Size: size, Received: "2026-01-02T03:04:05.006Z", BytesIn: bytesIn}
		b, err := r.encode()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	header := func(id mail.ID, suffix string, size int) []byte {
		return appendTarHeader(nil, id.String()+suffix, int64(size), time.Unix(0, 0))
	}
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	r := record(id, 5, nil)
	head := join(header(id, recordSuffix, len(r)), pad(bytes.Clone(r)))
	whole := join(head, header(id, contentSuffix, 5), pad([]byte("hello")))
	large := join(head, header(id, contentSuffix, 5))
	shared := record(id, 5, &other)
	sharing := join(header(id, recordSuffix, len(shared)), pad(bytes.Clone(shared)))
	for _, c := range []struct {
		what  string
		raw   []byte
		flags uint32
		next  int
	}{
		{"whole", whole, entryBytes, len(whole)},
		{"whole with more behind", join(whole, whole), entryBytes, len(whole)},
		{"large", large, entryBytes | entryLarge, len(large)},
		{"shared", sharing, 0, len(sharing)},
		{"released", head, entryReleased, len(head)},
		{"released with another behind", join(head, whole), entryReleased, len(head)},
	} {
		fd, next, err := parsePair(c.raw, 0)
		if err != nil || fd.flags != c.flags || next != c.next || fd.id != id || fd.size != 5 {
			t.Errorf("%s: %+v, next %d (%v)", c.what, fd.entry, next, err)
		}
	}
	for what, raw := range map[string][]byte{
		"nothing":                    nil,
		"content first":              whole[len(head):],
		"record cut":                 head[:tarBlock+20],
		"record of another":          join(header(other, recordSuffix, len(r)), whole[tarBlock:]),
		"record over the limit":      join(header(id, recordSuffix, maxRecord+1), make([]byte, maxRecord+tarBlock)),
		"no JSON":                    join(header(id, recordSuffix, 5), pad([]byte("hello"))),
		"record's padding missing":   head[:tarBlock+len(r)],
		"content of another":         join(head, header(other, contentSuffix, 5), pad([]byte("hello"))),
		"content of another size":    join(head, header(id, contentSuffix, 6), pad([]byte("hello."))),
		"content cut":                whole[:len(whole)-1],
		"content cut in its padding": whole[:len(head)+tarBlock+5],
	} {
		if fd, _, err := parsePair(slices.Clip(raw), 0); !errors.Is(err, mail.ErrDamaged) {
			t.Errorf("%s: %+v, %v", what, fd.entry, err)
		}
	}
}

// TestMarkThatIsNone: its digest is right and something else is not.
func TestMarkThatIsNone(t *testing.T) {
	good := func() mark {
		return mark{home: home{newOwner(), 1}, offset: 100, first: 5, count: 3, frames: []uint32{20, continuation | 30}}
	}
	for _, c := range []struct {
		what   string
		at     int64
		change func(m *mark)
		bytes  func(b []byte)
	}{
		{"good", 150, func(m *mark) {}, nil},
		{"elsewhere", 151, func(m *mark) {}, nil},
		{"frames and place disagree", 150, func(m *mark) { m.frames[0]++ }, nil},
		{"negative place", 150, func(m *mark) { m.offset, m.frames = -100, []uint32{250} }, nil},
		{"no records", 150, func(m *mark) { m.count = 0 }, nil},
		{"record 0", 150, func(m *mark) { m.first = 0 }, nil},
		{"more records than numbers", 150, func(m *mark) { m.first = math.MaxUint64 }, nil},
		{"other version", 150, func(m *mark) {}, func(b []byte) { b[16] = 2 }},
		{"other name", 150, func(m *mark) {}, func(b []byte) { b[8] = 'm' }},
		{"other magic", 150, func(m *mark) {}, func(b []byte) { b[0]++ }},
		{"other length", 150, func(m *mark) {}, func(b []byte) { b[4]++ }},
		{"more frames than bytes", 150, func(m *mark) {}, func(b []byte) { b[160]++ }},
	} {
		m := good()
		c.change(&m)
		b := m.encode()
		if c.bytes != nil {
			c.bytes(b)
			sum := mail.Sum(b[markHeader : len(b)-32])
			copy(b[len(b)-32:], sum[:])
		}
		got, ok := decodeMark(b, c.at)
		if ok != (c.what == "good") {
			t.Errorf("%s: %+v, %v", c.what, got, ok)
		}
		if _, ok := decodeMark(b[:len(b)-1], c.at); ok {
			t.Errorf("%s: taken when cut", c.what)
		}
	}
}

// TestFindMark finds what begins at a place or later, and reads no more than it
// has to for a count of frames that cannot be.
func TestFindMark(t *testing.T) {
	of := home{newOwner(), 1}
	b := noise(1, 5000)
	var ends []int64
	begin := int64(len(b))
	for i := range 3 {
		m := mark{home: of, offset: begin, first: uint64(i + 1), count: 1, frames: []uint32{700}}
		b = append(append(b, noise(uint64(i), 700)...), m.encode()...)
		begin = int64(len(b))
		ends = append(ends, begin)
	}
	r := &countingReader{r: bytes.NewReader(b)}
	w := &window{r: r, limit: int64(len(b))}
	for _, c := range []struct {
		off   int64
		first uint64
	}{{0, 1}, {5000, 1}, {5001, 2}, {ends[0], 2}, {ends[0] + 1, 3}, {ends[1], 3}, {ends[1] + 1, 0}, {ends[2], 0}} {
		m, at, err := w.findMark(c.off, &of)
		switch {
		case err != nil:
			t.Error(err)
		case m == nil && c.first != 0, m != nil && (m.first != c.first || at != m.offset+700):
			t.Errorf("from %d: %+v at %d, want mark %d", c.off, m, at, c.first)
		}
	}
	m := mark{home: of, offset: 0, first: 1, count: 1}
	huge := append(m.encode(), make([]byte, 16<<20)...)
	copy(huge[160:], "\xff\xff\xff\xff")
	r.r, r.n = bytes.NewReader(huge), 0
	w = &window{r: r, limit: int64(len(huge))}
	if _, ok := w.mark(0, &of); ok || r.n > 2*windowSize {
		t.Errorf("%d bytes read for a mark that cannot be", r.n)
	}
}

// TestIndexThatDoesNotFit is not used, whatever its digest says.
func TestIndexThatDoesNotFit(t *testing.T) {
	uuid := newUUID()
	entries := []entry{{seq: 1}, {seq: 2}}
	good := encodeIndex(uuid, 3, 1000, entries)
	for _, c := range []struct {
		what   string
		b      []byte
		uuid   UUID
		number int
		length int64
		ok     bool
	}{
		{"good", good, uuid, 3, 1000, true},
		{"other vault", good, UUID{}, 3, 1000, false},
		{"other segment", good, uuid, 4, 1000, false},
		{"other length", good, uuid, 3, 1001, false},
		{"cut", good[:len(good)-1], uuid, 3, 1000, false},
		{"longer", append(bytes.Clone(good), 0), uuid, 3, 1000, false},
		{"other name", append([]byte("x"), good[1:]...), uuid, 3, 1000, false},
		{"count over all bounds", append(append(bytes.Clone(good[:40]), bytes.Repeat([]byte{0xff}, 8)...), good[48:]...), uuid, 3, 1000, false},
		{"empty", nil, uuid, 3, 1000, false},
	} {
		f, err := openIndex(bytes.NewReader(c.b), int64(len(c.b)), c.uuid, c.number, c.length)
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", c.what, err)
		}
		if err == nil {
			if all, err := f.all(); err != nil || len(all) != 2 || all[1].seq != 2 {
				t.Errorf("%s: %v, %v", c.what, all, err)
			}
		}
	}
	// A count whose bytes wrap around to the right size.
	wrapped := bytes.Clone(good)
	wrapped[47] = 0x20 // 2^61 * 104 is 0 in 64 bits
	if f, err := openIndex(bytes.NewReader(wrapped), int64(len(wrapped)), uuid, 3, 1000); err == nil {
		t.Errorf("%d entries in %d bytes", f.count, len(wrapped))
	}
}

// TestPositionsThatLie give no other message than the one that was asked for.
func TestPositionsThatLie(t *testing.T) {
	l := newLab(t, Options{})
	l.group(noise(1, 2000), noise(2, 2000), noise(3, 2000))
	s := l.v.segments[0]
	good := s.entries[0]
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for what, lie := range map[string]func(e *entry){
		"another record's place": func(e *entry) { e.rawOffset = s.entries[1].rawOffset },
		"behind the frame":       func(e *entry) { e.rawOffset = math.MaxUint32 },
		"inside a record":        func(e *entry) { e.rawOffset += 512 },
		"huge frame":             func(e *entry) { e.frameSize = math.MaxUint32 },
		"no frame":               func(e *entry) { e.frame++ },
		"behind the file":        func(e *entry) { e.frame = 1 << 40 },
		"before the file":        func(e *entry) { e.frame = -1 },
	} {
		lie(&s.entries[0])
		if a, err := l.v.Get(ctx, l.told[0].ID); !errors.Is(err, mail.ErrDamaged) {
			t.Errorf("%s: %+v, %v", what, a, err)
		}
		s.entries[0] = good
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 64<<20 {
		t.Errorf("%d MB allocated", used>>20)
	}
	l.whole()
}

// TestLargeContentWhoseFramesAreOther: each decodes and is not what should
// stand there.
func TestLargeContentWhoseFramesAreOther(t *testing.T) {
	c, err := newCodec(zstd.SpeedFastest)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	row := func(sizes ...int) (b []byte) {
		for _, n := range sizes {
			b = c.compress(b, make([]byte, n))
		}
		return b
	}
	for _, k := range []struct {
		what  string
		b     []byte
		whole bool
	}{
		{"good", row(ChunkSize, 512), true},
		{"first too short", row(ChunkSize-512, 512), false},
		{"last too long", row(ChunkSize, 1024), false},
		{"last missing", row(ChunkSize), false},
	} {
		r := &chunkReader{w: &window{r: bytes.NewReader(k.b), limit: int64(len(k.b))}, codec: c, left: ChunkSize + 3}
		n, err := new(bytes.Buffer).ReadFrom(r)
		if k.whole != (err == nil && n == ChunkSize+3) || err != nil && !errors.Is(err, mail.ErrDamaged) {
			t.Errorf("%s: %d bytes, %v", k.what, n, err)
		}
	}
}
