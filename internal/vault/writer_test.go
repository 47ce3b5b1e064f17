package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"mailarchive/internal/durable/durabletest"
	"mailarchive/internal/mail"
)

func TestFullDisk(t *testing.T) {
	disk := durabletest.New(durabletest.Options{Capacity: 300_000})
	v := opened(t, Options{Folder: "/v", FS: disk, Reserve: 50_000})
	acked := map[mail.ID][]byte{}
	var full error
	for i := uint64(0); full == nil; i++ {
		content := noise(i, 5000)
		a, err := tryPut(v, content)
		if err == nil {
			acked[a.ID] = content
		}
		full = err
	}
	if !errors.Is(full, mail.ErrFull) {
		t.Fatalf("append on a full disk: %v", full)
	}
	if free, _ := disk.Free("/v"); free < 40_000 {
		t.Errorf("%d bytes of the reserve are left", free)
	}
	disk.SetCapacity(600_000)
	a, err := tryPut(v, []byte("space is back"))
	if err != nil {
		t.Fatalf("append after space came back: %v", err)
	}
	acked[a.ID] = []byte("space is back")
	for id, content := range acked {
		if !bytes.Equal(get(t, v, id), content) {
			t.Errorf("%s came out with other bytes", id)
		}
	}
	if done := clean(t, v); done.Records != uint64(len(acked)) {
		t.Errorf("%d records, %d told yes for", done.Records, len(acked))
	}
}

// TestShortWriteIsTakenBack fills the disk to the brim, with no reserve to
// stop before it.
func TestShortWriteIsTakenBack(t *testing.T) {
	disk := durabletest.New(durabletest.Options{Capacity: 100_000})
	v := opened(t, Options{Folder: "/v", FS: disk})
	n := 0
	for ; ; n++ {
		if _, err := tryPut(v, noise(uint64(n), 5000)); err != nil {
			if !errors.Is(err, mail.ErrFull) {
				t.Fatalf("append: %v", err)
			}
			break
		}
	}
	disk.SetCapacity(200_000)
	a := put(t, v, []byte("again"))
	if a.Seq != uint64(n+1) {
		t.Errorf("number %d after %d stored", a.Seq, n)
	}
	if segments := v.Stats().Segments; segments != 1 {
		t.Errorf("%d segments: a short write does not need a new one", segments)
	}
	clean(t, v)
}

func TestFailedSyncBeginsANewSegment(t *testing.T) {
	disk := durabletest.New(durabletest.Options{})
	v := opened(t, Options{Folder: "/v", FS: disk})
	first := put(t, v, []byte("first"))
	fail := true
	disk.Before(func(op durabletest.Op) durabletest.Fault {
		if op.Kind == durabletest.Sync && op.Path == "/v/000000001.tar.zst" && fail {
			fail = false
			return durabletest.Fault{Err: syscall.EIO}
		}
		if op.Path == "/v/000000001.tar.zst" && !fail && op.Kind != durabletest.Read && op.Kind != durabletest.Truncate && op.Kind != durabletest.Open {
			t.Errorf("%s on a segment whose sync failed", op.Kind)
		}
		return durabletest.Fault{}
	})
	if _, err := tryPut(v, []byte("second")); !errors.Is(err, mail.ErrRetry) {
		t.Fatalf("append with a failing sync: %v", err)
	}
	third := put(t, v, []byte("third"))
	if third.Seq != 2 || v.Stats().Segments != 2 {
		t.Errorf("number %d in %d segments", third.Seq, v.Stats().Segments)
	}
	disk.Before(nil)
	for _, choose := range []func(int) int{durabletest.Nothing, durabletest.Everything} {
		again := opened(t, Options{Folder: "/v", FS: disk.Crash(choose)})
		if string(get(t, again, first.ID)) != "first" || string(get(t, again, third.ID)) != "third" {
			t.Error("other bytes after the crash")
		}
		clean(t, again)
	}
}

// failing makes the operations fail that are of the kind and whose path ends
// so, as often as it says.
func (l *lab) failing(kind durabletest.Kind, suffix string, times int, f durabletest.Fault) {
	var mu sync.Mutex
	l.disk.Before(func(op durabletest.Op) durabletest.Fault {
		mu.Lock()
		defer mu.Unlock()
		if op.Kind != kind || !strings.HasSuffix(op.Path, suffix) || times == 0 {
			return durabletest.Fault{}
		}
		times--
		return f
	})
}

