package web

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"mailarchive/internal/corpus"
	"mailarchive/internal/extract"
)

func readTest(t *testing.T, raw string, pictures bool) content {
	t.Helper()
	c, err := readContent(strings.NewReader(raw), pictures)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestReadContent(t *testing.T) {
	c := readTest(t, testMessage, true)
	if len(c.HTML) != 1 || !strings.HasPrefix(string(c.HTML[0]), "<p onclick") {
		t.Errorf("HTML %q", c.HTML)
	}
	if want := map[string]string{"logo@x": "data:image/png;base64,iVBORw0KGgo="}; !reflect.DeepEqual(c.pictures, want) {
		t.Errorf("pictures %v, want %v", c.pictures, want)
	}
	var names []string
	for _, f := range c.Files {
		names = append(names, f.Name)
	}
	if want := []string{"logo.png", "a.pdf", "page.html", "fake.png", "notes.txt"}; !reflect.DeepEqual(names, want) {
		t.Errorf("files %v, want %v", names, want)
	}
	if len(c.Header) != 5 || c.Header[2].Name != "X-Evil" || !strings.HasPrefix(c.Source, "From: Ann") || c.More {
		t.Errorf("header %v, source of %d bytes", c.Header, len(c.Source))
	}
	if c := readTest(t, testMessage, false); len(c.pictures) != 0 {
		t.Errorf("pictures that nobody wanted: %v", c.pictures)
	}
}

const related = "Content-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html\n\n<img src=cid:x>\n"

// What counts as formatted text and as a picture in it.
func TestReadContentChooses(t *testing.T) {
	png := "\x89PNG\r\n\x1a\n"
	for _, c := range []struct {
		name, raw      string
		html, pictures int
	}{
		{"plain", "\n\ntext", 0, 0},
		{"html", "Content-Type: text/html\n\n<p>", 1, 0},
		{"xhtml", "Content-Type: application/xhtml+xml\n\n<p>", 1, 0},
		{"two parts", "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\n<p>1\n--b\nContent-Type: text/html\n\n<p>2\n--b--", 2, 0},
		{"attached", "Content-Type: text/html\nContent-Disposition: attachment\n\n<p>", 0, 0},
		{"in a message inside", "Content-Type: message/rfc822\n\nContent-Type: text/html\n\n<p>", 0, 0},
		{"picture", related + "--b\nContent-Type: image/png\nContent-ID: <x>\nContent-Transfer-Encoding: binary\n\n" + png + "\n--b--", 1, 1},
		{"picture of another kind than it says", related + "--b\nContent-Type: image/gif\nContent-ID: <x>\n\n" + png + "\n--b--", 1, 1},
		{"no picture", related + "--b\nContent-Type: image/png\nContent-ID: <x>\n\n<svg onload=alert(1)>\n--b--", 1, 0},
		{"drawing", related + "--b\nContent-Type: image/svg+xml\nContent-ID: <x>\n\n<svg>\n--b--", 1, 0},
		{"picture without a name", related + "--b\nContent-Type: image/png\n\n" + png + "\n--b--", 1, 0},
		{"no image type", related + "--b\nContent-Type: text/html\nContent-ID: <x>\n\n" + png + "\n--b--", 2, 0},
		{"too large", related + "--b\nContent-Type: image/png\nContent-ID: <x>\n\n" + png + strings.Repeat("x\n", maxPicture/2) + "\n--b--", 1, 0},
	} {
		got := readTest(t, c.raw, true)
		if len(got.HTML) != c.html || len(got.pictures) != c.pictures {
			t.Errorf("%s: %d formatted texts and %d pictures, want %d and %d", c.name, len(got.HTML), len(got.pictures), c.html, c.pictures)
		}
	}
}

func TestReadContentIsBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString(strings.Repeat("X-Long: "+strings.Repeat("x", 1000)+"\n", 1000) + related)
	for i := range 20 {
		b.WriteString("--b\nContent-Type: image/png\nContent-ID: <" + itoa(i) + ">\n\n\x89PNG\r\n\x1a\n" + strings.Repeat("x\n", 400<<10) + "\n")
		b.WriteString("--b\nContent-Type: text/html\n\n" + strings.Repeat("<p>\n", 200<<10) + "\n")
	}
	c := readTest(t, b.String()+"--b--\n", true)
	html, pictures := 0, 0
	for _, h := range c.HTML {
		html += len(h)
	}
	for _, p := range c.pictures {
		pictures += len(p)
	}
	if html > maxHTML || pictures > 2*maxPictures || len(c.pictures) == 0 || len(c.Source) > maxSourceShown || !c.More {
		t.Errorf("%d bytes of HTML, %d of pictures, %d of source, more: %v", html, pictures, len(c.Source), c.More)
	}
	if len(c.Header) == 0 || len(c.Header) > maxHead/1000+1 {
		t.Errorf("%d header fields", len(c.Header))
	}
}

