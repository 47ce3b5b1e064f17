package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

// Server takes connections and turns them into sessions of its backend.
// Fields are set before the first Serve and not changed afterwards; only
// Backend is needed.
type Server struct {
	Backend Backend
	// Hostname is the name in greeting and replies (default os.Hostname).
	Hostname string
	// TLS with a certificate lets sessions offer STARTTLS.
	TLS *tls.Config
	// Limits bound what peers can cost.
	Limits Limits
	// Log takes what befalls the server itself (default slog.Default).
	Log *slog.Logger
	// Now is the clock (default time.Now).
	Now func() time.Time
	// TurnedAway, when set, is called for each connection over a limit.
	TurnedAway func(peer net.Addr)

	once     sync.Once
	lend     buffers
	force    context.Context // ends when connections are closed by force
	endForce context.CancelFunc
	stop     chan struct{} // closed when Shutdown begins
	handlers sync.WaitGroup

	mu        sync.Mutex // guards what follows
	stopping  bool
	listeners map[net.Listener]struct{}
	conns     map[*conn]struct{}
	perClient map[netip.Addr]int
}

func (s *Server) prepare() {
	s.once.Do(func() {
		s.Limits = s.Limits.withDefaults()
		if s.Hostname == "" {
			s.Hostname = ownName()
		}
		if s.Log == nil {
			s.Log = slog.Default()
		}
		if s.Now == nil {
			s.Now = time.Now
		}
		s.force, s.endForce = context.WithCancel(context.Background())
		s.stop = make(chan struct{})
		s.listeners = make(map[net.Listener]struct{})
		s.conns = make(map[*conn]struct{})
		s.perClient = make(map[netip.Addr]int)
	})
}

func ownName() string {
	if name, err := os.Hostname(); err == nil && name != "" {
		return name
	}
	return "localhost"
}

// Serve takes SMTP connections from l until Shutdown, then returns nil and has
// closed l. It may run on several listeners at once; the limits hold for all
// of them together. An error of Accept, as for want of file descriptors, is
// logged and waited out; only a listener that somebody else closed makes it
// return an error.
func (s *Server) Serve(l net.Listener) error { return s.serve(l, false) }

// ServeLMTP is Serve for LMTP (RFC 2033).
func (s *Server) ServeLMTP(l net.Listener) error { return s.serve(l, true) }

func (s *Server) serve(l net.Listener, lmtp bool) error {
	s.prepare()
	if !s.addListener(l) {
		l.Close()
		return nil
	}
	var wait time.Duration
	for {
		nc, err := l.Accept()
		if err == nil {
			wait = 0
			s.take(nc, lmtp)
			continue
		}
		if s.isStopping() {
			return nil
		}
		if errors.Is(err, net.ErrClosed) {
			return err
		}
		wait = nextWait(wait)
		s.Log.Error("cannot accept connections, will try again", "listener", l.Addr().String(), "wait", wait, "error", err)
		s.pause(wait)
	}
}

func nextWait(wait time.Duration) time.Duration {
	const first, longest = 5 * time.Millisecond, time.Second
	return min(max(2*wait, first), longest)
}

func (s *Server) pause(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.stop:
	}
}

func (s *Server) take(nc net.Conn, lmtp bool) {
	c := newConn(s, nc, lmtp)
	if !s.admit(c) {
		s.turnAway(nc)
		return
	}
	go func() {
		defer s.handlers.Done()
		defer s.dismiss(c)
		c.serve()
	}()
}

// turnAway says 421 in place of a greeting (RFC 5321 3.8) without a goroutine
// of its own: so short a text fits into the socket's buffer.
func (s *Server) turnAway(nc net.Conn) {
	if s.TurnedAway != nil { // first: whoever sees the reply finds it counted
		s.TurnedAway(nc.RemoteAddr())
	}
	reply := Reply{421, "4.7.0", s.Hostname + " Too many connections, try again later"}
	nc.SetWriteDeadline(s.Now().Add(time.Second))
	nc.Write(reply.appendTo(nil))
	nc.Close()
}

// Shutdown closes the listeners, says 421 to sessions between messages and
// waits for those within one. When ctx ends first, their connections are
// closed by force and it returns the error of ctx. In both cases all calls of
// the backend have returned by then.
func (s *Server) Shutdown(ctx context.Context) error {
	s.prepare()
	s.beginStop()
	done := make(chan struct{})
	go func() {
		s.handlers.Wait()
		close(done)
	}()
	defer s.endForce()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	s.endForce()
	s.eachConn((*conn).sever)
	<-done
	return ctx.Err()
}

func (s *Server) beginStop() {
	s.mu.Lock()
	first := !s.stopping
	s.stopping = true
	for l := range s.listeners {
		l.Close()
	}
	s.mu.Unlock()
	if first {
		close(s.stop)
	}
	s.eachConn((*conn).askToStop)
}
