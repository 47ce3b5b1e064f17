package vault

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mailarchive/internal/mail"
)

// sample2Folder is a vault of format 2 that was made once and is never written
// again: every later version reads it.
const (
	sample2Folder = "testdata/format-2"
	sample2List   = "testdata/format-2.txt"
)

// makeSample2 fills a vault with a record of each kind, released content among
// them, from a second one too.
func makeSample2(t testing.TB) *lab {
	t.Helper()
	now := time.Date(2026, 11, 30, 23, 58, 0, 0, time.UTC)
	clock := func() time.Time { now = now.Add(time.Second / 4); return now }
	l, other := newLab(t, Options{SegmentSize: 17_000, Clock: clock}), newLab(t, Options{Clock: clock})
	m := sampleMessages()
	store := func(v *Vault, m message) {
		if _, err := tryPutFor(v, m.content, m.envelope); err != nil {
			t.Fatal(err)
		}
	}
	for _, one := range m[:6] {
		store(l.v, one)
	}
	if _, err := l.v.Note(ctx, "switch", map[string]bool{"on": true}); err != nil {
		t.Fatal(err)
	}
	sealUpTo(t, l.v, 1, 5, 4) // number 6 shares the bytes of 2, and is not sealed
	release(t, l.v, 5)
	for i, one := range m[6:8] {
		store(other.v, one)
		restored(t, l.v, recordOf(t, other.v, uint64(i+1)), one.content, Added)
	}
	restored(t, l.v, recordOf(t, l.v, 1), m[0].content, Returned)
	store(l.v, m[8])
	store(l.v, m[9])
	l.v.Close()
	return l
}

// listOf2 returns the lines of sample2List: what listOf has, the kind, and whether
// the bytes are here.
func listOf2(t testing.TB, v *Vault) string {
	var b strings.Builder
	err := v.Walk(ctx, 0, func(i Item) error {
		a, where := i.Arrival, "elsewhere"
		if content, err := read(i); err == nil {
			where = mail.Sum(content).String()
		}
		fmt.Fprintf(&b, "%d %s %s %s %s %d %s %s\n", a.Seq, i.Kind, a.ID, mail.Sum(i.Record), a.Digest, a.Size, a.Received.Format(timeLayout), where)
		return i.Err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestMakeSample2 makes the sample anew where the environment says:
//
//	MAIL_ARCHIVE_VAULT_SAMPLE_2=testdata/format-2 go test -run TestMakeSample2 ./internal/vault
func TestMakeSample2(t *testing.T) {
	folder := os.Getenv("MAIL_ARCHIVE_VAULT_SAMPLE_2")
	if folder == "" {
		t.Skip("is for making the sample of format 2")
	}
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatalf("a sample that was made is never changed: %v", err)
	}
	l := makeSample2(t)
	for name, b := range l.snapshot() {
		if err := os.WriteFile(filepath.Join(folder, filepath.Base(name)), []byte(b), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(folder+".txt", []byte(listOf2(t, l.v)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestSampleOfFormat2 is read exactly, with its indexes and without them.
func TestSampleOfFormat2(t *testing.T) {
	list, err := os.ReadFile(sample2List)
	if err != nil {
		t.Fatal(err)
	}
	for _, indexed := range []bool{true, false} {
		files := filesOf(t, sample2Folder)
		for name := range files {
			if !indexed && strings.HasSuffix(name, indexSuffix) {
				delete(files, name)
			}
		}
		l := newLab(t, Options{})
		l.startFrom(files)
		if got := listOf2(t, l.v); got != string(list) {
			t.Fatalf("the sample reads as\n%swant\n%s", got, list)
		}
		if got := l.v.Sealed(); len(got) != 1 || got[0].First != 1 || got[0].Last != 5 || len(got[0].Except) != 1 || got[0].File != "Nov-2026.tgz" {
			t.Errorf("sealed: %+v", got)
		}
		done := clean(t, l.v)
		if done.Records != 13 || done.Arrivals != 10 || done.Released != 1 {
			t.Errorf("verify saw %+v", done)
		}
		l.counted()
		l.nothingTorn()
		if again := len(l.v.Stats().Recovery.Indexed); (again == 0) != indexed {
			t.Errorf("%d indexes made again", again)
		}
	}
}

// TestRecipeOfFormat2 follows doc/formats/vault-2.md with stock tools, and the
// tests of format 1 that still hold, to the letter.
func TestRecipeOfFormat2(t *testing.T) {
	for _, tool := range []string{"sh", "tar", "zstd", "jq", "sha256sum"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("not run: %s is not installed", tool)
		}
	}
	l := makeSample2(t)
	folder := t.TempDir()
	for name, b := range l.snapshot() {
		if strings.HasSuffix(name, segmentSuffix) {
			if err := os.WriteFile(filepath.Join(folder, filepath.Base(name)), []byte(b), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	one, two := shellBlocks(t, "../../doc/formats/vault-1.md"), shellBlocks(t, "../../doc/formats/vault-2.md")
	unpack, _, _ := strings.Cut(one, "cd out")
	chain := one[strings.Index(one, "previous="):]
	two, _, _ = strings.Cut(two, "jq -j") // its ID is the reader's to put in
	records := func(kind string) (names []string) {
		t.Helper()
		all, err := filepath.Glob(filepath.Join(folder, "out", "*.json"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range all {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(b, []byte(`"kind":"`+kind+`"`)) {
				names = append(names, name)
			}
		}
		return names
	}
	shell(t, folder, unpack)
	out := shell(t, filepath.Join(folder, "out"), two+chain)
	var want []string
	err := l.v.Walk(ctx, 0, func(i Item) error {
		if i.Arrival.Seq == 1 || i.Arrival.Seq == 5 {
			want = append(want, i.Arrival.ID.String()+".json: content is in an archive file")
		}
		if i.Kind == KindSeal {
			want = append(want, `{"file":"Nov-2026.tgz",`)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, "13 records, the last has SHA-256 ")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != len(want) {
		t.Fatalf("recipe said\n%swant\n%s", out, strings.Join(want, "\n"))
	}
	for i, line := range lines {
		if !strings.HasPrefix(line, want[i]) {
			t.Errorf("recipe said %q, want %q…", line, want[i])
		}
	}
	// The foreign chain: the second original names the digest of the first.
	restored := records(KindRestored)
	if len(restored) != 2 {
		t.Fatal(restored)
	}
	first := shell(t, folder, "jq -j .original "+restored[0]+" | sha256sum")
	prev := shell(t, folder, "jq -r '.original | fromjson | .prev' "+restored[1])
	if strings.Fields(first)[0] != strings.TrimSpace(prev) {
		t.Errorf("original has digest %s, the next one names %s", first, prev)
	}
}
