package durabletest_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/durable/durabletest"
)

var eio = durabletest.Fault{Err: syscall.EIO}

// scenario is one operation of each kind; it returns their errors by number.
func scenario(d *durabletest.Disk) map[int]error {
	var errs []error
	f, err := d.OpenFile("a", os.O_RDWR|os.O_CREATE, 0o600)
	errs = append(errs, err)
	if err != nil {
		return map[int]error{1: err}
	}
	_, err = f.Write([]byte("0123456789"))
	errs = append(errs, err, f.Truncate(4), f.Sync(), d.Rename("a", "b"), d.Mkdir("d", 0o700), d.SyncDir("/"), d.Remove("d"))
	failed := map[int]error{}
	for i, err := range errs {
		if err != nil {
			failed[i+1] = err
		}
	}
	return failed
}

func TestOpsAreNumbered(t *testing.T) {
	d := durabletest.New(harsh)
	var got []durabletest.Op
	d.Before(func(op durabletest.Op) durabletest.Fault {
		got = append(got, op)
		return durabletest.Fault{}
	})
	if failed := scenario(d); len(failed) > 0 {
		t.Fatal(failed)
	}
	want := []durabletest.Op{
		{Number: 1, Kind: durabletest.Open, Path: "a"},
		{Number: 2, Kind: durabletest.Write, Path: "a", Size: 10},
		{Number: 3, Kind: durabletest.Truncate, Path: "a"},
		{Number: 4, Kind: durabletest.Sync, Path: "a"},
		{Number: 5, Kind: durabletest.Rename, Path: "a", To: "b"},
		{Number: 6, Kind: durabletest.Mkdir, Path: "d"},
		{Number: 7, Kind: durabletest.SyncDir, Path: "/"},
		{Number: 8, Kind: durabletest.Remove, Path: "d"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if d.Ops() != len(want) {
		t.Errorf("counted %d, want %d", d.Ops(), len(want))
	}
}

func TestFailAtEach(t *testing.T) {
	for n := 1; n <= 8; n++ {
		d := durabletest.New(harsh)
		d.FailAt(n, eio)
		failed := scenario(d)
		if !errors.Is(failed[n], syscall.EIO) {
			t.Errorf("operation %d: %v, want EIO", n, failed[n])
		}
		for m, err := range failed {
			if m < n || errors.Is(err, syscall.EIO) && m != n {
				t.Errorf("fault at %d, and %d says %v", n, m, err)
			}
		}
	}
}

func TestCutAtEach(t *testing.T) {
	for n := 1; n <= 8; n++ {
		d := durabletest.New(harsh)
		d.FailAt(n, durabletest.Fault{Cut: true})
		failed := scenario(d)
		for m := 2; m <= 8 && n > 1; m++ {
			if cut := errors.Is(failed[m], durabletest.ErrCrashed); cut != (m >= n) {
				t.Errorf("cut at %d, and %d says %v", n, m, failed[m])
			}
		}
		if d.Ops() != n {
			t.Errorf("cut at %d, counted %d", n, d.Ops())
		}
	}
}

func TestDoneAndYetAnError(t *testing.T) {
	done := durabletest.Fault{Err: syscall.EIO, Done: true}
	d := durabletest.New(harsh)
	for n := 1; n <= 5; n++ {
		d.FailAt(n, done)
	}
	_, err := d.OpenFile("a", os.O_WRONLY|os.O_CREATE, 0o600)
	for _, err := range []error{err, d.Rename("a", "b"), d.Mkdir("d", 0o700), d.Mkdir("e", 0o700), d.Remove("e")} {
		wantError(t, "done", err, syscall.EIO)
	}
	if got, want := describe(d), "b: d/:"; got != want {
		t.Errorf("left %q, want %q", got, want)
	}
}

func TestShortWrite(t *testing.T) {
	d := durabletest.New(harsh)
	d.FailAt(2, durabletest.Fault{Err: syscall.ENOSPC, Keep: 3})
	f := open(t, d, "a", os.O_WRONLY|os.O_CREATE)
	n, err := f.Write([]byte("0123456789"))
	if n != 3 || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("wrote %d, %v", n, err)
	}
	write(t, f, "x")
	wantContent(t, d, "a", "012x")
}

func TestReadsCanFailAndAreNotCounted(t *testing.T) {
	d := durabletest.New(harsh)
	f := keep(t, d, "a", "0123")
	before := d.Ops()
	d.Before(func(op durabletest.Op) durabletest.Fault {
		if op.Kind == durabletest.Read && op.Size == 3 {
			return eio
		}
		return durabletest.Fault{}
	})
	_, err := f.ReadAt(make([]byte, 3), 0)
	wantError(t, "read", err, syscall.EIO)
	if n, err := f.ReadAt(make([]byte, 2), 0); n != 2 || err != nil {
		t.Errorf("read %d, %v", n, err)
	}
	if d.Ops() != before {
		t.Errorf("counted %d reads", d.Ops()-before)
	}
}

// The pages are clean after a failed sync: the next one has nothing to do.
func TestFailedSyncIsNeverMadeUpFor(t *testing.T) {
	d := durabletest.New(harsh)
	f := keep(t, d, "a", "aaaa")
	d.FailAt(d.Ops()+2, eio)
	write(t, f, "BBBB")
	wantError(t, "sync", f.Sync(), syscall.EIO)
	must(t, f.Sync())
	wantContent(t, d, "a", "aaaaBBBB")
	wantOutcomes(t, d, "a:aaaa", "a:aaaa0000", "a:aaaaBBBB")
}

func TestFailedSyncThenMore(t *testing.T) {
	d := durabletest.New(harsh)
	f := keep(t, d, "a", "aaaa")
	d.FailAt(d.Ops()+2, eio)
	write(t, f, "BBBBCC")
	wantError(t, "sync", f.Sync(), syscall.EIO)
	write(t, f, "DD") // the sector of CC is dirty again, that of BBBB is not
	must(t, f.Sync())
	wantOutcomes(t, d, "a:aaaa0000CCDD", "a:aaaaBBBBCCDD")
}

func TestFailedSyncThenTruncated(t *testing.T) {
	d := durabletest.New(harsh)
	f := keep(t, d, "a", "aaaa")
	d.FailAt(d.Ops()+2, eio)
	write(t, f, "BBBB")
	wantError(t, "sync", f.Sync(), syscall.EIO)
	must(t, f.Truncate(4))
	must(t, f.Sync())
	wantOutcomes(t, d, "a:aaaa")
}

func TestFailedSyncDirIsNeverMadeUpFor(t *testing.T) {
	d := durabletest.New(harsh)
	must(t, d.Mkdir("d", 0o700))
	d.FailAt(d.Ops()+1, eio)
	wantError(t, "sync", d.SyncDir("/"), syscall.EIO)
	must(t, d.SyncDir("/"))
	wantOutcomes(t, d, "", "d/:")
}

func TestFailedSyncDirThenMadeAnew(t *testing.T) {
	for _, o := range []durabletest.Options{harsh, journal} {
		d := durabletest.New(o)
		must(t, d.Mkdir("d", 0o700))
		d.FailAt(d.Ops()+1, eio)
		wantError(t, "sync", d.SyncDir("/"), syscall.EIO)
		must(t, d.Remove("d"))
		must(t, d.Mkdir("d", 0o700))
		must(t, d.SyncDir("/"))
		wantOutcomes(t, d, "d/:")
	}
}

func free(t *testing.T, d *durabletest.Disk) uint64 {
	t.Helper()
	n, err := d.Free("/")
	must(t, err)
	return n
}

func TestCapacity(t *testing.T) {
	d := durabletest.New(durabletest.Options{Capacity: 10})
	f := keep(t, d, "a", "01234")
	if got := free(t, d); got != 5 {
		t.Errorf("%d free, want 5", got)
	}
	n, err := f.Write([]byte("567890"))
	if n != 5 || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("wrote %d, %v; want 5 and ENOSPC", n, err)
	}
	if n, err := f.Write([]byte("x")); n != 0 || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("wrote %d, %v; want 0 and ENOSPC", n, err)
	}
	seek(t, f, 8)
	if n, err := f.Write([]byte("XYZ")); n != 2 || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("overwrote %d, %v; want 2 and ENOSPC", n, err)
	}
	wantContent(t, d, "a", "01234567XY")
	d.SetCapacity(4)
	if got := free(t, d); got != 0 {
		t.Errorf("%d free, want 0", got)
	}
	d.SetCapacity(12)
	write(t, f, "Z")
	if got := free(t, d); got != 1 {
		t.Errorf("%d free, want 1", got)
	}
}

