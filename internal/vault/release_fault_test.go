package vault

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"syscall"
	"testing"

	"mailarchive/internal/durable/durabletest"
	"mailarchive/internal/mail"
)

// TestReleaseMeetsEachFault lets each operation of a release fail, once or with
// all that follow, and looks: nothing is lost, and another try frees the space.
func TestReleaseMeetsEachFault(t *testing.T) {
	t.Parallel()
	for _, fault := range []error{syscall.EIO, syscall.ENOSPC} {
		for _, several := range []int{1, 7} {
			failed := 0
			for at := 1; ; at++ {
				l := newLab(t, Options{SegmentSize: 9000})
				for i := range 6 {
					l.put(noise(uint64(i), 2500))
				}
				sealUpTo(t, l.v, 1, 6, 2)
				first := l.disk.Ops() + at
				for i := range several {
					l.disk.FailAt(first+i, durabletest.Fault{Err: fault, Keep: 100})
				}
				_, err := l.v.Release(ctx, 6, func(int64, int64) {})
				if l.disk.Ops() < first {
					break
				}
				if err != nil {
					failed++
					if fault == syscall.ENOSPC && !errors.Is(err, mail.ErrFull) && !errors.Is(err, mail.ErrDamaged) && !errors.Is(err, mail.ErrRetry) {
						t.Errorf("operation %d: %v", at, err)
					}
				}
				for l.disk.Ops() < first+several { // the faults that are left
					_ = l.disk.SyncDir("/")
				}
				for _, m := range l.told {
					if _, r, err := l.v.Open(ctx, m.ID); err == nil {
						got, err := io.ReadAll(r)
						if r.Close(); err != nil || !bytes.Equal(got, m.content) {
							t.Fatalf("operation %d: message %d came out with other bytes (%v)", at, m.Seq, err)
						}
					} else if !errors.Is(err, mail.ErrElsewhere) || m.Seq == 2 {
						t.Fatalf("operation %d: message %d: %v", at, m.Seq, err)
					}
				}
				release(t, l.v, 6)
				clean(t, l.v)
				if tmp := l.files(rewriteSuffix); len(tmp) > 0 {
					t.Errorf("operation %d left %v", at, tmp)
				}
				gone(t, l.v, l.told[5].Arrival, "Nov-2026.tgz")
				l.crash(durabletest.Nothing)
				clean(t, l.v)
				l.counted()
				l.nothingTorn()
			}
			if failed == 0 {
				t.Errorf("no fault (%v, %d) came through", fault, several)
			}
		}
	}
}

// TestSameBytesWhileTheyLeave: who brings content while it is being released
// names bytes that stay, or brings its own.
func TestSameBytesWhileTheyLeave(t *testing.T) {
	for seed := range uint64(30) {
		l := newLab(t, Options{SegmentSize: 9000})
		contents := [][]byte{noise(seed, 2500), noise(seed+1, 2600), noise(seed+2, 2700)}
		for _, c := range contents {
			put(l, l.v, c)
		}
		sealUpTo(t, l.v, 1, 3)
		var wg sync.WaitGroup
		var mu sync.Mutex
		for range 4 {
			wg.Go(func() {
				for _, c := range contents {
					a, err := tryPut(l.v, c)
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					l.told = append(l.told, told{a, c})
					mu.Unlock()
				}
			})
		}
		release(t, l.v, 3)
		wg.Wait()
		l.whole()
		release(t, l.v, 3)
		l.whole()
		l.restart()
		l.whole()
	}
}

