package importer

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/corpus"
	"mailarchive/internal/mail"
)

// stock runs a program of the system in a folder; the test is skipped without
// it.
func stock(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("%v (apt install %s)", err, name)
	}
	c := exec.CommandContext(t.Context(), name, args...)
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
}

// oldMessages are n raw messages as the old system kept them, by path.
func oldMessages(n int) map[string]string {
	files := map[string]string{}
	for i := range n {
		files[fmt.Sprintf("messages/2010-10-%02d-%d", 1+i%31, i)] =
			fmt.Sprintf("X-Clear-Delivered-To: u%d@x.org\nSubject: %d\n\n%s\n", i, i, strings.Repeat(fmt.Sprint("text ", i), 200))
	}
	return files
}

// oldTGZ packs messages with the system's tar and returns file and folder.
func oldTGZ(t *testing.T, files map[string]string, tarArgs ...string) (archive, dir string) {
	t.Helper()
	dir = tree(t, files)
	stock(t, dir, "tar", append(append([]string{}, tarArgs...), "-czf", "Oct-2010.tgz", "messages")...)
	return filepath.Join(dir, "Oct-2010.tgz"), dir
}

// sameContents compares what is in the archive with files.
func sameContents(t *testing.T, a *fakeArchive, files map[string]string) {
	t.Helper()
	got, want := a.digests(), map[mail.Digest]int{}
	for _, text := range files {
		want[mail.Sum([]byte(text))]++
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("contents (-want +got):\n%s", diff)
	}
}

// TestOldTGZ imports what the system's tar made, in each of its formats, twice.
func TestOldTGZ(t *testing.T) {
	files := oldMessages(40)
	files["messages/2010-10-01-large"] = "Subject: large\n\n" + strings.Repeat("0123456789abcde\n", 2*smallMax/16)
	files["messages/2010-10-01-"+strings.Repeat("long", 50)] = "Subject: long name\n\n"
	for _, format := range []string{"gnu", "oldgnu", "pax", "posix"} {
		archive, _ := oldTGZ(t, files, "--format="+format)
		a := newFake()
		o := Options{Paths: []string{archive}, Format: FormatSpool, DeliveredTo: true}
		sum, _ := importAll(t, a, o)
		if sum.Stored != len(files) || sum.Failed+sum.Skipped != 0 {
			t.Errorf("%s: %+v", format, sum)
		}
		sameContents(t, a, files)
		k := a.one(t, "2010-10-08-7")
		if to := k.envelope.To; len(to) != 1 || to[0].Address != "u7@x.org" || k.envelope.Source != sourceTar {
			t.Errorf("%s: envelope %+v", format, k.envelope)
		}
		if want := archive + "/messages/2010-10-08-7"; k.envelope.Origin.Path != want {
			t.Errorf("%s: path %s, want %s", format, k.envelope.Origin.Path, want)
		}
		if sum, _ = importAll(t, a, o); sum.Already != len(files) || sum.Stored != 0 {
			t.Errorf("%s, again: %+v", format, sum)
		}
	}
}

// TestTarOfOldTimes: a tar without magic, and one that is not compressed.
func TestTarOfOldTimes(t *testing.T) {
	files := oldMessages(3)
	dir := tree(t, files)
	stock(t, dir, "tar", "--format=v7", "-cf", "old", "messages")
	a := newFake()
	sum, outcomes := importAll(t, a, Options{Paths: []string{filepath.Join(dir, "old")}})
	if sum.Stored != 3 {
		t.Errorf("%+v %+v", sum, outcomes)
	}
	sameContents(t, a, files)
}

// made is a tar entry of a hostile or odd tar.
type made struct {
	tar.Header
	text string
}

func makeTar(t testing.TB, entries ...made) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := e.Header
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
		}
		if h.Size == 0 {
			h.Size = int64(len(e.text))
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, e.text); err != nil {
			t.Fatal(err)
		}
	}
	w.Flush() // an error where an entry is cut on purpose
	return append(b.Bytes(), make([]byte, 2*tarBlock)...)
}

func named(name, text string) made { return made{tar.Header{Name: name, Mode: 0o600}, text} }

