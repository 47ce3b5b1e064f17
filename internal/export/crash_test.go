package export

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"testing"

	"mailarchive/internal/durable"
	"mailarchive/internal/durable/durabletest"
	"mailarchive/internal/mail"
)

// crashMessages are few, for the export is cut at each of its operations.
func crashMessages() []Message {
	return []Message{message(1, []byte("one\n")), message(2, []byte("From two")), message(3, bytes.Repeat([]byte("3\r\n"), 1000))}
}

// exportTo writes to /out, or /out/x for a file.
func exportTo(disk durable.FS, format Format, resume bool) (Summary, error) {
	o := Options{Format: format, FS: disk, Resume: resume, Clock: clock}
	if format.IsFolder() {
		return ToFolder(context.Background(), sequence(crashMessages()...), "/out", o)
	}
	if err := durable.MakeFolder(disk, "/out", 0o700); err != nil {
		return Summary{}, err
	}
	return ToFile(context.Background(), sequence(crashMessages()...), "/out/x", o)
}

// TestCrash takes the power away at each operation of an export. What is there
// under its final name afterwards is whole, and doing it again finishes it.
func TestCrash(t *testing.T) {
	for _, format := range Formats() {
		for n, ended := 1, false; !ended; n++ {
			disk := durabletest.New(durabletest.Options{})
			disk.FailAt(n, durabletest.Fault{Cut: true})
			_, err := exportTo(disk, format, false)
			ended = disk.Ops() < n
			if ended != (err == nil) {
				t.Fatalf("%s, cut at %d: %v", format, n, err)
			}
			random := rand.New(rand.NewPCG(1, uint64(n)))
			for _, choose := range []func(int) int{durabletest.Nothing, durabletest.Everything, random.IntN, random.IntN} {
				after := disk.Crash(choose)
				done := isWhole(t, after, format, n)
				if ended && !done {
					t.Fatalf("%s: the export said that it was done, and is not there", format)
				}
				if !done {
					goesOn(t, after, format, n)
				}
			}
		}
	}
}

// goesOn does the export again, as its refusal says.
func goesOn(t *testing.T, disk durable.FS, format Format, n int) {
	t.Helper()
	sum, err := exportTo(disk, format, true)
	if format == Mbox && errors.Is(err, fs.ErrExist) { // the mbox is whole, its manifest is not
		if err := disk.Remove("/out/x"); err != nil {
			t.Fatal(err)
		}
		sum, err = exportTo(disk, format, true)
	}
	if err != nil || sum.Written != 3 || !isWhole(t, disk, format, n) {
		t.Errorf("%s, cut at %d, again: %+v, %v", format, n, sum, err)
	}
}

// isWhole reports whether a finished export is there, and fails if something
// that is half a file has a final name.
func isWhole(t *testing.T, disk durable.FS, format Format, n int) bool {
	t.Helper()
	manifest := "/out/" + ManifestName
	switch format {
	case Mbox:
		manifest = ManifestOf("/out/x")
		if box, ok := onDisk(t, disk, "/out/x"); ok {
			readsBack(t, box, crashMessages())
		}
	case TGZ, Zip:
		var want bytes.Buffer
		if _, err := ToStream(context.Background(), sequence(crashMessages()...), &want, nil, Options{Format: format, Clock: clock}); err != nil {
			t.Fatal(err)
		}
		got, ok := onDisk(t, disk, "/out/x")
		if ok && !bytes.Equal(got, want.Bytes()) {
			t.Errorf("%s, cut at %d: half a file is there", format, n)
		}
		return ok
	}
	lines, ok := onDisk(t, disk, manifest)
	if format.IsFolder() {
		filesAreWhole(t, disk, lines, n)
	} else if _, box := onDisk(t, disk, "/out/x"); ok && !box {
		t.Errorf("cut at %d: a manifest without its mbox", n)
	}
	return ok
}

// filesAreWhole looks at every file with a final name, and at those that the
// manifest names.
func filesAreWhole(t *testing.T, disk durable.FS, manifest []byte, n int) {
	t.Helper()
	want := map[mail.Digest]bool{}
	for _, m := range crashMessages() {
		want[m.Digest] = true
	}
	for _, dir := range []string{"/out", "/out/new"} {
		entries, _ := disk.ReadDir(dir)
		for _, e := range entries {
			if ext := path.Ext(e.Name()); ext != ".eml" && ext != ".mail-archive" {
				continue
			}
			if b, _ := onDisk(t, disk, path.Join(dir, e.Name())); !want[mail.Sum(b)] {
				t.Errorf("cut at %d: %s has %q", n, e.Name(), b)
			}
		}
	}
	for d := json.NewDecoder(bytes.NewReader(manifest)); d.More(); {
		var e Entry
		if err := d.Decode(&e); err != nil {
			t.Fatalf("cut at %d: half a manifest: %v", n, err)
		}
		if b, ok := onDisk(t, disk, path.Join("/out", e.File)); !ok || mail.Sum(b) != e.SHA256 {
			t.Errorf("cut at %d: the manifest names %s, which is not there", n, e.File)
		}
	}
}

func onDisk(t *testing.T, disk durable.FS, name string) ([]byte, bool) {
	t.Helper()
	f, err := disk.OpenFile(name, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return b, true
}

// TestDiskErrors: at each operation that can fail the export stops with that
// error, and leaves no half file under a final name.
func TestDiskErrors(t *testing.T) {
	for _, format := range Formats() {
		for n, ended := 1, false; !ended; n++ {
			disk := durabletest.New(durabletest.Options{})
			disk.FailAt(n, durabletest.Fault{Err: errBoom})
			_, err := exportTo(disk, format, false)
			ended = disk.Ops() < n
			disk.FailAt(n, durabletest.Fault{}) // or looking would meet it
			if err == nil && !isWhole(t, disk, format, n) {
				t.Errorf("%s, operation %d fails: said done, and is not", format, n)
			}
			if err != nil && !errors.Is(err, errBoom) && !errors.Is(err, fs.ErrExist) {
				t.Errorf("%s, operation %d fails: %v", format, n, err)
			}
			isWhole(t, disk, format, n)
		}
	}
}
