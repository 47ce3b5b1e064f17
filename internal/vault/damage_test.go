package vault

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"mailarchive/internal/durable/durabletest"
	"mailarchive/internal/mail"
)

// snapshot returns all files of the vault's folder, to begin from again.
func (l *lab) snapshot() map[string]string {
	files := l.disk.Files()
	for name := range files {
		if strings.HasSuffix(name, "/") {
			delete(files, name)
		}
	}
	return files
}

// startFrom begins on a new disk that has these files.
func (l *lab) startFrom(files map[string]string) {
	l.Helper()
	l.v.Close()
	l.disk = durabletest.New(durabletest.Options{})
	for _, folder := range []string{"/v", "/v/spool", "/v/torn"} {
		if err := l.disk.Mkdir(folder, 0o700); err != nil {
			l.Fatal(err)
		}
	}
	for name, b := range files {
		l.write("/"+name, []byte(b))
	}
	l.start()
}

// mixed fills a vault of several segments with each way of keeping content.
func mixed(t testing.TB) *lab {
	now := time.Date(2026, 10, 31, 23, 0, 0, 0, time.UTC)
	l := newLab(t, Options{Clock: func() time.Time { return now }})
	l.put(noise(1, 2000))
	l.group(noise(2, 1500), []byte("Subject: short\r\n\r\ntext\r\n"), nil, noise(3, 5000))
	l.group(repeated(4, 200_000), repeated(5, 100_000))
	now = now.Add(2 * time.Hour) // another month, another segment
	l.group(noise(6, 700), repeated(7, 2*ChunkSize+100), noise(8, 900))
	l.put(noise(2, 1500)) // again
	now = now.Add(30 * 24 * time.Hour)
	l.put(noise(9, 300))
	l.group(noise(10, 30_000), noise(11, 30_000))
	if n := l.v.Stats().Segments; n != 3 {
		t.Fatalf("%d segments, the test wants 3", n)
	}
	return l
}

// inFrame returns the seqs of the records that stand in the frame that off lies
// in, or whose bytes do; none when it lies in a mark.
func (l *lab) inFrame(number int, off int64) (seqs []uint64) {
	l.Helper()
	err := l.v.withSegment(number, func(f io.ReaderAt, size int64) error {
		sc := l.v.newScanner(f, size)
		for at := int64(0); at < size; {
			s, err := nextSpan(sc.w, at, l.v.homeOf(number))
			if err != nil {
				return err
			}
			_, err = sc.records(s, func(fd found) error {
				frames := append([]frameSpan{{off: fd.frame, size: int(fd.frameSize)}}, fd.chunks...)
				if slices.ContainsFunc(frames, func(f frameSpan) bool { return f.off <= off && off < f.off+int64(f.size) }) {
					seqs = append(seqs, fd.seq)
				}
				return nil
			})
			if err != nil {
				return err
			}
			at = s.end
		}
		return nil
	})
	if err != nil {
		l.Fatal(err)
	}
	return seqs
}

// places returns offsets all over a segment: in each field of marks and of
// frames' headers, and some of what is in the frames.
func (l *lab) places(number int) (offs []int64) {
	for _, s := range l.spans(number) {
		for _, f := range s.frames {
			for i := range int64(f.size) {
				if i < 14 || i%(int64(f.size)/5+1) == 0 || i == int64(f.size)-1 {
					offs = append(offs, f.off+i)
				}
			}
		}
		for off := s.markAt(); off < s.end; off += 3 {
			offs = append(offs, off)
		}
	}
	return offs
}

// TestEachFlippedBit flips one bit at a time all over the segments: what can be
// lost is the frame that it is in, and what is named is that place.
func TestEachFlippedBit(t *testing.T) {
	t.Parallel()
	l := mixed(t)
	whole := l.snapshot()
	for number := 1; number <= 3; number++ {
		l.startFrom(whole)
		inside := map[int64][]uint64{}
		places := l.places(number)
		for _, off := range places {
			inside[off] = l.inFrame(number, off)
		}
		for i, off := range places {
			if raced && i%5 > 0 {
				continue
			}
			flipped := clone(whole)
			name := fmt.Sprintf("v/%09d%s", number, segmentSuffix)
			b := []byte(flipped[name])
			b[off] ^= 1 << (i % 8)
			flipped[name] = string(b)
			if i%3 == 0 { // the start reads the segment
				delete(flipped, fmt.Sprintf("v/%09d%s", number, indexSuffix))
			}
			l.startFrom(flipped)
			l.checkFlipped(number, off, inside[off])
		}
	}
}

