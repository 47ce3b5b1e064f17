package smtpd

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"mailarchive/internal/smtp"
)

// Server listens for SMTP and LMTP. Its fields are set before Listen; only
// Archive and one address are needed.
type Server struct {
	// Archive takes the messages: a *capture.Acceptor.
	Archive Acceptor
	// SMTP are addresses to listen on, host:port each; LMTP host:port or
	// unix:/path.
	SMTP, LMTP []string
	// Networks may connect by TCP (default DefaultNetworks). Unix sockets are
	// guarded by the folder that they are in.
	Networks []netip.Prefix
	// Hostname is said in greetings (default the machine's).
	Hostname string
	// TLS with a certificate offers STARTTLS.
	TLS *tls.Config
	// Limits bound what peers can cost, over all listeners together.
	Limits smtp.Limits
	// Metrics gets the counters, named capture_… (default none).
	Metrics prometheus.Registerer
	// Log gets a line for each message (default slog.Default).
	Log *slog.Logger

	protocol  *smtp.Server
	counters  *counters
	listeners []listener
}

// listener is open and not served yet.
type listener struct {
	net.Listener
	serve func(net.Listener) error
}

// Listen opens all listeners or none.
func (s *Server) Listen(ctx context.Context) error {
	if err := s.prepare(); err != nil {
		return err
	}
	open := func(addresses []string, serve func(net.Listener) error) error {
		for _, address := range addresses {
			l, err := listen(ctx, address)
			if err != nil {
				return err
			}
			s.listeners = append(s.listeners, listener{l, serve})
		}
		return nil
	}
	err := open(s.SMTP, s.protocol.Serve)
	if err == nil {
		err = open(s.LMTP, s.protocol.ServeLMTP)
	}
	if err != nil {
		s.closeListeners()
	}
	return err
}

func (s *Server) prepare() (err error) {
	if s.Log == nil {
		s.Log = slog.Default()
	}
	if s.Networks == nil {
		s.Networks = DefaultNetworks()
	}
	if s.counters, err = newCounters(s.Metrics); err != nil {
		return err
	}
	s.protocol = &smtp.Server{
		Backend:    backend{s},
		Hostname:   s.Hostname,
		TLS:        s.TLS,
		Limits:     s.Limits,
		Log:        s.Log.With(slog.String("step", step)),
		TurnedAway: s.turnedAway,
	}
	return nil
}

func (s *Server) closeListeners() {
	for _, l := range s.listeners {
		l.Close()
	}
	s.listeners = nil
}

// Addrs are those of the open listeners, SMTP first, each in the order given.
func (s *Server) Addrs() []net.Addr {
	addrs := make([]net.Addr, len(s.listeners))
	for i, l := range s.listeners {
		addrs[i] = l.Addr()
	}
	return addrs
}

// Serve takes mail on what Listen opened until Shutdown, then returns nil. An
// error says which listener failed; the others go on until Shutdown.
func (s *Server) Serve() error {
	errs := make([]error, len(s.listeners))
	var running sync.WaitGroup
	for i, l := range s.listeners {
		running.Go(func() {
			if errs[i] = l.serve(l.Listener); errs[i] != nil {
				s.Log.Error("listener failed", slog.String("step", step), slog.String("listener", l.Addr().String()), slog.Any("error", errs[i]))
			}
		})
	}
	running.Wait()
	return errors.Join(errs...)
}

// Shutdown lets messages on their way finish until ctx ends; see
// [smtp.Server.Shutdown]. Accept is not called any more when it returns. It
// is called after Listen, and may be called before Serve.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.protocol.Shutdown(ctx)
	for _, l := range s.listeners {
		l.Close() // one that Serve never got to
	}
	return err
}

func (s *Server) turnedAway(peer net.Addr) {
	s.counters.connections.WithLabelValues("turned_away").Inc()
	s.Log.Warn("connection turned away, too many are open", slog.String("step", step), slog.String("client", clientName(peer)))
}

// step is the word of the design for what happens here.
const step = "capture"
