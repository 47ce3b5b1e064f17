package control_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/control"
	"mailarchive/internal/control/controltest"
	"mailarchive/internal/mail"
)

func TestEnvelopeAndContentArriveExactly(t *testing.T) {
	archive := &controltest.Archive{}
	client, _ := start(t, archive, nil)
	envelope := mail.Envelope{
		Source: "import:mbox", From: "b\xffd@example", FromParams: []string{"SIZE=5", "X=\x80"},
		To:     []mail.Recipient{{Address: "ü@example", Params: []string{"NOTIFY=NEVER"}}, {Address: `{"base64":"x"}`}},
		Client: "[::1]:25", Helo: "<&>\u2028", Auth: "ann", TLS: "TLS 1.3",
		Origin: &mail.Origin{Path: "/m\xfc", Folder: "a/b", Flags: "FS", Owner: "own\xfe@example",
			Delivered: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), FromLine: "From x", Key: mail.Sum([]byte("k"))},
	}
	sizes := []int{0, 1, 64<<10 - 1, 64 << 10, 64<<10 + 1, 1 << 20, 20 << 20}
	for i, size := range sizes {
		content := bytes.Repeat([]byte("\r\n.\x00\xff"), size/5+1)[:size]
		got, err := client.Accept(t.Context(), envelope, bytes.NewReader(content))
		if err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		kept := archive.Messages()[i]
		want := mail.Arrival{ID: kept.ID, Seq: uint64(i + 1), Digest: mail.Sum(content), Size: int64(size), Received: kept.Received}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d bytes: arrival (-want +got):\n%s", size, diff)
		}
		if diff := cmp.Diff(envelope, kept.Envelope); diff != "" {
			t.Errorf("%d bytes: envelope (-want +got):\n%s", size, diff)
		}
		if !bytes.Equal(kept.Raw, content) {
			t.Errorf("%d bytes came as %d other ones", size, len(kept.Raw))
		}
	}
	for key, want := range map[string]bool{"k": true, "other": false} {
		if got, err := client.Imported(t.Context(), mail.Sum([]byte(key))); got != want || err != nil {
			t.Errorf("Imported(%s) = %v, %v", key, got, err)
		}
	}
}

func TestManyRecipients(t *testing.T) {
	archive := &controltest.Archive{}
	client, _ := start(t, archive, nil)
	var envelope mail.Envelope
	for i := range 10_000 {
		envelope.To = append(envelope.To, mail.Recipient{Address: mail.Address(fmt.Sprintf("%0100d@example", i))})
	}
	if _, err := client.Accept(t.Context(), envelope, strings.NewReader("x")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(envelope, archive.Messages()[0].Envelope); diff != "" {
		t.Errorf("envelope: %s", diff)
	}
}

// Content whose reader fails is never accepted, short or long.
func TestContentThatFails(t *testing.T) {
	archive := &controltest.Archive{}
	client, _ := start(t, archive, nil)
	broken := errors.New("disk went away")
	for _, size := range []int{0, 100, 64 << 10, 5 << 20} {
		content := io.MultiReader(strings.NewReader(strings.Repeat("x", size)), iotest.ErrReader(broken))
		if _, err := client.Accept(t.Context(), mail.Envelope{}, content); !errors.Is(err, broken) {
			t.Errorf("%d bytes: error %v, want the reader's own", size, err)
		}
	}
	// A whole message behind them: the connection still works.
	if _, err := client.Accept(t.Context(), mail.Envelope{}, strings.NewReader("whole")); err != nil {
		t.Fatal(err)
	}
	if got := archive.Messages(); len(got) != 1 || string(got[0].Raw) != "whole" {
		t.Errorf("%d messages were accepted, want the whole one", len(got))
	}
}

// A client that dies in mid-body leaves nothing, with a length and in chunks.
func TestRequestsThatAreCut(t *testing.T) {
	archive := &controltest.Archive{}
	accepted := make(chan error, 1)
	_, folder := start(t, acceptSpy{archive, accepted}, nil)
	head := "POST /v1/accept HTTP/1.1\r\nHost: x\r\nMail-Archive-Envelope-Length: 2\r\n"
	for name, request := range map[string]string{
		"length":          head + "Content-Length: 100\r\n\r\n{}half",
		"chunk":           head + "Transfer-Encoding: chunked\r\n\r\n6\r\n{}half\r\n",
		"cut in a chunk":  head + "Transfer-Encoding: chunked\r\n\r\n60\r\n{}half",
		"cut end chunk":   head + "Transfer-Encoding: chunked\r\n\r\n6\r\n{}half\r\n0",
		"cut last CRLF":   head + "Transfer-Encoding: chunked\r\n\r\n6\r\n{}half\r\n0\r\n",
		"chunk of nought": head + "Transfer-Encoding: chunked\r\n\r\n6\r\n{}half\r\nzz\r\n",
	} {
		conn, err := net.Dial("unix", filepath.Join(folder, control.SocketName))
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(conn, request)
		conn.Close()
		if err := <-accepted; err == nil {
			t.Errorf("%s: accepted as whole", name)
		}
	}
	if n := len(archive.Messages()); n != 0 {
		t.Errorf("%d messages were kept", n)
	}
}

// acceptSpy tells what Accept returned.
type acceptSpy struct {
	control.Archive
	accepted chan error
}

func (s acceptSpy) Accept(ctx context.Context, e mail.Envelope, r io.Reader) (mail.Arrival, error) {
	a, err := s.Archive.Accept(ctx, e, r)
	s.accepted <- err
	return a, err
}

func TestRefusalInMidContentIsHeard(t *testing.T) {
	archive := &controltest.Archive{Fail: func(string) error { return fmt.Errorf("message: %w", mail.ErrTooLarge) }}
	client, _ := start(t, archive, nil)
	for range 3 {
		content := io.LimitReader(zeros{}, 30<<20)
		if _, err := client.Accept(t.Context(), mail.Envelope{}, content); !errors.Is(err, mail.ErrTooLarge) {
			t.Fatalf("error %v, want too large", err)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestManyAtOnce(t *testing.T) {
	archive := &controltest.Archive{}
	client, _ := start(t, archive, nil)
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			for j := range 5 {
				content := strings.NewReader(fmt.Sprintf("Subject: %d %d\n\n%s", i, j, strings.Repeat("x", 1000*i)))
				if _, err := client.Accept(t.Context(), mail.Envelope{}, content); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := len(archive.Messages()); n != 500 {
		t.Errorf("%d messages, want 500", n)
	}
}

func BenchmarkAccept(b *testing.B) {
	client, _ := start(b, discarding{}, nil)
	content := bytes.Repeat([]byte("x"), 10<<10)
	envelope := mail.Envelope{Source: "import:eml", To: []mail.Recipient{{Address: "ann@example"}}, Origin: &mail.Origin{Path: "/mail/1.eml"}}
	b.SetBytes(int64(len(content)))
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := client.Accept(b.Context(), envelope, bytes.NewReader(content)); err != nil {
				b.Fatal(err)
			}
		}
	})
}

type discarding struct{ control.Archive }

func (discarding) Accept(_ context.Context, _ mail.Envelope, r io.Reader) (mail.Arrival, error) {
	_, err := io.Copy(io.Discard, r)
	return mail.Arrival{}, err
}