// TestSyncsFailOneAfterTheOther: each takes a segment along; the messages
// before and behind are found without a restart.
func TestSyncsFailOneAfterTheOther(t *testing.T) {
	for times := range 4 {
		l := newLab(t, Options{})
		l.put(noise(1, 3000))
		l.failing(durabletest.Sync, segmentSuffix, times, durabletest.Fault{Err: syscall.EIO})
		for range times {
			if _, err := tryPut(l.v, noise(2, 3000)); !errors.Is(err, mail.ErrRetry) {
				t.Fatalf("append with a failing sync: %v", err)
			}
		}
		l.put(noise(3, 3000))
		l.put(noise(1, 3000))
		l.whole()
		l.crash(durabletest.Everything)
		l.whole()
	}
}

// TestEveryWriteThatFails is taken back, wherever the disk stops: the number
// goes to the next message, in the same segment, and after power loss nothing
// of what was refused comes back.
func TestEveryWriteThatFails(t *testing.T) {
	for keep := 0; keep < 4000; keep += 97 {
		l := newLab(t, Options{})
		l.put(noise(1, 3000))
		l.failing(durabletest.Write, segmentSuffix, 1, durabletest.Fault{Err: syscall.ENOSPC, Keep: keep})
		if _, err := tryPut(l.v, noise(2, 3000)); !errors.Is(err, mail.ErrFull) {
			t.Fatalf("append with a short write: %v", err)
		}
		l.disk = l.disk.Crash(durabletest.Everything)
		l.v.Close()
		l.start()
		l.nothingTorn()
		if a := l.put(noise(3, 3000)); a.Seq != 2 || l.v.Stats().Segments != 1 {
			t.Errorf("number %d in %d segments", a.Seq, l.v.Stats().Segments)
		}
		l.whole()
	}
}

// TestRefusedBytesDoNotComeBack: a write was taken back and another one made in
// its place; then power goes before the sync. A sector may hold what it held at
// any time since the last sync, and never anything of the refused one: it would
// look like damage to a commit that is complete otherwise.
func TestRefusedBytesDoNotComeBack(t *testing.T) {
	l := newLab(t, Options{})
	l.put(noise(1, 3000))
	l.failing(durabletest.Write, segmentSuffix, 1, durabletest.Fault{Err: syscall.ENOSPC, Keep: 2500})
	if _, err := tryPut(l.v, noise(2, 3000)); err == nil {
		t.Fatal("the write did not fail")
	}
	l.failing(durabletest.Sync, segmentSuffix, 1, durabletest.Fault{Cut: true})
	if _, err := tryPut(l.v, noise(3, 3000)); err == nil {
		t.Fatal("no power and yes")
	}
	l.v.Close()
	cut := l.disk
	for third := range 10 { // of the questions that have more than two answers
		asked := -1
		l.disk = cut.Crash(func(n int) int {
			if n > 2 {
				asked++
			}
			if n > 2 && asked == third {
				return 1
			}
			return n - 1
		})
		l.start()
		if d := l.v.Stats().Recovery.Damaged; len(d) > 0 {
			t.Errorf("damaged: %v", d)
		}
		clean(t, l.v)
		l.v.Close()
	}
}

func TestWriteAndItsUndoFail(t *testing.T) {
	for _, undo := range []durabletest.Kind{durabletest.Truncate, durabletest.Sync} {
		l := newLab(t, Options{})
		l.put(noise(1, 3000))
		failed := false
		l.disk.Before(func(op durabletest.Op) durabletest.Fault {
			if op.Path != l.name(1, segmentSuffix) {
				return durabletest.Fault{}
			}
			if op.Kind == durabletest.Write && !failed || op.Kind == undo && failed {
				failed = true
				return durabletest.Fault{Err: syscall.EIO, Keep: 1000}
			}
			return durabletest.Fault{}
		})
		if _, err := tryPut(l.v, noise(2, 3000)); !errors.Is(err, mail.ErrRetry) {
			t.Fatalf("append: %v", err)
		}
		l.put(noise(3, 3000))
		if n := l.v.Stats().Segments; n != 2 {
			t.Errorf("%d segments", n)
		}
		l.whole()
		l.crash(durabletest.Everything)
		l.whole()
	}
}

