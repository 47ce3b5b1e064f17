package export

import (
	"bytes"
	"path/filepath"
	"testing"
	"time"

	"mailarchive/internal/extract"
	"mailarchive/internal/mail"
)

// TestManifestFormat compares with a manifest of format 1. Programs of others
// read it: what is in it stays, whatever is added.
func TestManifestFormat(t *testing.T) {
	m := message(1, []byte("Subject: x\r\n\r\n"))
	m.Date, m.MessageID = time.Date(2026, 11, 24, 9, 0, 0, 0, time.FixedZone("", 3600)), "a@b"
	m.To = []extract.Participant{{Address: "bob@example.org"}, {Name: "Undisclosed"}}
	m.Bcc = []extract.Participant{{Name: "Hid den", Address: "hidden@example.org"}}
	m.History = append(m.History, mail.Arrival{
		ID: numberedID(7), Seq: 7, Received: clock(),
		Envelope: mail.Envelope{Source: "import:mbox", From: "\xff@b", Origin: &mail.Origin{Folder: "Sent/2026", Flags: "RO"}},
	})
	var box, manifest bytes.Buffer
	o := Options{Format: Mbox, DeliveredTo: true}
	if _, err := ToStream(t.Context(), sequence(m, broken(2, "digest")), &box, &manifest, o); err != nil {
		t.Fatal(err)
	}
	want := readFile(t, filepath.Join("testdata", "manifest-1.jsonl"))
	if !bytes.Equal(manifest.Bytes(), want) {
		t.Errorf("got\n%s\nwant\n%s", manifest.Bytes(), want)
	}
}
