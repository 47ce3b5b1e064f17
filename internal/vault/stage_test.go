package vault

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"

	"mailarchive/internal/durable"
	"mailarchive/internal/durable/durabletest"
	"mailarchive/internal/mail"
)

// countingFS counts open files.
type countingFS struct {
	durable.FS
	open atomic.Int64
}

func (c *countingFS) OpenFile(name string, flag int, perm fs.FileMode) (durable.File, error) {
	f, err := c.FS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	c.open.Add(1)
	return &countedFile{File: f, open: &c.open}, nil
}

type countedFile struct {
	durable.File
	open   *atomic.Int64
	closed atomic.Bool
}

func (f *countedFile) Close() error {
	if !f.closed.Swap(true) {
		f.open.Add(-1)
	}
	return f.File.Close()
}

// TestManySlowSenders: what they have sent so far fills neither memory nor,
// once they are gone, the spool.
func TestManySlowSenders(t *testing.T) {
	l := newLab(t, Options{})
	piece := noise(1, 40_000)
	var all []*Staged
	for range 3 * stagingBudget / len(piece) / 2 {
		s := l.v.Stage()
		if _, err := s.Write(piece); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	if held := l.v.staging.Load(); held > stagingBudget {
		t.Errorf("%d bytes held in memory, %d are the limit", held, stagingBudget)
	}
	spooled := len(l.files("")) // all names
	if spooled < len(all)/4 {
		t.Errorf("%d files for %d senders", spooled, len(all))
	}
	// A small message goes on all the same, without the disk.
	l.v.staging.Add(stagingBudget)
	defer l.v.staging.Add(-stagingBudget)
	s := l.v.Stage()
	if _, err := s.Write(piece[:stagingAlways]); err != nil || s.spool != nil {
		t.Errorf("small content was spooled (%v)", err)
	}
	s.Discard()
	for _, s := range all {
		s.Discard()
		s.Discard()
	}
	if held := l.v.staging.Load() - stagingBudget; held != 0 {
		t.Errorf("%d bytes still counted", held)
	}
	if left := l.files(""); len(left) > 12 {
		t.Errorf("files left: %v", left)
	}
}

// TestLargeMessageIsStreamed: 100 MB go in and out, and come a second time,
// without being held in memory.
func TestLargeMessageIsStreamed(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a second")
	}
	v := opened(t, Options{})
	const size = 100 << 20
	var peak atomic.Uint64
	look := func() {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		peak.Store(max(peak.Load(), m.HeapInuse+m.StackInuse))
	}
	runtime.GC()
	look()
	before := peak.Load()
	piece := noise(1, 1<<20)
	var first mail.Arrival
	for round := range 2 {
		s := v.Stage()
		for i := range size / len(piece) {
			copy(piece, fmt.Sprintf("%03d", i))
			if _, err := s.Write(piece); err != nil {
				t.Fatal(err)
			}
			if i%16 == 0 {
				look()
			}
		}
		a, err := v.Append(ctx, mail.Envelope{Source: "smtp"}, s)
		if err != nil {
			t.Fatal(err)
		}
		look()
		if round == 0 {
			first = a
		}
		_, r, err := v.Open(ctx, a.ID)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(piece))
		for i := range size / len(piece) {
			copy(piece, fmt.Sprintf("%03d", i))
			if _, err := io.ReadFull(r, got); err != nil || !bytes.Equal(got, piece) {
				t.Fatalf("piece %d came out otherwise (%v)", i, err)
			}
			if i%16 == 0 {
				look()
			}
		}
		r.Close()
	}
	if used := peak.Load() - before; used > 32<<20 {
		t.Errorf("%d MB of memory for a message of 100 MB", used>>20)
	}
	if disk := v.Stats().BytesDisk; disk > size+size/50 {
		t.Errorf("%d MB on disk: the second copy was stored again", disk>>20)
	}
	verified(t, v)
	look()
	if used := peak.Load() - before; used > 32<<20 {
		t.Errorf("%d MB of memory for verifying", used>>20)
	}
	if first.Size != size {
		t.Errorf("size %d", first.Size)
	}
}

