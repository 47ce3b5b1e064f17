package vault

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"mailarchive/internal/mail"
)

// sealUpTo writes a seal record of the records from first to last, as if there
// were such a file.
func sealUpTo(t testing.TB, v *Vault, first, last uint64, except ...uint64) Seal {
	t.Helper()
	s, err := v.Seal(ctx, sealOf(first, last, except...))
	if err != nil {
		t.Fatalf("Seal: %v", err)
	}
	return s
}

func sealOf(first, last uint64, except ...uint64) Seal {
	return Seal{File: "Nov-2026.tgz", SHA256: mail.Sum(nil), Length: 1, First: first, Last: last, Except: except, Messages: last - first + 1}
}

func release(t testing.TB, v *Vault, upTo uint64) Released {
	t.Helper()
	r, err := v.Release(ctx, upTo, func(int64, int64) {})
	if err != nil {
		t.Fatalf("Release up to %d: %v", upTo, err)
	}
	return r
}

// gone checks that the message answers without its bytes, which a file has.
func gone(t testing.TB, v *Vault, a mail.Arrival, file string) {
	t.Helper()
	got, err := v.Get(ctx, a.ID)
	if err != nil || got.Seq != a.Seq || got.Digest != a.Digest {
		t.Errorf("Get of message %d: %+v, %v", a.Seq, got, err)
	}
	_, _, err = v.Open(ctx, a.ID)
	var e *Elsewhere
	if !errors.As(err, &e) || !errors.Is(err, mail.ErrElsewhere) || len(e.Files) == 0 || e.Files[0].File != file || e.ID != a.ID {
		t.Errorf("Open of message %d: %v (%+v)", a.Seq, err, e)
	}
}

