package vault

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"mailarchive/internal/mail"
)

// forger writes messages that pretend to be a part of the vault. It knows
// everything that was ever exported (the UUID, the digest of the last record)
// and guesses where its message will stand; it does not know the key of marks.
type forger struct {
	l     *lab
	owner owner
	end   chain
	ids   []mail.ID // of what it made up
}

func newForger(l *lab) *forger {
	return &forger{l: l, owner: owner{l.v.owner.vault, newOwner().key}, end: l.v.tip()}
}

// pair returns a forged record and content in tar entries.
func (f *forger) pair() []byte {
	r := f.end.follow(f.owner.vault, f.end.received)
	r.ID = mail.NextID(r.ID, f.end.received.Add(time.Millisecond)) // not the one it will get
	r.MailFrom = "forged@example.net"
	s := f.l.v.Stage()
	defer s.Discard()
	if _, err := s.Write([]byte("forged")); err != nil {
		f.l.Fatal(err)
	}
	c := commit{end: f.end, buffers: &f.l.v.buffers}
	if err := c.add(r, s); err != nil {
		f.l.Fatal(err)
	}
	f.ids = append(f.ids, r.ID)
	return c.pieces[0].raw
}

// commit returns a forged commit that stands at off; its mark claims that it
// begins at from.
func (f *forger) commit(from, off int64) []byte {
	frame := f.l.v.codec.compress(nil, f.pair())
	id := f.ids[len(f.ids)-1]
	m := mark{home: home{f.owner, 1}, offset: from, first: f.end.seq + 1, count: 1, lastID: id, digest: mail.Sum(frame)}
	if from < off {
		m.frames = append(m.frames, uint32(off-from))
	}
	m.frames = append(m.frames, uint32(len(frame)))
	return append(frame, m.encode()...)
}

// rawFrame returns a zstd frame that holds b as it is (RFC 8878 3.1.1.2: raw
// blocks), with no checksum, and where in it the byte at off of b stands.
func rawFrame(b []byte, off int) ([]byte, int) {
	frame := binary.LittleEndian.AppendUint32(nil, zstdMagic)
	frame = append(frame, 2<<6|1<<5) // content size in 4 bytes, single segment
	frame = binary.LittleEndian.AppendUint32(frame, uint32(len(b)))
	at := 0
	for pos := 0; pos < len(b); {
		n := min(len(b)-pos, 128<<10)
		header := uint32(n) << 3
		if pos+n == len(b) {
			header |= 1
		}
		frame = append(frame, byte(header), byte(header>>8), byte(header>>16))
		if pos <= off && off < pos+n {
			at = len(frame) + off - pos
		}
		frame = append(frame, b[pos:pos+n]...)
		pos += n
	}
	return frame, at
}

// appendCommit puts a commit of one message behind a segment, its frame raw, so
// that the sender has what it can hope for at best: its bytes as they are. The
// message is made when it is known where it will stand.
func (l *lab) appendCommit(number int, size, off int, content func(at int64) []byte) span {
	l.Helper()
	l.v.Close()
	old := l.read(l.name(number, segmentSuffix))
	seal := func(body []byte) (*commit, []byte, int) {
		s := l.v.Stage()
		defer s.Discard()
		if _, err := s.Write(body); err != nil {
			l.Fatal(err)
		}
		c := &commit{end: l.v.tip(), buffers: &l.v.buffers}
		r := c.end.follow(l.v.owner.vault, c.end.received)
		r.Salt = "00112233445566778899aabbccddeeff"
		if err := c.add(r, s); err != nil {
			l.Fatal(err)
		}
		raw := c.pieces[0].raw
		frame, at := rawFrame(raw, bytes.Index(raw, body)+off)
		return c, frame, at
	}
	_, _, at := seal(noise(1, size))
	body := content(int64(len(old) + at))
	c, frame, _ := seal(body)
	m := mark{
		home: l.v.homeOf(number), offset: int64(len(old)), first: c.end.seq, count: 1,
		lastID: c.end.id, head: c.end.head, digest: mail.Sum(frame), frames: []uint32{uint32(len(frame))},
	}
	l.write(l.name(number, segmentSuffix), append(append(bytes.Clone(old), frame...), m.encode()...))
	l.told = append(l.told, told{mail.Arrival{ID: c.end.id, Seq: c.end.seq}, body})
	l.start()
	return spanOf(&m, m.offset+m.body())
}

// nothingForged checks that what the vault gives is what was put in.
func (l *lab) nothingForged(f *forger, harm string) {
	l.Helper()
	l.lost() // ends the test when other bytes come out
	known := func(id mail.ID) bool {
		return slices.ContainsFunc(l.told, func(m told) bool { return m.ID == id })
	}
	err := l.v.Walk(ctx, 0, func(i Item) error {
		if i.Err == nil && (!known(i.Arrival.ID) || i.Arrival.Envelope.From == "forged@example.net") {
			l.Errorf("%s: walk gives %s of %q", harm, i.Arrival.ID, i.Arrival.Envelope.From)
		}
		return nil
	})
	if err != nil {
		l.Errorf("%s: %v", harm, err)
	}
	for _, id := range f.ids {
		if a, err := l.v.Get(ctx, id); err == nil {
			l.Errorf("%s: a forged record is number %d", harm, a.Seq)
		}
	}
	done, _ := verified(l, l.v)
	if done.Records > uint64(len(l.told)) {
		l.Errorf("%s: verify counts %d records, %d were put in", harm, done.Records, len(l.told))
	}
}

