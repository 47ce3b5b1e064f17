package audit

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mailarchive/internal/durable"
)

// onDisk is a record of 30 entries in three months on the real disk, closed,
// with what JSON and shells may stumble over.
func onDisk(t testing.TB) (string, Head) {
	t.Helper()
	now := noon
	l := must(Open(Options{Folder: filepath.Join(t.TempDir(), "audit"), Clock: func() time.Time { return now }}))
	for i := range 30 {
		now = noon.AddDate(0, i/10, 0)
		e := Entry{Actor: "ann", Act: ActSearch, Query: fmt.Sprintf("%d \\ $x `y` 'z' \"q\" %%s \t\r\n\x00 ü <&>", i), Reason: " spaces "}
		if err := l.Record(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l.folder, l.Head()
}

func wantTools(t *testing.T) {
	t.Helper()
	for _, tool := range []string{"sh", "jq", "sha256sum", "awk", "sed", "diff"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("not run: %s is not installed", tool)
		}
	}
}

// recipe returns the sh blocks of the format's page, and the one of the page
// beside the files.
func recipe(t *testing.T) (page, beside string) {
	t.Helper()
	for _, part := range strings.Split(string(must(os.ReadFile("../../doc/formats/audit-1.md"))), "```sh\n")[1:] {
		block, _, _ := strings.Cut(part, "```")
		page += block
	}
	_, rest, _ := strings.Cut(readme, "  LC_ALL=C")
	rest, _, ok := strings.Cut("  LC_ALL=C"+rest, "\n\n")
	if !ok || page == "" {
		t.Fatal("no recipe found")
	}
	for text := range strings.Lines(rest) {
		beside += strings.TrimPrefix(text, "  ")
	}
	return page, beside
}

func shell(t *testing.T, folder, script string) string {
	t.Helper()
	cmd := exec.Command("sh", "-c", script)
	cmd.Dir, cmd.Env = folder, append(os.Environ(), "TMPDIR="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

// TestRecipe follows doc/formats/audit-1.md and README.txt with stock tools, to
// the letter.
func TestRecipe(t *testing.T) {
	wantTools(t)
	folder, head := onDisk(t)
	page, beside := recipe(t)
	if !strings.Contains(page, strings.TrimSpace(beside)) {
		t.Error("README.txt has another recipe than the page")
	}
	want := "the chain is whole\nthe last entry: " + head.String() + "\n"
	for what, script := range map[string]string{"page": page, "README.txt": beside} {
		if got := shell(t, folder, script); got != want {
			t.Errorf("%s: the recipe says %q, want %q", what, got, want)
		}
	}
	if got := strings.Count(string(must(os.ReadFile(filepath.Join(folder, "searches.txt")))), "2026-11-24T12:00:00.000Z ann 3 "); got != 1 {
		t.Errorf("the search is in searches.txt %d times", got)
	}
}

// What the recipe is for, it finds.
func TestRecipeFinds(t *testing.T) {
	wantTools(t)
	_, script := recipe(t)
	for what, c := range map[string]struct {
		file   string
		tamper func(string) string
		want   string
	}{
		"edited":   {november, func(s string) string { return strings.Replace(s, `"ann"`, `"bob"`, 1) }, "\n> 2 "},
		"removed":  {november, func(s string) string { return strings.Join(split(s)[1:], "") }, "\n> 2 "},
		"swapped":  {november, func(s string) string { l := split(s); l[3], l[4] = l[4], l[3]; return strings.Join(l, "") }, "\n> 5 "},
		"no JSON":  {november, func(s string) string { return "x\n" + s }, "parse error"},
		"cut":      {"2027-01.jsonl", func(s string) string { return strings.Join(split(s)[:5], "") }, "the end was cut off or changed"},
		"the last": {"2027-01.jsonl", func(s string) string { l := split(s); l[9] = " " + l[9]; return strings.Join(l, "") }, "the end was cut off or changed"},
	} {
		folder, _ := onDisk(t)
		name := filepath.Join(folder, c.file)
		text := c.tamper(string(must(os.ReadFile(name))))
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := shell(t, folder, script); !strings.Contains(got, c.want) {
			t.Errorf("%s: the recipe says %q, want %q in it", what, got, c.want)
		}
	}
}

// TestFormat1 reads the record in testdata, which every later version must
// still read, verify and go on with.
func TestFormat1(t *testing.T) {
	const sample = "testdata/format-1"
	folder := filepath.Join(t.TempDir(), "audit")
	if os.Getenv("MAIL_MAKE_SAMPLE") != "" {
		made, _ := onDisk(t)
		for _, name := range []string{november, "2026-12.jsonl", "2027-01.jsonl", headFile} {
			copyFile(t, filepath.Join(made, name), filepath.Join(sample, name))
		}
	}
	if err := durable.MakeFolder(durable.OS{}, folder, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, e := range must(os.ReadDir(sample)) {
		copyFile(t, filepath.Join(sample, e.Name()), filepath.Join(folder, e.Name()))
	}
	now := noon.AddDate(0, 2, 0)
	l := must(Open(Options{Folder: folder, Clock: func() time.Time { return now }}))
	defer l.Close()
	if r := l.Recovery(); !r.empty() || l.Head().Seq != 30 {
		t.Errorf("head %v, recovery %+v", l.Head(), r)
	}
	if err := l.Record(t.Context(), act("new")); err != nil {
		t.Error(err)
	}
	if f := findings(t, l); len(f) > 0 {
		t.Errorf("Verify: %v", f)
	}
	got := collect(t, l, Filter{Newest: true, Limit: 2})
	if want := "29 \\ $x `y` 'z' \"q\" %s \t\r\n\x00 ü <&>"; len(got) != 2 || got[1].Query != want || got[1].Reason != " spaces " {
		t.Errorf("the last entries are %+v", got)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	if err := os.WriteFile(to, must(os.ReadFile(from)), 0o600); err != nil {
		t.Fatal(err)
	}
}
