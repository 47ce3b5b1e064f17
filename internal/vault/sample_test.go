package vault

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/mail"
)

// sampleFolder is a vault of format 1 that was made once and is never written
// again: every later version reads it.
const sampleFolder = "testdata/format-1"

// sampleList names what is in it, a line a record: seq, ID, SHA-256 of the
// record, SHA-256 and size of the content, time received.
const sampleList = "testdata/format-1.txt"

// sampleMessages are in the order that they were stored in.
func sampleMessages() []message {
	var lines bytes.Buffer
	for i := 0; lines.Len() < 2*ChunkSize+777; i++ {
		sum := sha256.Sum256(fmt.Append(nil, i/40)) // compresses well, and not to nothing
		fmt.Fprintf(&lines, "%06d %s\r\n", i, hex.EncodeToString(sum[:]))
	}
	text := func(subject, body string) []byte {
		return []byte("From: Ada <ada@example.org>\r\nTo: bob@example.net\r\nSubject: " + subject + "\r\n\r\n" + body)
	}
	var random []byte // that nobody compresses
	for i := 0; len(random) < 9000; i++ {
		sum := sha256.Sum256(fmt.Append(nil, "random", i))
		random = append(random, sum[:]...)
	}
	simple := mail.Envelope{Source: "smtp", From: "ada@example.org", To: []mail.Recipient{{Address: "bob@example.net"}}, Client: "192.0.2.7:40000", Helo: "mail.example.org", TLS: "TLSv1.3 TLS_AES_128_GCM_SHA256"}
	bounce := mail.Envelope{Source: "lmtp", To: []mail.Recipient{{Address: "bob@example.net"}}, Client: "unix", Auth: "relay"}
	raw := mail.Envelope{
		Source: "smtp", From: "caf\xe9@example.org", FromParams: []string{"SIZE=12", "ENVID=\xff\xfe"},
		To: []mail.Recipient{
			{Address: "bob@example.net", Params: []string{"NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;bob@example.net"}},
			{Address: "\"quoted \xa0\"@example.net"},
			{Address: "jürgen@bücher.example", Params: []string{"ORCPT=utf-8;j\xfcrgen"}},
		},
		Helo: "<&>\u2028\x01",
	}
	imported := mail.Envelope{Source: "import:mbox", Origin: &mail.Origin{
		Path: "/srv/mail/\xe4lter.mbox", Folder: "Sent/2003", Flags: "FRS", Owner: "bob@example.net",
		Delivered: time.Date(2003, 4, 5, 6, 7, 8, 0, time.UTC), FromLine: "From ada@example.org Sat Apr  5 06:07:08 2003",
		Key: mail.Sum([]byte("an item of the mbox")),
	}}
	return []message{
		{simple, text("first", "The first message.\r\n")},
		{bounce, text("second", strings.Repeat("The same words again and again. ", 60)+"\r\n")},
		{raw, nil},
		{imported, text("third", "NUL \x00, bare LF\nand CR\r, 8-bit \xff, and no end of line")},
		{simple, lines.Bytes()},
		{imported, text("second", strings.Repeat("The same words again and again. ", 60)+"\r\n")},
		{simple, random},
		{raw, lines.Bytes()},
		{bounce, text("fourth", string(random))},
		{simple, text("last", "In another month.\r\n")},
	}
}

