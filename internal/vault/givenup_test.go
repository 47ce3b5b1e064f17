package vault

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"mailarchive/internal/durable/durabletest"
	"mailarchive/internal/mail"
)

// givenUp is a vault whose first segment holds a message and, behind it, one
// whose sync failed and that nobody was told of: cutting it off failed too.
func givenUp(t *testing.T, before int) *lab {
	l := newLab(t, Options{})
	for i := range before {
		l.put(noise(uint64(i), 3000))
	}
	failed := false
	l.disk.Before(func(op durabletest.Op) durabletest.Fault {
		if op.Path == "/v/000000001.tar.zst" && (op.Kind == durabletest.Sync || failed && op.Kind == durabletest.Truncate) {
			failed = true
			return durabletest.Fault{Err: syscall.EIO}
		}
		return durabletest.Fault{}
	})
	if _, err := tryPut(l.v, noise(77, 3000)); !errors.Is(err, mail.ErrRetry) {
		t.Fatalf("append with a failing sync: %v", err)
	}
	l.disk.Before(nil)
	return l
}

// TestRefusedMailIsNotThereAfterARestart: the commit whose sync failed is cut
// off, though it could be read.
func TestRefusedMailIsNotThereAfterARestart(t *testing.T) {
	l := newLab(t, Options{})
	l.put(noise(1, 3000))
	l.failing(durabletest.Sync, segmentSuffix, 1, durabletest.Fault{Err: syscall.EIO})
	if _, err := tryPut(l.v, noise(2, 3000)); !errors.Is(err, mail.ErrRetry) {
		t.Fatalf("append with a failing sync: %v", err)
	}
	l.restart()
	l.nothingTorn()
	if a := l.put(noise(3, 3000)); a.Seq != 2 {
		t.Errorf("number %d", a.Seq)
	}
	l.whole()
}

// TestGivenUpForGood: the sync of a segment failed, the next one took nothing
// before the process ended. The one that was given up is not written again.
func TestGivenUpForGood(t *testing.T) {
	l := newLab(t, Options{})
	l.put(noise(1, 3000))
	l.failing(durabletest.Sync, segmentSuffix, 1, durabletest.Fault{Err: syscall.EIO})
	if _, err := tryPut(l.v, noise(2, 3000)); err == nil {
		t.Fatal("the sync did not fail")
	}
	l.failing(durabletest.Write, segmentSuffix, 1, durabletest.Fault{Err: syscall.ENOSPC})
	if _, err := tryPut(l.v, noise(2, 3000)); err == nil {
		t.Fatal("the write did not fail")
	}
	l.disk.Before(nil)
	l.restart()
	length := len(l.read(l.name(1, segmentSuffix)))
	l.put(noise(3, 3000))
	if got := len(l.read(l.name(1, segmentSuffix))); got != length || l.v.Stats().Segments != 2 {
		t.Errorf("segment 1 has %d bytes, had %d", got, length)
	}
	l.whole()
}

// TestSurplusBehindAGivenUpSegment: the bytes whose sync failed come back, and
// the next segment says that they belong to nobody.
func TestSurplusBehindAGivenUpSegment(t *testing.T) {
	for before := range 3 {
		for _, markFlipped := range []bool{false, true} {
			t.Run(fmt.Sprintf("%d before, mark flipped %v", before, markFlipped), func(t *testing.T) {
				l := givenUp(t, before)
				length := int64(0)
				if before > 0 {
					length = l.spans(1)[before-1].end
				}
				l.put(noise(50, 3000))
				if int64(len(l.read(l.name(1, segmentSuffix)))) == length {
					t.Fatal("the test wants bytes behind the last commit")
				}
				if markFlipped {
					l.flip(2, l.spans(2)[0].markAt()+70)
				}
				l.crash(durabletest.Everything)
				torn := l.v.Stats().Recovery.Torn
				if len(torn) == 0 || !slices.ContainsFunc(torn, func(t Torn) bool { return t.Segment == 1 && t.Offset == length }) {
					t.Errorf("moved aside: %+v", torn)
				}
				l.whole()
				if got := int64(len(l.read(l.name(1, segmentSuffix)))); got != length {
					t.Errorf("segment 1 has %d bytes, %d were committed", got, length)
				}
				l.crash(durabletest.Nothing) // they are gone for good
				l.nothingTorn()
				l.put(noise(51, 3000))
				l.whole()
			})
		}
	}
}

// TestNoNumberTwice: bytes of a refused commit are back, and the record that
// would say where the segment ends cannot be read.
func TestNoNumberTwice(t *testing.T) {
	for _, marked := range []bool{true, false} {
		noNumberTwice(t, marked)
	}
}

func noNumberTwice(t *testing.T, marked bool) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	l := newLab(t, Options{Clock: func() time.Time { return now }})
	l.put(noise(1, 3000))
	l.put(noise(2, 3000))
	end := l.spans(1)[1].end
	refused := l.group(noise(4, 200_000), noise(5, 100_000))
	withRefused := l.read(l.name(1, segmentSuffix))
	if !marked {
		withRefused[len(withRefused)-1]++
	}
	l.told = l.told[:2]
	l.v.Close()
	l.write(l.name(1, segmentSuffix), withRefused[:end])
	now = now.Add(30 * 24 * time.Hour) // another segment
	l.start()
	l.group(three()...)
	l.v.Close()
	l.write(l.name(1, segmentSuffix), withRefused)
	l.disk.Remove(l.name(1, indexSuffix))
	l.flip(2, 200)
	for i := range 2 {
		l.start()
		if lost := l.lost(); !slices.Equal(lost, []uint64{3}) {
			t.Errorf("lost %v", lost)
		}
		l.counted()
		if indexed := l.v.Stats().Recovery.Indexed; len(indexed) != 1-i {
			t.Errorf("start %d made indexes of %v", i, indexed)
		}
		l.disk.Remove(l.name(1, indexSuffix)) // and is made again while the vault is open
		l.counted()
		for _, a := range refused {
			if got, err := l.v.Get(ctx, a.ID); err == nil {
				t.Errorf("a refused message is number %d", got.Seq)
			}
		}
		l.v.Close()
	}
}

