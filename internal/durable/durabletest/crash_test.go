package durabletest_test

import (
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"mailarchive/internal/durable"
	"mailarchive/internal/durable/durabletest"
)

var (
	harsh   = durabletest.Options{Sector: 4}
	journal = durabletest.Options{Sector: 4, Journal: true}
)

// keep writes a file and makes all of it last.
func keep(t *testing.T, d *durabletest.Disk, name, text string) durable.File {
	t.Helper()
	f := open(t, d, name, os.O_RDWR|os.O_CREATE)
	write(t, f, text)
	must(t, f.Sync())
	must(t, d.SyncDir("/"))
	return f
}

// outcomes returns each state that power loss can leave, once, as the text of
// all files in it.
func outcomes(t *testing.T, d *durabletest.Disk) []string {
	t.Helper()
	var all []string
	complete := durabletest.Every(10000, func(choose func(int) int) {
		all = append(all, describe(d.Crash(choose)))
	})
	if !complete {
		t.Fatal("over 10000 outcomes")
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func describe(d *durabletest.Disk) string {
	var words []string
	for name, text := range d.Files() {
		words = append(words, name+":"+strings.ReplaceAll(text, "\x00", "0"))
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}

func wantOutcomes(t *testing.T, d *durabletest.Disk, want ...string) {
	t.Helper()
	slices.Sort(want)
	if diff := cmp.Diff(want, outcomes(t, d)); diff != "" {
		t.Errorf("outcomes, want (-), got (+):\n%s", diff)
	}
}

func TestSyncedSurvives(t *testing.T) {
	d := durabletest.New(harsh)
	keep(t, d, "a", "0123456789")
	wantOutcomes(t, d, "a:0123456789")
}

func TestUnsyncedBytesMayBeLost(t *testing.T) {
	d := durabletest.New(harsh)
	f := keep(t, d, "a", "")
	write(t, f, "AB")
	wantOutcomes(t, d, "a:", "a:00", "a:AB")
}

func TestTornAppend(t *testing.T) {
	d := durabletest.New(harsh)
	f := keep(t, d, "a", "01")
	write(t, f, "ABCDEF") // two sectors of four bytes
	wantOutcomes(t, d, "a:01", "a:01000000", "a:01AB0000", "a:0100CDEF", "a:01ABCDEF")
}

func TestTornOverwrite(t *testing.T) {
	d := durabletest.New(harsh)
	f := keep(t, d, "a", "aaaabbbb")
	seek(t, f, 2)
	write(t, f, "XXXX")
	wantOutcomes(t, d, "a:aaaabbbb", "a:aaXXbbbb", "a:aaaaXXbb", "a:aaXXXXbb")
}

func seek(t *testing.T, f durable.File, offset int64) {
	t.Helper()
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		t.Fatal(err)
	}
}

func TestEachVersionOfASectorMayBeThere(t *testing.T) {
	d := durabletest.New(harsh)
	f := keep(t, d, "a", "1")
	for _, text := range []string{"2", "3"} {
		seek(t, f, 0)
		write(t, f, text)
	}
	wantOutcomes(t, d, "a:1", "a:2", "a:3")
}

func TestEachLengthMayBeThere(t *testing.T) {
	d := durabletest.New(harsh)
	f := keep(t, d, "a", "ab")
	must(t, f.Truncate(0))
	must(t, f.Truncate(3))
	wantOutcomes(t, d, "a:", "a:ab", "a:00", "a:ab0", "a:000")
	d = durabletest.New(harsh)
	f = keep(t, d, "a", "ab")
	must(t, f.Truncate(1))
	must(t, f.Sync())
	wantOutcomes(t, d, "a:a")
}

func TestNameNeedsItsFoldersSync(t *testing.T) {
	for _, o := range []durabletest.Options{harsh, journal} {
		d := durabletest.New(o)
		f := open(t, d, "a", os.O_WRONLY|os.O_CREATE)
		write(t, f, "A")
		must(t, f.Sync())
		wantOutcomes(t, d, "", "a:A")
	}
	d := durabletest.New(harsh)
	put(t, d, "a", "A")
	must(t, d.SyncDir("/")) // the name without the bytes
	wantOutcomes(t, d, "a:", "a:0", "a:A")
}

func TestFolderNeedsItsParentsSync(t *testing.T) {
	d := durabletest.New(harsh)
	must(t, d.Mkdir("d", 0o700))
	f := open(t, d, "d/a", os.O_WRONLY|os.O_CREATE)
	write(t, f, "A")
	must(t, f.Sync())
	must(t, d.SyncDir("d"))
	wantOutcomes(t, d, "", "d/: d/a:A")
}

func TestRenameWithinAFolder(t *testing.T) {
	d := durabletest.New(harsh)
	keep(t, d, "a", "A")
	keep(t, d, "b", "B")
	must(t, d.Rename("a", "b"))
	wantOutcomes(t, d, "a:A b:B", "b:A")
	d = durabletest.New(harsh)
	keep(t, d, "a", "A")
	must(t, d.Rename("a", "b"))
	must(t, d.SyncDir("/"))
	wantOutcomes(t, d, "b:A")
}

// renamed has a file A under from, lasting, that is being moved to to.
func renamed(t *testing.T, o durabletest.Options, from, to string) *durabletest.Disk {
	t.Helper()
	d := durabletest.New(o)
	must(t, d.Mkdir("d", 0o700))
	must(t, d.Mkdir("e", 0o700))
	keep(t, d, from, "A")
	must(t, d.SyncDir("d"))
	must(t, d.Rename(from, to))
	return d
}

func TestRenameBetweenFolders(t *testing.T) {
	for _, c := range []struct {
		options durabletest.Options
		sync    []string
		want    []string
	}{
		{harsh, nil, []string{"d/: d/a:A e/:", "d/: d/a:A e/: e/a:A", "d/: e/: e/a:A"}},
		{harsh, []string{"e"}, []string{"d/: d/a:A e/: e/a:A", "d/: e/: e/a:A"}},
		{harsh, []string{"d"}, []string{"d/: d/a:A e/:", "d/: d/a:A e/: e/a:A", "d/: e/: e/a:A"}},
		{harsh, []string{"d", "e"}, []string{"d/: e/: e/a:A"}},
		{harsh, []string{"e", "d"}, []string{"d/: e/: e/a:A"}},
		{journal, nil, []string{"d/: d/a:A e/:", "d/: e/: e/a:A"}},
		{journal, []string{"e"}, []string{"d/: d/a:A e/:", "d/: e/: e/a:A"}},
		{journal, []string{"d", "e"}, []string{"d/: e/: e/a:A"}},
	} {
		d := renamed(t, c.options, "d/a", "e/a")
		for _, folder := range c.sync {
			must(t, d.SyncDir(folder))
		}
		t.Log(c.options, c.sync)
		wantOutcomes(t, d, c.want...)
	}
}

// A file with two names after a crash is one file.
func TestTwoNamesOfOneFile(t *testing.T) {
	d := renamed(t, harsh, "d/a", "e/a")
	must(t, d.SyncDir("e"))
	d = d.Crash(durabletest.Nothing)
	write(t, open(t, d, "e/a", os.O_WRONLY), "B")
	wantContent(t, d, "d/a", "B")
	must(t, d.Rename("d/a", "e/a")) // does nothing
	must(t, d.Remove("d/a"))
	wantContent(t, d, "e/a", "B")
}

func TestOrderOfNames(t *testing.T) {
	changed := func(o durabletest.Options) *durabletest.Disk {
		d := durabletest.New(o)
		keep(t, d, "a", "A")
		must(t, d.Remove("a"))
		must(t, d.Mkdir("b", 0o700))
		must(t, d.Mkdir("a", 0o700))
		return d
	}
	wantOutcomes(t, changed(journal), "a:A", "", "b/:", "a/: b/:")
	wantOutcomes(t, changed(harsh), "a:A", "", "a/:", "a:A b/:", "b/:", "a/: b/:")
}

func TestMovedFolderIsNeverInsideItself(t *testing.T) {
	d := durabletest.New(harsh)
	must(t, d.Mkdir("a", 0o700))
	must(t, d.Mkdir("a/b", 0o700))
	must(t, d.SyncDir("/"))
	must(t, d.SyncDir("a"))
	must(t, d.Rename("a/b", "b"))
	must(t, d.Rename("a", "b/a"))
	for _, state := range outcomes(t, d) {
		if !strings.Contains(state, "b/:") {
			t.Errorf("lost: %q", state)
		}
	}
}

// Whatever is done in a folder before it goes, SyncDir of its parent settles.
func TestRemovedFolderNeedsNoSync(t *testing.T) {
	for _, o := range []durabletest.Options{harsh, journal} {
		d := renamed(t, o, "d/a", "e/a")
		must(t, d.Remove("d"))
		must(t, d.SyncDir("e"))
		must(t, d.SyncDir("/"))
		wantOutcomes(t, d, "e/: e/a:A")
	}
}

func TestRemoveMayNotHaveHappened(t *testing.T) {
	d := durabletest.New(harsh)
	keep(t, d, "a", "A")
	must(t, d.Remove("a"))
	wantOutcomes(t, d, "", "a:A")
	d = durabletest.New(harsh)
	keep(t, d, "a", "A")
	must(t, d.Remove("a"))
	must(t, d.SyncDir("/"))
	wantOutcomes(t, d, "")
}

func TestEverythingFailsAfterTheCrash(t *testing.T) {
	d := durabletest.New(harsh)
	f := keep(t, d, "a", "A")
	after := d.Crash(durabletest.Everything)
	b := make([]byte, 1)
	for what, act := range map[string]func() error{
		"write":    func() error { _, err := f.Write(b); return err },
		"read":     func() error { _, err := f.Read(b); return err },
		"read at":  func() error { _, err := f.ReadAt(b, 0); return err },
		"seek":     func() error { _, err := f.Seek(0, 0); return err },
		"stat":     func() error { _, err := f.Stat(); return err },
		"sync":     f.Sync,
		"truncate": func() error { return f.Truncate(0) },
		"close":    f.Close,
		"open":     func() error { _, err := d.OpenFile("a", os.O_RDONLY, 0); return err },
		"rename":   func() error { return d.Rename("a", "b") },
		"remove":   func() error { return d.Remove("a") },
		"mkdir":    func() error { return d.Mkdir("d", 0o700) },
		"read dir": func() error { _, err := d.ReadDir("/"); return err },
		"stat a":   func() error { _, err := d.Stat("a"); return err },
		"sync dir": func() error { return d.SyncDir("/") },
		"free":     func() error { _, err := d.Free("/"); return err },
	} {
		wantError(t, what, act(), durabletest.ErrCrashed)
	}
	wantContent(t, after, "a", "A")
}

func TestCrashedDiskWorksOn(t *testing.T) {
	d := durabletest.New(harsh)
	f := keep(t, d, "a", "A")
	write(t, f, "B")
	d = d.Crash(durabletest.Everything)
	wantOutcomes(t, d, "a:AB") // what a crash left is on disk for certain
	d = d.Crash(durabletest.Everything)
	f = open(t, d, "a", os.O_WRONLY|os.O_APPEND)
	write(t, f, "C")
	wantOutcomes(t, d, "a:AB", "a:AB0", "a:ABC")
}

func TestSameSeedSameCrash(t *testing.T) {
	state := func(seed uint64) map[string]string {
		d := durabletest.New(harsh)
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			put(t, d, name, strings.Repeat(name, 100))
		}
		return d.Crash(rand.New(rand.NewPCG(seed, 0)).IntN).Files()
	}
	if diff := cmp.Diff(state(7), state(7)); diff != "" {
		t.Error(diff)
	}
	if cmp.Equal(state(7), state(8)) {
		t.Error("another seed, the same crash")
	}
}

func TestEvery(t *testing.T) {
	var rows [][2]int
	try := func(choose func(int) int) {
		row := [2]int{choose(2), -1}
		if row[0] == 1 {
			row[1] = choose(3)
		}
		rows = append(rows, row)
	}
	if !durabletest.Every(4, try) {
		t.Error("says there were more")
	}
	if want := [][2]int{{0, -1}, {1, 0}, {1, 1}, {1, 2}}; !cmp.Equal(rows, want) {
		t.Errorf("got %v, want %v", rows, want)
	}
	if durabletest.Every(3, try) {
		t.Error("says these were all")
	}
}

// TestPromisesAndChoices does things at random, syncs, goes on elsewhere and
// crashes: answers of 0 leave what was synced, of n-1 what was shown, and none
// changes what was let be since the sync.
func TestPromisesAndChoices(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := durabletest.New(durabletest.Options{Sector: 8, Journal: rapid.Bool().Draw(t, "journal")})
		all := rapid.SampledFrom([]string{"a", "b", "d", "d/a", "d/e", "d/e/a"})
		for range rapid.IntRange(0, 20).Draw(t, "steps") {
			drawStep(t, all)(d, "/")
		}
		syncAll(t, d)
		synced := d.Files()
		for range rapid.IntRange(0, 6).Draw(t, "more steps") {
			drawStep(t, rapid.SampledFrom([]string{"a", "b", "b/a"}))(d, "/")
		}
		shown := d.Files()
		if diff := cmp.Diff(synced, d.Crash(durabletest.Nothing).Files()); diff != "" {
			t.Fatalf("synced (-), after losing the rest (+):\n%s", diff)
		}
		if diff := cmp.Diff(shown, d.Crash(durabletest.Everything).Files()); diff != "" {
			t.Fatalf("shown (-), after losing nothing (+):\n%s", diff)
		}
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		if diff := cmp.Diff(below(synced, "d/"), below(d.Crash(rng.IntN).Files(), "d/")); diff != "" {
			t.Fatalf("synced and let be (-), after the crash (+):\n%s", diff)
		}
	})
}

func below(files map[string]string, folder string) map[string]string {
	maps.DeleteFunc(files, func(name, _ string) bool { return !strings.HasPrefix(name, folder) })
	return files
}

func syncAll(t *rapid.T, d *durabletest.Disk) {
	for name := range d.Files() {
		var err error
		if strings.HasSuffix(name, "/") {
			err = d.SyncDir(name)
		} else if f, oerr := d.OpenFile(name, os.O_RDONLY, 0); oerr == nil {
			err = f.Sync()
			f.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := d.SyncDir("/"); err != nil {
		t.Fatal(err)
	}
}

func TestManyAtOnce(t *testing.T) {
	d := durabletest.New(durabletest.Options{})
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			name := string(rune('a' + i))
			for range 50 {
				err := durable.WriteFile(d, name, 0o600, func(w io.Writer) error {
					_, err := io.WriteString(w, name)
					return err
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	wantOutcomes(t, d, "a:a b:b c:c d:d e:e f:f g:g h:h")
}
