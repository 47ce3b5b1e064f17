package redeliver

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"mailarchive/internal/durable"
	"mailarchive/internal/durable/durabletest"
	"mailarchive/internal/mail"
	"mailarchive/internal/smtp"
)

// peer is a relay: our own server over connections in memory, which does as it
// is told. Fields are set before it is used.
type peer struct {
	lmtp    bool
	offers  smtp.Extensions
	mail    func() error
	rcpt    func(n int, to mail.Address) error          // n counts the questions for that address from 1
	data    func(n int, to []mail.Address) []smtp.Reply // n counts messages from 1
	wrap    func(n int, nc net.Conn) (net.Conn, error)  // n counts connections from 1
	serving *smtp.Server

	mu     sync.Mutex
	asked  map[mail.Address]int
	got    map[mail.Address]int
	last   map[mail.Address]string
	times  []time.Time // of connections
	params [][]string
	sent   int
}

func newPeer(t testing.TB) *peer {
	p := &peer{offers: smtp.AllExtensions(), asked: map[mail.Address]int{}, got: map[mail.Address]int{}, last: map[mail.Address]string{}}
	p.serving = &smtp.Server{Backend: p, Hostname: "relay.test", Log: slog.New(slog.DiscardHandler)}
	t.Cleanup(func() {
		if err := p.serving.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return p
}

// connect is the dialer of the relay.
func (p *peer) connect(context.Context, string, string) (net.Conn, error) {
	p.mu.Lock()
	p.times = append(p.times, time.Now())
	n := len(p.times)
	p.mu.Unlock()
	ours, theirs := net.Pipe()
	l := &single{conn: theirs}
	serve := p.serving.Serve
	if p.lmtp {
		serve = p.serving.ServeLMTP
	}
	go serve(l)
	if p.wrap != nil {
		return p.wrap(n, ours)
	}
	return ours, nil
}

// single is a listener for one connection.
type single struct {
	once sync.Once
	conn net.Conn
}

func (l *single) Accept() (nc net.Conn, err error) {
	err = net.ErrClosed
	l.once.Do(func() { nc, err = l.conn, nil })
	return nc, err
}
func (l *single) Close() error   { return nil }
func (l *single) Addr() net.Addr { return l.conn.LocalAddr() }

func (p *peer) Connect(context.Context, smtp.Peer) (smtp.Session, error) { return &talk{peer: p}, nil }

type talk struct {
	*peer
	to []mail.Address
}

func (s *talk) Hello(context.Context, smtp.Hello) (smtp.Extensions, error) { return s.offers, nil }

func (s *talk) Mail(_ context.Context, _ mail.Address, params []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.params = append(s.params, params)
	if s.mail != nil {
		return s.mail()
	}
	return nil
}

func (s *talk) Rcpt(_ context.Context, to mail.Recipient) error {
	s.mu.Lock()
	s.asked[to.Address]++
	n := s.asked[to.Address]
	s.mu.Unlock()
	if s.rcpt != nil {
		if err := s.rcpt(n, to.Address); err != nil {
			return err
		}
	}
	s.to = append(s.to, to.Address)
	return nil
}

func (s *talk) Data(_ context.Context, body io.Reader) []smtp.Reply {
	b, err := io.ReadAll(body)
	if err != nil {
		return []smtp.Reply{smtp.ReplyTo(err)}
	}
	s.mu.Lock()
	s.sent++
	n := s.sent
	s.mu.Unlock()
	answers := []smtp.Reply{{Code: 250, Status: "2.0.0", Text: "Taken"}}
	if s.data != nil {
		answers = s.data(n, s.to)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, to := range s.to {
		if answers[min(i, len(answers)-1)].Positive() {
			s.got[to]++
			s.last[to] = string(b)
		}
	}
	return answers
}

func (s *talk) Reset() { s.to = nil }
func (s *talk) Close() {}

// look runs with the peer's lock.
func (p *peer) look(do func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	do()
}

// sender is a queue with its runner and all around them.
type sender struct {
	*Runner
	t     testing.TB
	audit *ledger
	peer  *peer
	stop  func()
}

// newSender opens a queue in a folder of the disk. The runner is not running.
func newSender(t testing.TB, fsys durable.FS, p *peer, s Source, a *ledger) *sender {
	t.Helper()
	q, err := OpenQueue(fsys, "/queue", Settings{Audit: a})
	if err != nil {
		t.Fatal(err)
	}
	return newRunner(t, q, p, s, a)
}

func newRunner(t testing.TB, q *Queue, p *peer, s Source, a *ledger) *sender {
	r := &Runner{Queue: q, Source: s, Composer: composer, Rand: func() float64 { return 0.5 }, Log: slog.New(slog.DiscardHandler)}
	r.Relay = Relay{Network: "pipe", Address: "relay.test:25", Dialer: smtp.Dialer{LMTP: p.lmtp, Name: "archive.test", Connect: p.connect}}
	return &sender{Runner: r, t: t, audit: a, peer: p}
}

// start begins to run.
func (s *sender) start() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	s.stop = func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Errorf("Run: %v", err)
		}
	}
}

func (s *sender) add(to []mail.Address, ids ...mail.ID) []EntryID {
	s.t.Helper()
	entries, err := s.Queue.Add(s.t.Context(), planFor(s.t, s.Source, to, ids...))
	if err != nil {
		s.t.Fatal(err)
	}
	return entries
}

func (s *sender) show(id EntryID) Entry {
	s.t.Helper()
	e, err := s.Queue.Show(id)
	if err != nil {
		s.t.Fatal(err)
	}
	return e
}

// states of an entry's recipients, in order.
func (s *sender) states(id EntryID) (all []State) {
	s.t.Helper()
	for _, r := range s.show(id).Recipients {
		all = append(all, r.State)
	}
	return all
}

func newDisk() *durabletest.Disk { return durabletest.New(durabletest.Options{}) }

var errLine = errors.New("the line is down")
