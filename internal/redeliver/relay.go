package redeliver

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"

	"mailarchive/internal/mail"
	"mailarchive/internal/smtp"
)

// Relay is the mail server that everything goes to.
type Relay struct {
	// Network and Address are those of net.Dial.
	Network, Address string
	// Dialer has protocol, encryption, user and password.
	Dialer smtp.Dialer
}

// ParseRelay reads the address of a relay:
//
//	smtp://host[:25], host, host:port   STARTTLS when offered
//	smtps://host[:465]                  TLS from the beginning
//	lmtp://host[:24]                    LMTP
//	lmtp:/path, lmtp:///path            LMTP over a Unix socket
//	smtp:/path                          SMTP over a Unix socket
//
// The error wraps mail.ErrBadInput and never shows a password.
func ParseRelay(s string) (Relay, error) {
	if !strings.Contains(s, "://") && !strings.HasPrefix(s, "smtp:/") && !strings.HasPrefix(s, "lmtp:/") {
		s = "smtp://" + s
	}
	u, err := url.Parse(s)
	if err != nil {
		return Relay{}, badRelay("it is no address")
	}
	var r Relay
	port := "25"
	switch u.Scheme {
	case "smtp":
	case "smtps":
		port, r.Dialer.TLS = "465", smtp.TLSImplicit
	case "lmtp":
		port, r.Dialer.LMTP = "24", true
	default:
		return Relay{}, badRelay("it begins with none of smtp, smtps, lmtp")
	}
	switch {
	case u.User != nil:
		return Relay{}, badRelay("user and password have settings of their own")
	case u.RawQuery != "" || u.Fragment != "":
		return Relay{}, badRelay("there is something behind the address")
	case u.Host == "" && strings.HasPrefix(u.Path, "/") && len(u.Path) > 1 && u.Scheme != "smtps":
		r.Network, r.Address = "unix", u.Path
		return r, nil
	case u.Hostname() == "" || u.Path != "" && u.Path != "/":
		return Relay{}, badRelay("it has no host, or a path behind it")
	}
	if u.Port() != "" {
		port = u.Port()
	}
	r.Network, r.Address = "tcp", net.JoinHostPort(u.Hostname(), port)
	return r, nil
}

func badRelay(what string) error {
	return fmt.Errorf("relay: %s; write smtp://host:25, smtps://host:465, lmtp://host:24 or lmtp:/path: %w", what, mail.ErrBadInput)
}

// maxPerConnection is after how many messages a connection is left: relays
// limit that, and a name with several addresses gets its share for each.
const maxPerConnection = 100

// line is a worker's connection to the relay; nil client when there is none.
type line struct {
	relay  *Relay
	client *smtp.Client
	used   int
}

// get returns the open connection, or a new one.
func (l *line) get(ctx context.Context) (c *smtp.Client, err error) {
	if l.client != nil && l.used < maxPerConnection {
		if reply, err := l.client.Reset(); err == nil && reply.Positive() {
			l.used++
			return l.client, nil
		}
		l.drop() // it was idle for too long: nothing is lost
	}
	l.quit()
	if l.client, err = l.relay.Dialer.Dial(ctx, l.relay.Network, l.relay.Address); err != nil {
		l.client = nil
		return nil, err
	}
	l.used = 1
	return l.client, nil
}

// drop cuts the connection off.
func (l *line) drop() {
	if l.client != nil {
		l.client.Close()
		l.client = nil
	}
}

// quit ends the connection politely.
func (l *line) quit() {
	if l.client != nil {
		l.client.Quit()
		l.client = nil
	}
}
