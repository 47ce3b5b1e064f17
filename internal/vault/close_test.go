package vault

import (
	"bytes"
	"errors"
	"os"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"mailarchive/internal/durable/durabletest"
	"mailarchive/internal/mail"
)

// TestCloseWhileAppending: each Append says yes and is there, or says no; the
// vault takes nothing afterwards; nothing is left running or open.
func TestCloseWhileAppending(t *testing.T) {
	folder := t.TempDir()
	goroutines, files := runtime.NumGoroutine(), openFiles(t)
	for range 20 {
		v, err := Open(Options{Folder: folder, SegmentSize: 300_000})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		yes := map[mail.ID][]byte{}
		start := make(chan bool)
		for i := range uint64(8) {
			wg.Go(func() {
				<-start
				for j := uint64(0); ; j++ {
					content := noise(i<<8|j, 2000)
					if j%9 == 8 {
						content = noise(i, ChunkSize+1)
					}
					a, err := tryPut(v, content)
					if err != nil {
						if !errors.Is(err, mail.ErrRetry) {
							t.Errorf("append on a vault that is being closed: %v", err)
						}
						return
					}
					mu.Lock()
					yes[a.ID] = content
					mu.Unlock()
				}
			})
		}
		close(start)
		if err := v.WaitPast(ctx, v.Last()+5); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(v.Close(), v.Close()); err != nil {
			t.Error(err)
		}
		last := v.Last()
		wg.Wait()
		if _, err := tryPut(v, []byte("late")); !errors.Is(err, mail.ErrRetry) || v.Last() != last {
			t.Errorf("append after Close: %v", err)
		}
		for id, content := range yes {
			if !bytes.Equal(get(t, v, id), content) {
				t.Error("other bytes after Close")
			}
		}
	}
	clean(t, opened(t, Options{Folder: folder}))
	runtime.GC()
	if n := openFiles(t); n > files+1 {
		t.Errorf("%d open files, %d before", n, files)
	}
	if n := runtime.NumGoroutine(); n > goroutines+2 {
		t.Errorf("%d goroutines, %d before", n, goroutines)
	}
	spool, err := os.ReadDir(folder + "/spool")
	if err != nil || len(spool) > 0 {
		t.Errorf("in spool/: %v (%v)", spool, err)
	}
}

func openFiles(t *testing.T) int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	return len(entries)
}

// TestOpenThatFails leaves nothing open, at whatever operation it fails.
func TestOpenThatFails(t *testing.T) {
	l := newLab(t, Options{SegmentSize: 1})
	l.put(noise(1, 3000))
	l.put(noise(2, 3000))
	l.v.Close()
	l.edit(2, func(b []byte) []byte { return append(b, noise(3, 100)...) })
	l.disk.Remove("/v/" + identityFile)
	l.disk.Remove(l.name(1, indexSuffix))
	goroutines := runtime.NumGoroutine()
	failed := 0
	for at := 1; ; at++ {
		// A disk of its own for each try: a failed start may have done half.
		d := l.disk.Crash(durabletest.Everything)
		d.FailAt(at, durabletest.Fault{Err: syscall.EIO})
		c := &countingFS{FS: d}
		o := l.o
		o.FS = c
		v, err := Open(o)
		if err == nil {
			v.Close()
		} else {
			failed++
		}
		if n := c.open.Load(); n != 0 {
			t.Errorf("operation %d fails: %d files left open (%v)", at, n, err)
		}
		if d.Ops() < at {
			break
		}
	}
	if failed < 5 {
		t.Errorf("%d starts failed; the test wants more", failed)
	}
	atMost(t, goroutines)
}

// atMost waits until no more than so many goroutines are left: one that was
// told to end may need a moment.
func atMost(t *testing.T, goroutines int) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > goroutines; <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), goroutines)
		}
	}
}
