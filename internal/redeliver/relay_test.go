package redeliver

import (
	"errors"
	"strings"
	"testing"

	"mailarchive/internal/mail"
	"mailarchive/internal/smtp"
)

func TestParseRelay(t *testing.T) {
	for _, tt := range []struct {
		in, network, address string
		lmtp                 bool
		tls                  smtp.TLSMode
	}{
		{"smtp://mx.example.org", "tcp", "mx.example.org:25", false, smtp.TLSWhenOffered},
		{"smtp://mx.example.org:587/", "tcp", "mx.example.org:587", false, smtp.TLSWhenOffered},
		{"mx.example.org", "tcp", "mx.example.org:25", false, smtp.TLSWhenOffered},
		{"127.0.0.1:2525", "tcp", "127.0.0.1:2525", false, smtp.TLSWhenOffered},
		{"[::1]:25", "tcp", "[::1]:25", false, smtp.TLSWhenOffered},
		{"smtp://[::1]", "tcp", "[::1]:25", false, smtp.TLSWhenOffered},
		{"SMTPS://mx.example.org", "tcp", "mx.example.org:465", false, smtp.TLSImplicit},
		{"lmtp://localhost", "tcp", "localhost:24", true, smtp.TLSWhenOffered},
		{"lmtp://localhost:2003", "tcp", "localhost:2003", true, smtp.TLSWhenOffered},
		{"lmtp:/run/dovecot/lmtp", "unix", "/run/dovecot/lmtp", true, smtp.TLSWhenOffered},
		{"lmtp:///run/dovecot/lmtp", "unix", "/run/dovecot/lmtp", true, smtp.TLSWhenOffered},
		{"smtp:/run/smtp", "unix", "/run/smtp", false, smtp.TLSWhenOffered},
	} {
		r, err := ParseRelay(tt.in)
		if err != nil || r.Network != tt.network || r.Address != tt.address || r.Dialer.LMTP != tt.lmtp || r.Dialer.TLS != tt.tls {
			t.Errorf("%s: %s %s, LMTP %v, TLS %v, %v", tt.in, r.Network, r.Address, r.Dialer.LMTP, r.Dialer.TLS, err)
		}
	}
	for _, in := range []string{"", "smtp://", "smtp:///", "http://mx", "smtp://ann:secret@mx", "smtp://mx/path", "smtp://mx?x=1", "smtp://mx#x",
		"smtps:///run/x", "mx:port", "a b", "://", "lmtp://%zz"} {
		if r, err := ParseRelay(in); !errors.Is(err, mail.ErrBadInput) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %+v, %v", in, r, err)
		}
	}
}

func FuzzParseRelay(f *testing.F) {
	f.Add("smtp://mx:25")
	f.Add("lmtp:/run/x")
	f.Add("[::1]")
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseRelay(s)
		if err == nil && (r.Network != "tcp" && r.Network != "unix" || r.Address == "") || err != nil && !errors.Is(err, mail.ErrBadInput) {
			t.Fatalf("%q: %+v, %v", s, r, err)
		}
	})
}