func clone(files map[string]string) map[string]string {
	c := map[string]string{}
	for name, b := range files {
		c[name] = b
	}
	return c
}

func (l *lab) checkFlipped(number int, off int64, inFrame []uint64) {
	l.Helper()
	what := fmt.Sprintf("segment %d, byte %d", number, off)
	for _, seq := range l.lost() {
		shared := l.told[seq-1].Digest
		if !slices.ContainsFunc(inFrame, func(in uint64) bool { return in == seq || l.told[in-1].Digest == shared }) {
			l.Errorf("%s: number %d is lost, the frame holds %v", what, seq, inFrame)
		}
	}
	l.nothingLeftOut(what)
	_, findings := verified(l, l.v)
	recovered := l.v.Stats().Recovery
	if !named(findings, number, off) && recovered.Kept == 0 {
		l.Errorf("%s: not named: %v, %+v", what, findings, recovered)
	}
	if len(recovered.Torn) > 0 && recovered.Kept == 0 {
		l.Errorf("%s: moved aside: %+v", what, recovered.Torn)
	}
	if a := l.v.Last(); a != uint64(len(l.told)) {
		l.Errorf("%s: the last is number %d", what, a)
	}
}

// nothingLeftOut checks that a walk gives each number, lost or not.
func (l *lab) nothingLeftOut(what string) {
	l.Helper()
	next := uint64(1)
	err := l.v.Walk(ctx, 0, func(i Item) error {
		if i.Arrival.Seq != next {
			l.Errorf("%s: walk gave %d where %d comes", what, i.Arrival.Seq, next)
		}
		next++
		if i.Err == nil && i.Arrival.ID != l.told[i.Arrival.Seq-1].ID {
			l.Errorf("%s: walk gave another message for %d", what, i.Arrival.Seq)
		}
		return nil
	})
	if err != nil || next != uint64(len(l.told))+1 {
		l.Errorf("%s: walk ended before %d: %v", what, next, err)
	}
}

// tampered builds a vault out of commits of its own making and returns what
// verify finds. Each commit's frames and mark are sound; what they say is not.
type tampered struct {
	*lab
	end  chain
	body []byte
}

func newTampered(t *testing.T) *tampered {
	l := newLab(t, Options{})
	l.put(noise(1, 2000))
	l.v.Close()
	return &tampered{lab: l, end: l.v.tip(), body: l.read(l.name(1, segmentSuffix))}
}

// commit adds a commit of records with that content.
func (x *tampered) commit(changeMark func(*mark), content []byte, change ...func(*Record)) {
	x.Helper()
	c := &commit{end: x.end, buffers: &x.v.buffers}
	for _, change := range change {
		s := x.v.Stage()
		defer s.Discard()
		if _, err := s.Write(content); err != nil {
			x.Fatal(err)
		}
		r := c.end.follow(x.v.owner.vault, c.end.received)
		change(r)
		if err := c.add(r, s); err != nil {
			x.Fatal(err)
		}
	}
	c.finish(x.v.homeOf(1), int64(len(x.body)), x.v.codec)
	changeMark(&c.mark)
	var b strings.Builder
	if err := c.writeTo(&b); err != nil {
		x.Fatal(err)
	}
	x.body = append(x.body, b.String()...)
	x.end = c.end
}

func same(*mark)      {}
func alike(r *Record) {}

