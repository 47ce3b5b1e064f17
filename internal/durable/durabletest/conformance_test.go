package durabletest_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"mailarchive/internal/durable"
	"mailarchive/internal/durable/durabletest"
)

// conformance is what the machine's file system and the one in memory must
// agree on while nothing crashes. Each story starts in an empty folder.
var conformance = map[string]func(t *testing.T, fsys durable.FS, dir string){
	"flags":             testFlags,
	"reading":           testReading,
	"append":            testAppend,
	"seek":              testSeek,
	"truncate":          testTruncate,
	"stat":              testStat,
	"folders":           testFolders,
	"rename":            testRename,
	"remove":            testRemove,
	"open after remove": testOpenAfterRemove,
	"wrong use":         testWrongUse,
	"kinds of error":    testErrorTypes,
}

func TestConformance(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(conformance)) {
		story := conformance[name]
		t.Run("OS/"+name, func(t *testing.T) { story(t, durable.OS{}, t.TempDir()) })
		t.Run("Disk/"+name, func(t *testing.T) { story(t, durabletest.New(durabletest.Options{}), "/") })
	}
}

// open opens, or fails the test.
func open(t *testing.T, fsys durable.FS, name string, flag int) durable.File {
	t.Helper()
	f, err := fsys.OpenFile(name, flag, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func write(t *testing.T, f durable.File, text string) {
	t.Helper()
	if n, err := io.WriteString(f, text); err != nil || n != len(text) {
		t.Fatalf("writing %q: %d, %v", text, n, err)
	}
}

// put writes a file, unsynced.
func put(t *testing.T, fsys durable.FS, name, text string) {
	t.Helper()
	f := open(t, fsys, name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
	write(t, f, text)
	must(t, f.Close())
}

func content(t *testing.T, fsys durable.FS, name string) string {
	t.Helper()
	f := open(t, fsys, name, os.O_RDONLY)
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantError(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: error %v, want %v", what, got, want)
	}
}

func wantContent(t *testing.T, fsys durable.FS, name, want string) {
	t.Helper()
	if got := content(t, fsys, name); got != want {
		t.Errorf("%s has %q, want %q", name, got, want)
	}
}

func testFlags(t *testing.T, fsys durable.FS, dir string) {
	name := filepath.Join(dir, "a")
	_, err := fsys.OpenFile(name, os.O_RDWR, 0o600)
	wantError(t, "open what is not there", err, fs.ErrNotExist)
	put(t, fsys, name, "hello")
	_, err = fsys.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	wantError(t, "O_EXCL of what is there", err, fs.ErrExist)
	wantContent(t, fsys, name, "hello")

	write(t, open(t, fsys, name, os.O_WRONLY|os.O_CREATE), "J")
	wantContent(t, fsys, name, "Jello")
	open(t, fsys, name, os.O_WRONLY|os.O_TRUNC)
	wantContent(t, fsys, name, "")
	_, err = fsys.OpenFile(filepath.Join(dir, "no", "b"), os.O_WRONLY|os.O_CREATE, 0o600)
	wantError(t, "create in no folder", err, fs.ErrNotExist)
	_, err = fsys.OpenFile(filepath.Join(name, "b"), os.O_WRONLY|os.O_CREATE, 0o600)
	wantError(t, "create below a file", err, syscall.ENOTDIR)
	_, err = fsys.OpenFile(dir, os.O_WRONLY, 0)
	wantError(t, "write a folder", err, syscall.EISDIR)
}

func testReading(t *testing.T, fsys durable.FS, dir string) {
	name := filepath.Join(dir, "a")
	put(t, fsys, name, "0123456789")
	f := open(t, fsys, name, os.O_RDONLY)
	for _, c := range []struct {
		offset int64
		size   int
		want   string
		err    error
	}{
		{0, 4, "0123", nil}, {6, 4, "6789", nil}, {6, 5, "6789", io.EOF},
		{10, 1, "", io.EOF}, {99, 1, "", io.EOF}, {99, 0, "", nil}, {3, 0, "", nil},
	} {
		b := make([]byte, c.size)
		n, err := f.ReadAt(b, c.offset)
		if string(b[:n]) != c.want || err != c.err {
			t.Errorf("ReadAt(%d bytes, %d) = %q, %v; want %q, %v", c.size, c.offset, b[:n], err, c.want, c.err)
		}
	}
	b := make([]byte, 7)
	for _, want := range []string{"0123456", "789"} { // ReadAt has not moved it
		if n, err := f.Read(b); err != nil || string(b[:n]) != want {
			t.Errorf("Read = %q, %v; want %q", b[:n], err, want)
		}
	}
	if n, err := f.Read(b); n != 0 || err != io.EOF {
		t.Errorf("Read at the end = %d, %v", n, err)
	}
	if n, err := f.Read(nil); n != 0 || err != nil {
		t.Errorf("Read of nothing at the end = %d, %v", n, err)
	}
	if _, err := f.ReadAt(b, -1); err == nil {
		t.Error("ReadAt(-1) works")
	}
}

func testAppend(t *testing.T, fsys durable.FS, dir string) {
	name := filepath.Join(dir, "a")
	f := open(t, fsys, name, os.O_RDWR|os.O_CREATE|os.O_APPEND)
	write(t, f, "one ")
	write(t, open(t, fsys, name, os.O_WRONLY|os.O_APPEND), "two ")
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	write(t, f, "three")
	wantContent(t, fsys, name, "one two three")
	if at, err := f.Seek(0, io.SeekCurrent); at != 13 || err != nil {
		t.Errorf("stands at %d, %v", at, err)
	}
}

func testSeek(t *testing.T, fsys durable.FS, dir string) {
	name := filepath.Join(dir, "a")
	f := open(t, fsys, name, os.O_RDWR|os.O_CREATE)
	write(t, f, "0123456789")
	for _, c := range []struct {
		offset int64
		whence int
		want   int64
	}{{2, io.SeekStart, 2}, {3, io.SeekCurrent, 5}, {-4, io.SeekEnd, 6}, {3, io.SeekEnd, 13}} {
		if got, err := f.Seek(c.offset, c.whence); got != c.want || err != nil {
			t.Errorf("Seek(%d, %d) = %d, %v; want %d", c.offset, c.whence, got, err, c.want)
		}
	}
	_, err := f.Seek(-1, io.SeekStart)
	wantError(t, "seek before the start", err, syscall.EINVAL)
	_, err = f.Seek(0, 77)
	wantError(t, "seek from nowhere", err, syscall.EINVAL)
	if n, err := f.Write(nil); n != 0 || err != nil {
		t.Errorf("writing nothing: %d, %v", n, err)
	}
	wantContent(t, fsys, name, "0123456789")
	write(t, f, "x")
	wantContent(t, fsys, name, "0123456789\x00\x00\x00x")
}

func testTruncate(t *testing.T, fsys durable.FS, dir string) {
	name := filepath.Join(dir, "a")
	f := open(t, fsys, name, os.O_RDWR|os.O_CREATE)
	write(t, f, "0123456789")
	must(t, f.Truncate(4))
	wantContent(t, fsys, name, "0123")
	must(t, f.Truncate(6))
	wantContent(t, fsys, name, "0123\x00\x00")
	write(t, f, "x") // the place has not moved
	wantContent(t, fsys, name, "0123\x00\x00\x00\x00\x00\x00x")
	wantError(t, "truncate below nothing", f.Truncate(-1), syscall.EINVAL)
	wantError(t, "truncate a reader", open(t, fsys, name, os.O_RDONLY).Truncate(0), syscall.EINVAL)
}

func testStat(t *testing.T, fsys durable.FS, dir string) {
	name := filepath.Join(dir, "a")
	put(t, fsys, name, "four")
	must(t, fsys.Mkdir(filepath.Join(dir, "d"), 0o700))
	byName, err := fsys.Stat(name)
	must(t, err)
	opened, err := open(t, fsys, name, os.O_RDONLY).Stat()
	must(t, err)
	for _, info := range []fs.FileInfo{byName, opened} {
		if info.Name() != "a" || info.Size() != 4 || info.IsDir() || info.Mode() != 0o600 || info.ModTime().IsZero() {
			t.Errorf("the file is %v", fs.FormatFileInfo(info))
		}
	}
	folder, err := fsys.Stat(filepath.Join(dir, "d"))
	must(t, err)
	if !folder.IsDir() || folder.Mode() != fs.ModeDir|0o700 {
		t.Errorf("the folder is %v", fs.FormatFileInfo(folder))
	}
	_, err = fsys.Stat(filepath.Join(dir, "no"))
	wantError(t, "stat what is not there", err, fs.ErrNotExist)
	_, err = fsys.Stat(filepath.Join(name, "no"))
	wantError(t, "stat below a file", err, syscall.ENOTDIR)
	if free, err := fsys.Free(dir); free == 0 || err != nil {
		t.Errorf("free: %d, %v", free, err)
	}
	_, err = fsys.Free(filepath.Join(dir, "no"))
	wantError(t, "free where nothing is", err, fs.ErrNotExist)
}

func testFolders(t *testing.T, fsys durable.FS, dir string) {
	for _, name := range []string{"b", "a", "c"} {
		put(t, fsys, filepath.Join(dir, name), name)
	}
	sub := filepath.Join(dir, "B")
	must(t, fsys.Mkdir(sub, 0o700))
	entries, err := fsys.ReadDir(dir)
	must(t, err)
	var got []string
	for _, e := range entries {
		got = append(got, fmt.Sprintf("%s %t", e.Name(), e.IsDir()))
	}
	if want := []string{"B true", "a false", "b false", "c false"}; !cmp.Equal(got, want) {
		t.Errorf("listed %q, want %q", got, want)
	}
	wantError(t, "mkdir again", fsys.Mkdir(sub, 0o700), fs.ErrExist)
	wantError(t, "mkdir in place of a file", fsys.Mkdir(filepath.Join(dir, "a"), 0o700), fs.ErrExist)
	wantError(t, "mkdir of the root", fsys.Mkdir("/", 0o700), fs.ErrExist)
	wantError(t, "mkdir in no folder", fsys.Mkdir(filepath.Join(dir, "x", "y"), 0o700), fs.ErrNotExist)
	_, err = fsys.ReadDir(filepath.Join(dir, "no"))
	wantError(t, "list what is not there", err, fs.ErrNotExist)
	_, err = fsys.ReadDir(filepath.Join(dir, "a"))
	wantError(t, "list a file", err, syscall.ENOTDIR)
	must(t, fsys.SyncDir(dir))
	wantError(t, "sync a file's names", fsys.SyncDir(filepath.Join(dir, "a")), syscall.ENOTDIR)
	wantError(t, "sync what is not there", fsys.SyncDir(filepath.Join(dir, "no")), fs.ErrNotExist)
}

func testRename(t *testing.T, fsys durable.FS, dir string) {
	a, b, d, e := filepath.Join(dir, "a"), filepath.Join(dir, "b"), filepath.Join(dir, "d"), filepath.Join(dir, "e")
	put(t, fsys, a, "new")
	put(t, fsys, b, "old")
	must(t, fsys.Mkdir(d, 0o700))
	must(t, fsys.Mkdir(e, 0o700))
	reader := open(t, fsys, b, os.O_RDONLY)
	must(t, fsys.Rename(a, a))
	must(t, fsys.Rename(a, b))
	wantContent(t, fsys, b, "new")
	if old, err := io.ReadAll(reader); string(old) != "old" || err != nil {
		t.Errorf("who had the old file open reads %q, %v", old, err)
	}
	wantError(t, "the old name", fsys.Rename(a, b), fs.ErrNotExist)
	wantError(t, "onto a folder", fsys.Rename(b, d), fs.ErrExist)
	wantError(t, "folder onto folder", fsys.Rename(d, e), fs.ErrExist)
	wantError(t, "folder onto file", fsys.Rename(d, b), syscall.ENOTDIR)
	wantError(t, "folder into itself", fsys.Rename(d, filepath.Join(d, "d")), syscall.EINVAL)
	wantError(t, "into no folder", fsys.Rename(b, filepath.Join(dir, "x", "y")), fs.ErrNotExist)
	must(t, fsys.Rename(b, filepath.Join(d, "c")))
	must(t, fsys.Rename(d, filepath.Join(e, "d")))
	wantContent(t, fsys, filepath.Join(e, "d", "c"), "new")
}

func testRemove(t *testing.T, fsys durable.FS, dir string) {
	d := filepath.Join(dir, "d")
	must(t, fsys.Mkdir(d, 0o700))
	put(t, fsys, filepath.Join(d, "a"), "x")
	wantError(t, "a full folder", fsys.Remove(d), syscall.ENOTEMPTY)
	must(t, fsys.Remove(filepath.Join(d, "a")))
	wantError(t, "twice", fsys.Remove(filepath.Join(d, "a")), fs.ErrNotExist)
	must(t, fsys.Remove(d))
	_, err := fsys.Stat(d)
	wantError(t, "the folder", err, fs.ErrNotExist)
}

func testOpenAfterRemove(t *testing.T, fsys durable.FS, dir string) {
	name := filepath.Join(dir, "a")
	f := open(t, fsys, name, os.O_RDWR|os.O_CREATE)
	write(t, f, "one")
	must(t, fsys.Remove(name))
	put(t, fsys, name, "another")
	write(t, f, "two")
	must(t, f.Sync())
	b := make([]byte, 6)
	if _, err := f.ReadAt(b, 0); err != nil || string(b) != "onetwo" {
		t.Errorf("reads %q, %v", b, err)
	}
	wantContent(t, fsys, name, "another")
}

func testWrongUse(t *testing.T, fsys durable.FS, dir string) {
	name := filepath.Join(dir, "a")
	put(t, fsys, name, "x")
	reader, writer := open(t, fsys, name, os.O_RDONLY), open(t, fsys, name, os.O_WRONLY)
	_, err := reader.Write([]byte("y"))
	wantError(t, "write a reader", err, syscall.EBADF)
	_, err = writer.Read(make([]byte, 1))
	wantError(t, "read a writer", err, syscall.EBADF)
	must(t, reader.Sync())
	must(t, writer.Close())
	_, err = writer.Write([]byte("y"))
	wantError(t, "write after close", err, fs.ErrClosed)
	_, err = writer.Seek(0, io.SeekStart)
	wantError(t, "seek after close", err, fs.ErrClosed)
	_, err = writer.Stat()
	wantError(t, "stat after close", err, fs.ErrClosed)
	wantError(t, "truncate after close", writer.Truncate(0), fs.ErrClosed)
	wantError(t, "sync after close", writer.Sync(), fs.ErrClosed)
	wantError(t, "close after close", writer.Close(), fs.ErrClosed)
}

func testErrorTypes(t *testing.T, fsys durable.FS, dir string) {
	no := filepath.Join(dir, "no")
	_, err := fsys.OpenFile(no, os.O_RDONLY, 0)
	_, serr := fsys.Stat(no)
	for _, err := range []error{err, serr, fsys.Remove(no), fsys.Mkdir(filepath.Join(no, "x"), 0o700), fsys.SyncDir(no)} {
		if pe := (*fs.PathError)(nil); !errors.As(err, &pe) || pe.Path == "" {
			t.Errorf("%v (%T) has no path", err, err)
		}
	}
	err = fsys.Rename(no, filepath.Join(dir, "x"))
	if le := (*os.LinkError)(nil); !errors.As(err, &le) || le.Old != no {
		t.Errorf("%v (%T) is no LinkError", err, err)
	}
}

// TestSameAsTheMachine lets both do the same at random.
func TestSameAsTheMachine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		real, err := os.MkdirTemp("", "conformance")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(real)
		fake := durabletest.New(durabletest.Options{Sector: 8})
		names := rapid.SampledFrom([]string{"a", "b", "d", "d/a", "d/e", "d/e/a"})
		for i := range rapid.IntRange(1, 25).Draw(t, "steps") {
			step := drawStep(t, names)
			got, want := step(fake, "/"), step(durable.OS{}, real)
			if got != want {
				t.Fatalf("step %d: Disk says %q, the machine %q", i, got, want)
			}
			if diff := cmp.Diff(machineFiles(t, real), fake.Files()); diff != "" {
				t.Fatalf("step %d: machine (-), Disk (+):\n%s", i, diff)
			}
		}
	})
}

