package redeliver

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

const plain = "From: ann@example.org\r\nTo: bob@example.org\r\nSubject: hello\r\n\r\nhi\r\n"

func inspected(t testing.TB, content string) Facts {
	t.Helper()
	f, err := Inspect(strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func lf(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }

func TestForm(t *testing.T) {
	long := strings.Repeat("x", 998)
	for _, tt := range []struct {
		name, in string
		form     Form
		reason   string // part of it
	}{
		{"plain", plain, AsIs, ""},
		{"no last line end", strings.TrimSuffix(plain, "\r\n"), AsIs, ""},
		{"no body", "Subject: x\r\n\r\n", AsIs, ""},
		{"no empty line", "Subject: x\r\n", AsIs, ""},
		{"folded", "Received: a\r\n\tb\r\n c\r\nSubject : x\r\n\r\n", AsIs, ""},
		{"8-bit", plain + "\xe9\r\n", AsIs, ""},
		{"longest line", plain + long + "\r\n" + long, AsIs, ""},
		{"Maildir", lf(plain), LineEnds, ""},
		{"Maildir, longest line", lf(plain) + long + "\n", LineEnds, ""},
		{"too long a line", plain + long + "x\r\n", Attachment, "998"},
		{"too long a last line", lf(plain) + long + "x", Attachment, "998"},
		{"bare CR", plain + "a\rb\r\n", Attachment, "CR"},
		{"CR at the end", plain + "a\r", Attachment, "CR"},
		{"CR CR LF", plain + "a\r\r\n", Attachment, "CR"},
		{"CR in a Maildir", lf(plain) + "a\rb\n", Attachment, "CR"},
		{"one bare LF", plain + "a\nb\r\n", Attachment, "some of its lines"},
		{"one CRLF", lf(plain) + "a\r\nb\n", Attachment, "some of its lines"},
		{"NUL", plain + "\x00\r\n", Attachment, "NUL"},
		{"empty", "", Attachment, "header"},
		{"empty line first", "\r\n" + plain, Attachment, "header"},
		{"text", "Dear all,\r\n\r\nhello\r\n", Attachment, "header"},
		{"text like a header", "Dear all: hello\r\n\r\n", Attachment, "header"},
		{"no field of mail", "X-Foo: 1\r\n\r\nhello\r\n", Attachment, "header"},
		{"mbox line", "From ann Mon Jan  1 10:00:00 2026\r\n" + plain, Attachment, "header"},
		{"folded first", " folded\r\n" + plain, Attachment, "header"},
		{"line among the fields", "Subject: x\r\nhello\r\n\r\n", Attachment, "header"},
		{"name of 8 bits", "Subject: x\r\nGr\xf6\xdfe: 1\r\n\r\n", Attachment, "header"},
		{"header without end", "Subject: x", Attachment, "header"},
		{"header for ever", "Subject: x\r\n" + strings.Repeat("X: y\r\n", 200_000), Attachment, "header"},
	} {
		f := inspected(t, tt.in)
		form, reason := f.Form(false, true)
		if form != tt.form || !strings.Contains(reason, tt.reason) || (reason != "") != (form == Attachment) {
			t.Errorf("%s: %s, %q; want %s, %q", tt.name, form, reason, tt.form, tt.reason)
		}
		if form, _ := f.Form(true, true); form != Attachment {
			t.Errorf("%s: %s, though an attachment was asked for", tt.name, form)
		}
	}
	f := inspected(t, plain+"\xe9\r\n")
	if form, _ := f.Form(false, false); form != Attachment {
		t.Errorf("8-bit without 8BITMIME goes %s", form)
	}
}

// TestInspectPieces: the facts do not depend on how the bytes come.
func TestInspectPieces(t *testing.T) {
	for _, in := range []string{plain, lf(plain), plain + "\r\r\n\n\r", "Subject: x\r\n\r\n\r\n.\r", "\r\n\r\n", "a"} {
		want := inspected(t, in)
		for name, r := range map[string]func(io.Reader) io.Reader{"bytes": iotest.OneByteReader, "halves": iotest.HalfReader, "end": iotest.DataErrReader} {
			got, err := Inspect(r(strings.NewReader(in)))
			if err != nil || !cmp.Equal(want, got, cmp.AllowUnexported(Facts{}, field{})) {
				t.Errorf("%q by %s: %v\n%s", in, name, err, cmp.Diff(want, got, cmp.AllowUnexported(Facts{}, field{})))
			}
		}
	}
	if _, err := Inspect(iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader(plain)))); err != iotest.ErrTimeout {
		t.Errorf("error of the reader: %v", err)
	}
}

