package smtp

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"mailarchive/internal/mail"
)

// recorder is a backend that writes down what it is asked. Its fields are
// faults to inject.
type recorder struct {
	mu       sync.Mutex
	events   []string
	messages []string

	refuse      error // by Connect
	refuseHello error
	refuseMail  error
	refuseRcpt  map[mail.Address]error
	answers     []Reply                      // by Data
	data        func(body io.Reader) []Reply // in place of reading it all
	offers      *Extensions
}

func (r *recorder) note(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, fmt.Sprintf(format, args...))
}

func (r *recorder) Connect(context.Context, Peer) (Session, error) {
	if r.refuse != nil {
		return nil, r.refuse
	}
	return &recorded{recorder: r}, nil
}

// recorded is a session of recorder.
type recorded struct{ *recorder }

func (r *recorded) Hello(_ context.Context, h Hello) (Extensions, error) {
	secured := ""
	if h.TLS != nil {
		secured = " tls"
	}
	r.note("%s %s%s", h.Verb, h.Name, secured)
	if r.offers != nil {
		return *r.offers, nil
	}
	return AllExtensions(), r.refuseHello
}

func (r *recorded) Mail(_ context.Context, from mail.Address, params []string) error {
	r.note("from %s %q", from, params)
	return r.refuseMail
}

func (r *recorded) Rcpt(_ context.Context, to mail.Recipient) error {
	r.note("to %s %q", to.Address, to.Params)
	return r.refuseRcpt[to.Address]
}

func (r *recorded) Data(_ context.Context, body io.Reader) []Reply {
	if r.data != nil {
		return r.data(body)
	}
	b, err := io.ReadAll(body)
	if err != nil {
		r.note("broken %v", err)
		return []Reply{ReplyTo(err)}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, "data")
	r.messages = append(r.messages, string(b))
	if r.answers != nil {
		return r.answers
	}
	return []Reply{{250, "2.0.0", "Taken"}}
}

func (r *recorded) Reset() {}
func (r *recorded) Close() { r.note("close") }

// script is a connection whose peer sends pieces one by one, whatever it is
// answered.
type script struct {
	pieces []string
	sent   strings.Builder
	closed bool
}

func (s *script) Read(p []byte) (int, error) {
	if len(s.pieces) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.pieces[0])
	if s.pieces[0] = s.pieces[0][n:]; s.pieces[0] == "" {
		s.pieces = s.pieces[1:]
	}
	return n, nil
}

func (s *script) Write(p []byte) (int, error)      { return s.sent.Write(p) }
func (s *script) Close() error                     { s.closed = true; return nil }
func (s *script) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 25} }
func (s *script) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 4711} }
func (s *script) SetDeadline(time.Time) error      { return nil }
func (s *script) SetReadDeadline(time.Time) error  { return nil }
func (s *script) SetWriteDeadline(time.Time) error { return nil }

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func testServer(r *recorder) *Server {
	s := &Server{Backend: r, Hostname: "archive.test", Log: quiet()}
	return s
}

// talk runs one SMTP connection to its end and returns what the server said
// after its greeting.
func talk(t testing.TB, s *Server, pieces ...string) string {
	t.Helper()
	return converse(t, s, false, pieces)
}

// talkLMTP is talk for LMTP.
func talkLMTP(t testing.TB, s *Server, pieces ...string) string {
	t.Helper()
	return converse(t, s, true, pieces)
}

func converse(t testing.TB, s *Server, lmtp bool, pieces []string) string {
	t.Helper()
	s.prepare()
	sc := &script{pieces: pieces}
	c := newConn(s, sc, lmtp)
	c.serve()
	if !sc.closed {
		t.Error("connection was not closed")
	}
	rest, ok := strings.CutPrefix(sc.sent.String(), "220 archive.test "+c.protocol()+"\r\n")
	if !ok {
		t.Fatalf("greeting: got %q", sc.sent.String())
	}
	return rest
}
