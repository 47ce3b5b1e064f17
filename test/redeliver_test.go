package test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-msgauth/dkim"
)

// signed is a message with a DKIM signature, and the key record of its domain.
func signed(t *testing.T) (message []byte, record string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	original := strings.ReplaceAll(`From: Ann <ann@outside.example>
To: Bob <bob@local.example>
Cc: Cee <cee@local.example>
Subject: a signed offer
Message-ID: <offer@outside.example>
Date: Tue, 24 Nov 2026 10:00:00 +0000

The price is 42 EUR.
.a line that begins with a dot
`, "\n", "\r\n")
	var out bytes.Buffer
	err = dkim.Sign(&out, strings.NewReader(original), &dkim.SignOptions{
		Domain: "outside.example", Selector: "s", Signer: key,
		HeaderKeys: []string{"From", "To", "Cc", "Subject", "Message-ID", "Date"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), "v=DKIM1; k=rsa; p=" + base64.StdEncoding.EncodeToString(public)
}

// verifies reports whether the signature of outside.example holds.
func verifies(t *testing.T, message []byte, record string) bool {
	t.Helper()
	all, err := dkim.VerifyWithOptions(bytes.NewReader(message), &dkim.VerifyOptions{
		LookupTXT: func(string) ([]string, error) { return []string{record}, nil },
	})
	if err != nil || len(all) != 1 {
		t.Fatalf("%d signatures, %v", len(all), err)
	}
	return all[0].Err == nil
}

// TestRedeliveryThroughPostfixIntoDovecot sends archived mail again through a
// real Postfix into real mailboxes.
func TestRedeliveryThroughPostfixIntoDovecot(t *testing.T) {
	d := startDovecot(t)
	p := startPostfix(t, "virtual_transport = lmtp:inet:"+d.lmtp+"\nlmtp_host_lookup = native", "")
	s := serve(t, t.TempDir(), "--relay", "smtp://"+p.address, "--local-domains", "local.example",
		"--redeliver-from", "archive@local.example", "--hostname", "archive.local.example")
	message, record := signed(t)
	s.hand("ann@outside.example", []string{"bob@local.example", "blind@local.example"}, message)
	id := s.found("offer", 1, 5*time.Second)[0].ID

	// A preview sends nothing.
	out, code := s.run("redeliver", "--dry-run", "--json", id)
	var plan struct{ To []string }
	if code != 0 || json.Unmarshal([]byte(out), &plan) != nil || strings.Join(plan.To, " ") != "bob@local.example cee@local.example" {
		t.Errorf("plan: exit %d, %s", code, out)
	}
	if _, code := s.run("redeliver", id); code != 0 {
		t.Fatalf("redeliver: exit %d", code)
	}
	for _, user := range []string{"bob", "cee"} {
		got := d.mailbox(user, 1)[0]
		// What the mail servers put in front is theirs; from the block of
		// Resent- fields on, it is ours, and behind that the original.
		at := bytes.Index(crlf(got), message)
		if at < 0 || !bytes.Contains(got[:at], []byte("Resent-From: <archive@local.example>")) || !bytes.HasSuffix(crlf(got), message) {
			t.Errorf("%s got other bytes behind the Resent- block:\n%s", user, got)
		}
		if !verifies(t, crlf(got), record) {
			t.Errorf("the DKIM signature does not hold any more:\n%s", got)
		}
	}
	// To those it was really delivered to, the blind copy among them; nobody
	// is told of it.
	if _, code := s.run("redeliver", "--envelope", id); code != 0 {
		t.Errorf("redeliver --envelope: exit %d", code)
	}
	if got := d.mailbox("blind", 1)[0]; bytes.Contains(got[:bytes.Index(got, []byte("DKIM-Signature"))], []byte("Resent-To: blind")) {
		t.Errorf("the blind copy is named:\n%s", got)
	}
	d.mailbox("bob", 2)
	// To an address of another domain only when it is asked for.
	if out, code := s.run("redeliver", id, "--to", "eve@outside.example"); code != 1 || !strings.Contains(out, "not one of ours") {
		t.Errorf("to another domain: exit %d, %s", code, out)
	}
	queue, _ := s.run("queue", "--json")
	if n := strings.Count(queue, `"state":"sent"`); n != 4 {
		t.Errorf("%d recipients are sent in the queue:\n%s", n, queue)
	}
}

// TestRedeliveryAsAttachment has exact bytes where SMTP would change them.
func TestRedeliveryAsAttachment(t *testing.T) {
	d := startDovecot(t)
	p := startPostfix(t, "virtual_transport = lmtp:inet:"+d.lmtp+"\nlmtp_host_lookup = native", "")
	s := serve(t, t.TempDir(), "--relay", "smtp://"+p.address, "--local-domains", "local.example", "--redeliver-from", "archive@local.example")
	odd := []byte("From: ann@outside.example\r\nTo: bob@local.example\r\nSubject: odd bytes\r\n\r\nNUL \x00, bare LF\nand CR\rand " +
		strings.Repeat("a long line ", 200) + "\r\n")
	s.hand("ann@outside.example", []string{"bob@local.example"}, odd)
	id := s.found("odd", 1, 5*time.Second)[0].ID
	if _, code := s.run("redeliver", id); code != 0 {
		t.Fatalf("redeliver: exit %d", code)
	}
	got := d.mailbox("bob", 1)[0]
	if inner := attached(t, got); !bytes.Equal(inner, odd) {
		t.Errorf("attached is %q, want %q", inner, odd)
	}
}

// TestRedeliveryOutlastsTrouble: the relay is down, then the archive is killed
// with the queue full; in the end everybody has got the mail.
func TestRedeliveryOutlastsTrouble(t *testing.T) {
	d := startDovecot(t)
	p := startPostfix(t, "virtual_transport = lmtp:inet:"+d.lmtp+"\nlmtp_host_lookup = native", "")
	p.control("stop")
	s := serve(t, t.TempDir(), "--relay", "smtp://"+p.address, "--local-domains", "local.example", "--redeliver-from", "archive@local.example")
	message, _ := signed(t)
	s.hand("ann@outside.example", []string{"bob@local.example"}, message)
	id := s.found("offer", 1, 5*time.Second)[0].ID
	if _, code := s.run("redeliver", id); code != 0 {
		t.Fatalf("redeliver: exit %d", code)
	}
	s.until("the relay was found down", 20*time.Second, func() bool { return strings.Contains(s.log.String(), "relay cannot be used") })
	s.kill()
	p.control("start")
	s.start()
	if _, code := s.run("queue", "retry"); code != 0 {
		t.Errorf("queue retry: exit %d", code)
	}
	d.mailbox("bob", 1)
	d.mailbox("cee", 1)
}

// attached returns the message/rfc822 part, decoded.
func attached(t *testing.T, b []byte) []byte {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatalf("%v in:\n%s", err, b)
	}
	for r := multipart.NewReader(m.Body, params["boundary"]); ; {
		part, err := r.NextPart()
		if err != nil {
			t.Fatalf("no attached message: %v\n%s", err, b)
		}
		if !strings.HasPrefix(part.Header.Get("Content-Type"), "message/rfc822") {
			continue
		}
		if part.Header.Get("Content-Transfer-Encoding") != "base64" {
			t.Errorf("encoding %q", part.Header.Get("Content-Transfer-Encoding"))
		}
		inner, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, part))
		if err != nil {
			t.Fatal(err)
		}
		return inner
	}
}
