package export

import (
	"bytes"
	"strings"
	"testing"

	"mailarchive/internal/mail"
)

func TestDeliveredLines(t *testing.T) {
	for _, tt := range []struct {
		name    string
		content string
		to      []mail.Address
		want    string // in front
	}{
		{"CRLF", "Subject: x\r\n\r\n", []mail.Address{"a@b", "c@d"}, "X-Clear-Delivered-To: a@b\r\nX-Clear-Delivered-To: c@d\r\n"},
		{"LF", "Subject: x\n\n", []mail.Address{"a@b"}, "X-Clear-Delivered-To: a@b\n"},
		{"empty line first", "\nx", []mail.Address{"a@b"}, "X-Clear-Delivered-To: a@b\n"},
		{"no line", "x", []mail.Address{"a@b"}, "X-Clear-Delivered-To: a@b\r\n"},
		{"empty", "", []mail.Address{"a@b"}, "X-Clear-Delivered-To: a@b\r\n"},
		{"twice", "x", []mail.Address{"a@b", "a@b"}, "X-Clear-Delivered-To: a@b\r\n"},
		{"nobody", "x\n", nil, ""},
		{"line break in it", "x\r\n", []mail.Address{"a@b\r\nBcc: c@d", "e@f\x00", ""}, ""},
		{"too long", "x\r\n", []mail.Address{mail.Address(strings.Repeat("a", 980)), "a@b"}, "X-Clear-Delivered-To: a@b\r\n"},
		{"bytes", "x\r\n", []mail.Address{"\xff@b"}, "X-Clear-Delivered-To: \xff@b\r\n"},
	} {
		m := message(1, []byte(tt.content))
		m.History[0].Envelope.To = nil
		for _, a := range tt.to {
			m.History[0].Envelope.To = append(m.History[0].Envelope.To, mail.Recipient{Address: a})
		}
		dir := t.TempDir()
		must(t, 1)(ToFolder(t.Context(), sequence(m), dir, Options{Format: EML, DeliveredTo: true}))
		got := readFile(t, dir+"/"+m.ID.String()+".eml")
		if string(got) != tt.want+tt.content {
			t.Errorf("%s: got %q, want %q before the message", tt.name, got, tt.want)
		}
		e := readManifest(t, readFile(t, dir+"/"+ManifestName))[0]
		if e.SHA256 != m.Digest || e.Size != m.Size {
			t.Errorf("%s: the original is %v of %d bytes in the manifest", tt.name, e.SHA256, e.Size)
		}
		if (e.Written != nil) != (tt.want != "") {
			t.Errorf("%s: written is %+v", tt.name, e.Written)
		}
		if e.Written != nil && *e.Written != (Written{mail.Sum(got), int64(len(got)), len(tt.want)}) {
			t.Errorf("%s: written is %+v", tt.name, *e.Written)
		}
	}
}

// TestDeliveredWithoutHistory: the row's recipients serve when arrivals are
// not known.
func TestDeliveredWithoutHistory(t *testing.T) {
	m := message(1, []byte("x\n"))
	m.History, m.DeliveredTo = nil, []mail.Address{"a@b"}
	var box bytes.Buffer
	must(t, 1)(ToStream(t.Context(), sequence(m), &box, nil, Options{Format: Mbox, DeliveredTo: true}))
	if !strings.HasSuffix(box.String(), "\nX-Clear-Delivered-To: a@b\nx\n\n") {
		t.Errorf("got %q", box.String())
	}
}
