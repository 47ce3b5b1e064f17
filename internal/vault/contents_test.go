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
	l.v.contents.add(mail.Sum(other), a.Seq)
	s := l.v.Stage()
	if _, err := s.Write(other); err != nil {
		t.Fatal(err)
	}
	e, err := l.v.segments[0].entries[0], error(nil)
	l.v.segments[0].entries[0].digest = mail.Sum(other) // an index that lies
	if id, ok := l.v.sameContent(s); ok {
		t.Errorf("content is said to be that of %s", id)
	}
	l.v.segments[0].entries[0] = e
	s.Discard()
	l.put(other)
	l.whole()
	if err != nil {
		t.Error(err)
	}
}