func TestHiddenFields(t *testing.T) {
	const in = "BCC : secret@example.org,\r\n other@example.org\r\nSubject: x\r\nResent-Bcc: c@d\r\nX-Bcc: kept\r\nbcc:\r\n\r\nBcc: body\r\n"
	f := inspected(t, in)
	if got, want := string(f.withoutHidden()), "Subject: x\r\nX-Bcc: kept\r\n\r\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !f.Blind() {
		t.Error("its Bcc was not seen")
	}
	if g := inspected(t, "Bcc: \r\n"+plain); g.Blind() {
		t.Error("an empty Bcc hides nobody")
	}
	if g := inspected(t, plain); string(g.withoutHidden()) != string(g.header) {
		t.Errorf("changed: %q", g.withoutHidden())
	}
}

func TestLoop(t *testing.T) {
	ours := "<" + messageID(EntryID{1}, "archive.example.org") + ">"
	for _, tt := range []struct {
		name, in string
		loop     bool
	}{
		{"plain", plain, false},
		{"sent again by somebody", "Resent-Message-ID: <x@y>\r\nResent-Date: x\r\n" + plain, false},
		{"ours", "Resent-Message-ID: " + ours + "\r\n" + plain, true},
		{"ours, in other letters", "Received: x\r\nRESENT-MESSAGE-ID:\r\n " + strings.ToLower(ours) + "\r\n" + plain, true},
		{"ours, an attachment", "Message-ID: " + ours + "\r\n" + plain, true},
		{"another archive's", "Resent-Message-ID: " + strings.Replace(ours, "archive", "other", 1) + "\r\n" + plain, false},
		{"in the body", plain + "Resent-Message-ID: " + ours + "\r\n", false},
		{"some hops", strings.Repeat("Received: x\r\n", 49) + plain, false},
		{"too many hops", strings.Repeat("Received: x\r\n", 50) + plain, true},
		{"too many blocks", strings.Repeat("Resent-Date: x\r\n", 10) + plain, true},
	} {
		f := inspected(t, tt.in)
		if got := f.Loop("Archive.example.ORG"); (got != "") != tt.loop {
			t.Errorf("%s: %q", tt.name, got)
		}
	}
}

// FuzzInspect compares the scan with slow counting, and checks that what is
// sent as it is can be sent.
func FuzzInspect(f *testing.F) {
	f.Add([]byte(plain))
	f.Add([]byte(lf(plain)))
	f.Add([]byte("Subject: x\r\nBcc: a\r\n b\r\n\r\n.\r\n\x00\xff"))
	f.Add([]byte("\r\r\n\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		facts := inspected(t, string(content))
		crlfs := bytes.Count(content, []byte("\r\n"))
		if facts.Size != int64(len(content)) || facts.CRLF != int64(crlfs) || facts.LF != int64(bytes.Count(content, []byte("\n"))-crlfs) {
			t.Fatalf("%q: %+v", content, facts)
		}
		if bare := bytes.Count(content, []byte("\r")) > crlfs; bare != facts.BareCR {
			t.Fatalf("%q: BareCR %v", content, facts.BareCR)
		}
		m, err := composer.compose(&Entry{Created: then, Recipients: []Recipient{{Address: "a@b", Named: true}}}, &facts, true)
		if err != nil {
			t.Fatal(err)
		}
		var sent bytes.Buffer
		if err := m.write(&sent, bytes.NewReader(content)); err != nil || int64(sent.Len()) != m.written {
			t.Fatalf("%q: wrote %d bytes, said %d, %v", content, sent.Len(), m.written, err)
		}
		checkSendable(t, sent.Bytes())
	})
}

// checkSendable: only CRLF, no NUL, no long line.
func checkSendable(t *testing.T, sent []byte) {
	t.Helper()
	if bytes.IndexByte(sent, 0) >= 0 {
		t.Fatal("NUL")
	}
	for line := range bytes.SplitSeq(sent, []byte("\r\n")) {
		if len(line) > maxLine || bytes.ContainsAny(line, "\r\n") {
			t.Fatalf("line %.2000q", line)
		}
	}
}
