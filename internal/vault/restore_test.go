package vault

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/mail"
)

// restored hands a record and content to a vault as restore does.
func tryRestore(v *Vault, record, content []byte) (mail.Arrival, Restoration, error) {
	s := v.Stage()
	if _, err := s.Write(content); err != nil {
		s.Discard()
		return mail.Arrival{}, "", err
	}
	return v.AppendRestored(ctx, record, s)
}

func restored(t testing.TB, v *Vault, record, content []byte, want Restoration) mail.Arrival {
	t.Helper()
	a, did, err := tryRestore(v, record, content)
	if err != nil || did != want {
		t.Fatalf("AppendRestored: %q, %v, want %q", did, err, want)
	}
	return a
}

func recordOf(t testing.TB, v *Vault, seq uint64) []byte {
	t.Helper()
	i, err := v.readSeq(seq)
	if err != nil || i.Err != nil {
		t.Fatal(err, i.Err)
	}
	return i.Record
}

var restoredContents = [][]byte{noise(1, 3000), {}, repeated(2, ChunkSize+5), noise(1, 3000), noise(3, 600), noise(4, 900_000)}

// TestRestoreOnAnotherServer brings over what another vault has: same ID, time,
// envelope and bytes, and its chain as a chain of its own.
func TestRestoreOnAnotherServer(t *testing.T) {
	old := newLab(t, Options{SegmentSize: 20_000})
	var want []mail.Arrival
	for i, c := range restoredContents {
		a, err := tryPutFor(old.v, c, envelopes[i%len(envelopes)])
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, a)
	}
	l := newLab(t, Options{SegmentSize: 20_000, Clock: func() time.Time { return time.Date(2036, 1, 2, 3, 4, 5, 0, time.UTC) }})
	l.put(noise(9, 2000))
	for i, a := range want {
		got := restored(t, l.v, recordOf(t, old.v, a.Seq), restoredContents[i], Added)
		a.Seq = uint64(i + 2)
		if diff := cmp.Diff(a, got); diff != "" {
			t.Errorf("restored as another (-want +got):\n%s", diff)
		}
	}
	look := func() {
		t.Helper()
		for i, a := range want {
			a.Seq = uint64(i + 2)
			got, err := l.v.Get(ctx, a.ID)
			if diff := cmp.Diff(a, got); err != nil || diff != "" {
				t.Errorf("Get of %s: %v (-want +got):\n%s", a.ID, err, diff)
			}
			if !bytes.Equal(get(t, l.v, a.ID), restoredContents[i]) {
				t.Errorf("%s came out with other bytes", a.ID)
			}
			record, err := DecodeRecord(recordOf(t, l.v, a.Seq))
			if err != nil || record.Original != string(recordOf(t, old.v, uint64(i+1))) {
				t.Errorf("record %d does not carry the original (%v)", a.Seq, err)
			}
			if _, err := l.v.Get(ctx, record.ID); !errors.Is(err, mail.ErrNotFound) {
				t.Errorf("Get of the new record's ID: %v", err)
			}
			restored(t, l.v, []byte(record.Original), restoredContents[i], Present)
		}
		l.whole()
		if s := l.v.Stats(); s.Arrivals != 7 || s.Records != 7 {
			t.Errorf("stats %+v", s)
		}
	}
	look()
	l.restart()
	look()
	sealUpTo(t, l.v, 2, 7)
	release(t, l.v, 7)
	for i, a := range want {
		a.Seq = uint64(i + 2)
		if len(restoredContents[i]) > 0 {
			gone(t, l.v, a, "Nov-2026.tgz")
		}
	}
	clean(t, l.v)
	// Out of the file made here, on a third server: the record in a record.
	third := newLab(t, Options{})
	for i, a := range want {
		got := restored(t, third.v, recordOf(t, l.v, uint64(i+2)), restoredContents[i], Added)
		if got.ID != a.ID || !got.Received.Equal(a.Received) || cmp.Diff(got.Envelope, a.Envelope) != "" {
			t.Errorf("restored twice as %+v", got)
		}
		restored(t, third.v, recordOf(t, old.v, uint64(i+1)), restoredContents[i], Present)
	}
	third.whole()
}

// TestReturn brings released bytes back.
func TestReturn(t *testing.T) {
	l := newLab(t, Options{SegmentSize: 20_000})
	var arrivals []mail.Arrival
	for _, c := range restoredContents {
		arrivals = append(arrivals, l.put(c))
	}
	sealUpTo(t, l.v, 1, 6)
	release(t, l.v, 6)
	var seqs []uint64
	for i, a := range arrivals {
		want := Returned
		if len(restoredContents[i]) == 0 {
			want = Present // nothing had to leave
		}
		if got := restored(t, l.v, recordOf(t, l.v, a.Seq), restoredContents[i], want); got.ID != a.ID || got.Seq != a.Seq {
			t.Errorf("returned as %+v, was %+v", got, a)
		}
		restored(t, l.v, recordOf(t, l.v, a.Seq), restoredContents[i], Present)
	}
	for range 2 {
		l.whole()
		seqs = nil
		if err := l.v.Seqs(ctx, 0, func(seq uint64, _ mail.ID) error { seqs = append(seqs, seq); return nil }); err != nil || len(seqs) != 6 {
			t.Errorf("seqs %v, %v", seqs, err)
		}
		var n int
		err := l.v.Walk(ctx, 1, func(i Item) error {
			if i.Note {
				return nil
			}
			content, err := i.Content()
			if err != nil {
				return err
			}
			n++
			return content.Close()
		})
		if err != nil || n != 6 {
			t.Errorf("a walk opened %d contents: %v", n, err)
		}
		l.restart()
	}
	release(t, l.v, l.v.Last())
	l.whole() // the seal says nothing of what came back
	sealUpTo(t, l.v, 1, l.v.Last())
	release(t, l.v, l.v.Last())
	gone(t, l.v, arrivals[0], "Nov-2026.tgz")
	clean(t, l.v)
}

