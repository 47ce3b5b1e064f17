package importer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/corpus"
	"mailarchive/internal/mail"
)

// sampleMembers returns the digests that the samples' mboxes were made from.
func sampleMembers(t *testing.T, dir string) map[mail.Digest]bool {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "mbox", "members.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all := map[mail.Digest]bool{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var m struct{ SHA256 mail.Digest }
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			t.Fatal(err)
		}
		all[m.SHA256] = true
	}
	return all
}

// memberDigests returns the digests of an mbox's members in order, after edit.
func memberDigests(t *testing.T, path string, d Dialect, edit func([]byte) []byte) []mail.Digest {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []mail.Digest
	m := NewMboxReader(f, d)
	for {
		c, err := m.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(c)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, mail.Sum(edit(b)))
	}
}

// TestSampleMboxes reads mboxes that another program wrote from known messages.
func TestSampleMboxes(t *testing.T) {
	dir := corpus.Samples(t)
	want := sampleMembers(t, dir)
	as := func(b []byte) []byte { return b }
	toLF := func(b []byte) []byte {
		if n := bytes.Count(b, []byte("\n")); bytes.Count(b, []byte("\r\n")) != n {
			t.Error("a member of the CRLF mbox has a bare LF")
		}
		return bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n"))
	}
	for _, c := range []struct {
		file    string
		dialect Dialect
		edit    func([]byte) []byte
		members int
		other   int // members that the dialect cannot keep: they had ">From " lines
	}{
		{"mboxrd.mbox", Mboxrd, as, 440, 0},
		{"mboxo.mbox", Mboxo, as, 440, 2},
		{"crlf.mboxrd.mbox", Mboxrd, toLF, 60, 0},
	} {
		other := 0
		got := memberDigests(t, filepath.Join(dir, "mbox", c.file), c.dialect, c.edit)
		for _, d := range got {
			if !want[d] {
				other++
			}
		}
		if len(got) != c.members || other != c.other {
			t.Errorf("%s: %d members, %d of them not what was put in; want %d and %d", c.file, len(got), other, c.members, c.other)
		}
	}
}

// TestSampleMaildir imports a Maildir++ tree and compares folders and flags
// with what a plain reading of the file names says.
func TestSampleMaildir(t *testing.T) {
	dir := filepath.Join(corpus.Samples(t), "maildir")
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	folders := map[string]string{".": "", ".Sent": "Sent", ".Archive": "Archive", ".Archive.2019": "Archive/2019", ".&ZeVnLIqe-": "日本語"}
	want := map[string][2]string{}
	filepath.WalkDir(dir, func(path string, e fs.DirEntry, _ error) error {
		if e.IsDir() {
			return nil
		}
		rel, _ := filepath.Rel(dir, path)
		_, flags, _ := strings.Cut(e.Name(), ":2,")
		want[path] = [2]string{folders[filepath.Dir(filepath.Dir(rel))], flags}
		return nil
	})
	a := newFake()
	importAll(t, a, Options{Paths: []string{dir}})
	got := map[string][2]string{}
	for _, k := range a.byKey {
		o := k.envelope.Origin
		got[o.Path] = [2]string{o.Folder, o.Flags}
		b, err := os.ReadFile(o.Path)
		if err != nil || mail.Sum(b) != k.digest || k.envelope.Source != sourceMaildir || o.Delivered.IsZero() {
			t.Errorf("%s: %v, source %q, delivered %v", o.Path, err, k.envelope.Source, o.Delivered)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || len(got) == 0 {
		t.Errorf("folder and flags of %d messages (-want +got):\n%s", len(got), diff)
	}
}

func TestSamplePSTIsNamed(t *testing.T) {
	sum, outcomes := importAll(t, newFake(), Options{Paths: []string{filepath.Join(corpus.Samples(t), "pst")}})
	if sum.Skipped == 0 || sum.Skipped != len(outcomes) || !strings.Contains(outcomes[0].Reason, "readpst") {
		t.Errorf("%+v %+v, want each PST skipped with the way to convert it", sum, outcomes)
	}
}

// TestTortureEML: every .eml of the hostile set goes in with its exact bytes,
// and whatever else lies there has an outcome.
func TestTortureEML(t *testing.T) {
	dir := corpus.Torture(t)
	want := map[mail.Digest]int{}
	files := 0
	filepath.WalkDir(dir, func(path string, e fs.DirEntry, _ error) error {
		if e.IsDir() {
			return nil
		}
		files++
		if strings.HasSuffix(path, ".eml") {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			want[mail.Sum(b)]++
		}
		return nil
	})
	a := newFake()
	sum, outcomes := importAll(t, a, Options{Paths: []string{dir}})
	got := a.digests()
	for d, n := range want {
		if got[d] < n {
			t.Errorf("digest %v is there %d times, want %d", d, got[d], n)
		}
	}
	if sum.Failed > 0 || len(outcomes) < files {
		t.Errorf("%+v for %d files", sum, files)
	}
}

func BenchmarkImportBulk(b *testing.B) {
	dir := corpus.Bulk(b)
	for b.Loop() {
		sum, err := Run(b.Context(), newFake(), Options{Paths: []string{dir}})
		if err != nil || sum.Failed > 0 {
			b.Fatal(sum, err)
		}
		b.ReportMetric(float64(sum.Stored)/sum.Elapsed.Seconds(), "messages/s")
		b.SetBytes(sum.Bytes)
	}
}
