package smtpd

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"

	"mailarchive/internal/mail"
	"mailarchive/internal/smtp"
)

// Acceptor stores one message; see capture.Acceptor.
type Acceptor interface {
	// Accept returns nil when bytes and record survive power loss.
	Accept(ctx context.Context, env mail.Envelope, content io.Reader) (mail.Arrival, error)
}

// backend lets peers from the networks in.
type backend struct{ server *Server }

// Connect implements smtp.Backend.
func (b backend) Connect(ctx context.Context, peer smtp.Peer) (smtp.Session, error) {
	s := b.server
	client := clientName(peer.Remote)
	if !admitted(s.Networks, peer.Remote) {
		s.counters.connections.WithLabelValues("refused").Inc()
		s.Log.LogAttrs(ctx, slog.LevelWarn, "connection refused, its network may not connect",
			slog.String("step", step), slog.String("client", client))
		return nil, notFromThere
	}
	s.counters.connections.WithLabelValues("admitted").Inc()
	s.counters.sessions.Inc()
	source := "smtp"
	if peer.LMTP {
		source = "lmtp"
	}
	if peer.Remote.Network() == "unix" {
		client = "unix:" + peer.Local.String() // the peer's end has no name
	}
	return &session{server: s, envelope: mail.Envelope{Source: source, Client: client}}, nil
}

// clientName is IP:port for a peer by TCP.
func clientName(a net.Addr) string { return a.String() }

// session collects the envelope of one message after another.
type session struct {
	server   *Server
	envelope mail.Envelope
	answer   [1]smtp.Reply
}

// Hello implements smtp.Session.
func (s *session) Hello(_ context.Context, hello smtp.Hello) (smtp.Extensions, error) {
	s.envelope.Helo = hello.Name
	s.envelope.TLS = describeTLS(hello.TLS)
	return smtp.AllExtensions(), nil
}

// describeTLS writes version and cipher as Postfix does in Received lines:
// "TLSv1.3 TLS_AES_128_GCM_SHA256".
func describeTLS(state *tls.ConnectionState) string {
	if state == nil {
		return ""
	}
	version := strings.Replace(tls.VersionName(state.Version), "TLS ", "TLSv", 1)
	return version + " " + tls.CipherSuiteName(state.CipherSuite)
}

// Mail implements smtp.Session: every sender is taken.
func (s *session) Mail(_ context.Context, from mail.Address, params []string) error {
	s.envelope.From, s.envelope.FromParams = from, params
	return nil
}

// Rcpt implements smtp.Session: every recipient is taken.
func (s *session) Rcpt(_ context.Context, to mail.Recipient) error {
	s.envelope.To = append(s.envelope.To, to)
	return nil
}

// Data implements smtp.Session. One answer holds for all recipients: they are
// one arrival.
func (s *session) Data(ctx context.Context, body io.Reader) []smtp.Reply {
	arrival, err := s.server.Archive.Accept(ctx, s.envelope, body)
	if err == nil {
		s.answer[0] = s.accepted(ctx, arrival)
	} else {
		s.answer[0] = s.refused(ctx, err)
	}
	s.server.counters.message(s.envelope.Source, s.answer[0].Code, arrival.Size)
	return s.answer[:]
}

func (s *session) accepted(ctx context.Context, arrival mail.Arrival) smtp.Reply {
	s.server.Log.LogAttrs(ctx, slog.LevelInfo, "message archived",
		slog.String("step", step), slog.String("id", arrival.ID.String()), slog.String("source", s.envelope.Source),
		slog.String("client", s.envelope.Client), slog.Int("recipients", len(s.envelope.To)), slog.Int64("size", arrival.Size))
	return smtp.Reply{Code: 250, Status: "2.0.0", Text: "Archived as " + arrival.ID.String()}
}

// refused tells the peer a general sentence and a name under which the log has
// the detail.
func (s *session) refused(ctx context.Context, err error) smtp.Reply {
	reply, name := replyTo(err), newName()
	s.server.Log.LogAttrs(ctx, slog.LevelWarn, "message not archived",
		slog.String("step", step), slog.String("refusal", name), slog.Int("code", reply.Code), slog.String("source", s.envelope.Source),
		slog.String("client", s.envelope.Client), slog.Int("recipients", len(s.envelope.To)), slog.Any("error", err))
	reply.Text = fmt.Sprintf("%s (refusal %s)", reply.Text, name)
	return reply
}

// Reset implements smtp.Session. The recipients go, they belong to the arrival
// now.
func (s *session) Reset() {
	s.envelope.From, s.envelope.FromParams, s.envelope.To = "", nil, nil
}

// Close implements smtp.Session.
func (s *session) Close() { s.server.counters.sessions.Dec() }