// TestKilledAfterAFailedSync: the process dies before it can take the commit
// back. What the next one reads is in memory only, and a record that follows it
// would hang in the air after power loss.
func TestKilledAfterAFailedSync(t *testing.T) {
	l := givenUp(t, 1)
	l.restart()
	content := noise(77, 3000)
	if a := l.put(content); a.Seq != 3 { // its bytes stand in record 2
		t.Errorf("number %d", a.Seq)
	}
	l.crash(durabletest.Nothing)
	l.whole()
}

// TestLengthWhoseSyncFailed: the same, and the segment does not grow any more,
// so that no later write brings its length to disk. What a start has shown
// stays, or another message would get its number.
func TestLengthWhoseSyncFailed(t *testing.T) {
	for _, rotated := range []bool{false, true} {
		l := givenUp(t, 1)
		if rotated {
			l.o.SegmentSize = 1
		}
		l.restart()
		if last := l.v.Last(); last != 2 {
			t.Fatalf("the test wants the refused record to be seen; the last is number %d", last)
		}
		if rotated {
			l.put(noise(3, 3000))
		}
		last := l.v.Last()
		l.crash(durabletest.Nothing)
		if got := l.v.Last(); got != last {
			t.Errorf("rotated %v: the last is number %d, was %d", rotated, got, last)
		}
		l.nothingTorn()
		l.whole()
	}
}

// TestKilledAfterAFailedSyncAndThenFull: the start cannot write the commit again
// because the disk is full. What is there is read; nothing is taken in until the
// commit is on disk, because it would follow a record that power loss takes away.
func TestKilledAfterAFailedSyncAndThenFull(t *testing.T) {
	for _, kind := range []durabletest.Kind{durabletest.Write, durabletest.Truncate, durabletest.Sync} {
		l := givenUp(t, 1)
		l.failing(kind, "000000001"+segmentSuffix, 2, durabletest.Fault{Err: syscall.ENOSPC})
		l.restart()
		if last := l.v.Last(); last != 2 {
			t.Fatalf("the test wants the refused record to be seen; the last is number %d", last)
		}
		if lost := l.lost(); len(lost) > 0 {
			t.Errorf("lost %v", lost)
		}
		content := noise(77, 3000)
		if _, err := tryPut(l.v, content); !errors.Is(err, mail.ErrFull) {
			t.Errorf("%s fails: append: %v", kind, err)
		}
		if a := l.put(content); a.Seq != 3 { // its bytes stand in record 2
			t.Errorf("%s fails: number %d", kind, a.Seq)
		}
		l.crash(durabletest.Nothing)
		l.whole()
	}
}

// TestKilledBeforeTheSync: the same with bytes that nobody has tried to sync.
func TestKilledBeforeTheSync(t *testing.T) {
	l := newLab(t, Options{})
	l.put(noise(1, 3000))
	l.put(noise(2, 3000))
	l.v.Close()
	name := l.name(1, segmentSuffix)
	b, half := l.read(name), l.spans(1)[0].end
	l.write(name, b[:half])
	f, err := l.disk.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(b[half:]); err != nil {
		t.Fatal(err)
	}
	f.Close()
	l.start()
	l.crash(durabletest.Nothing) // what a start has shown stays
	l.whole()
	l.put(noise(2, 3000))
	l.crash(durabletest.Nothing)
	l.whole()
}

// TestNameWhoseSyncFailedIsNotUsed: a segment whose name never got to disk must
// not take mail after a restart, when a sync of the folder says nil again.
func TestNameWhoseSyncFailedIsNotUsed(t *testing.T) {
	for i := range 4 {
		removeFails, restart := i%2 == 0, i/2 == 0
		l := newLab(t, Options{SegmentSize: 1})
		l.put(noise(1, 3000))
		l.disk.Before(func(op durabletest.Op) durabletest.Fault {
			if op.Kind == durabletest.SyncDir || removeFails && op.Kind == durabletest.Remove && strings.HasSuffix(op.Path, segmentSuffix) {
				return durabletest.Fault{Err: syscall.EIO}
			}
			return durabletest.Fault{}
		})
		for range 3 {
			if _, err := tryPut(l.v, noise(2, 3000)); !errors.Is(err, mail.ErrRetry) {
				t.Fatalf("append when the folder cannot be synced: %v", err)
			}
		}
		l.disk.Before(nil)
		if names := l.files(segmentSuffix); !removeFails && len(names) != 1 {
			t.Errorf("files left: %v", names)
		}
		if restart {
			l.restart()
			if names := l.files(segmentSuffix); len(names) != 1 {
				t.Errorf("files left by the start: %v", names)
			}
		}
		l.put(noise(3, 3000))
		l.crash(durabletest.Nothing)
		l.whole()
	}
}