// TestTarEntries: names lead nowhere, and what is no message says why.
func TestTarEntries(t *testing.T) {
	text := "To: a@b\n\nx"
	root := tree(t, map[string]string{"x.tar": string(makeTar(t,
		named("../../../../tmp/escape", text),
		named("/etc/absolute", text+"1"),
		made{tar.Header{Name: "dir/", Typeflag: tar.TypeDir}, ""},
		made{tar.Header{Name: "link", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}, ""},
		made{tar.Header{Name: "fifo", Typeflag: tar.TypeFifo}, ""},
		named("dovecot.index", text),
		named(".hidden", text),
		named("notes.txt", "just text"),
		named("empty", ""),
		named("box.mbox", "From a@b Thu Jun 10 10:00:00 2010\nTo: a@b\n\nx\n"),
		named("same", text+"2"),
		named("same", text+"2"),
		named("same", text+"3"),
		named("empty.eml", ""),
	))})
	a := newFake()
	_, outcomes := importAll(t, a, Options{Paths: []string{root}})
	want := []told{
		{"x.tar/.hidden", "", "skipped", "hidden file"},
		{"x.tar/box.mbox", "", "skipped", "packed or an mbox within a tar, not supported: unpack it and import the folder"},
		{"x.tar/dovecot.index", "", "skipped", controlReason},
		{"x.tar/empty", "", "skipped", "empty file"},
		{"x.tar/empty.eml", "", "stored", ""},
		{"x.tar/etc/absolute", "", "stored", ""},
		{"x.tar/fifo", "", "skipped", `not a regular file (type '6' in the tar)`},
		{"x.tar/link", "", "skipped", `not a regular file (type '2' in the tar)`},
		{"x.tar/notes.txt", "", "skipped", "not recognised as mail"},
		{"x.tar/same", "", "stored", ""},
		{"x.tar/same", "", "stored", ""},
		{"x.tar/same", "", "stored", ""},
		{"x.tar/tmp/escape", "", "stored", ""},
	}
	if diff := cmp.Diff(want, tell(root, outcomes)); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	for _, name := range []string{"/tmp/escape", "/etc/absolute", filepath.Join(root, "etc")} {
		if _, err := os.Lstat(name); !os.IsNotExist(err) {
			t.Errorf("%s: %v, want that it is not there", name, err)
		}
	}
}

// TestTarTooLarge: the size that a header claims costs neither memory nor the
// messages behind it.
func TestTarTooLarge(t *testing.T) {
	b := makeTar(t, named("1", "To: a@b\n\nx"), made{tar.Header{Name: "huge", Size: 1 << 50}, "To: a@b\n\n"})
	b = append(b[:5*tarBlock:5*tarBlock], makeTar(t, named("2", "To: a@b\n\ny"))...)
	root := tree(t, map[string]string{"x.tar": string(b)})
	sum, outcomes := importAll(t, newFake(), Options{Paths: []string{root}})
	told := slices.ContainsFunc(outcomes, func(o Outcome) bool { return strings.Contains(o.Reason, "too large") })
	if sum.Stored != 2 || sum.Failed != 1 || !told {
		t.Errorf("%+v %+v", sum, outcomes)
	}
}

// TestDamagedTar: a bad header costs what it stands for, and its place is told.
func TestDamagedTar(t *testing.T) {
	var entries []made
	for i := range 5 {
		entries = append(entries, named(fmt.Sprint(i), fmt.Sprintf("To: a@b\n\n%s%d", strings.Repeat("x", 1000), i)))
	}
	b := makeTar(t, entries...)
	const third = 3 * 2 * tarBlock // where the header of "2" begins is 2 entries of 3 blocks
	b[third+1]++
	a := newFake()
	sum, outcomes := importAll(t, a, Options{Paths: []string{tree(t, map[string]string{"x.tar": string(b)})}})
	if sum.Stored != 4 || sum.Failed != 1 {
		t.Fatalf("%+v %+v", sum, outcomes)
	}
	for _, o := range outcomes {
		if o.Outcome == Failed && (o.Offset != third+tarBlock || !strings.Contains(o.Reason, "stepped over 1024 bytes")) {
			t.Errorf("the damage is reported as %+v", o)
		}
	}
}

// TestTwoTarsInOne: what stands behind the end of a tar is not overlooked, but
// zeros there are nothing.
func TestTwoTarsInOne(t *testing.T) {
	first, second := makeTar(t, named("1", "To: a@b\n\n1")), makeTar(t, named("2", "To: a@b\n\n2"))
	both := string(first) + string(make([]byte, 8<<10)) + string(second) + string(make([]byte, 8<<10))
	sum, outcomes := importAll(t, newFake(), Options{Paths: []string{tree(t, map[string]string{"x.tar": both})}})
	if sum.Stored != 2 || len(outcomes) != 2 {
		t.Errorf("%+v %+v", sum, outcomes)
	}
}