// TestReturnOfDamagedContent: an archive file mends what a bad disk took.
func TestReturnOfDamagedContent(t *testing.T) {
	l := newLab(t, Options{})
	a, record := l.put(noise(1, 3000)), []byte(nil)
	record = recordOf(t, l.v, 1)
	l.put(noise(2, 3000))
	l.flip(1, 1500)
	if lost := l.lost(); len(lost) != 1 {
		t.Fatalf("lost: %v", lost)
	}
	got := restored(t, l.v, record, noise(1, 3000), Returned)
	if got.ID != a.ID || got.Seq != 1 {
		t.Errorf("returned as %+v", got)
	}
	for range 2 {
		if lost := l.lost(); len(lost) > 0 {
			t.Errorf("lost: %v", lost)
		}
		restored(t, l.v, record, noise(1, 3000), Present)
		l.restart()
	}
}

func TestForgedRecordsAreRefused(t *testing.T) {
	l, other := newLab(t, Options{}), newLab(t, Options{})
	content := noise(1, 3000)
	l.put(content)
	a := other.put(noise(2, 3000))
	own, foreign := recordOf(t, l.v, 1), recordOf(t, other.v, 1)
	restored(t, l.v, foreign, noise(2, 3000), Added)
	if _, err := l.v.Note(ctx, "x", struct{}{}); err != nil {
		t.Fatal(err)
	}
	replace := func(b []byte, old, new string) []byte {
		if !bytes.Contains(b, []byte(old)) {
			t.Fatalf("%q is not in %s", old, b)
		}
		return bytes.Replace(b, []byte(old), []byte(new), 1)
	}
	last := l.v.Last()
	for _, c := range []struct {
		what            string
		record, content []byte
		kind            error
		text            string
	}{
		{"another sender of an own message", replace(own, "a@example", "evil@example"), content, mail.ErrBadInput, "forged"},
		{"another sender of a restored message", replace(foreign, "a@example", "evil@example"), noise(2, 3000), mail.ErrBadInput, "forged"},
		{"another content", own, noise(3, 3000), mail.ErrDamaged, "digest"},
		{"another content of like size", foreign, noise(2, 2999), mail.ErrDamaged, "digest"},
		{"a note", recordOf(t, l.v, 3), nil, mail.ErrBadInput, "no content"},
		{"no record", []byte("{}"), nil, mail.ErrDamaged, "format"},
		{"nothing", nil, nil, mail.ErrDamaged, "JSON"},
		{"no line", bytes.TrimSpace(own), content, mail.ErrDamaged, "one line"},
		{"not UTF-8", replace(own, "a@example", "\xff@example"), content, mail.ErrDamaged, "UTF-8"},
	} {
		_, _, err := tryRestore(l.v, c.record, c.content)
		if !errors.Is(err, c.kind) || !strings.Contains(fmt.Sprint(err), c.text) {
			t.Errorf("%s: %v", c.what, err)
		}
	}
	if l.v.Last() != last {
		t.Errorf("%d records were stored", l.v.Last()-last)
	}
	if _, err := l.v.Get(ctx, a.ID); err != nil {
		t.Error(err)
	}
	l.whole()
}

// TestForeignChainIsChecked: a record that was restored, between two of which one
// is another than was stored there.
func TestForeignChainIsChecked(t *testing.T) {
	old, l := newLab(t, Options{}), newLab(t, Options{})
	for i := range 3 {
		old.put(noise(uint64(i), 500))
	}
	for i := range 3 {
		record := recordOf(t, old.v, uint64(i+1))
		if i == 1 {
			record = bytes.Replace(record, []byte("a@example"), []byte("evil@example"), 1)
		}
		restored(t, l.v, record, noise(uint64(i), 500), Added)
	}
	_, findings := verified(t, l.v)
	if len(findings) != 1 || !strings.Contains(findings[0].What, old.v.UUID().String()) {
		t.Errorf("findings %v", findings)
	}
}

// TestRestoredAtOnce stores an arrival once, however many bring it.
func TestRestoredAtOnce(t *testing.T) {
	old, l := newLab(t, Options{}), newLab(t, Options{})
	a := old.put(noise(1, 500))
	record := recordOf(t, old.v, 1)
	var wg sync.WaitGroup
	did := make([]Restoration, 20)
	for i := range did {
		wg.Go(func() {
			var err error
			if _, did[i], err = tryRestore(l.v, record, noise(1, 500)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	added := 0
	for _, d := range did {
		if d == Added {
			added++
		}
	}
	if added != 1 || l.v.Last() != 1 || !bytes.Equal(get(t, l.v, a.ID), noise(1, 500)) {
		t.Errorf("added %d times, %d records", added, l.v.Last())
	}
}

// TestRestoredTooOften: the quotes of a record in a record have an end.
func TestRestoredTooOften(t *testing.T) {
	l := newLab(t, Options{})
	l.put(noise(1, 500))
	record := recordOf(t, l.v, 1)
	for depth := range maxOriginals + 2 {
		r, err := DecodeRecord(record)
		if want := depth <= maxOriginals; (err == nil) != want {
			t.Fatalf("depth %d: %v", depth, err)
		}
		if err != nil {
			return
		}
		outer := *r
		outer.Kind, outer.Original = KindRestored, string(record)
		if record, err = outer.encode(); err != nil || !json.Valid(record) {
			t.Fatal(err)
		}
	}
}