func records(t testing.TB, v *Vault) (all [][]byte) {
	t.Helper()
	if err := v.Walk(ctx, 0, func(i Item) error { all = append(all, i.Record); return i.Err }); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestReleaseLetsGoOfSealedBytesOnly(t *testing.T) {
	l := newLab(t, Options{SegmentSize: 20_000})
	var arrivals []mail.Arrival
	contents := [][]byte{noise(1, 3000), {}, repeated(2, ChunkSize+5), noise(3, 9000), noise(1, 3000), noise(4, 12_000), noise(5, 4000)}
	for _, c := range contents {
		arrivals = append(arrivals, l.put(c))
	}
	sealUpTo(t, l.v, 1, 6, 4)
	before, disk := records(t, l.v), l.v.Stats().BytesDisk
	r := release(t, l.v, 6)
	if now := l.v.Stats().BytesDisk; r.Bytes != disk-now || r.Bytes < 15_000 || r.Messages != 3 || r.Segments < 2 {
		t.Errorf("released %+v, %d of %d bytes are left", r, now, disk)
	}
	look := func() {
		t.Helper()
		for i, a := range arrivals {
			switch i {
			case 0, 2, 4, 5:
				gone(t, l.v, a, "Nov-2026.tgz")
			default:
				if !bytes.Equal(get(t, l.v, a.ID), contents[i]) {
					t.Errorf("message %d came out with other bytes", a.Seq)
				}
			}
		}
		if diff := differs(before, records(t, l.v)); diff >= 0 {
			t.Errorf("record %d is another one", diff+1)
		}
		if done := clean(t, l.v); done.Released != 4 || done.Arrivals != 7 || done.Records != 8 {
			t.Errorf("verify saw %+v", done)
		}
		l.counted()
		l.nothingTorn()
	}
	look()
	if r := release(t, l.v, 6); r != (Released{}) {
		t.Errorf("again: %+v", r)
	}
	l.restart()
	look()
	if len(l.v.Stats().Recovery.Indexed) > 0 {
		t.Errorf("indexes made again: %v", l.v.Stats().Recovery.Indexed)
	}
	for _, name := range l.files(indexSuffix) {
		if err := l.disk.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	l.restart()
	look()
	again := l.put(noise(4, 12_000))
	if !bytes.Equal(get(t, l.v, again.ID), noise(4, 12_000)) {
		t.Error("content that was released did not come in again")
	}
	clean(t, l.v)
}

func differs(a, b [][]byte) int {
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || !bytes.Equal(a[i], b[i]) {
			return i
		}
	}
	return -1
}

// TestSharedBytesStay until the last who needs them is sealed too.
func TestSharedBytesStay(t *testing.T) {
	for _, content := range [][]byte{noise(1, 3000), repeated(1, 3*ChunkSize)} {
		l := newLab(t, Options{SegmentSize: 2000})
		first, other := l.put(content), l.put(noise(2, 2500))
		second := l.put(content)
		sealUpTo(t, l.v, 1, 2)
		if r := release(t, l.v, 2); r.Messages != 1 {
			t.Errorf("released %+v", r)
		}
		gone(t, l.v, other, "Nov-2026.tgz")
		for _, a := range []mail.Arrival{first, second} {
			if !bytes.Equal(get(t, l.v, a.ID), content) {
				t.Errorf("message %d came out with other bytes", a.Seq)
			}
		}
		clean(t, l.v)
		l.restart()
		sealUpTo(t, l.v, 3, 3)
		if r := release(t, l.v, 3); r.Messages != 1 || r.Segments != 1 {
			t.Errorf("released %+v", r)
		}
		gone(t, l.v, first, "Nov-2026.tgz")
		gone(t, l.v, second, "Nov-2026.tgz")
		clean(t, l.v)
		l.restart()
		clean(t, l.v)
		l.put(noise(9, 100))
		clean(t, l.v)
	}
}

// TestReaderGoesOnWithTheOldFile, and an item of a walk that went on finds its
// bytes or says where they are.
func TestReaderGoesOnWithTheOldFile(t *testing.T) {
	l := newLab(t, Options{})
	large := repeated(1, 5*ChunkSize)
	stays, leaves := l.put(large), l.put(noise(7, 3*ChunkSize))
	var items []Item
	if err := l.v.Walk(ctx, 0, func(i Item) error { items = append(items, i); return nil }); err != nil {
		t.Fatal(err)
	}
	_, r, err := l.v.Open(ctx, leaves.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	sealUpTo(t, l.v, 1, 2, 1)
	release(t, l.v, 2)
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, noise(7, 3*ChunkSize)) {
		t.Errorf("the reader got %d bytes and %v", len(got), err)
	}
	content, err := items[0].Content()
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	if got, err := io.ReadAll(content); err != nil || !bytes.Equal(got, large) {
		t.Errorf("the item gave %d bytes and %v", len(got), err)
	}
	if _, err := items[1].Content(); !errors.Is(err, mail.ErrElsewhere) {
		t.Errorf("the item of released content: %v", err)
	}
	gone(t, l.v, leaves, "Nov-2026.tgz")
	if !bytes.Equal(get(t, l.v, stays.ID), large) {
		t.Error("other bytes")
	}
}

func TestNotes(t *testing.T) {
	l := newLab(t, Options{SegmentSize: 3000})
	type outcome struct {
		To string `json:"to"`
	}
	put := l.put(noise(1, 2000))
	seq, err := l.v.Note(ctx, "outcome", outcome{"a<b>@example.org"})
	if err != nil || seq != 2 {
		t.Fatalf("Note: %d, %v", seq, err)
	}
	l.put(noise(2, 2000))
	want := sealUpTo(t, l.v, 1, 3)
	for range 2 {
		if got := l.v.Sealed(); len(got) != 1 || got[0].Seq != 4 || got[0].File != want.File || !got[0].Made.Equal(put.Received) {
			t.Errorf("sealed: %+v", got)
		}
		var kinds []string
		err := l.v.Walk(ctx, 0, func(i Item) error {
			kinds = append(kinds, i.Kind)
			if _, err := i.Content(); i.Note && !errors.Is(err, mail.ErrNotFound) {
				t.Errorf("content of a note: %v", err)
			}
			if i.Note {
				if _, err := l.v.Get(ctx, i.Arrival.ID); !errors.Is(err, mail.ErrNotFound) {
					t.Errorf("Get of a note: %v", err)
				}
			}
			return i.Err
		})
		if err != nil || len(kinds) != 4 || kinds[1] != "outcome" || kinds[3] != KindSeal || kinds[0] != KindArrival {
			t.Errorf("walk: %q, %v", kinds, err)
		}
		var seqs []uint64
		if err := l.v.Seqs(ctx, 0, func(seq uint64, _ mail.ID) error { seqs = append(seqs, seq); return nil }); err != nil || len(seqs) != 2 || seqs[1] != 3 {
			t.Errorf("seqs %v, %v", seqs, err)
		}
		for after, want := range []uint64{2, 1, 1, 0, 0, 0} {
			if n, err := l.v.Arrivals(uint64(after)); n != want || err != nil {
				t.Errorf("%d arrivals after %d, want %d (%v)", n, after, want, err)
			}
		}
		if s := l.v.Stats(); s.Records != 4 || s.Arrivals != 2 || s.Archives != 1 {
			t.Errorf("stats %+v", s)
		}
		l.whole()
		l.restart()
	}
	for kind, value := range map[string]any{"": outcome{}, KindSeal: outcome{}, KindArrival: outcome{}, KindRestored: outcome{}, "x": 3} {
		if _, err := l.v.Note(ctx, kind, value); !errors.Is(err, mail.ErrBadInput) {
			t.Errorf("note of kind %q: %v", kind, err)
		}
	}
	for _, s := range []Seal{sealOf(0, 1), sealOf(2, 1), sealOf(1, 9), {First: 1, Last: 1, Length: 1}} {
		if _, err := l.v.Seal(ctx, s); !errors.Is(err, mail.ErrBadInput) {
			t.Errorf("seal %+v: %v", s, err)
		}
	}
}

// TestReleaseDuringClose ends early and leaves a whole vault.
func TestReleaseAfterClose(t *testing.T) {
	l := newLab(t, Options{})
	l.put(noise(1, 2000))
	sealUpTo(t, l.v, 1, 1)
	l.v.Close()
	if _, err := l.v.Release(ctx, 1, nil); !errors.Is(err, mail.ErrRetry) {
		t.Errorf("Release: %v", err)
	}
}
