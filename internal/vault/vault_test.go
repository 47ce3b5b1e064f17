package vault

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/mail"
)

var ctx = context.Background()

// opened returns a vault that is closed when the test ends.
func opened(t testing.TB, o Options) *Vault {
	t.Helper()
	if o.Folder == "" {
		o.Folder = t.TempDir()
	}
	v, err := Open(o)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { v.Close() })
	return v
}

// put stores content from a plain sender.
func put(t testing.TB, v *Vault, content []byte) mail.Arrival {
	t.Helper()
	a, err := tryPut(v, content)
	if err != nil {
		t.Fatalf("Append of %d bytes: %v", len(content), err)
	}
	return a
}

func tryPut(v *Vault, content []byte) (mail.Arrival, error) {
	return tryPutFor(v, content, mail.Envelope{Source: "smtp", From: "a@example.org", To: []mail.Recipient{{Address: "b@example.org"}}})
}

func tryPutFor(v *Vault, content []byte, e mail.Envelope) (mail.Arrival, error) {
	s := v.Stage()
	if _, err := s.Write(content); err != nil {
		s.Discard()
		return mail.Arrival{}, err
	}
	return v.Append(ctx, e, s)
}

// get returns the bytes of a message.
func get(t testing.TB, v *Vault, id mail.ID) []byte {
	t.Helper()
	_, r, err := v.Open(ctx, id)
	if err != nil {
		t.Fatalf("Open %s: %v", id, err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("read %s: %v", id, err)
	}
	return b
}

// verified returns what Verify finds.
func verified(t testing.TB, v *Vault) (Verified, []Finding) {
	t.Helper()
	var findings []Finding
	done, err := v.Verify(ctx, func(int64, int64) {}, func(f Finding) { findings = append(findings, f) })
	if err != nil {
		t.Fatalf("Verify: %v", err)
	}
	return done, findings
}

func clean(t testing.TB, v *Vault) Verified {
	t.Helper()
	done, findings := verified(t, v)
	for _, f := range findings {
		t.Errorf("finding: %s", f)
	}
	return done
}

// noise returns bytes that do not compress.
func noise(seed uint64, n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16)})
	r.Read(b)
	return b
}

// sizes covers each way that content is kept: nothing, in a shared frame, at
// the limit of a frame, in frames of its own.
var sizes = []int{0, 1, 511, 512, 513, 10_000, ChunkSize - 2048, ChunkSize - 1, ChunkSize, ChunkSize + 1, 2 * ChunkSize, 2*ChunkSize + 100, 3 << 20}

func TestBytesComeOutAsTheyCameIn(t *testing.T) {
	v := opened(t, Options{})
	var arrivals []mail.Arrival
	var contents [][]byte
	for i, n := range sizes {
		for _, content := range [][]byte{noise(uint64(i), n), bytes.Repeat([]byte("line\n\x00\r"), n/7)} {
			a := put(t, v, content)
			if a.Size != int64(len(content)) || a.Digest != mail.Sum(content) {
				t.Errorf("arrival of %d bytes says size %d digest %s", len(content), a.Size, a.Digest)
			}
			arrivals, contents = append(arrivals, a), append(contents, content)
		}
	}
	check := func(v *Vault) {
		t.Helper()
		for i, a := range arrivals {
			if got := get(t, v, a.ID); !bytes.Equal(got, contents[i]) {
				t.Errorf("content %d of %d bytes came out with %d bytes, digest %s", i, len(contents[i]), len(got), mail.Sum(got))
			}
		}
		if done := clean(t, v); done.Records != uint64(len(arrivals)) {
			t.Errorf("verify saw %d records, %d were stored", done.Records, len(arrivals))
		}
	}
	check(v)
	v.Close()
	check(opened(t, Options{Folder: v.folder}))
}