// TestNewSegmentCannotBeMade: mail is refused until it can, and nothing piles
// up in the folder.
func TestNewSegmentCannotBeMade(t *testing.T) {
	for _, kind := range []durabletest.Kind{durabletest.Open, durabletest.SyncDir} {
		l := newLab(t, Options{SegmentSize: 1})
		l.put(noise(1, 3000))
		suffix := segmentSuffix
		if kind == durabletest.SyncDir {
			suffix = "/v"
		}
		l.failing(kind, suffix, 5, durabletest.Fault{Err: syscall.EIO})
		for range 5 {
			if _, err := tryPut(l.v, noise(2, 3000)); !errors.Is(err, mail.ErrRetry) {
				t.Fatalf("append: %v", err)
			}
		}
		l.put(noise(3, 3000))
		if names := l.files(segmentSuffix); len(names) != 2 {
			t.Errorf("%s fails: %v", kind, names)
		}
		l.whole()
		l.crash(durabletest.Nothing)
		l.whole()
	}
}

// TestIndexCannotBeWritten: the positions stay in memory, and are made from the
// segment at the next start.
func TestIndexCannotBeWritten(t *testing.T) {
	l := newLab(t, Options{SegmentSize: 1})
	l.put(noise(1, 3000))
	l.failing(durabletest.Open, indexSuffix+".tmp", 1, durabletest.Fault{Err: syscall.ENOSPC})
	l.put(noise(2, 3000))
	l.whole()
	l.restart()
	l.whole()
	if indexed := l.v.Stats().Recovery.Indexed; !slices.Equal(indexed, []int{1}) {
		t.Errorf("indexes made again: %v", indexed)
	}
}

func TestSegmentsEndWhereTheyShould(t *testing.T) {
	l := newLab(t, Options{SegmentSize: 40_000})
	for i := range uint64(30) {
		l.put(noise(i, 6000))
		l.put([]byte("short"))
	}
	l.put(noise(99, 60_000)) // larger than a segment
	l.put(noise(98, 6000))
	l.restart()
	l.put(noise(97, 6000))
	large := 0
	for number := 1; number <= l.v.Stats().Segments; number++ {
		if n := len(l.read(l.name(number, segmentSuffix))); n > 40_000 {
			large++
			if commits := len(l.spans(number)); commits != 1 {
				t.Errorf("segment %d has %d bytes in %d commits", number, n, commits)
			}
		}
	}
	if n := l.v.Stats().Segments; n > 10 { // some 290,000 bytes
		t.Errorf("%d segments", n)
	}
	if large != 1 {
		t.Errorf("%d segments over the limit", large)
	}
	l.whole()
}

func TestEnvelopeOverTheLimit(t *testing.T) {
	l := newLab(t, Options{})
	l.group(noise(1, 3000), noise(2, 3000)) // among them one that is too large
	if l.v.Last() != 2 {
		t.Errorf("%d records", l.v.Last())
	}
	to := make([]mail.Recipient, 10_000)
	for i := range to {
		to[i] = mail.Recipient{Address: mail.Address(fmt.Sprintf("%s%d@example.org", strings.Repeat("r", 240), i)), Params: []string{"NOTIFY=SUCCESS,FAILURE,DELAY", "ORCPT=rfc822;" + strings.Repeat("x", 240)}}
	}
	a, err := tryPutFor(l.v, noise(3, ChunkSize), mail.Envelope{Source: "smtp", To: to})
	if err != nil {
		t.Fatalf("10,000 recipients of full length: %v", err)
	}
	l.told = append(l.told, told{a, noise(3, ChunkSize)})
	l.restart()
	l.whole()
	got, err := l.v.Get(ctx, a.ID)
	if err != nil || len(got.Envelope.To) != len(to) || got.Envelope.To[9999].Address != to[9999].Address {
		t.Errorf("recipients came back as %d (%v)", len(got.Envelope.To), err)
	}
}

func TestClockAtAMonthsEndGoesBack(t *testing.T) {
	now := time.Date(2026, 12, 1, 0, 0, 1, 0, time.UTC)
	v := opened(t, Options{Clock: func() time.Time { return now }})
	put(t, v, []byte("december"))
	now = now.Add(-time.Hour)
	put(t, v, []byte("december all the same"))
	put(t, v, []byte("and again"))
	if n := v.Stats().Segments; n != 1 {
		t.Errorf("%d segments, want 1: received never goes back", n)
	}
}

func TestContextOfAppend(t *testing.T) {
	v := opened(t, Options{})
	over, cancel := context.WithCancel(ctx)
	cancel()
	s := v.Stage()
	if _, err := io.WriteString(s, "text"); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Append(over, mail.Envelope{}, s); !errors.Is(err, context.Canceled) || v.Last() != 0 {
		t.Errorf("append with a context that is over: %v, %d records", err, v.Last())
	}
	if err := v.WaitPast(over, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("WaitPast: %v", err)
	}
	if _, err := v.Append(ctx, mail.Envelope{}, s); err == nil {
		t.Error("content was taken twice")
	}
}