// TestVerifySeesWhatIsWrong, though every checksum is right.
func TestVerifySeesWhatIsWrong(t *testing.T) {
	text := []byte("a text of some length that stands in the frame as it is")
	for _, c := range []struct {
		what, want string
		make       func(x *tampered)
	}{
		{"nothing", "", func(x *tampered) { x.commit(same, text, alike, alike) }},
		{"chain", "chain is broken: record 3", func(x *tampered) {
			x.commit(same, text, alike, func(r *Record) { r.Prev[0]++ })
		}},
		{"chain between commits", "chain is broken: record 2", func(x *tampered) {
			x.commit(same, text, func(r *Record) { r.Prev[0]++ })
		}},
		{"number left out", "records are missing; lost: arrivals 2-3", func(x *tampered) {
			x.end.seq = 3
			x.commit(same, text, alike)
		}},
		{"number left out within", "records that the commit mark counts are missing; lost: arrivals 3", func(x *tampered) {
			x.commit(func(m *mark) { m.count = 3 }, text, alike, func(r *Record) { r.Seq = 4 })
		}},
		{"number twice", "record 1 stands behind record 1", func(x *tampered) {
			x.end.seq = 0
			x.commit(same, text, alike)
		}},
		{"number twice within", "record 2 of vault", func(x *tampered) {
			x.commit(func(m *mark) { m.count = 2 }, text, alike, func(r *Record) { r.Seq = 2 })
		}},
		{"other vault", "is out of place", func(x *tampered) {
			x.commit(same, text, func(r *Record) { r.Vault[0]++ })
		}},
		{"outside the mark", "record 3 of vault", func(x *tampered) {
			x.commit(func(m *mark) { m.count = 1 }, text, alike, alike)
		}},
		{"head", "commit ends in another record", func(x *tampered) {
			x.commit(func(m *mark) { m.head[0]++ }, text, alike)
		}},
		{"content elsewhere", "is said to stand in", func(x *tampered) {
			x.commit(same, text, func(r *Record) { r.BytesIn = &mail.ID{1} })
		}},
		{"content that the other has not", "is said to stand in", func(x *tampered) {
			id := x.end.id // of the first message, with other bytes
			x.commit(same, text, func(r *Record) { r.BytesIn = &id })
		}},
		{"content", "content of", func(x *tampered) {
			x.commit(same, text, alike)
			x.reframe(func(raw string) string { return strings.Replace(raw, "a text", "x text", 1) })
		}},
		{"digest of the commit", "commit has another digest", func(x *tampered) {
			x.commit(same, text, alike)
			x.reframe(func(raw string) string { return raw })
		}},
	} {
		t.Run(c.what, func(t *testing.T) {
			x := newTampered(t)
			c.make(x)
			x.commit(same, nil, alike) // the last commit is looked at by the start
			x.write(x.name(1, segmentSuffix), x.body)
			x.start()
			_, findings := verified(t, x.v)
			if c.want == "" {
				if len(findings) > 0 {
					t.Errorf("findings %v", findings)
				}
				return
			}
			if !slices.ContainsFunc(findings, func(f Finding) bool { return strings.Contains(f.String(), c.want) }) {
				t.Errorf("findings %q, want %q", findings, c.want)
			}
		})
	}
}

// reframe compresses the only frame of the last commit anew, with other bytes,
// and leaves its digest in the mark as it was.
func (x *tampered) reframe(change func(raw string) string) {
	x.Helper()
	x.write(x.name(1, segmentSuffix), x.body)
	all := x.spans(1)
	s := all[len(all)-1]
	raw, err := x.v.codec.decompress(nil, x.body[s.off:s.markAt()])
	if err != nil {
		x.Fatal(err)
	}
	frame, _ := rawFrame([]byte(change(string(raw))), 0)
	m := *s.mark
	m.frames = []uint32{uint32(len(frame))}
	x.body = append(append(x.body[:s.off], frame...), m.encode()...)
}

// TestVerifyHashesWhatCameIn: frames that decode well hold other bytes than the
// record says, in its own frame and in frames of their own.
func TestVerifyHashesWhatCameIn(t *testing.T) {
	for _, size := range []int{100, 2 * ChunkSize} {
		x := newTampered(t)
		s := x.v.Stage()
		defer s.Discard()
		if _, err := s.Write(noise(1, size)); err != nil {
			t.Fatal(err)
		}
		s.hash.Write([]byte("and more"))
		if err := s.pack(); err != nil {
			t.Fatal(err)
		}
		c := &commit{end: x.end, buffers: &x.v.buffers}
		if err := c.add(x.end.follow(x.v.owner.vault, x.end.received), s); err != nil {
			t.Fatal(err)
		}
		c.finish(x.v.homeOf(1), int64(len(x.body)), x.v.codec)
		body := bytes.NewBuffer(x.body)
		if err := c.writeTo(body); err != nil {
			t.Fatal(err)
		}
		x.write(x.name(1, segmentSuffix), body.Bytes())
		x.start()
		_, findings := verified(t, x.v)
		if len(findings) != 1 || !slices.Equal(findings[0].IDs, []mail.ID{c.end.id}) || !strings.Contains(findings[0].What, "another digest") {
			t.Errorf("%d bytes: findings %v", size, findings)
		}
	}
}

