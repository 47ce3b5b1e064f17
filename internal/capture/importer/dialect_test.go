package importer

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"mailarchive/internal/corpus"
	"mailarchive/internal/mail"
)

// TestMboxcl2RoundTrip: with lengths any body survives, whatever it looks like.
func TestMboxcl2RoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var in strings.Builder
		var want []string
		for _, body := range rapid.SliceOfN(rapid.Custom(drawContent), 1, 4).Draw(t, "bodies") {
			if body == "" {
				continue // a length of 0 is not looked at
			}
			m := fmt.Sprintf("Subject: x\nContent-Length: %d\n\n%s", len(body), body)
			in.WriteString(fromA + "\n" + m + "\n")
			want = append(want, m)
		}
		m := NewMboxReader(strings.NewReader(in.String()), Mboxcl2)
		for i, w := range want {
			c, err := m.Next()
			if err != nil {
				t.Fatalf("message %d: %v", i, err)
			}
			if b, err := io.ReadAll(c); string(b) != w || err != nil {
				t.Fatalf("message %d: %q, %v, want %q", i, b, err, w)
			}
		}
		if c, err := m.Next(); err != io.EOF {
			t.Fatalf("%v, %v behind the last", c, err)
		}
	})
}

// TestContentLengthIsNotBelieved: nobody who sends mail may hide the mail
// behind it.
func TestContentLengthIsNotBelieved(t *testing.T) {
	second := quoteMbox(Mboxrd, "\n", fromA, message("second"))
	first := fmt.Sprintf("Subject: x\nContent-Length: %d\n\nshort\n", len("short\n\n")+len(second))
	in := quoteMbox(Mboxrd, "\n", fromA, first) + second
	for _, d := range []Dialect{Mboxrd, Mboxo, Mboxcl} {
		if parts := splitAll(t, strings.NewReader(in), d); len(parts) != 2 {
			t.Errorf("%s: %d messages, want 2", d, len(parts))
		}
	}
	if parts := splitAll(t, io.MultiReader(strings.NewReader(in)), Mboxcl2); len(parts) != 2 {
		t.Errorf("where it cannot be checked: %d messages, want 2", len(parts))
	}
}

// TestBulkThroughMbox writes real messages into mboxes and imports these:
// what comes out has the digests that went in.
func TestBulkThroughMbox(t *testing.T) {
	dir := corpus.Bulk(t)
	want := map[mail.Digest]int{}
	files := map[Dialect]*strings.Builder{Mboxrd: {}, Mboxo: {}}
	n := 0
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".eml") {
			return err
		}
		if n++; n%10 != 0 {
			return nil // every tenth will do
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for d, out := range files {
			out.WriteString(quoteMbox(d, "\n", fromA, string(b)))
			want[mail.Sum([]byte(afterRoundTrip(d, "\n", string(b))))]++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got := map[mail.Digest]int{}
	for d, text := range files {
		a := newFake()
		root := tree(t, map[string]string{"x": text.String()})
		importAll(t, a, Options{Paths: []string{root}, Format: Format(d)})
		for digest, n := range a.digests() {
			got[digest] += n
		}
	}
	for digest, n := range want {
		if got[digest] != n {
			t.Errorf("digest %v came out %d times, want %d", digest, got[digest], n)
		}
	}
	if len(got) != len(want) || len(want) == 0 {
		t.Errorf("%d distinct messages came out, %d went in", len(got), len(want))
	}
}

// TestTortureMboxes compares with the slow reference on mboxes of other
// projects' tests.
func TestTortureMboxes(t *testing.T) {
	dir := corpus.Torture(t)
	files := 0
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || e.Name() == "manifest.jsonl" {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		for _, d := range []Dialect{Mboxrd, Mboxo} {
			want := splitSlowly(string(b))
			got := splitAll(t, strings.NewReader(string(b)), d)
			if len(got) != len(want) {
				t.Errorf("%s: %d messages, want %d", e.Name(), len(got), len(want))
				continue
			}
			for i := range got {
				want[i].Content = unquoteSlowly(want[i].Content, d)
				if got[i] != want[i] {
					t.Errorf("%s as %s: message %d at %d differs", e.Name(), d, i+1, want[i].Offset)
				}
			}
		}
		return nil
	})
	if err != nil || files == 0 {
		t.Errorf("%d files, %v", files, err)
	}
}
