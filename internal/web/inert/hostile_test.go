package inert

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mailarchive/internal/corpus"
	"mailarchive/internal/extract"
)

// attempts are the lines of testdata/hostile.txt.
func attempts(t testing.TB) (list []string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", "hostile.txt"))
	if err != nil {
		t.Fatal(err)
	}
	unescape := strings.NewReplacer(`\n`, "\n", `\t`, "\t", `\x00`, "\x00", `\x01`, "\x01", `\x0b`, "\x0b", `\x0c`, "\x0c",
		`\xef`, "\xef", `\xbb`, "\xbb", `\xbf`, "\xbf", `\xff`, "\xff", `\xfe`, "\xfe", `\xf0`, "\xf0", `\x9f`, "\x9f", `\x98`, "\x98", `\x80`, "\x80")
	for line := range strings.Lines(string(content)) {
		line = strings.TrimSuffix(line, "\n")
		if line != "" && !strings.HasPrefix(line, "# ") {
			list = append(list, unescape.Replace(line))
		}
	}
	return list
}

func TestHostile(t *testing.T) {
	inline := Options{Inline: func(string) string { return "inline/1" }}
	list := attempts(t)
	if len(list) < 150 {
		t.Fatalf("%d attempts", len(list))
	}
	for _, source := range list {
		check(t, source, clean(t, source, inline))
		// Twice, nested and cut off anywhere, it is no better.
		check(t, source, clean(t, source+source, inline))
		check(t, source, clean(t, "<table><tr><td><div style='color:red'>"+source+"</div></td></tr></table>", inline))
		for _, wrap := range []string{"<select>", "<svg>", "<math>", "<title>", "<style>", "<textarea>", "<noscript>", "<!--", "<p title='", `<p title="`, "<a href=", "&"} {
			check(t, wrap+source, clean(t, wrap+source, inline))
		}
		for i := 1; i < len(source); i += 3 {
			check(t, source[:i], clean(t, source[:i], inline))
		}
	}
}

// What was made harmless stays as it is when it is made harmless again, but for
// the classes, which have a sheet of their own.
func TestCleanTwice(t *testing.T) {
	for _, source := range attempts(t) {
		once := clean(t, source, Options{})
		if once.Style != "" || strings.Contains(once.Body, `class="blocked`) || strings.Contains(once.Body, "<img") {
			continue
		}
		if twice := clean(t, once.Body, Options{}); twice.Body != once.Body {
			t.Errorf("%q\n once %s\ntwice %s", source, once.Body, twice.Body)
		}
	}
}

// All HTML of real mail comes out harmless.
func TestRealMail(t *testing.T) {
	folder, parts := corpus.Torture(t), 0
	err := filepath.WalkDir(folder, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(name) != ".eml" {
			return err
		}
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		return extract.New(extract.DefaultLimits()).Parts(f, func(p *extract.Part) bool {
			if !p.IsHTML() {
				return true
			}
			parts++
			page, err := Clean(p.Text(), Options{Inline: func(string) string { return "inline/1" }})
			if err != nil {
				t.Error(err)
			}
			check(t, filepath.Base(name), page)
			return true
		})
	})
	if err != nil || parts < 100 {
		t.Errorf("%d parts, %v", parts, err)
	}
}

func BenchmarkClean(b *testing.B) {
	source := strings.Repeat(`<table width="600" style="border:1px solid #ccc;color:#333"><tr><td align=center><a href="https://example.org/?a=b&amp;c=d">link</a><img src="https://example.org/x.png" width=100 height=50>Some words of text &amp; more</td></tr></table>`+"\n", 400)
	b.SetBytes(int64(len(source)))
	for b.Loop() {
		if _, err := Clean(strings.NewReader(source), Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
