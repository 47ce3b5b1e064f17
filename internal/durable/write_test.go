package durable_test

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/durable"
	"mailarchive/internal/durable/durabletest"
)

// The sectors are small, so that these texts can tear.
const (
	oldText = "the old one"
	newText = "another text, and longer"
)

var modes = []durabletest.Options{{Sector: 16}, {Sector: 16, Journal: true}}

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		for len(s) > 0 { // in several writes
			n, err := io.WriteString(w, s[:min(9, len(s))])
			if err != nil {
				return err
			}
			s = s[n:]
		}
		return nil
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// mount returns a disk with a folder f in it that has the given files; all is
// on disk for certain.
func mount(t *testing.T, o durabletest.Options, files ...string) *durabletest.Disk {
	t.Helper()
	d := durabletest.New(o)
	must(t, d.Mkdir("/f", 0o700))
	must(t, d.Mkdir("/g", 0o700))
	for _, name := range files {
		f, err := d.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o600)
		must(t, err)
		must(t, text(oldText)(f))
		must(t, f.Close())
	}
	return d.Crash(durabletest.Everything)
}

// faults are the ways in which one operation goes wrong.
var faults = map[string]durabletest.Fault{
	"cut":        {Cut: true},
	"EIO":        {Err: syscall.EIO},
	"done, EIO":  {Err: syscall.EIO, Done: true},
	"short full": {Err: syscall.ENOSPC, Keep: 5},
}

// everywhere runs act on new disks with each fault at each of its operations,
// and once with none, and hands each disk with what act said to check.
func everywhere(t *testing.T, mount func(durabletest.Options) *durabletest.Disk, act func(*durabletest.Disk) error,
	check func(t *testing.T, d *durabletest.Disk, err error)) {
	for _, name := range slices.Sorted(maps.Keys(faults)) {
		t.Run(name, func(t *testing.T) {
			for _, mode := range modes {
				for n := 1; ; n++ {
					d := mount(mode)
					d.FailAt(n, faults[name])
					err := act(d)
					end := d.Ops() < n
					d.FailAt(n, durabletest.Fault{})
					if end && err != nil {
						t.Fatalf("no fault, and yet: %v", err)
					}
					check(t, d, err)
					if t.Failed() {
						t.Fatalf("at operation %d, journal %t, result %v", n, mode.Journal, err)
					}
					if end {
						break
					}
				}
			}
		})
	}
}

// crashes hands every state that power loss can leave to look.
func crashes(t *testing.T, d *durabletest.Disk, look func(after *durabletest.Disk)) {
	t.Helper()
	if !durabletest.Every(100_000, func(choose func(int) int) { look(d.Crash(choose)) }) {
		t.Error("too many outcomes to try them all")
	}
}

func TestWriteFileIsWhole(t *testing.T) {
	for _, before := range []string{"", oldText} {
		everywhere(t, func(o durabletest.Options) *durabletest.Disk {
			if before == "" {
				return mount(t, o)
			}
			return mount(t, o, "/f/a")
		}, func(d *durabletest.Disk) error {
			return durable.WriteFile(d, "/f/a", 0o600, text(newText))
		}, func(t *testing.T, d *durabletest.Disk, err error) {
			checkWhole(t, d, "shown", before, err)
			crashes(t, d, func(after *durabletest.Disk) { checkWhole(t, after, "after the crash", before, err) })
		})
	}
}

// checkWhole looks for the old or the new file; the new one when err is nil.
func checkWhole(t *testing.T, d *durabletest.Disk, when, before string, err error) {
	t.Helper()
	got, rerr := d.ReadFile("/f/a")
	switch {
	case errors.Is(rerr, durabletest.ErrCrashed):
	case err == nil && string(got) != newText:
		t.Errorf("%s: written, and it has %q", when, got)
	case rerr != nil && before != "":
		t.Errorf("%s: %v", when, rerr)
	case rerr == nil && string(got) != newText && (before == "" || string(got) != before):
		t.Errorf("%s: it has %q, want %q or %q", when, got, before, newText)
	}
}

// After any fault the same call can be made again and then keeps its promise.
func TestWriteFileAgainAfterAnError(t *testing.T) {
	act := func(d *durabletest.Disk) error { return durable.WriteFile(d, "/f/a", 0o600, text(newText)) }
	everywhere(t, func(o durabletest.Options) *durabletest.Disk { return mount(t, o, "/f/a") }, act,
		func(t *testing.T, d *durabletest.Disk, err error) {
			if errors.Is(err, durabletest.ErrCrashed) {
				d = d.Crash(durabletest.Everything)
			}
			if err := act(d); err != nil {
				t.Errorf("again: %v", err)
			}
			crashes(t, d, func(after *durabletest.Disk) { checkWhole(t, after, "after the crash", oldText, nil) })
		})
}

