package smtpd

import (
	"bytes"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"mailarchive/internal/durable"
	"mailarchive/internal/durable/durabletest"
)

func TestSelfSigned(t *testing.T) {
	for hostname, want := range map[string]string{"archive.example.org": "archive.example.org", "": "localhost"} {
		c, err := SelfSigned(hostname)
		if err != nil {
			t.Fatal(err)
		}
		roots := x509.NewCertPool()
		roots.AddCert(c.Leaf)
		if _, err := c.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: want}); err != nil {
			t.Errorf("certificate for %q: %v", hostname, err)
		}
	}
	if _, err := SelfSigned("ümlaut.example"); err == nil {
		t.Error("a name that cannot stand in a certificate was taken")
	}
}

func TestLoadOrMakeCertificate(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	name := filepath.Join(dir, CertificateFile)
	load := func(hostname string, now time.Time) []byte {
		t.Helper()
		c, err := loadOrMake(durable.OS{}, dir, hostname, now)
		if err != nil {
			t.Fatal(err)
		}
		return c.Certificate[0]
	}
	first := load("a.test", now)
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("file: %v, %v, want mode 0600", info, err)
	}
	if !bytes.Equal(first, load("a.test", now)) {
		t.Error("a second start made another certificate")
	}
	second := load("b.test", now)
	if bytes.Equal(first, second) {
		t.Error("another hostname got the same certificate")
	}
	third := load("b.test", now.Add(lifetime+time.Hour))
	if bytes.Equal(second, third) {
		t.Error("an expired certificate was used")
	}
	if err := os.WriteFile(name, []byte("no PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(third, load("b.test", now)) {
		t.Error("a damaged file was used")
	}
	if c, err := LoadOrMakeCertificate(durable.OS{}, filepath.Join(dir, "missing"), "a.test"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: got %v, %v", c.Leaf, err)
	}
}

// TestCertificateCutAnywhere: whenever the power fails, the next start has a
// certificate, and one that was promised stays.
func TestCertificateCutAnywhere(t *testing.T) {
	for n := 1; ; n++ {
		disk := durabletest.New(durabletest.Options{})
		disk.FailAt(n, durabletest.Fault{Cut: true})
		made, err := LoadOrMakeCertificate(disk, "/", "a.test")
		again, errAgain := LoadOrMakeCertificate(disk.Crash(durabletest.Nothing), "/", "a.test")
		if errAgain != nil {
			t.Fatalf("cut at %d: %v", n, errAgain)
		}
		if err == nil && !bytes.Equal(made.Certificate[0], again.Certificate[0]) {
			t.Fatalf("cut at %d: the certificate is another", n)
		}
		if disk.Ops() < n {
			return
		}
	}
}

func TestCertificateOnFullDisk(t *testing.T) {
	disk := durabletest.New(durabletest.Options{})
	disk.FailAt(2, durabletest.Fault{Err: syscall.ENOSPC})
	if _, err := LoadOrMakeCertificate(disk, "/", "a.test"); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("got %v, want %v", err, syscall.ENOSPC)
	}
}
