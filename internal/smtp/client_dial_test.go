package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"mailarchive/internal/mail"
)

func TestClientBeginning(t *testing.T) {
	hello := step{"EHLO client.test", "250-x\r\n250-AUTH=LOGIN\r\n250-auth PLAIN\r\n250 size 1000\r\n"}
	for _, tt := range []struct {
		name  string
		mode  TLSMode
		steps []step
		want  string // in the error; empty for none
	}{
		{"turned away", TLSNever, []step{{"", "554-5.7.1 Go\r\n554 5.7.1 away\r\n"}}, "554 5.7.1 Go / away"},
		{"too busy", TLSNever, []step{{"", "421 later\r\n"}}, "421 later"},
		{"no server of mail", TLSNever, []step{{"", "SSH-2.0-OpenSSH\r\n"}}, errReplyForm.Error()},
		{"gone", TLSNever, []step{{"", ""}}, "EOF"},
		{"old", TLSNever, []step{{"", "220 x\r\n"}, {"EHLO client.test", "502 what\r\n"}, {"HELO client.test", "250 x\r\n"}}, ""},
		{"neither", TLSNever, []step{{"", "220 x\r\n"}, {"EHLO client.test", "502 what\r\n"}, {"HELO client.test", "550 no\r\n"}}, "HELO: 550 no"},
		{"refused", TLSNever, []step{{"", "220 x\r\n"}, {"EHLO client.test", "550 no\r\n"}}, "EHLO: 550 no"},
		{"offers", TLSWhenOffered, []step{{"", "220 x\r\n"}, hello}, ""},
		{"no encryption", TLSRequired, []step{{"", "220 x\r\n"}, hello}, ErrNotOffered.Error()},
		{"injected", TLSRequired, []step{{"", "220 x\r\n"}, {"EHLO client.test", "250-x\r\n250 STARTTLS\r\n"},
			{"STARTTLS", "220 go\r\n250 injected\r\n"}}, errInjected.Error()},
		{"no handshake", TLSRequired, []step{{"", "220 x\r\n"}, {"EHLO client.test", "250-x\r\n250 STARTTLS\r\n"},
			{"STARTTLS", "454 4.7.0 not now\r\n"}}, "454 4.7.0 not now"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := played(t, tt.steps...)
			d.TLS = tt.mode
			c, err := d.Dial(t.Context(), "tcp", "mx.test:25")
			if err == nil {
				defer c.Close()
			}
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Fatalf("%v, want %q", err, tt.want)
			}
			if tt.name == "offers" {
				if auth, ok := c.Offers("AUTH"); !ok || auth != "LOGIN PLAIN" || c.MaxSize() != 1000 {
					t.Errorf("offers %v, size %d", c.offers, c.MaxSize())
				}
			}
		})
	}
}

func TestClientTLS(t *testing.T) {
	r := &recorder{}
	s := testServer(r)
	s.TLS = testTLS(t)
	address := serve(t, s)
	trusting := &tls.Config{InsecureSkipVerify: true}
	for _, tt := range []struct {
		name    string
		d       Dialer
		secured bool
		fails   bool
	}{
		{"required, certificate not trusted", Dialer{TLS: TLSRequired}, false, true},
		{"required, not checked", Dialer{TLS: TLSRequired, TLSConfig: trusting}, true, false},
		{"on this machine", Dialer{}, false, false},
		{"never", Dialer{TLS: TLSNever}, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := tt.d.Dial(t.Context(), "tcp", address)
			if tt.fails {
				if unverified, ok := errors.AsType[*tls.CertificateVerificationError](err); !ok {
					t.Fatalf("%v is no %T", err, unverified)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if (c.TLS() != nil) != tt.secured {
				t.Errorf("TLS %v", c.TLS())
			}
			if got := sendOne(t, c, "x\r\n", "c@d"); !got[0].Positive() {
				t.Errorf("%v", got)
			}
			c.Quit()
		})
	}
}

func TestClientImplicitTLS(t *testing.T) {
	l, err := tls.Listen("tcp", "127.0.0.1:0", testTLS(t))
	if err != nil {
		t.Fatal(err)
	}
	s := testServer(&recorder{})
	var running sync.WaitGroup
	running.Go(func() { s.Serve(l) })
	t.Cleanup(func() { s.Shutdown(context.Background()); running.Wait() })
	c := connect(t, &Dialer{TLS: TLSImplicit, TLSConfig: &tls.Config{InsecureSkipVerify: true}}, l.Addr().String())
	if c.TLS() == nil {
		t.Error("in the clear")
	}
	sendOne(t, c, "x\r\n", "c@d")
	c.Quit()
}

func TestClientSignsIn(t *testing.T) {
	begin := func(mechanisms string) []step {
		return []step{{"", "220 x\r\n"}, {"EHLO client.test", "250-x\r\n250 AUTH " + mechanisms + "\r\n"}}
	}
	const plain = "AGFubgBzZWNyZXQ=" // \0ann\0secret
	for _, tt := range []struct {
		name  string
		steps []step
		want  string
	}{
		{"plain", append(begin("LOGIN PLAIN"), step{"AUTH PLAIN " + plain, "235 2.7.0 Welcome\r\n"}), ""},
		{"plain, asked", append(begin("PLAIN"), step{"AUTH PLAIN " + plain, "334 \r\n"}, step{plain, "235 ok\r\n"}), ""},
		{"login", append(begin("LOGIN"), step{"AUTH LOGIN", "334 VXNlcm5hbWU6\r\n"}, step{"YW5u", "334 x\r\n"}, step{"c2VjcmV0", "235 ok\r\n"}), ""},
		{"wrong", append(begin("PLAIN"), step{"AUTH PLAIN " + plain, "535 5.7.8 No\r\n"}), `sign in as "ann": 535 5.7.8 No`},
		{"wrong name", append(begin("LOGIN"), step{"AUTH LOGIN", "334 x\r\n"}, step{"YW5u", "535 5.7.8 No\r\n"}), "535 5.7.8 No"},
		{"unknown ways", begin("CRAM-MD5"), ErrNotOffered.Error()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := played(t, tt.steps...)
			d.User, d.Password, d.AuthInClear = "ann", "secret", true
			c, err := d.Dial(t.Context(), "tcp", "mx.test:25")
			if err == nil {
				c.Close()
			}
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Fatalf("%v, want %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the password is in the error: %v", err)
			}
		})
	}
}