func TestSpaceComesBack(t *testing.T) {
	big := strings.Repeat("x", 60)
	for what, act := range map[string]func(d *durabletest.Disk) *durabletest.Disk{
		"truncate": func(d *durabletest.Disk) *durabletest.Disk { must(t, keep(t, d, "a", big).Truncate(0)); return d },
		"O_TRUNC":  func(d *durabletest.Disk) *durabletest.Disk { put(t, d, "a", big); put(t, d, "a", ""); return d },
		"remove":   func(d *durabletest.Disk) *durabletest.Disk { put(t, d, "a", big); must(t, d.Remove("a")); return d },
		"replace": func(d *durabletest.Disk) *durabletest.Disk {
			put(t, d, "a", big)
			put(t, d, "b", "")
			must(t, d.Rename("b", "a"))
			return d
		},
		"crash": func(d *durabletest.Disk) *durabletest.Disk { put(t, d, "a", big); return d.Crash(durabletest.Nothing) },
	} {
		d := act(durabletest.New(durabletest.Options{Capacity: 100}))
		if got := free(t, d); got != 100 {
			t.Errorf("%d free after %s, want 100", got, what)
		}
	}
}

func TestOpenFileKeepsItsSpace(t *testing.T) {
	d := durabletest.New(durabletest.Options{Capacity: 100})
	f := keep(t, d, "a", strings.Repeat("x", 60))
	must(t, d.Remove("a"))
	if got := free(t, d); got != 40 {
		t.Errorf("%d free, want 40", got)
	}
	must(t, f.Close())
	if got := free(t, d); got != 100 {
		t.Errorf("%d free, want 100", got)
	}
	_, err := f.Seek(0, io.SeekStart)
	wantError(t, "seek", err, fs.ErrClosed)
}
