package vault

import (
	"slices"
	"testing"

	"mailarchive/internal/mail"
)

// TestEqualContentThatIsDamagedIsStoredAgain: what is on disk is read before it
// is relied on.
func TestEqualContentThatIsDamagedIsStoredAgain(t *testing.T) {
	for _, n := range []int{3000, ChunkSize * 2} {
		l := newLab(t, Options{})
		l.put(noise(1, n))
		l.put(noise(2, 3000))
		s := l.spans(1)[0]
		l.flip(1, s.frames[len(s.frames)-1].off+int64(s.frames[len(s.frames)-1].size)/2)
		l.put(noise(1, n))
		if lost := l.lost(); !slices.Equal(lost, []uint64{1}) {
			t.Errorf("%d bytes: lost %v", n, lost)
		}
	}
}

// TestDigestAloneIsNotBelieved: the table of contents says which to compare;
// bytes that differ are stored, whatever it says.
func TestDigestAloneIsNotBelieved(t *testing.T) {
	l := newLab(t, Options{})
	a := l.put(noise(1, 3000))
	other := noise(2, 3000)
	l.v.contents.add(contentKey(mail.Sum(other)), a.Seq)
	s := l.v.Stage()
	if _, err := s.Write(other); err != nil {
		t.Fatal(err)
	}
	e := l.v.segments[0].entries[0]
	l.v.segments[0].entries[0].digest = mail.Sum(other) // an index that lies
	if id, holder := l.v.sameContent(s); holder != nil {
		t.Errorf("content is said to be that of %s", id)
	}
	l.v.segments[0].entries[0] = e
	s.Discard()
	l.put(other)
	l.whole()
}

// TestContents finds every content that was added, among many and among those
// with like digests.
func TestContents(t *testing.T) {
	var c contents
	if got := c.find(1); got != nil {
		t.Errorf("found %v in nothing", got)
	}
	digest := func(i int) mail.Digest {
		if i%5 == 0 {
			return mail.Digest{0xff, 0xff, 0xff, 0xff, byte(i), byte(i >> 8)} // one key, at the end of the table
		}
		return mail.Sum([]byte{byte(i), byte(i >> 8)})
	}
	const n = 5000
	for i := range n {
		c.add(contentKey(digest(i)), uint64(i+1))
	}
	for i := range n {
		got := c.find(contentKey(digest(i)))
		if !slices.Contains(got, uint64(i+1)) {
			t.Fatalf("content %d is not among %d that were found", i, len(got))
		}
		if i%5 != 0 && len(got) > 3 {
			t.Errorf("content %d: %d found", i, len(got))
		}
	}
	if got := c.find(contentKey(mail.Sum([]byte("never added")))); len(got) > 1 {
		t.Errorf("found %v", got)
	}
	if c.used*4 > len(c.slots)*3 {
		t.Errorf("%d of %d slots used", c.used, len(c.slots))
	}
	c.add(contentKey(digest(1)), 1<<32) // over the bound of a slot: not kept, not mixed up
	if got := c.find(contentKey(digest(1))); slices.Contains(got, 0) {
		t.Errorf("found %v", got)
	}
}

// TestContentsAreFoundAfterAStart: the table is made from the indexes and the
// positions of the open segment.
func TestContentsAreFoundAfterAStart(t *testing.T) {
	l := newLab(t, Options{SegmentSize: 8000})
	for i := range uint64(6) {
		l.put(noise(i, 3000))
	}
	l.restart()
	l.v.loading.Wait()
	before := l.v.Stats().BytesDisk
	for i := range uint64(6) {
		l.put(noise(i, 3000))
	}
	if grown := l.v.Stats().BytesDisk - before; grown > 6*1500 {
		t.Errorf("%d bytes for six copies", grown)
	}
	l.whole()
}
