package vault

import (
	"bytes"
	"encoding/binary"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/klauspost/compress/zstd"

	"mailarchive/internal/mail"
)

// FuzzRecord: whatever is taken for a record says the same again when it is
// written and read once more, string by string and byte by byte.
func FuzzRecord(f *testing.F) {
	l := newLab(f, Options{SegmentSize: 1})
	for _, e := range envelopes {
		if _, err := tryPutFor(l.v, noise(1, 2000), e); err != nil {
			f.Fatal(err)
		}
	}
	if err := l.v.Walk(ctx, 0, func(i Item) error { f.Add(i.Record); return nil }); err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(`{"format":1,"seq":1,"id":"01KAV6HM00000000000000000A","received":"2026-11-24T12:00:00.000Z","base64":{"rcpt_params/x/0":"/w==","helo":"!"}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := DecodeRecord(b)
		if err != nil {
			if !errors.Is(err, mail.ErrDamaged) {
				t.Fatalf("error of another kind: %v", err)
			}
			return
		}
		want := r.Arrival()
		written, err := r.encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := DecodeRecord(written)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, written)
		}
		if !r.HasContent() {
			return // has no envelope
		}
		if diff := cmp.Diff(want, again.Arrival(), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("came back changed:\n%s\n%s", written, diff)
		}
	})
}

// envelopes have all that an envelope may have, bytes of any kind among it.
var envelopes = []mail.Envelope{
	{Source: "smtp"},
	{
		Source: "lmtp", From: "a\xff@example.org", FromParams: []string{"SIZE=3", "X=\xfe"},
		To: []mail.Recipient{
			{Address: "b@example.org"}, {Address: "\x00\xc3", Params: []string{"NOTIFY=NEVER", "\xe9"}},
			{Address: "ü <&>\u2028@example.org", Params: []string{"ORCPT=rfc822;x"}},
		},
		Client: "[2001:db8::1]:25", Helo: "mx\xff", Auth: "u\xff", TLS: "TLSv1.3\xff",
	},
	{
		Source: "import:mbox", Origin: &mail.Origin{
			Path: "/srv/\xe4.mbox", Folder: "Sent/\xff", Flags: "FRS", Owner: "o\xff@example.org",
			Delivered: time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC), FromLine: "From \xff", Key: mail.Sum([]byte("key")),
		},
	},
}

// FuzzFrameLength: a frame that the decoder takes is exactly as long as its
// headers say, and what is cut off it is missed.
func FuzzFrameLength(f *testing.F) {
	c, err := newCodec(zstd.SpeedFastest)
	if err != nil {
		f.Fatal(err)
	}
	for _, raw := range [][]byte{nil, []byte("x"), make([]byte, 300_000), noise(1, 3000), bytes.Repeat(noise(2, 100), 50)} {
		f.Add(c.compress(nil, raw))
	}
	frame, _ := rawFrame(noise(3, 500), 0)
	f.Add(frame)
	f.Add([]byte{0x28, 0xb5, 0x2f, 0xfd, 0xa4, 1, 2, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := frameLength(b)
		if err != nil {
			if !errors.Is(err, mail.ErrDamaged) {
				t.Fatalf("error of another kind: %v", err)
			}
			return
		}
		if n < 5 || n > len(b) {
			t.Fatalf("length %d of %d bytes", n, len(b))
		}
		for _, cut := range []int{0, 4, n / 2, n - 1} {
			if _, err := frameLength(b[:cut]); err == nil {
				t.Fatalf("frame of %d bytes is whole when %d of them are there", n, cut)
			}
		}
		whole, err := c.decompress(nil, b[:n])
		if err != nil {
			return
		}
		// The decoder reads frame after frame: with half a frame behind, it has
		// to complain of that one, having come to the end of the first.
		if _, err := c.decompress(nil, append(bytes.Clone(b[:n]), 0x28, 0xb5, 0x2f, 0xfd)); err == nil {
			t.Fatal("the decoder does not end where the frame does")
		}
		twice, err := c.decompress(nil, append(bytes.Clone(b[:n]), b[:n]...))
		if err == nil && len(twice) != 2*len(whole) {
			t.Fatalf("two frames hold %d bytes, one %d", len(twice), len(whole))
		}
	})
}

// FuzzMark: what is taken for a mark is written as the same bytes again.
func FuzzMark(f *testing.F) {
	o := home{owner{UUID{1}, markKey{2}}, 6}
	for _, frames := range [][]uint32{nil, {5}, {5, continuation | 7, 9}} {
		m := mark{home: o, first: 3, count: 2, lastID: mail.ID{4}, frames: frames}
		f.Add(m.encode(), int64(m.body()))
		m.offset = 77
		f.Add(m.encode(), 77+m.body())
	}
	f.Fuzz(func(t *testing.T, b []byte, at int64) {
		// The digest is made right, or nothing would ever come past it.
		b = bytes.Clone(b)
		if n := len(b) - 32; n > markHeader {
			sum := mail.Sum(b[markHeader:n])
			copy(b[n:], sum[:])
		}
		m, ok := decodeMark(b, at)
		if !ok {
			return
		}
		if m.first == 0 || m.count == 0 || m.last() < m.first || m.offset < 0 || m.offset+m.body() != at {
			t.Fatalf("mark %+v at %d", m, at)
		}
		if got := m.encode(); !bytes.Equal(got, b[:len(got)]) {
			t.Fatalf("written anew as\n%x\nwas\n%x", got, b)
		}
	})
}

// FuzzTarHeader: what is taken for a header of ours is one, byte by byte, but
// for fields that nobody reads.
func FuzzTarHeader(f *testing.F) {
	id := mail.NextID(mail.ID{}, time.Unix(1_700_000_000, 0))
	for _, size := range []int64{0, 1, maxContent} {
		f.Add(appendTarHeader(nil, id.String()+recordSuffix, size, id.Time()))
		f.Add(appendTarHeader(nil, id.String()+contentSuffix, size, id.Time()))
	}
	negative := appendTarHeader(nil, id.String()+recordSuffix, 0, id.Time())
	copy(negative[124:], "-0000000001")
	f.Add(negative)
	f.Fuzz(func(t *testing.T, b []byte) {
		b = bytes.Clone(b)
		if len(b) >= tarBlock { // the sum is made right
			h := (*[tarBlock]byte)(b)
			copy(h[148:156], "000000\x00 ")
			octal := []byte("000000")
			for i, sum := 5, tarChecksum(h); i >= 0; i, sum = i-1, sum/8 {
				octal[i] = byte('0' + sum%8)
			}
			copy(h[148:154], octal)
		}
		e, err := parseTarHeader(b)
		if err != nil {
			if !errors.Is(err, mail.ErrDamaged) {
				t.Fatalf("error of another kind: %v", err)
			}
			return
		}
		if e.size < 0 || e.size > maxContent || e.id.IsZero() && !strings.HasPrefix(string(b), strings.Repeat("0", 26)) {
			t.Fatalf("entry %+v", e)
		}
		again := appendTarHeader(nil, e.id.String()+e.suffix, e.size, time.Unix(0, 0))
		if back, err := parseTarHeader(again); err != nil || back != e {
			t.Fatalf("written anew: %+v (%v), was %+v", back, err, e)
		}
	})
}

// FuzzSegment: any bytes behind the good commits of the last segment, or in its
// place. Opening never fails nor panics, memory stays bounded, and no record is
// there that was not put in.
func FuzzSegment(f *testing.F) {
	l := sampleLab(f) // the same bytes in each process that runs the target
	list := strings.Split(strings.TrimSpace(listOf(f, l.v)), "\n")
	files := sampleFiles(f)
	name := "v/000000005" + segmentSuffix
	good := []byte(files[name])
	third := []byte(files["v/000000003"+segmentSuffix])
	l.v.Close()
	f.Add(third, false)
	f.Add(third, true)
	f.Add(good, false)
	f.Add(good[:len(good)-5], true)
	f.Add(append(bytes.Clone(good[:300]), make([]byte, 600)...), true)
	f.Add(binary.LittleEndian.AppendUint32(nil, zstdMagic), true)
	f.Add(bytes.Repeat([]byte{0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0xff, 0xff, 0xff, 0x7f, 0x01, 0, 0}, 20), true)
	f.Fuzz(func(t *testing.T, b []byte, alone bool) {
		if len(b) > 1<<20 {
			return
		}
		x := &lab{TB: t, o: l.o, v: l.v}
		changed := clone(files)
		if changed[name] += string(b); alone {
			changed[name] = string(b)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		x.startFrom(changed)
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 200<<20 {
			t.Errorf("%d MB allocated for a segment of %d bytes", used>>20, len(b))
		}
		seen := 0
		err := x.v.Walk(ctx, 0, func(i Item) error {
			if i.Err != nil {
				return nil
			}
			seen++
			seq := i.Arrival.Seq
			if seq > uint64(len(list)) || !strings.Contains(list[seq-1], i.Arrival.ID.String()) {
				t.Errorf("record %d, %s, was made up", seq, i.Arrival.ID)
			}
			return nil
		})
		if err != nil || seen < len(list)-1 || !alone && seen < len(list) {
			t.Errorf("%d records (%v)", seen, err)
		}
		verified(t, x.v)
		a := put(t, x.v, []byte("goes on"))
		if got := get(t, x.v, a.ID); string(got) != "goes on" {
			t.Errorf("%q", got)
		}
		x.v.Close()
	})
}

// FuzzIndex: any bytes in the place of an index. Each message comes out exact
// once the indexes were read.
func FuzzIndex(f *testing.F) {
	l := sampleLab(f)
	list := strings.Split(strings.TrimSpace(listOf(f, l.v)), "\n")
	for i, line := range list {
		l.told[i].ID, _ = mail.ParseID(strings.Fields(line)[1])
	}
	l.v.Close()
	files := sampleFiles(f)
	name := "v/000000001" + indexSuffix
	good := []byte(files[name])
	f.Add(good, false)
	f.Add(good[:len(good)-1], true)
	f.Add([]byte{}, false)
	huge := bytes.Clone(good)
	binary.LittleEndian.PutUint64(huge[40:], 1<<60)
	f.Add(huge, true)
	f.Fuzz(func(t *testing.T, b []byte, sound bool) {
		b = bytes.Clone(b)
		if n := len(b) - 32; sound && n >= 0 {
			sum := mail.Sum(b[:n])
			copy(b[n:], sum[:])
		}
		x := &lab{TB: t, o: l.o, v: l.v, told: l.told}
		changed := clone(files)
		changed[name] = string(b)
		x.startFrom(changed)
		x.v.loading.Wait()
		if lost := x.lost(); !sound && len(lost) > 0 {
			t.Errorf("lost %v", lost)
		}
		// An index that was written wrong is found and mended by verify.
		verified(t, x.v)
		x.restart()
		x.v.loading.Wait()
		x.whole()
		x.v.Close()
	})
}
