package seal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"mailarchive/internal/catalog"
	"mailarchive/internal/durable"
	"mailarchive/internal/durable/durabletest"
	"mailarchive/internal/extract"
	"mailarchive/internal/mail"
	"mailarchive/internal/vault"
)

var (
	ctx     = context.Background()
	october = Month{2026, time.October}
	day     = time.Date(2026, 10, 7, 12, 0, 0, 0, time.UTC)
)

// lab is a vault with mail in it, on a disk in memory, and what was put there.
type lab struct {
	testing.TB
	v       *vault.Vault
	sent    map[mail.ID][]byte // exact bytes by arrival
	ids     []mail.ID
	records map[mail.ID][]byte
}

func newLab(t testing.TB) *lab {
	t.Helper()
	disk := durabletest.New(durabletest.Options{})
	now := day
	v, err := vault.Open(vault.Options{Folder: "vault", FS: disk, Clock: func() time.Time { now = now.Add(time.Second); return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	return &lab{TB: t, v: v, sent: map[mail.ID][]byte{}, records: map[mail.ID][]byte{}}
}

func (l *lab) put(contents ...[]byte) {
	l.Helper()
	for _, content := range contents {
		staged := l.v.Stage()
		if _, err := staged.Write(content); err != nil {
			l.Fatal(err)
		}
		e := mail.Envelope{Source: "smtp", From: "a@example.org", To: []mail.Recipient{{Address: "b\xff@example.org"}, {Address: "ann@example.org"}}}
		a, err := l.v.Append(ctx, e, staged)
		if err != nil {
			l.Fatal(err)
		}
		l.sent[a.ID], l.ids = content, append(l.ids, a.ID)
	}
}

// source yields what is in the vault from a number on.
func (l *lab) source(from uint64) Source {
	return func(yield func(Item, error) bool) {
		stop := errors.New("stop")
		err := l.v.Walk(ctx, from, func(i vault.Item) error {
			l.records[i.Arrival.ID] = i.Record
			if !yield(Item{Record: i.Record, About: about(i.Arrival), Content: i.Content}, i.Err) {
				return stop
			}
			return nil
		})
		if err != nil && err != stop {
			yield(Item{}, err)
		}
	}
}

// about is a made-up description that uses every field.
func about(a mail.Arrival) About {
	p := []extract.Participant{{Name: "Ann <&> \u2028", Address: "ann@example.org"}}
	d := catalog.Document{Arrival: a, SortDate: a.Received.Add(-time.Hour), Direction: mail.In, Unread: a.Seq%7 == 0}
	d.Message = extract.Message{
		MessageID: a.ID.String() + "@example.org", Date: day, ReceivedDates: []time.Time{day, day.Add(-time.Minute)},
		Subject: "Grüße aus " + a.ID.String(), From: p, Sender: p, ReplyTo: p, To: p, Cc: p, Bcc: p,
		InReplyTo: []string{"x@y"}, References: []string{"x@y", "y@z"},
		Headers:     []extract.Header{{Name: "list-id", Value: "<announce.example.org>"}},
		Attachments: []extract.Attachment{{Name: "a.pdf", Type: "application/pdf", Size: 3, Digest: mail.Sum([]byte("pdf"))}},
		Keywords:    []string{"invoice"}, Problems: []string{"part 2: no charset"},
	}
	return Describe(d)
}

// text is content of a size that compresses as mail does.
func text(seed uint64, size int) []byte {
	rng := rand.New(rand.NewPCG(seed, 1))
	var b bytes.Buffer
	fmt.Fprintf(&b, "From: a@example.org\r\nMessage-ID: <%d@example.org>\r\n\r\n", seed)
	for b.Len() < size {
		fmt.Fprintf(&b, "%x lorem ipsum dolor sit amet %d\r\n", rng.Uint64(), rng.IntN(9))
	}
	return b.Bytes()[:size]
}

// noise is content that does not compress.
func noise(seed uint64, size int) []byte {
	b := make([]byte, size)
	rng := rand.NewChaCha8([32]byte{byte(seed)})
	_, _ = rng.Read(b)
	return b
}

// fill puts mail of many shapes: empty, NUL, twice the same, of whole tar
// blocks, around the size of a member, several members long.
func (l *lab) fill() *lab {
	l.Helper()
	l.put(text(1, 100), nil, []byte("\x00\n.\r\n"), text(2, 512), text(2, 512), text(3, 5000))
	l.put(noise(4, MemberSize-tarBlock), noise(5, MemberSize-tarBlock+1), text(6, MemberSize), text(7, MemberSize+1), text(8, 3*MemberSize+77), text(1, 100))
	for i := range 40 {
		l.put(text(uint64(100+i), 500+700*i))
	}
	return l
}

// made makes the lab's files in a folder of the real file system.
func (l *lab) made(m Maker, from uint64) (string, []Sealed) {
	l.Helper()
	m.Folder = filepath.Join(l.TempDir(), "archives")
	made, err := m.Make(ctx, october, l.source(from))
	if err != nil || len(made.LeftOut) > 0 {
		l.Fatalf("make: %v, left out %v", err, made.LeftOut)
	}
	return m.Folder, made.Files
}

// checked fails the test for every fault in a file.
func checked(t testing.TB, fsys durable.FS, path string, secret Secret) Report {
	t.Helper()
	r, err := Check(ctx, fsys, path, secret, nil, func(f Finding) { t.Errorf("%s: %s", path, f) })
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// holds reads everything from a file and compares it with what was sent.
func (l *lab) holds(a *Archive, ids []mail.ID) {
	l.Helper()
	var got []mail.ID
	err := a.All(ctx, func(m Message) error {
		b, err := io.ReadAll(m.Content)
		if err != nil || !bytes.Equal(b, l.sent[m.Arrival.ID]) || !bytes.Equal(m.Record, l.records[m.Arrival.ID]) {
			l.Errorf("%s: %d bytes (%v), want %d; record %q", m.Arrival.ID, len(b), err, len(l.sent[m.Arrival.ID]), m.Record)
		}
		got = append(got, m.Arrival.ID)
		return nil
	})
	if err != nil || fmt.Sprint(got) != fmt.Sprint(ids) {
		l.Errorf("messages %v (%v), want %v", got, err, ids)
	}
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