func TestRecordKeepsTheEnvelope(t *testing.T) {
	v := opened(t, Options{})
	want := mail.Envelope{
		Source: "smtp", From: "sender\xff@example.org", FromParams: []string{"SIZE=3", "RET=HDRS"},
		To: []mail.Recipient{
			{Address: "plain@example.org"},
			{Address: "caf\xe9@example.org", Params: []string{"NOTIFY=NEVER", "ORCPT=rfc822;\xfe"}},
			{Address: "ü@example.org", Params: []string{"NOTIFY=SUCCESS"}},
		},
		Client: "192.0.2.1:4711", Helo: "mx.<example>.org", TLS: "TLSv1.3",
		Origin: &mail.Origin{Path: "/srv/\xe4/x.mbox", Folder: "Sent/2025", Flags: "FRS", Owner: "o@example.org",
			Delivered: time.Date(2025, 2, 3, 4, 5, 6, 0, time.UTC), FromLine: "From x", Key: mail.Sum([]byte("k"))},
	}
	a, err := tryPutFor(v, []byte("hello"), want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := v.Get(ctx, a.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got.Envelope); diff != "" {
		t.Errorf("envelope came back changed (-want +got):\n%s", diff)
	}
	if want.To[1].Address != "caf\xe9@example.org" {
		t.Error("Append changed the caller's envelope")
	}
}

func TestManyAtOnceMakeOneWholeChain(t *testing.T) {
	v := opened(t, Options{SegmentSize: 200_000})
	const senders, each = 16, 60
	var mu sync.Mutex
	stored := map[mail.ID][]byte{}
	var wg sync.WaitGroup
	for s := range senders {
		wg.Go(func() {
			for i := range each {
				content := noise(uint64(s*each+i), 100+37*i)
				a, err := tryPut(v, content)
				if err != nil {
					t.Errorf("Append: %v", err)
					return
				}
				mu.Lock()
				stored[a.ID] = content
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if n := v.Stats().Segments; n < 3 {
		t.Errorf("%d segments, the test wants several", n)
	}
	for id, content := range stored {
		if got := get(t, v, id); !bytes.Equal(got, content) {
			t.Fatalf("%s came out with other bytes", id)
		}
	}
	if done := clean(t, v); done.Records != senders*each {
		t.Errorf("verify saw %d records", done.Records)
	}
	var seq uint64
	var last mail.ID
	err := v.Walk(ctx, 0, func(i Item) error {
		seq++
		if i.Err != nil || i.Arrival.Seq != seq || i.Arrival.ID.String() <= last.String() {
			t.Fatalf("walk gave %d %s (%v) after %d %s", i.Arrival.Seq, i.Arrival.ID, i.Err, seq-1, last)
		}
		last = i.Arrival.ID
		return nil
	})
	if err != nil || seq != senders*each {
		t.Errorf("walk ended at %d: %v", seq, err)
	}
}

func TestSameBytesAreKeptOnce(t *testing.T) {
	for _, n := range []int{sharedMinimum, ChunkSize * 3} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			v := opened(t, Options{})
			content := noise(1, n)
			first := put(t, v, content)
			before := v.Stats().BytesDisk
			second := put(t, v, content)
			if grown := v.Stats().BytesDisk - before; grown > 900 {
				t.Errorf("the second copy took %d bytes", grown)
			}
			if first.ID == second.ID || second.Seq != 2 {
				t.Errorf("second arrival is %s, number %d", second.ID, second.Seq)
			}
			if !bytes.Equal(get(t, v, second.ID), content) {
				t.Error("second arrival came out with other bytes")
			}
			clean(t, v)
		})
	}
}

func TestMonthEndBeginsASegment(t *testing.T) {
	now := time.Date(2026, 10, 31, 22, 59, 59, 0, time.UTC)
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	v := opened(t, Options{Clock: func() time.Time { return now }, Location: berlin})
	put(t, v, []byte("october"))
	now = now.Add(2 * time.Second) // November in Berlin, October in UTC
	put(t, v, []byte("november"))
	if n := v.Stats().Segments; n != 2 {
		t.Errorf("%d segments, want 2", n)
	}
	clean(t, v)
}

func TestClockThatGoesBack(t *testing.T) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	v := opened(t, Options{Clock: func() time.Time { return now }})
	a := put(t, v, []byte("one"))
	now = now.Add(-time.Hour)
	b := put(t, v, []byte("two"))
	if b.Received.Before(a.Received) || b.ID.String() <= a.ID.String() {
		t.Errorf("second arrival %s at %s, first %s at %s", b.ID, b.Received, a.ID, a.Received)
	}
}
