package vault

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"syscall"
	"testing"

	"mailarchive/internal/durable/durabletest"
	"mailarchive/internal/mail"
)

func TestWalkFromAnywhere(t *testing.T) {
	l := mixed(t)
	for from := range l.v.Last() + 3 {
		var seqs []uint64
		err := l.v.Walk(ctx, from, func(i Item) error {
			m := l.told[i.Arrival.Seq-1]
			if i.Arrival.ID != m.ID || mail.Sum(i.Record) == (mail.Digest{}) || i.Err != nil {
				t.Errorf("walk gave %+v (%v)", i.Arrival, i.Err)
			}
			seqs = append(seqs, i.Arrival.Seq)
			return nil
		})
		var want []uint64
		for seq := max(from, 1); seq <= l.v.Last(); seq++ {
			want = append(want, seq)
		}
		if err != nil || !slices.Equal(seqs, want) {
			t.Errorf("walk from %d gave %v (%v)", from, seqs, err)
		}
	}
}

// TestItemsOutliveTheWalk: record and content may be used when it is over.
func TestItemsOutliveTheWalk(t *testing.T) {
	l := mixed(t)
	var items []Item
	if err := l.v.Walk(ctx, 0, func(i Item) error { items = append(items, i); return nil }); err != nil {
		t.Fatal(err)
	}
	prev := mail.Digest{}
	for n, i := range items {
		r, err := i.Content()
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		r.Close()
		if err != nil || !bytes.Equal(got, l.told[n].content) {
			t.Errorf("content of %d came out otherwise (%v)", n+1, err)
		}
		record, err := DecodeRecord(i.Record)
		if err != nil || record.Prev != prev {
			t.Errorf("record %d: %v", n+1, err)
		}
		prev = mail.Sum(i.Record)
	}
}

func TestWalkEnds(t *testing.T) {
	l := mixed(t)
	stop := errors.New("enough")
	n := 0
	err := l.v.Walk(ctx, 0, func(Item) error {
		if n++; n == 3 {
			return stop
		}
		return nil
	})
	if err != stop || n != 3 {
		t.Errorf("walk told to stop at 3 ended at %d with %v", n, err)
	}
	over, cancel := context.WithCancel(ctx)
	n = 0
	err = l.v.Walk(over, 0, func(Item) error { n++; cancel(); return nil })
	if !errors.Is(err, context.Canceled) || n != 1 {
		t.Errorf("walk whose context ended at 1 ended at %d with %v", n, err)
	}
	_, err = l.v.Verify(over, func(int64, int64) {}, func(Finding) {})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("verify with a context that is over: %v", err)
	}
}

// TestWalkEndsWhereItBegan: what comes in meanwhile is for the next walk.
func TestWalkEndsWhereItBegan(t *testing.T) {
	l := newLab(t, Options{SegmentSize: 8000})
	for i := range uint64(5) {
		l.put(noise(i, 3000))
	}
	n := uint64(0)
	err := l.v.Walk(ctx, 0, func(i Item) error {
		n++
		l.put(noise(100+n, 3000))
		return nil
	})
	if err != nil || n != 5 {
		t.Errorf("walk gave %d records (%v)", n, err)
	}
}

func TestWaitPast(t *testing.T) {
	v := opened(t, Options{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := v.WaitPast(ctx, 1); err != nil || v.Last() < 2 {
				t.Errorf("WaitPast(1) at %d: %v", v.Last(), err)
			}
		})
	}
	put(t, v, []byte("one"))
	put(t, v, []byte("two"))
	wg.Wait()
}

func TestWhatIsNotThere(t *testing.T) {
	l := mixed(t)
	for _, id := range []mail.ID{{}, {1}, {0xff}, mail.NextID(l.told[0].ID, l.told[0].ID.Time())} {
		if slices.ContainsFunc(l.told, func(m told) bool { return m.ID == id }) {
			continue
		}
		if _, err := l.v.Get(ctx, id); !errors.Is(err, mail.ErrNotFound) {
			t.Errorf("Get %s: %v", id, err)
		}
		if _, _, err := l.v.Open(ctx, id); !errors.Is(err, mail.ErrNotFound) {
			t.Errorf("Open %s: %v", id, err)
		}
	}
	if _, err := opened(t, Options{}).Get(ctx, l.told[0].ID); !errors.Is(err, mail.ErrNotFound) {
		t.Errorf("Get in an empty vault: %v", err)
	}
}