func TestReadContentPassesErrorsOn(t *testing.T) {
	broken := errors.New("disk gone")
	if _, err := readContent(io.MultiReader(strings.NewReader(testMessage), failing{broken}), true); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

// The files that the page offers are the attachments that the archive lists,
// in the same order, whatever the mail.
func TestFilesAreTheAttachments(t *testing.T) {
	folder := corpus.Torture(t)
	checked := 0
	err := filepath.WalkDir(folder, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(name) != ".eml" {
			return err
		}
		raw, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		m, err := extract.Extract(bytes.NewReader(raw), extract.DefaultLimits())
		if err != nil {
			return err
		}
		c, err := readContent(bytes.NewReader(raw), true)
		if err != nil {
			return err
		}
		checked++
		if len(c.Files) != len(m.Attachments) {
			t.Errorf("%s: %d files, %d attachments", filepath.Base(name), len(c.Files), len(m.Attachments))
			return nil
		}
		for i, f := range c.Files {
			if f.Type != m.Attachments[i].Type || f.Name == "" || f.Name != safeName(f.Name) {
				t.Errorf("%s: file %q %s, attachment %q %s", filepath.Base(name), f.Name, f.Type, m.Attachments[i].Name, m.Attachments[i].Type)
			}
		}
		return nil
	})
	if err != nil || checked == 0 {
		t.Errorf("%d messages, %v", checked, err)
	}
}

func TestNewFile(t *testing.T) {
	for _, c := range []struct {
		part extract.Part
		want file
	}{
		{extract.Part{Name: "a.pdf", Type: "application/pdf"}, file{Number: 7, Name: "a.pdf", Type: "application/pdf", Icon: "file"}},
		{extract.Part{Type: "application/pdf"}, file{Number: 7, Name: "part-7.pdf", Type: "application/pdf", Icon: "file"}},
		{extract.Part{Name: "../..", Type: "x/y"}, file{Number: 7, Name: "part-7.bin", Type: "x/y", Icon: "file"}},
		{extract.Part{Name: "a.png", Type: "image/png"}, file{Number: 7, Name: "a.png", Type: "image/png", Icon: "image", Look: true}},
		{extract.Part{Name: "a.svg", Type: "image/svg+xml"}, file{Number: 7, Name: "a.svg", Type: "image/svg+xml", Icon: "image"}},
		{extract.Part{Type: "message/rfc822"}, file{Number: 7, Name: "part-7.eml", Type: "message/rfc822", Icon: "mail"}},
		{extract.Part{Name: "a.csv", Type: "text/csv"}, file{Number: 7, Name: "a.csv", Type: "text/csv", Icon: "file", Look: true}},
		{extract.Part{Name: "a.html", Type: "text/html"}, file{Number: 7, Name: "a.html", Type: "text/html", Icon: "file"}},
		{extract.Part{Name: "a.xlsx", Type: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
			file{Number: 7, Name: "a.xlsx", Type: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", Icon: "sheet"}},
	} {
		if got := newFile(7, &c.part); got != c.want {
			t.Errorf("%q %s is %+v, want %+v", c.part.Name, c.part.Type, got, c.want)
		}
	}
}

func TestRuneStart(t *testing.T) {
	for n, want := range []int{0, 1, 1, 3, 3, 3, 6, 6} {
		if got := runeStart("aü呉", n); got != want {
			t.Errorf("%d becomes %d, want %d", n, got, want)
		}
	}
}

func FuzzReadContent(f *testing.F) {
	f.Add([]byte(testMessage))
	f.Add([]byte(related + "--b\nContent-Type: image/png\nContent-ID: <x>\n\n\x89PNG\r\n\x1a\n\n--b--"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := readContent(bytes.NewReader(raw), true)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range c.Files {
			if file.Name == "" || file.Name != safeName(file.Name) || strings.ContainsAny(file.Name, "/\\\r\n\"") {
				t.Fatalf("a file is called %q", file.Name)
			}
		}
		for _, p := range c.pictures {
			if !strings.HasPrefix(p, "data:image/") || strings.ContainsAny(p, "\"<> ") {
				t.Fatalf("a picture is %.100q", p)
			}
		}
	})
}