// TestReleaseLeavesDamageAlone: a segment that does not read back whole stays as
// it is, is named, and does not keep the others.
func TestReleaseLeavesDamageAlone(t *testing.T) {
	for what, harm := range map[string]func(l *lab){
		"a frame": func(l *lab) { l.flip(1, 1000) },
		"a mark":  func(l *lab) { l.flip(1, l.spans(1)[0].markAt()+30) },
		"its end": func(l *lab) { l.edit(1, func(b []byte) []byte { return b[:len(b)-1] }) },
	} {
		t.Run(what, func(t *testing.T) {
			l := newLab(t, Options{SegmentSize: 6000})
			for i := range 5 {
				l.put(noise(uint64(i), 2500))
			}
			sealUpTo(t, l.v, 1, 5)
			harm(l)
			before := l.read(l.name(1, segmentSuffix))
			r, err := l.v.Release(ctx, 5, func(int64, int64) {})
			if !errors.Is(err, mail.ErrDamaged) || !strings.Contains(err.Error(), "segment 1") || r.Segments != 4 {
				t.Errorf("released %+v, %v", r, err)
			}
			if !bytes.Equal(l.read(l.name(1, segmentSuffix)), before) {
				t.Error("the damaged segment was changed")
			}
			gone(t, l.v, l.told[4].Arrival, "Nov-2026.tgz")
		})
	}
}

// TestDamageInAReleasedSegment is found, and the rest is read.
func TestDamageInAReleasedSegment(t *testing.T) {
	l := newLab(t, Options{SegmentSize: 6000})
	for i := range 5 {
		l.put(noise(uint64(i), 2500))
	}
	sealUpTo(t, l.v, 1, 5)
	release(t, l.v, 5)
	l.put(noise(8, 100))
	for off := range int64(len(l.read(l.name(1, segmentSuffix)))) {
		if off%7 != 0 {
			continue
		}
		l.flip(1, off)
		if _, findings := verified(t, l.v); len(findings) == 0 {
			t.Fatalf("the bit at %d went unseen", off)
		}
		l.flip(1, off)
	}
	clean(t, l.v)
}

// TestSealThatIsDamaged: bytes that are nowhere are named, also when the seal
// is what is damaged.
func TestSealThatIsDamaged(t *testing.T) {
	l := newLab(t, Options{})
	a := l.put(noise(1, 2500))
	sealUpTo(t, l.v, 1, 1)
	release(t, l.v, 1)
	if _, err := l.v.Note(ctx, "x", struct{}{}); err != nil {
		t.Fatal(err)
	}
	l.flip(1, 60)
	l.restart()
	if len(l.v.Sealed()) > 0 {
		t.Fatal("the seal is still read")
	}
	if _, _, err := l.v.Open(ctx, a.ID); err == nil {
		t.Error("bytes that are not here were read")
	}
	if _, findings := verified(t, l.v); len(findings) == 0 {
		t.Error("verify found nothing")
	}
}

// TestReleaseStops when its caller does, and goes on another time.
func TestReleaseStops(t *testing.T) {
	l := newLab(t, Options{SegmentSize: 6000})
	for i := range 9 {
		l.put(noise(uint64(i), 2500))
	}
	sealUpTo(t, l.v, 1, 9)
	stopping, cancel := context.WithCancel(ctx)
	r, err := l.v.Release(stopping, 9, func(int64, int64) { cancel() })
	if !errors.Is(err, context.Canceled) || r.Segments != 1 {
		t.Errorf("released %+v, %v", r, err)
	}
	clean(t, l.v)
	if r := release(t, l.v, 9); r.Segments != 8 {
		t.Errorf("released %+v", r)
	}
	clean(t, l.v)
}

// TestVerifyAndReadersBesideRelease: nobody sees a position in another file.
func TestVerifyAndReadersBesideRelease(t *testing.T) {
	l := newLab(t, Options{SegmentSize: 30_000})
	for i := range 60 {
		l.put(noise(uint64(i), 2500))
	}
	l.put(repeated(3, 2*ChunkSize))
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				for _, m := range l.told {
					if _, r, err := l.v.Open(ctx, m.ID); err == nil {
						r.Close()
					} else if !errors.Is(err, mail.ErrElsewhere) {
						t.Errorf("message %d: %v", m.Seq, err)
						return
					}
				}
				clean(t, l.v)
			}
		})
	}
	for last := uint64(10); last <= 60; last += 10 {
		sealUpTo(t, l.v, last-9, last)
		release(t, l.v, last)
	}
	close(done)
	wg.Wait()
	clean(t, l.v)
}
