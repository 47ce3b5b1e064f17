package keyword

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the .want files of testdata anew")

// TestGolden reads messages from testdata: the subject, an empty line and the
// text. Beside each stand its candidates, a line each, as they are shown.
// The animal of the quotations and patches is never among them.
func TestGolden(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no testdata: %v", err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			subject, text, _ := strings.Cut(string(data), "\n\n")
			var got strings.Builder
			for _, c := range Candidates(subject, text) {
				got.WriteString(c.Shown + "\n")
			}
			compareFile(t, strings.TrimSuffix(path, ".txt")+".want", got.String())
			for _, animal := range []string{"hippo", "Nilpferd"} {
				if strings.Contains(got.String(), animal) {
					t.Errorf("not the author's own: %s", animal)
				}
			}
		})
	}
}

// compareFile compares got with a file, or writes it.
func compareFile(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("candidates (-want +got):\n%s", diff)
	}
}