// TestCutTGZ: what comes before the cut is imported, and the cut is told.
func TestCutTGZ(t *testing.T) {
	files := oldMessages(200)
	archive, _ := oldTGZ(t, files)
	whole, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(whole)
	flipped[len(flipped)-6] ^= 1 // in the checksum of gzip
	for _, tt := range []struct {
		name        string
		b           []byte
		least, most int
		reason      string
	}{
		{"half", whole[:len(whole)/2], 20, 190, "unexpected EOF"},
		{"last byte", whole[:len(whole)-1], 200, 200, "unexpected EOF"},
		{"checksum", flipped, 200, 200, "checksum"},
		{"header only", whole[:15], 0, 0, ""},
	} {
		root := tree(t, map[string]string{"Oct-2010.tgz": string(tt.b)})
		sum, outcomes := importAll(t, newFake(), Options{Paths: []string{root}, Format: FormatSpool})
		last := outcomes[len(outcomes)-1]
		if sum.Stored < tt.least || sum.Stored > tt.most || sum.Failed+sum.Skipped != 1 {
			t.Errorf("%s: %+v, %+v", tt.name, sum, last)
		}
		told := false
		for _, o := range outcomes {
			told = told || o.Outcome == Failed && strings.Contains(o.Reason, tt.reason) && o.Path == filepath.Join(root, "Oct-2010.tgz")
		}
		if !told && tt.reason != "" {
			t.Errorf("%s: no outcome tells of it: %+v", tt.name, last)
		}
	}
}

// TestTGZStops: an import that was stopped in a tar goes on where it was.
func TestTGZStops(t *testing.T) {
	files := oldMessages(100)
	archive, _ := oldTGZ(t, files)
	a := newFake()
	ctx, cancel := context.WithCancelCause(t.Context())
	n := 0
	_, err := Run(ctx, a, Options{Paths: []string{archive}, Format: FormatSpool, Report: func(Outcome) {
		if n++; n == 30 {
			cancel(errBoom)
		}
	}})
	if err == nil || len(a.byKey) >= 100 {
		t.Fatalf("%v after %d", err, len(a.byKey))
	}
	before := len(a.byKey)
	sum, _ := importAll(t, a, Options{Paths: []string{archive}, Format: FormatSpool})
	if sum.Already != before || sum.Stored != 100-before {
		t.Errorf("%d were there, then %+v", before, sum)
	}
	sameContents(t, a, files)
}

// TestBulkTGZ packs real mail with the system's tar and imports it.
func TestBulkTGZ(t *testing.T) {
	if testing.Short() {
		t.Skip("much mail")
	}
	dir := filepath.Join(corpus.Bulk(t), "spamassassin-ham")
	archive := filepath.Join(t.TempDir(), "Oct-2010.tgz")
	stock(t, dir, "tar", "-czf", archive, ".")
	want, got := newFake(), newFake()
	sum, _ := importAll(t, want, Options{Paths: []string{dir}})
	packed, _ := importAll(t, got, Options{Paths: []string{archive}})
	if packed.Stored != sum.Stored || packed.Failed > 0 || sum.Stored < 1000 {
		t.Errorf("from the tar %+v, from the folder %+v", packed, sum)
	}
	if diff := cmp.Diff(want.digests(), got.digests()); diff != "" {
		t.Error("contents differ")
	}
}

// FuzzTar imports any bytes as a tar: nothing panics, nothing hangs, and each
// outcome that says stored is in the archive.
func FuzzTar(f *testing.F) {
	good := makeTar(f, named("1", "To: a@b\n\nx"), named("2", "To: c@d\n\ny"))
	f.Add(good)
	f.Add(good[:700])
	f.Add(append(bytes.Repeat([]byte("junk"), 128), good...))
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	w.Write(good)
	w.Close()
	f.Add(z.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		name := filepath.Join(t.TempDir(), "x.tar")
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		a := newFake()
		sum, err := Run(t.Context(), a, Options{Paths: []string{name}, Format: FormatSpool})
		if err != nil || sum.Stored != len(a.byKey) {
			t.Errorf("%+v with %d in the archive, %v", sum, len(a.byKey), err)
		}
	})
}
