package extract

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"mailarchive/internal/corpus"
	"mailarchive/internal/mail"
)

const partsMessage = `From: ann@example.org
Subject: parts
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=outer

--outer
Content-Type: multipart/related; boundary=inner

--inner
Content-Type: text/html; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

<p>Gr=FC=DFe <img src=3D"cid:logo@example.org"></p>
--inner
Content-Type: image/png; name=logo.png
Content-ID: <logo@example.org>
Content-Transfer-Encoding: base64

iVBORw0KGgo=
--inner--
--outer
Content-Type: message/rfc822

Subject: inside

inner text
--outer
Content-Type: application/pdf
Content-Disposition: attachment; filename="a b.pdf"

%PDF
--outer--
`

func TestParts(t *testing.T) {
	type seen struct {
		index, level int
		name, kind   string
		id           string
		attached     bool
		content      string
	}
	want := []seen{
		{-1, 0, "", "text/html", "", false, "<p>Grüße <img src=\"cid:logo@example.org\"></p>"},
		{0, 0, "logo.png", "image/png", "logo@example.org", false, "\x89PNG\r\n\x1a\n"},
		{1, 0, "", "message/rfc822", "", false, ""},
		{-1, 1, "", "text/plain", "", false, "inner text"},
		{2, 0, "a b.pdf", "application/pdf", "", true, "%PDF"},
	}
	var got []seen
	err := New(DefaultLimits()).Parts(strings.NewReader(partsMessage), func(p *Part) bool {
		s := seen{p.Index, p.Level, p.Name, p.Type, p.ContentID, p.Attached, ""}
		switch {
		case p.Type == "message/rfc822": // left, so that it is taken apart
		case strings.HasPrefix(p.Type, "text/"):
			b, _ := io.ReadAll(p.Text())
			s.content = string(b)
		default:
			b, _ := io.ReadAll(p)
			s.content = string(b)
		}
		got = append(got, s)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Fatalf("got %d parts, want %d: %+v", len(got), len(want), got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("part %d is %+v, want %+v", i, got[i], want[i])
		}
	}
}

func TestPartsReadsAMessageInsideAsAWhole(t *testing.T) {
	var inside string
	n := 0
	err := New(DefaultLimits()).Parts(strings.NewReader(partsMessage), func(p *Part) bool {
		n++
		if p.Type == "message/rfc822" {
			b, _ := io.ReadAll(p)
			inside = string(b)
		}
		return true
	})
	if err != nil || inside != "Subject: inside\n\ninner text" {
		t.Errorf("got %q, %v", inside, err)
	}
}

func TestPartsStops(t *testing.T) {
	n := 0
	long := partsMessage + strings.Repeat("x\n", 1<<20)
	r := &countingReader{r: strings.NewReader(long)}
	if err := New(DefaultLimits()).Parts(r, func(*Part) bool { n++; return false }); err != nil || n != 1 {
		t.Errorf("%d parts, %v; want 1", n, err)
	}
	if r.n > 3*lineBuffer {
		t.Errorf("%d bytes were read for one part", r.n)
	}
}

type countingReader struct {
	r io.Reader
	n int
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}

func TestPartsPassesReadErrorsOn(t *testing.T) {
	broken := errors.New("disk gone")
	r := io.MultiReader(strings.NewReader(partsMessage[:200]), iotest.ErrReader(broken))
	if err := New(DefaultLimits()).Parts(r, func(*Part) bool { return true }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

// checkParts compares the parts of a message with the attachments that Extract
// lists: the same index must name the same bytes.
func checkParts(t *testing.T, name string, content []byte) {
	t.Helper()
	x := New(DefaultLimits())
	m, err := x.Extract(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	next := 0
	err = New(DefaultLimits()).Parts(bytes.NewReader(content), func(p *Part) bool {
		if p.Index < 0 {
			return true
		}
		if p.Index != next || p.Index >= len(m.Attachments) {
			t.Errorf("%s: part %d of %d attachments, want %d", name, p.Index, len(m.Attachments), next)
			return false
		}
		next++
		a := m.Attachments[p.Index]
		if p.Name != a.Name || p.Type != a.Type {
			t.Errorf("%s: part %d is %q %s, listed is %q %s", name, p.Index, p.Name, p.Type, a.Name, a.Type)
		}
		if p.part.isMessage() {
			return true
		}
		b, _ := io.ReadAll(p)
		if got := mail.Sum(b); got != a.Digest || int64(len(b)) != a.Size {
			t.Errorf("%s: part %d has %d bytes %s, listed are %d %s", name, p.Index, len(b), got, a.Size, a.Digest)
		}
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	if next != len(m.Attachments) {
		t.Errorf("%s: %d parts for %d attachments", name, next, len(m.Attachments))
	}
}

func TestPartsAreTheAttachments(t *testing.T) {
	checkParts(t, "sample", []byte(partsMessage))
	binary := "Content-Type: text/plain\n\n" + strings.Repeat("\x00\x01", 500)
	checkParts(t, "binary text", []byte(binary))
	checkParts(t, "no header", []byte("just\ntext"))
}

func TestPartsOverTortureCorpus(t *testing.T) {
	for _, name := range emlFiles(t, corpus.Torture(t)) {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		checkParts(t, filepath.Base(name), b)
	}
}

func FuzzParts(f *testing.F) {
	f.Add([]byte(partsMessage))
	f.Add([]byte("Content-Type: message/rfc822\n\nContent-Type: message/rfc822\n\nx"))
	f.Fuzz(func(t *testing.T, b []byte) { checkParts(t, "fuzzed", b) })
}