func TestWriteFileLeavesNoTemporaryFile(t *testing.T) {
	broken := errors.New("the writer's own trouble")
	for what, spoil := range map[string]func(*durabletest.Disk) func(io.Writer) error{
		"nothing": func(*durabletest.Disk) func(io.Writer) error { return text(newText) },
		"writer":  func(*durabletest.Disk) func(io.Writer) error { return func(io.Writer) error { return broken } },
		"full disk": func(d *durabletest.Disk) func(io.Writer) error {
			d.SetCapacity(int64(len(oldText) + 3))
			return text(newText)
		},
	} {
		d := mount(t, modes[0], "/f/a")
		err := durable.WriteFile(d, "/f/a", 0o600, spoil(d))
		if want := map[string]error{"writer": broken, "full disk": syscall.ENOSPC}[what]; !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
		want := map[string]string{"f/": "", "g/": "", "f/a": oldText}
		if err == nil {
			want["f/a"] = newText
		}
		if diff := cmp.Diff(want, d.Files()); diff != "" {
			t.Errorf("%s: want (-), got (+):\n%s", what, diff)
		}
	}
}

// What a crash left under the temporary name may be open to more people.
func TestWriteFileTakesNothingFromAnOldTemporaryFile(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "a")
	must(t, os.WriteFile(name+".tmp", []byte(strings.Repeat("left over ", 10)), 0o644))
	must(t, durable.WriteFile(durable.OS{}, name, 0o600, text(newText)))
	got, err := os.ReadFile(name)
	if string(got) != newText || err != nil {
		t.Errorf("it has %q, %v", got, err)
	}
	info, err := os.Stat(name)
	must(t, err)
	if info.Mode() != 0o600 {
		t.Errorf("its mode is %v, want -rw-------", info.Mode())
	}
	if err := durable.WriteFile(durable.OS{}, filepath.Join(dir, "no", "a"), 0o600, text("")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in no folder: %v", err)
	}
}

// Files that are too long to try each crash, at random.
func TestWriteFileOfManySectors(t *testing.T) {
	long := strings.Repeat(newText, 500)
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 0))
		d := mount(t, modes[seed%2], "/f/a")
		d.FailAt(1+rng.IntN(1500), durabletest.Fault{Cut: true})
		err := durable.WriteFile(d, "/f/a", 0o600, text(long))
		got, rerr := d.Crash(rng.IntN).ReadFile("/f/a")
		if whole := string(got) == long; rerr != nil || !whole && (err == nil || string(got) != oldText) {
			t.Fatalf("seed %d, result %v: %d bytes, %v", seed, err, len(got), rerr)
		}
	}
}

func TestMoveLosesNothing(t *testing.T) {
	for _, to := range []string{"/f/b", "/g/b"} {
		everywhere(t, func(o durabletest.Options) *durabletest.Disk { return mount(t, o, "/f/a") },
			func(d *durabletest.Disk) error { return durable.Move(d, "/f/a", to) },
			func(t *testing.T, d *durabletest.Disk, err error) {
				crashes(t, d, func(after *durabletest.Disk) {
					here, herr := after.ReadFile("/f/a")
					there, terr := after.ReadFile(to)
					switch {
					case err == nil && (terr != nil || herr == nil):
						t.Errorf("moved, and the old name says %v, the new one %v", herr, terr)
					case herr != nil && terr != nil:
						t.Errorf("under neither name: %v, %v", herr, terr)
					case herr == nil && string(here) != oldText, terr == nil && string(there) != oldText:
						t.Errorf("changed: %q, %q", here, there)
					}
				})
			})
	}
}

func TestMoveWhatIsNotThere(t *testing.T) {
	d := mount(t, modes[0])
	if err := durable.Move(d, "/f/no", "/g/no"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v, want fs.ErrNotExist", err)
	}
}

// stored makes a folder and a file in it that is synced and named.
func stored(d *durabletest.Disk) error {
	if err := durable.MakeFolder(d, "/f/x/y/z", 0o700); err != nil {
		return err
	}
	return durable.WriteFile(d, "/f/x/y/z/a", 0o600, text(newText))
}

func checkStored(t *testing.T, d *durabletest.Disk) {
	t.Helper()
	crashes(t, d, func(after *durabletest.Disk) {
		if got, err := after.ReadFile("/f/x/y/z/a"); string(got) != newText {
			t.Errorf("stored, and after the crash: %q, %v", got, err)
		}
	})
}