// TestSharedBytesHaveToBeTheSame: a record that names another for its bytes
// does not come out with what is not its own.
func TestSharedBytesHaveToBeTheSame(t *testing.T) {
	x := newTampered(t)
	first := x.end.id
	x.commit(same, []byte("a text"), func(r *Record) { r.BytesIn = &first })
	lying := x.end.id
	x.commit(same, []byte("a text"), func(r *Record) { r.BytesIn = &mail.ID{1} })
	dangling := x.end.id
	x.write(x.name(1, segmentSuffix), x.body)
	x.start()
	if _, _, err := x.v.Open(ctx, lying); !errors.Is(err, mail.ErrDamaged) {
		t.Errorf("bytes of another content: %v", err)
	}
	if _, _, err := x.v.Open(ctx, dangling); !errors.Is(err, mail.ErrNotFound) {
		t.Errorf("bytes of nobody: %v", err)
	}
}

// TestPaddingIsZero: nothing of one message stands behind the end of another.
func TestPaddingIsZero(t *testing.T) {
	l := newLab(t, Options{})
	l.put(bytes.Repeat([]byte{0xFF}, ChunkSize+1))
	l.group(bytes.Repeat([]byte{0xFF}, 700), bytes.Repeat([]byte{0xFE}, 5))
	segment := l.read(l.name(1, segmentSuffix))
	for _, s := range l.spans(1) {
		sc := l.v.newScanner(bytes.NewReader(segment), int64(len(segment)))
		for _, f := range s.frames {
			raw, err := sc.decode(f)
			if err != nil {
				t.Fatal(err)
			}
			if len(raw)%tarBlock != 0 {
				t.Errorf("frame holds %d bytes", len(raw))
			}
			for end := len(raw); end > 0 && f.continues && len(raw) < ChunkSize; end-- {
				if raw[end-1] != 0 && end > 1 {
					t.Errorf("byte %d behind the content is %#x", end-1, raw[end-1])
				}
			}
			for at := tarBlock; at <= len(raw) && !f.continues; at += tarBlock {
				block := raw[at-tarBlock : at]
				if i := bytes.IndexByte(block, 0); i >= 0 && (block[0] == 0xFF || block[0] == 0xFE || block[0] == '{') && len(bytes.Trim(block[i:], "\x00")) > 0 {
					t.Errorf("block at %d has bytes behind its end", at-tarBlock)
				}
			}
		}
	}
}

// TestVerifySeesAChangedClosedSegment: the next one names its digest.
func TestVerifySeesAChangedClosedSegment(t *testing.T) {
	l := newLab(t, Options{SegmentSize: 1})
	l.put(noise(1, 2000))
	l.put(noise(2, 2000))
	s := l.spans(1)[0]
	m := *s.mark
	m.lastID = mail.NextID(m.lastID, m.lastID.Time()) // nothing else depends on it
	l.edit(1, func(b []byte) []byte { return append(b[:s.markAt()], m.encode()...) })
	_, findings := verified(t, l.v)
	if len(findings) != 1 || findings[0].Segment != 1 || !strings.Contains(findings[0].What, "not as it was closed") {
		t.Errorf("findings %v", findings)
	}
}

func TestVerifyWhileMailComesIn(t *testing.T) {
	l := newLab(t, Options{SegmentSize: 20_000})
	done := make(chan bool)
	go func() {
		defer close(done)
		for i := range uint64(400) {
			l.put(noise(i, 3000))
		}
	}()
	for coming := true; coming; {
		select {
		case <-done:
			coming = false
		default:
		}
		clean(t, l.v)
	}
	l.whole()
}
