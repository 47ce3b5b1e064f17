package vault

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"mailarchive/internal/mail"
)

// filled returns a vault of several segments with each kind of content, closed.
func filled(t testing.TB) (folder string, contents map[mail.ID][]byte) {
	t.Helper()
	v := opened(t, Options{SegmentSize: 2 << 20})
	contents = map[mail.ID][]byte{}
	add := func(content []byte) { contents[put(t, v, content).ID] = content }
	for i, n := range sizes {
		add(noise(uint64(i), n))
		add([]byte(fmt.Sprintf("Subject: %d\r\n\r\ntext %d\r\n", i, n)))
	}
	add(noise(5, sizes[5])) // the same bytes again
	a, err := tryPutFor(v, []byte("to many"), mail.Envelope{Source: "smtp", From: "\xff", To: make([]mail.Recipient, 10_000)})
	if err != nil {
		t.Fatal(err)
	}
	contents[a.ID] = []byte("to many")
	if v.Stats().Segments < 2 {
		t.Fatal("the test wants several segments")
	}
	v.Close()
	return v.folder, contents
}

// TestRecipe follows doc/formats/vault-1.md with stock tools, to the letter.
func TestRecipe(t *testing.T) {
	for _, tool := range []string{"sh", "tar", "zstd", "jq", "sha256sum"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("not run: %s is not installed", tool)
		}
	}
	folder, contents := filled(t)
	recipe := shellBlocks(t, "../../doc/formats/vault-1.md")
	out := shell(t, folder, recipe)
	if want := fmt.Sprintf("%d records, the last has SHA-256 ", len(contents)); !strings.HasPrefix(out, want) {
		t.Errorf("recipe said %q, want %q…", out, want)
	}
	for id, content := range contents {
		got, err := os.ReadFile(filepath.Join(folder, "out", id.String()+".eml"))
		if os.IsNotExist(err) {
			continue // bytes stand in another arrival; the recipe compared them
		}
		if !bytes.Equal(got, content) {
			t.Errorf("tar gave other bytes for %s", id)
		}
	}
	t.Run("changed record is noticed", func(t *testing.T) {
		records, err := filepath.Glob(filepath.Join(folder, "out", "*.json"))
		if err != nil || len(records) < 4 {
			t.Fatal(records, err)
		}
		forged, err := os.ReadFile(records[2])
		if err != nil {
			t.Fatal(err)
		}
		forged = bytes.Replace(forged, []byte("a@example.org"), []byte("x@example.org"), 1)
		if err := os.WriteFile(records[2], forged, 0o600); err != nil {
			t.Fatal(err)
		}
		check := recipe[strings.Index(recipe, "previous="):]
		want := filepath.Base(records[3]) + ": chain is broken before it"
		if out := shell(t, filepath.Join(folder, "out"), check); !strings.Contains(out, want) {
			t.Errorf("recipe said %q, want %q in it", out, want)
		}
	})
}

// shellBlocks returns the sh blocks of a page, joined.
func shellBlocks(t *testing.T, name string) string {
	t.Helper()
	page, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, part := range strings.Split(string(page), "```sh\n")[1:] {
		block, _, _ := strings.Cut(part, "```")
		b.WriteString(block)
	}
	return b.String()
}

// shell runs a script and returns what it printed, complaints included.
func shell(t *testing.T, folder, script string) string {
	t.Helper()
	cmd := exec.Command("sh", "-c", "set -e\n"+script)
	cmd.Dir = folder
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

// TestAnotherTarReader reads the segments with archive/tar, which knows
// nothing of ours.
func TestAnotherTarReader(t *testing.T) {
	folder, contents := filled(t)
	names, err := filepath.Glob(filepath.Join(folder, "*"+segmentSuffix))
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		z, err := zstd.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		defer z.Close()
		for r := tar.NewReader(z); ; {
			h, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			text, ok := strings.CutSuffix(h.Name, contentSuffix)
			if !ok {
				continue
			}
			id, err := mail.ParseID(text)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(r)
			if err != nil || !bytes.Equal(got, contents[id]) {
				t.Errorf("%s came out with other bytes (%v)", h.Name, err)
			}
			if want := id.Time().Unix(); h.ModTime.Unix() != want {
				t.Errorf("%s has time %s", h.Name, h.ModTime)
			}
			seen++
		}
	}
	if seen != len(contents)-1 {
		t.Errorf("%d contents in the segments, want %d", seen, len(contents)-1)
	}
}

func named(findings []Finding, number int, off int64) bool {
	for _, f := range findings {
		if f.Segment == number && f.Offset <= off && off < f.Offset+f.Length {
			return true
		}
	}
	return false
}
