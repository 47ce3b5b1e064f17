package vault

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"mailarchive/internal/durable/durabletest"
	"mailarchive/internal/mail"
)

// startingPoints are vaults that a failed sync and a kill have left with
// something to set right.
var startingPoints = map[string]func(t *testing.T) *lab{
	"refused commit at the end": func(t *testing.T) *lab { return givenUp(t, 1) },
	"refused commit in a closed segment": func(t *testing.T) *lab {
		l := givenUp(t, 1)
		l.put(noise(50, 3000))
		l.v.loading.Wait()
		return l
	},
	"the same, and the mark behind is damaged": func(t *testing.T) *lab {
		l := givenUp(t, 1)
		l.put(noise(50, 3000))
		l.v.loading.Wait()
		l.flip(2, l.spans(2)[0].markAt()+70)
		return l
	},
	"whole frames without their mark": func(t *testing.T) *lab {
		l := newLab(t, Options{})
		l.put(noise(1, 3000))
		l.group(three()...)
		l.edit(1, func(b []byte) []byte { return b[:l.spans(1)[1].markAt()] })
		return l
	},
}

// TestEachFaultOfAStart lets each operation of a start, and of the first message
// behind it, fail, or the power go at it. Whether that start comes to something
// or not, the next one finds all as if nothing had been.
func TestEachFaultOfAStart(t *testing.T) {
	t.Parallel()
	for _, what := range slices.Sorted(maps.Keys(startingPoints)) {
		for _, c := range []struct {
			fault string
			durabletest.Fault
			dark int // states after power loss to look at
		}{
			{"EIO", durabletest.Fault{Err: syscall.EIO}, 0},
			{"ENOSPC", durabletest.Fault{Err: syscall.ENOSPC}, 0},
			{"EIO, then dark", durabletest.Fault{Err: syscall.EIO}, 2},
			{"ENOSPC, then dark", durabletest.Fault{Err: syscall.ENOSPC}, 2},
			{"cut", durabletest.Fault{Cut: true}, 30},
		} {
			t.Run(what+", "+c.fault, func(t *testing.T) {
				for at, more := 1, true; more && !t.Failed(); at++ {
					l := startingPoints[what](t)
					l.v.Close()
					l.disk.FailAt(l.disk.Ops()+at, c.Fault)
					more = l.faultyStart() >= at
					l.goesOn(c.dark)
					if t.Failed() {
						t.Logf("operation %d of the start", at)
					}
				}
			})
		}
	}
}

// TestEachReadOfAStartFails for want of memory, which says nothing of the disk.
func TestEachReadOfAStartFails(t *testing.T) {
	t.Parallel()
	for _, what := range slices.Sorted(maps.Keys(startingPoints)) {
		t.Run(what, func(t *testing.T) {
			for at, more := int64(1), true; more && !t.Failed(); at++ {
				l := startingPoints[what](t)
				l.v.Close()
				var reads atomic.Int64
				l.disk.Before(func(op durabletest.Op) durabletest.Fault {
					if op.Kind != durabletest.Read || !strings.HasSuffix(op.Path, segmentSuffix) {
						return durabletest.Fault{}
					}
					if reads.Add(1) != at {
						return durabletest.Fault{}
					}
					return durabletest.Fault{Err: syscall.ENOMEM}
				})
				l.faultyStart()
				more = reads.Load() >= at
				l.disk.Before(nil)
				l.goesOn(0)
				if t.Failed() {
					t.Logf("read %d of the start", at)
				}
			}
		})
	}
}

// faultyStart opens the vault, stores a message whose bytes those of a refused
// one are, and closes it. It returns how many operations that took; all of it
// may fail.
func (l *lab) faultyStart() int {
	before := l.disk.Ops()
	l.o.FS = l.disk
	v, err := Open(l.o)
	if err != nil {
		return l.disk.Ops() - before
	}
	defer v.Close()
	v.loading.Wait()
	content := noise(77, 3000)
	switch a, err := tryPut(v, content); {
	case err == nil:
		l.told = append(l.told, told{a, content})
	case !errors.Is(err, mail.ErrRetry) && !errors.Is(err, mail.ErrFull):
		l.Errorf("append: %v", err)
	}
	return l.disk.Ops() - before
}

// goesOn starts on a healthy disk, after power loss in so many ways, or without
// when that is 0, and checks that everything is there, stays there, and that the
// next message goes behind it.
func (l *lab) goesOn(dark int) {
	l.Helper()
	look := func() {
		l.start()
		last := l.v.Last()
		l.whole()
		l.put(noise(99, 3000))
		l.crash(durabletest.Nothing)
		if got := l.v.Last(); got != last+1 {
			l.Errorf("the last is number %d, was %d", got, last+1)
		}
		l.whole()
		l.v.Close()
	}
	if dark == 0 {
		look()
		return
	}
	if raced {
		dark = min(dark, 5)
	}
	disk, told := l.disk, l.told
	durabletest.Every(dark, func(choose func(int) int) {
		l.disk, l.told = disk.Crash(choose), told
		look()
	})
}