// TestLostIsNotTheSameAsNotThere: the mark still knows the last ID.
func TestLostIsNotTheSameAsNotThere(t *testing.T) {
	l := newLab(t, Options{})
	l.put(noise(1, 3000))
	l.put(noise(2, 3000))
	l.flip(1, 100)
	l.restart()
	if _, err := l.v.Get(ctx, l.told[0].ID); !errors.Is(err, mail.ErrDamaged) {
		t.Errorf("Get of a lost record: %v", err)
	}
}

// TestTooManyOpenFiles is no damage: the message is asked for again later.
func TestTooManyOpenFiles(t *testing.T) {
	l := mixed(t)
	l.v.loading.Wait()
	l.failing(durabletest.Open, segmentSuffix, -1, durabletest.Fault{Err: syscall.EMFILE})
	for _, m := range l.told {
		_, _, err := l.v.Open(ctx, m.ID)
		if !errors.Is(err, mail.ErrRetry) || errors.Is(err, mail.ErrDamaged) {
			t.Errorf("Open: %v", err)
		}
	}
	err := l.v.Walk(ctx, 0, func(Item) error { t.Error("walk gives what it cannot read"); return nil })
	if !errors.Is(err, syscall.EMFILE) {
		t.Errorf("Walk: %v", err)
	}
	l.disk.Before(nil)
	l.whole()
}

// TestReadersLetGo of their files, also when they stop half-way.
func TestReadersLetGo(t *testing.T) {
	c := &countingFS{FS: durabletest.New(durabletest.Options{})}
	v := opened(t, Options{Folder: "/v", FS: c, SegmentSize: 1})
	v.loading.Wait()
	var ids []mail.ID
	for i, n := range sizes {
		ids = append(ids, put(t, v, noise(uint64(i), n)).ID)
	}
	before := c.open.Load()
	for _, id := range ids {
		_, r, err := v.Open(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(r, make([]byte, 1)); err != nil && err != io.EOF {
			t.Fatal(err)
		}
		r.Close()
	}
	v.Walk(ctx, 0, func(Item) error { return nil })
	clean(t, v)
	if n := c.open.Load(); n != before {
		t.Errorf("%d open files, %d before", n, before)
	}
}

func TestStats(t *testing.T) {
	l := mixed(t)
	s := l.v.Stats()
	var disk int64
	for number := 1; number <= 3; number++ {
		disk += int64(len(l.read(l.name(number, segmentSuffix))))
	}
	if s.Records != uint64(len(l.told)) || s.Segments != 3 || s.BytesDisk != disk || s.Vault != l.v.UUID() || !s.LastReceived.Equal(l.o.Clock()) {
		t.Errorf("stats %+v, want %d records, %d bytes", s, len(l.told), disk)
	}
	if s := opened(t, Options{}).Stats(); s.Records != 0 || s.BytesDisk != 0 || !s.LastReceived.IsZero() {
		t.Errorf("stats of an empty vault: %+v", s)
	}
}

func TestFindingForAPerson(t *testing.T) {
	id := mail.ID{1}
	for _, c := range []struct {
		f    Finding
		want string
	}{
		{Finding{Segment: 3, What: "index is missing"}, "segment 3: index is missing"},
		{Finding{Segment: 3, Offset: 7, What: "x"}, "segment 3, byte 7: x"},
		{
			Finding{Segment: 3, Offset: 7, Length: 3, What: "frame is damaged", Lost: []uint64{4, 5, 6, 9}},
			"segment 3, bytes 7 to 9: frame is damaged; lost: arrivals 4-6, 9",
		},
		{
			Finding{Segment: 3, What: "content", IDs: []mail.ID{id, id}},
			"segment 3: content; affected: " + id.String() + ", " + id.String(),
		},
	} {
		if got := c.f.String(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