// drawStep draws one thing to do; it returns what came of it as text.
func drawStep(t *rapid.T, names *rapid.Generator[string]) func(durable.FS, string) string {
	name, other := names.Draw(t, "name"), names.Draw(t, "other")
	offset, size := rapid.Int64Range(0, 40).Draw(t, "offset"), rapid.Int64Range(0, 40).Draw(t, "size")
	flag := rapid.SampledFrom([]int{0, os.O_CREATE, os.O_CREATE | os.O_EXCL, os.O_TRUNC, os.O_APPEND}).Draw(t, "flag")
	switch rapid.SampledFrom([]string{"write", "write", "mkdir", "rename", "remove"}).Draw(t, "what") {
	case "mkdir":
		return func(fsys durable.FS, dir string) string { return number(fsys.Mkdir(filepath.Join(dir, name), 0o700)) }
	case "rename":
		return func(fsys durable.FS, dir string) string {
			return number(fsys.Rename(filepath.Join(dir, name), filepath.Join(dir, other)))
		}
	case "remove":
		return func(fsys durable.FS, dir string) string { return number(fsys.Remove(filepath.Join(dir, name))) }
	}
	return func(fsys durable.FS, dir string) string {
		f, err := fsys.OpenFile(filepath.Join(dir, name), os.O_RDWR|flag, 0o600)
		if err != nil {
			return number(err)
		}
		defer f.Close()
		_, serr := f.Seek(offset, io.SeekStart)
		n, werr := f.Write(make([]byte, size))
		m, rerr := f.Write([]byte("!"))
		return fmt.Sprint(number(serr), n, number(werr), m, number(rerr), number(f.Truncate(offset+size/2)))
	}
}

// number is the errno in an error.
func number(err error) string {
	if errno := syscall.Errno(0); errors.As(err, &errno) {
		return errno.Error()
	}
	return fmt.Sprint(err)
}

func machineFiles(t *rapid.T, root string) map[string]string {
	all := map[string]string{}
	err := filepath.WalkDir(root, func(name string, e fs.DirEntry, err error) error {
		relative, _ := filepath.Rel(root, name)
		switch {
		case err != nil || name == root:
			return err
		case e.IsDir():
			all[relative+"/"] = ""
			return nil
		}
		b, err := os.ReadFile(name)
		all[relative] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