func TestMakeFolderLasts(t *testing.T) {
	everywhere(t, func(o durabletest.Options) *durabletest.Disk { return mount(t, o) }, stored,
		func(t *testing.T, d *durabletest.Disk, err error) {
			if err == nil {
				checkStored(t, d)
			}
		})
}

// MakeFolder had an error, or its process was killed; the next one tries again
// at once, and power is lost only then.
func TestMakeFolderAgain(t *testing.T) {
	everywhere(t, func(o durabletest.Options) *durabletest.Disk { return mount(t, o) }, stored,
		func(t *testing.T, d *durabletest.Disk, err error) {
			if errors.Is(err, durabletest.ErrCrashed) {
				return // the next test has folders left by a killed process
			}
			if err := stored(d); err != nil {
				t.Errorf("again: %v", err)
			}
			checkStored(t, d)
		})
}

// The folders are shown, made by whomever, and none was ever synced.
func TestMakeFolderSyncsWhatOthersMade(t *testing.T) {
	for _, mode := range modes {
		for _, made := range [][]string{{"/f/x"}, {"/f/x", "/f/x/y"}, {"/f/x", "/f/x/y", "/f/x/y/z"}} {
			d := mount(t, mode)
			for _, name := range made {
				must(t, d.Mkdir(name, 0o700))
			}
			must(t, stored(d))
			checkStored(t, d)
		}
	}
}

func TestMakeFolderPassesWhatItMayNotRead(t *testing.T) {
	refuse := func(path string) func(durabletest.Op) durabletest.Fault {
		return func(op durabletest.Op) durabletest.Fault {
			if op.Kind == durabletest.SyncDir && op.Path == path {
				return durabletest.Fault{Err: fs.ErrPermission}
			}
			return durabletest.Fault{}
		}
	}
	d := mount(t, modes[0])
	d.Before(refuse("/"))
	if err := durable.MakeFolder(d, "/f/x", 0o700); err != nil {
		t.Errorf("the root's owner must have synced it: %v", err)
	}
	d.Before(refuse("/f"))
	if err := durable.MakeFolder(d, "/f/new", 0o700); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("a name of our own cannot be kept, and the error is %v", err)
	}
	if _, err := d.Stat("/f/new"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder is still there: %v", err)
	}
}

func TestMakeFolderSaysWhatIsInTheWay(t *testing.T) {
	d := mount(t, modes[0], "/f/a")
	for _, name := range []string{"/f/a", "/f/a/b/c"} {
		err := durable.MakeFolder(d, name, 0o700)
		if !errors.Is(err, syscall.ENOTDIR) || !strings.HasPrefix(err.Error(), "/f/a is in the way") {
			t.Errorf("MakeFolder(%s): %v", name, err)
		}
	}
}

func TestMakeFolderOnTheMachine(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"a/b/c", "a/b/c", "a", ".", "/", filepath.Join(t.TempDir(), "d", "e")} {
		if err := durable.MakeFolder(durable.OS{}, name, 0o700); err != nil {
			t.Errorf("MakeFolder(%s): %v", name, err)
		}
		if info, err := os.Stat(name); err != nil || !info.IsDir() {
			t.Errorf("%s: %v", name, err)
		}
	}
	must(t, os.Symlink("a", "link"))
	must(t, durable.MakeFolder(durable.OS{}, "link/d", 0o700))
	must(t, os.Symlink("nowhere", "dangling"))
	if err := durable.MakeFolder(durable.OS{}, "dangling", 0o700); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a dangling link: %v", err)
	}
}

func TestRemoveTemporary(t *testing.T) {
	d := mount(t, modes[0], "/f/a", "/f/a.tmp", "/f/tmp", "/g/b.tmp")
	must(t, d.Mkdir("/f/d.tmp", 0o700))
	must(t, durable.RemoveTemporary(d, "/f"))
	want := map[string]string{"f/": "", "g/": "", "f/a": oldText, "f/tmp": oldText, "g/b.tmp": oldText, "f/d.tmp/": ""}
	if diff := cmp.Diff(want, d.Files()); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
	if err := durable.RemoveTemporary(d, "/no"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in no folder: %v", err)
	}
	d = mount(t, modes[0], "/f/a.tmp")
	d.FailAt(1, durabletest.Fault{Err: syscall.EIO})
	if err := durable.RemoveTemporary(d, "/f"); !errors.Is(err, syscall.EIO) {
		t.Errorf("a remove that fails: %v", err)
	}
}
