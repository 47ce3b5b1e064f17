package smtp

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func testTLS(t testing.TB) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"archive.test"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

// startTLS goes through EHLO and STARTTLS, sending pipelined behind it in the
// clear.
func (c *client) startTLS(pipelined string) *client {
	c.t.Helper()
	c.expect("220")
	c.send("EHLO clear\r\n")
	c.expect("250-archive.test", "250-PIPELINING", "250-SIZE", "250-STARTTLS", "250-", "250-", "250-", "250-", "250-", "250 ")
	c.send("STARTTLS\r\n" + pipelined)
	c.expect("220 2.0.0 Go ahead")
	secured := tls.Client(c.Conn, &tls.Config{InsecureSkipVerify: true})
	if err := secured.Handshake(); err != nil {
		c.t.Fatal(err)
	}
	return &client{c.t, secured, bufio.NewReader(secured)}
}

func TestStartTLS(t *testing.T) {
	r := &recorder{}
	s := testServer(r)
	s.TLS = testTLS(t)
	c := dial(t, serve(t, s)).startTLS("")
	c.send("MAIL FROM:<a@b>\r\n")
	c.expect("503 5.5.1 Introduce yourself first") // RFC 3207 4.2
	c.send("EHLO secured\r\n")
	c.expect("250-archive.test", "250-PIPELINING", "250-SIZE", "250-ENHANCED", "250-", "250-", "250-", "250-", "250 ")
	c.send("STARTTLS\r\n")
	c.expect("503 5.5.1 STARTTLS is not offered here")
	c.send(envelope + "DATA\r\nx\r\n.\r\nQUIT\r\n")
	c.expect("250", "250", "354", "250 2.0.0 Taken", "221")
	c.expectEnd()
	eventually(t, func() bool { r.mu.Lock(); defer r.mu.Unlock(); return slices.Contains(r.events, "close") })
	want := []string{"EHLO clear", "EHLO secured tls", `from a@b []`, `to c@d []`, "data", "close"}
	if diff := cmp.Diff(want, r.events); diff != "" {
		t.Error(diff)
	}
}

// TestStartTLSInjection: commands in the clear behind STARTTLS are not run
// under TLS (the flaw of CVE-2011-0411).
func TestStartTLSInjection(t *testing.T) {
	r := &recorder{}
	s := testServer(r)
	s.TLS = testTLS(t)
	c := dial(t, serve(t, s)).startTLS("EHLO injected\r\nMAIL FROM:<evil@b>\r\n")
	c.send("NOOP\r\n")
	c.expect("250 2.0.0 Ok") // and nothing before it
	c.send("EHLO secured\r\nQUIT\r\n")
	for range 9 {
		c.expect("250")
	}
	c.expect("221")
	c.expectEnd()
	r.mu.Lock()
	defer r.mu.Unlock()
	if diff := cmp.Diff([]string{"EHLO clear", "EHLO secured tls"}, r.events[:2]); diff != "" {
		t.Error(diff)
	}
}

func TestStartTLSFails(t *testing.T) {
	s := testServer(&recorder{})
	s.TLS = testTLS(t)
	c := dial(t, serve(t, s))
	c.expect("220")
	c.send("EHLO clear\r\nSTARTTLS\r\n")
	for range 10 {
		c.expect("250")
	}
	c.expect("220")
	c.send("NOOP, no handshake\r\n")
	if line, _ := c.in.ReadString('\n'); len(line) > 0 && line[0] >= '2' && line[0] <= '5' {
		t.Errorf("answered %q in the clear", line)
	}
}
