package control_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mailarchive/internal/access"
	"mailarchive/internal/control"
	"mailarchive/internal/control/controltest"
	"mailarchive/internal/mail"
)

func TestRawThatFailsOnItsWay(t *testing.T) {
	archive := sample()
	archive.Cut = fmt.Errorf("read frame: %w", mail.ErrDamaged)
	client, _ := start(t, archive, nil)
	r, err := client.Raw(t.Context(), everything(), "1@example")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, err := io.ReadAll(r)
	if !errors.Is(err, mail.ErrDamaged) || len(got) == 0 {
		t.Errorf("%d bytes, error %v; want half and damaged", len(got), err)
	}
	if _, again := r.Read(make([]byte, 1)); again != err {
		t.Errorf("read on: %v", again)
	}
}

// An answer that breaks off is an error, never a shorter result.
func TestAnswersThatAreCut(t *testing.T) {
	folder := t.TempDir()
	l, err := control.Listen(folder)
	if err != nil {
		t.Fatal(err)
	}
	lines := func(w http.ResponseWriter, body string) {
		w.Header().Set("Content-Type", "application/x-ndjson")
		io.WriteString(w, body)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1/hello":
			lines(w, `{"end":{"protocol":1}}`)
		case "/v1/search":
			lines(w, `{"hit":{"subject":"one"}}`+"\n") // whole as HTTP, but without its end
		case "/v1/stats":
			lines(w, `{"end":{"arriv`)
		case "/v1/verify":
			lines(w, "{\"progress\":{}}\n")
			http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		case "/v1/raw":
			w.Header().Set("Content-Type", "application/octet-stream")
			io.WriteString(w, "bytes without a last word")
		default:
			http.NotFound(w, r)
		}
	})}
	done := make(chan struct{})
	go func() { defer close(done); server.Serve(l) }()
	defer func() { server.Close(); <-done }()
	client, err := control.Dial(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()

	hits := 0
	_, err = client.Search(t.Context(), everything(), control.SearchRequest{}, func(control.Hit) error { hits++; return nil })
	if !errors.Is(err, io.ErrUnexpectedEOF) || hits != 0 {
		t.Errorf("search: %v after %d hits", err, hits)
	}
	if _, err = client.Stats(t.Context(), everything()); err == nil {
		t.Error("stats: no error")
	}
	if _, err = client.Verify(t.Context(), func(control.Progress) {}, func(control.Finding) {}); err == nil {
		t.Error("verify: no error")
	}
	r, err := client.Raw(t.Context(), everything(), "x")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err = io.ReadAll(r); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("raw: %v", err)
	}
	if err = client.Reindex(t.Context(), func(control.Progress) {}); err == nil || !strings.Contains(err.Error(), "restart it") {
		t.Errorf("a call that the server does not know: %v", err)
	}
}

func TestAnotherProtocolIsRefused(t *testing.T) {
	folder := t.TempDir()
	l, err := control.Listen(folder)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-ndjson")
		io.WriteString(w, `{"end":{"protocol":99,"version":"v9"}}`)
	})}
	done := make(chan struct{})
	go func() { defer close(done); server.Serve(l) }()
	defer func() { server.Close(); <-done }()
	if _, err := control.Dial(t.Context(), folder); err == nil || !strings.Contains(err.Error(), "version v9") {
		t.Errorf("error %v", err)
	}
}

// A client that reads nothing is given up, and holds up nobody meanwhile.
func TestSlowClient(t *testing.T) {
	archive := &controltest.Archive{}
	big := controltest.Message{Raw: make([]byte, 8<<20)}
	big.ID, big.MessageID = mail.NextID(mail.ID{}, time.UnixMilli(1)), "big@example"
	archive.Add(big)
	closed := make(chan struct{})
	client, folder := start(t, rawSpy{archive, closed}, func(s *control.Server) { s.Stall = 50 * time.Millisecond })
	slow, err := net.Dial("unix", filepath.Join(folder, control.SocketName))
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	io.WriteString(slow, "GET /v1/raw?ref=big@example HTTP/1.1\r\nHost: x\r\n\r\n")
	stuck, err := net.Dial("unix", filepath.Join(folder, control.SocketName))
	if err != nil {
		t.Fatal(err)
	}
	defer stuck.Close()
	io.WriteString(stuck, "POST /v1/accept HTTP/1.1\r\nHost: x\r\nMail-Archive-Envelope-Length: 2\r\nContent-Length: 10\r\n\r\n{}")
	for range 20 {
		if _, err := client.Stats(t.Context(), everything()); err != nil {
			t.Fatalf("others: %v", err)
		}
	}
	<-closed // the slow one was given up
	if answer, _ := io.ReadAll(stuck); !bytes.Contains(answer, []byte(`"error"`)) {
		t.Errorf("the stuck one heard %q", answer)
	}
	if n := len(archive.Messages()); n != 1 {
		t.Errorf("%d messages", n)
	}
}

type rawSpy struct {
	control.Archive
	closed chan struct{}
}

type closeSpy struct {
	io.ReadCloser
	closed chan struct{}
}

func (s rawSpy) Raw(ctx context.Context, scope access.Scope, ref string) (io.ReadCloser, error) {
	r, err := s.Archive.Raw(ctx, scope, ref)
	return closeSpy{r, s.closed}, err
}

func (s closeSpy) Close() error { close(s.closed); return s.ReadCloser.Close() }

// A client that goes away ends the work for it, and a stop of the server ends
// all, each with an answer.
func TestCallsAreCancelled(t *testing.T) {
	begun, ended := make(chan struct{}, 1), make(chan error, 1)
	folder := t.TempDir()
	l, err := control.Listen(folder)
	if err != nil {
		t.Fatal(err)
	}
	server := &control.Server{Archive: hanging{sample(), begun, ended}, UID: os.Geteuid()}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, l) }()
	client, err := control.Dial(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()

	mine, leave := context.WithCancel(t.Context())
	go func() { <-begun; leave() }()
	if err := client.Reindex(mine, func(control.Progress) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("the client that left: %v", err)
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("its work: %v", err)
	}
	go func() { <-begun; stop() }()
	if err := client.Reindex(t.Context(), func(control.Progress) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("the client of a server that stops: %v", err)
	}
	if err := <-done; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if len(ended) != 1 {
		t.Error("Serve returned before its work had ended")
	}
}

type hanging struct {
	control.Archive
	begun chan struct{}
	ended chan error
}

func (h hanging) Reindex(ctx context.Context, progress func(control.Progress)) error {
	h.begun <- struct{}{}
	<-ctx.Done()
	h.ended <- ctx.Err()
	return ctx.Err()
}