// TestMakeSample makes a sample folder anew where the environment says, which
// must not exist yet:
//
//	MAIL_ARCHIVE_VAULT_SAMPLE=testdata/format-N go test -run TestMakeSample ./internal/vault
func TestMakeSample(t *testing.T) {
	folder := os.Getenv("MAIL_ARCHIVE_VAULT_SAMPLE")
	if folder == "" {
		t.Skip("is for making the sample of a new format")
	}
	if _, err := os.Stat(folder); err == nil {
		t.Fatalf("%s is there: a sample that was made is never changed", folder)
	}
	now := time.Date(2026, 11, 30, 23, 58, 0, 0, time.UTC)
	l := newLab(t, Options{SegmentSize: 17_000, Clock: func() time.Time { return now }})
	m := sampleMessages()
	for _, group := range [][]message{m[:4], m[4:5], m[5:8], m[8:9], m[9:]} {
		if len(group) == 1 && len(group[0].content) < 200 {
			now = now.Add(time.Hour) // into another month
		}
		l.groupOf(group)
		now = now.Add(time.Second / 4)
	}
	l.v.Close()
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, b := range l.snapshot() {
		if err := os.WriteFile(filepath.Join(folder, filepath.Base(name)), []byte(b), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(folder+".txt", []byte(listOf(t, l.v)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// listOf returns the lines of a sampleList.
func listOf(t testing.TB, v *Vault) string {
	var b strings.Builder
	err := v.Walk(context.Background(), 0, func(i Item) error {
		a := i.Arrival
		fmt.Fprintf(&b, "%d %s %s %s %d %s\n", a.Seq, a.ID, mail.Sum(i.Record), a.Digest, a.Size, a.Received.Format(timeLayout))
		return i.Err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// sampleLab opens the sample on a disk in memory.
func sampleLab(t testing.TB) *lab {
	t.Helper()
	l := newLab(t, Options{})
	l.startFrom(sampleFiles(t))
	for i, m := range sampleMessages() {
		want := mail.Arrival{Seq: uint64(i + 1), Digest: mail.Sum(m.content), Size: int64(len(m.content)), Envelope: m.envelope}
		l.told = append(l.told, told{want, m.content})
	}
	return l
}

func sampleFiles(t testing.TB) map[string]string { return filesOf(t, sampleFolder) }

// filesOf returns the files of a folder, as they lie in a vault.
func filesOf(t testing.TB, folder string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		b, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files["v/"+e.Name()] = string(b)
	}
	return files
}

// TestSampleOfFormat1 is read exactly, with its indexes and without them.
func TestSampleOfFormat1(t *testing.T) {
	list, err := os.ReadFile(sampleList)
	if err != nil {
		t.Fatal(err)
	}
	l := sampleLab(t)
	for _, indexed := range []bool{true, false} {
		if !indexed {
			files := sampleFiles(t)
			for name := range files {
				if strings.HasSuffix(name, indexSuffix) {
					delete(files, name)
				}
			}
			l.startFrom(files)
		}
		if got := listOf(t, l.v); got != string(list) {
			t.Fatalf("the sample reads as\n%swant\n%s", got, list)
		}
		for i, line := range strings.Split(strings.TrimSpace(string(list)), "\n") {
			id, err := mail.ParseID(strings.Fields(line)[1])
			if err != nil {
				t.Fatal(err)
			}
			m := &l.told[i]
			m.ID = id
			got, err := l.v.Get(ctx, id)
			m.Received = got.Received // compared above
			if diff := cmp.Diff(m.Arrival, got); err != nil || diff != "" {
				t.Errorf("record %d (%v; -want +got):\n%s", i+1, err, diff)
			}
		}
		l.whole()
		l.nothingTorn()
	}
	if s := l.v.Stats(); s.Segments != 5 || len(l.told) != 10 {
		t.Errorf("%d segments, %d records", s.Segments, len(l.told))
	}
}

// TestSampleIsWhatIsWritten: the same messages are written today as the sample
// has them, but for what is drawn at random, and for how well zstd compresses.
func TestSampleIsWhatIsWritten(t *testing.T) {
	old := sampleLab(t)
	l := newLab(t, Options{SegmentSize: 17_000})
	for _, m := range sampleMessages() {
		if _, err := tryPutFor(l.v, m.content, m.envelope); err != nil {
			t.Fatal(err)
		}
	}
	fields := func(v *Vault) (all []Record) {
		err := v.Walk(ctx, 0, func(i Item) error {
			r, err := DecodeRecord(i.Record)
			if err != nil {
				return err
			}
			r.Vault, r.Prev, r.Salt, r.ID, r.Received, r.Closed = UUID{}, mail.Digest{}, "", mail.ID{}, "", nil
			if r.BytesIn != nil {
				r.BytesIn = &mail.ID{}
			}
			if i.Record[len(i.Record)-1] != '\n' || bytes.Count(i.Record, []byte("\n")) != 1 {
				t.Errorf("record %d is not one line", r.Seq)
			}
			all = append(all, *r)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	if diff := cmp.Diff(fields(old.v), fields(l.v)); diff != "" {
		t.Errorf("records have changed (-then +now):\n%s", diff)
	}
}
