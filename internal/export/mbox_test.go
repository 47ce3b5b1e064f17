package export

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"mailarchive/internal/capture/importer"
	"mailarchive/internal/mail"
)

// readsBack reads an mbox with the archive's own importer and restores each
// message exactly, with its size from the manifest.
func readsBack(t testing.TB, box []byte, messages []Message) {
	t.Helper()
	r := importer.NewMboxReader(bytes.NewReader(box), importer.Mboxrd)
	for i, want := range messages {
		c, err := r.Next()
		if err != nil || c.Preamble {
			t.Fatalf("message %d of %d: %v", i, len(messages), err)
		}
		b, err := io.ReadAll(c)
		if err != nil {
			t.Fatal(err)
		}
		extra := int64(len(b)) - want.Size
		if extra < 0 || extra > 1 || mail.Sum(b[:want.Size]) != want.Digest || extra == 1 && b[want.Size] != '\n' {
			t.Errorf("message %d: %d bytes more than archived, or others: %.60q", i, extra, b)
		}
	}
	if c, err := r.Next(); err != io.EOF {
		t.Errorf("behind the last: %+v, %v", c, err)
	}
}

func TestMboxReadsBack(t *testing.T) {
	messages := oddMessages()
	var box, manifest bytes.Buffer
	must(t, len(messages))(ToStream(t.Context(), sequence(messages...), &box, &manifest, Options{Format: Mbox}))
	readsBack(t, box.Bytes(), messages)
	for _, e := range readManifest(t, manifest.Bytes()) {
		if e.Offset == nil || !bytes.HasPrefix(box.Bytes()[*e.Offset:], []byte("From anna@example.org Wed Nov 25 10:00:")) {
			t.Errorf("%s: no From_ line at %v", e.ID, e.Offset)
		}
	}
}

func TestFromLine(t *testing.T) {
	early := time.Date(2009, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600))
	for _, tt := range []struct {
		name string
		edit func(*Message)
		want string
	}{
		{"envelope", func(*Message) {}, "From anna@example.org Wed Nov 25 10:00:01 2026\n"},
		{"bounce", func(m *Message) { m.History[0].Envelope.From = "" }, "From MAILER-DAEMON Wed Nov 25 10:00:01 2026\n"},
		{"white space", func(m *Message) { m.History[0].Envelope.From = "\"a b\n\"@c" }, "From \"a-b-\"@c Wed Nov 25 10:00:01 2026\n"},
		{"not UTF-8", func(m *Message) { m.History[0].Envelope.From = "a\xffb@c" }, "From a-b@c Wed Nov 25 10:00:01 2026\n"},
		{"too long", func(m *Message) { m.History[0].Envelope.From = mail.Address(strings.Repeat("a", 2000)) }, "From MAILER-DAEMON Wed Nov 25 10:00:01 2026\n"},
		{"no history", func(m *Message) { m.History = nil }, "From MAILER-DAEMON Wed Nov 25 10:00:01 2026\n"},
		{"import", func(m *Message) {
			m.History[0].Envelope = mail.Envelope{Source: "import:eml", Origin: &mail.Origin{Delivered: early}}
		}, "From anna@example.org Fri Jan  2 02:04:05 2009\n"},
		{"year that is none", func(m *Message) { m.Received = time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC) }, "From anna@example.org Thu Jan  1 00:00:00 1970\n"},
	} {
		m := message(1, []byte("x\n"))
		tt.edit(&m)
		var box bytes.Buffer
		must(t, 1)(ToStream(t.Context(), sequence(m), &box, nil, Options{Format: Mbox}))
		if want := tt.want + "x\n\n"; box.String() != want {
			t.Errorf("%s: got %q, want %q", tt.name, box.String(), want)
		}
		readsBack(t, box.Bytes(), []Message{m})
	}
}

// FuzzMbox writes two messages and reads them with the importer's reader.
func FuzzMbox(f *testing.F) {
	for _, b := range odd() {
		if len(b) < 1000 {
			f.Add(b, []byte("Subject: x\r\n\r\n"), "a@b")
			f.Add([]byte(">From "), b, "From ")
		}
	}
	f.Fuzz(func(t *testing.T, first, second []byte, sender string) {
		messages := []Message{message(1, first), message(2, second), message(3, first)}
		messages[1].History[0].Envelope.From = mail.Address(sender)
		var box bytes.Buffer
		must := func(sum Summary, err error) {
			if err != nil || sum.Written != 3 {
				t.Fatal(sum, err)
			}
		}
		must(ToStream(t.Context(), sequence(messages...), &box, nil, Options{Format: Mbox}))
		readsBack(t, box.Bytes(), messages)
	})
}