// TestSpoolFails: the sender is told to come back, and nothing stays behind.
func TestSpoolFails(t *testing.T) {
	for _, c := range []struct {
		what string
		kind durabletest.Kind
		want error
		err  error
	}{
		{"opening", durabletest.Open, mail.ErrRetry, syscall.EIO},
		{"writing", durabletest.Write, mail.ErrRetry, syscall.EIO},
		{"space", durabletest.Write, mail.ErrFull, syscall.ENOSPC},
		{"quota", durabletest.Write, mail.ErrFull, syscall.EDQUOT},
		{"reading", durabletest.Read, mail.ErrRetry, syscall.EIO},
	} {
		for skip := range 3 {
			l := newLab(t, Options{})
			n := 0
			l.disk.Before(func(op durabletest.Op) durabletest.Fault {
				if op.Kind == c.kind && len(op.Path) > 9 && op.Path[:9] == "/v/spool/" {
					if n++; n > skip {
						return durabletest.Fault{Err: c.err, Keep: 5}
					}
				}
				return durabletest.Fault{}
			})
			s := l.v.Stage()
			var err error
			for i := 0; i < 3*ChunkSize && err == nil; i += 50_000 {
				_, err = s.Write(noise(1, 50_000))
			}
			if err != nil {
				if _, again := s.Write([]byte("more")); again == nil {
					t.Errorf("%s: a write behind the one that failed was taken", c.what)
				}
			}
			_, appendErr := l.v.Append(ctx, mail.Envelope{}, s)
			if appendErr == nil && n > skip {
				t.Fatalf("%s fails: stored all the same", c.what)
			}
			if n > skip && !errors.Is(appendErr, c.want) {
				t.Errorf("%s fails: %v, want %v", c.what, appendErr, c.want)
			}
			l.disk.Before(nil)
			if left := l.v.staging.Load(); left != 0 {
				t.Errorf("%s: %d bytes still counted", c.what, left)
			}
			for _, name := range l.files("") {
				if len(name) > 8 && name[:8] == "v/spool/" {
					t.Errorf("%s: %s left", c.what, name)
				}
			}
			if appendErr == nil {
				l.told = append(l.told, told{mail.Arrival{}, nil})
				continue
			}
			l.put(noise(2, 3*ChunkSize))
			l.whole()
		}
	}
}

// TestReserveHoldsWhileSpooling: a long message stops before it eats up what
// the catalog needs.
func TestReserveHoldsWhileSpooling(t *testing.T) {
	l := newLab(t, Options{Reserve: 4 << 20})
	l.disk.SetCapacity(8 << 20)
	s := l.v.Stage()
	defer s.Discard()
	var err error
	for i := 0; i < 100 && err == nil; i++ {
		_, err = s.Write(noise(uint64(i), 100_000))
	}
	if !errors.Is(err, mail.ErrFull) {
		t.Fatalf("10 MB on a disk of 8: %v", err)
	}
	if free, _ := l.disk.Free("/v"); free < 2<<20 {
		t.Errorf("%d bytes of the reserve are left", free)
	}
	s.Discard()
	l.put(noise(1, 100_000))
}

func TestContentOverTheLimit(t *testing.T) {
	l := newLab(t, Options{})
	s := l.v.Stage()
	s.size = maxContent - 3 // as if so much had come
	if _, err := s.Write([]byte("abc")); err != nil {
		t.Errorf("the last bytes that fit: %v", err)
	}
	if _, err := s.Write([]byte("d")); !errors.Is(err, mail.ErrTooLarge) {
		t.Errorf("one byte more: %v", err)
	}
	if _, err := l.v.Append(ctx, mail.Envelope{}, s); !errors.Is(err, mail.ErrTooLarge) {
		t.Errorf("append: %v", err)
	}
}