// TestMessageThatPretendsToBeACommit: a message holds, in the very place where
// it will stand, a frame with a record and the mark of a commit. Its neighbours
// and itself are damaged in every way.
func TestMessageThatPretendsToBeACommit(t *testing.T) {
	t.Parallel()
	for _, covering := range []bool{false, true} {
		for _, where := range []string{"last", "middle", "closed"} {
			t.Run(fmt.Sprintf("%s, covering %v", where, covering), func(t *testing.T) {
				l := newLab(t, Options{})
				l.put(noise(7, 2000))
				l.put(noise(8, 2000))
				f := newForger(l)
				begin := l.spans(1)[1].end
				s := l.appendCommit(1, 60_000, 30_000, func(at int64) []byte {
					content, from := noise(1, 60_000), at
					if covering {
						from = begin
					}
					copy(content[30_000:], f.commit(from, at))
					return content
				})
				if where != "last" {
					l.put(noise(9, 2000))
					l.put(noise(10, 2000))
				}
				if where == "closed" {
					l.o.SegmentSize = 1
					l.restart()
					l.put(noise(11, 2000))
				}
				places := []int64{0, 5, s.off - 1, s.off - 60, s.off - 180, s.markAt() + 1, s.markAt() + 30, s.end - 1}
				for i := range int64(14) { // the frame's header, and that of its block
					places = append(places, s.off+i)
				}
				name := l.name(1, segmentSuffix)
				whole := l.read(name)
				for i, a := range places {
					for j, b := range places[:i+1] {
						if raced && (i+j)%5 > 0 {
							continue
						}
						l.v.Close()
						harmed := bytes.Clone(whole)
						harmed[a] ^= 1 << (j % 4)
						harmed[b] ^= 16 << (i % 4)
						l.write(name, harmed)
						l.disk.Remove(l.name(1, indexSuffix))
						l.start()
						l.nothingForged(f, fmt.Sprintf("bits flipped at %d and %d", a, b))
					}
				}
			})
		}
	}
}

// TestMessageThatPretendsToBeAnEntry: a large message has a record and content
// where each of its frames begins; mark and first frame are damaged.
func TestMessageThatPretendsToBeAnEntry(t *testing.T) {
	l := newLab(t, Options{})
	l.put(noise(7, 2000))
	f := newForger(l)
	content := noise(1, 3*ChunkSize)
	for at := 0; at < len(content); at += ChunkSize {
		pairs := f.pair()
		copy(content[at:], pairs)
		clear(content[at+len(pairs) : at+ChunkSize]) // would end the tar file
	}
	l.put(content)
	l.put(noise(9, 2000))
	s := l.spans(1)[1]
	name := l.name(1, segmentSuffix)
	whole := l.read(name)
	for _, harm := range [][]int64{
		{s.markAt() + 20},
		{s.off + 100},
		{s.markAt() + 20, s.off + 100},
		{s.markAt() + 20, s.off + 1},
		{s.markAt() + 20, s.off + 4, s.off + 8},
		{s.markAt() + 20, s.frames[1].off + 2},
	} {
		for _, end := range []int64{int64(len(whole)), s.end} {
			l.v.Close()
			harmed := bytes.Clone(whole[:end])
			for _, off := range harm {
				harmed[off] ^= 1
			}
			l.write(name, harmed)
			l.start()
			l.nothingForged(f, fmt.Sprint("bits flipped at ", harm))
		}
	}
}

// TestManyFalseMarks: a search steps over them in one pass.
func TestManyFalseMarks(t *testing.T) {
	o := home{newOwner(), 1}
	other := o
	other.segment = 2
	m := mark{home: other, frames: make([]uint32, maxMarkFrames)}
	false1 := m.encode()[:markMinimum]
	b := bytes.Repeat(append(false1, []byte(markName)...), 16<<20/(markMinimum+8))
	r := &countingReader{r: bytes.NewReader(b)}
	w := &window{r: r, limit: int64(len(b))}
	found, _, err := w.findMark(0, &o)
	if found != nil || err != nil {
		t.Fatal(found, err)
	}
	if r.n > 2*int64(len(b)) {
		t.Errorf("%d bytes read of %d", r.n, len(b))
	}
}

type countingReader struct {
	r *bytes.Reader
	n int64
}

func (c *countingReader) ReadAt(p []byte, off int64) (int, error) {
	c.n += int64(len(p))
	return c.r.ReadAt(p, off)
}

// TestRawFrame makes sure that the forger's tool is one.
func TestRawFrame(t *testing.T) {
	want := noise(1, 300_000)
	frame, at := rawFrame(want, 200_000)
	d, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if got, err := d.DecodeAll(frame, nil); err != nil || !bytes.Equal(got, want) || frame[at] != want[200_000] {
		t.Error(err)
	}
}