// TestClientKeepsPassword: it does not go over a network in the clear.
func TestClientKeepsPassword(t *testing.T) {
	d := played(t, step{"", "220 x\r\n"}, step{"EHLO client.test", "250-x\r\n250 AUTH PLAIN\r\n"})
	d.User, d.Password = "ann", "secret"
	if _, err := d.Dial(t.Context(), "tcp", "mx.test:25"); !errors.Is(err, errAuthInClear) {
		t.Errorf("%v, want %v", err, errAuthInClear)
	}
}

// TestClientTimes: each phase has its time (RFC 5321 4.5.3.2).
func TestClientTimes(t *testing.T) {
	upTo := func(n int) []step {
		return []step{{"", "220 x\r\n"}, {"EHLO client.test", "250 x\r\n"}, {"MAIL FROM:<a@b>", "250 ok\r\n"},
			{"RCPT TO:<c@d>", "250 ok\r\n"}, {"DATA", "354 go\r\n"}, {"x", "25"}}[:n]
	}
	for _, tt := range []struct {
		name  string
		steps []step
		want  time.Duration
	}{
		{"greeting", []step{{"", "22"}}, 5 * time.Minute},
		{"hello", upTo(1), 5 * time.Minute},
		{"mail", upTo(2), 5 * time.Minute},
		{"rcpt", upTo(3), 5 * time.Minute},
		{"data", upTo(4), 2 * time.Minute},
		{"end", upTo(6), 10 * time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				err := tryOne(t, played(t, tt.steps...))
				if err == nil || !strings.Contains(err.Error(), "timeout") {
					t.Errorf("%v, want a timeout", err)
				}
				if got := time.Since(began); got != tt.want {
					t.Errorf("took %v, want %v", got, tt.want)
				}
			})
		})
	}
}

// tryOne sends one message and returns the first error.
func tryOne(t testing.TB, d *Dialer) error {
	c, err := d.Dial(t.Context(), "tcp", "mx.test:25")
	if err != nil {
		return err
	}
	defer c.Close()
	if _, _, err := c.Envelope("a@b", nil, []mail.Recipient{{Address: "c@d"}}); err != nil {
		return err
	}
	w, _, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, "x\r\n"); err != nil {
		return err
	}
	_, err = w.Finish()
	return err
}

func TestClientCancelled(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	reason := errors.New("no longer wanted")
	d := played(t, step{"", "220 x\r\n"}, step{"EHLO client.test", "250 x\r\n"})
	c, err := d.Dial(ctx, "tcp", "mx.test:25")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	done := make(chan error)
	go func() {
		_, err := c.Command("NOOP")
		done <- err
	}()
	cancel(reason)
	if err := <-done; !errors.Is(err, reason) {
		t.Errorf("%v, want %v", err, reason)
	}
}
