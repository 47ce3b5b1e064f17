package smtpd

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"mailarchive/internal/durable"
)

const (
	// CertificateFile holds certificate and key in one, so that a crash
	// cannot part them.
	CertificateFile = "smtp-tls.pem"
	// lifetime of a certificate that we make. Nobody checks it but those who
	// pinned it, and they should not have to do so again soon.
	lifetime = 10 * 365 * 24 * time.Hour
	// maxCertificateFile is far more than certificate and key take.
	maxCertificateFile = 1 << 20
)

// SelfSigned makes a certificate for opportunistic TLS (RFC 7435): it keeps
// listeners on the wire out, and proves nothing. Without a hostname it is for
// localhost.
func SelfSigned(hostname string) (tls.Certificate, error) {
	certificate, _, err := selfSigned(hostname, time.Now())
	return certificate, err
}

func selfSigned(hostname string, now time.Time) (tls.Certificate, []byte, error) {
	text, err := newPEM(nameFor(hostname), now)
	if err != nil {
		return tls.Certificate{}, nil, fmt.Errorf("make certificate: %w", err)
	}
	certificate, err := tls.X509KeyPair(text, text)
	return certificate, text, err
}

func nameFor(hostname string) string {
	if hostname == "" {
		return "localhost"
	}
	return hostname
}

func newPEM(hostname string, now time.Time) ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127)) // RFC 5280 4.1.2.2
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: hostname},
		DNSNames:     []string{hostname},
		NotBefore:    now.Add(-time.Hour), // for peers whose clock is behind
		NotAfter:     now.Add(lifetime),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return append(text, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})...), nil
}

// LoadOrMakeCertificate reads CertificateFile in the folder dir. Without one,
// or with one that is damaged, expired or for another hostname, it makes a
// certificate, which is on disk, synced, readable for its owner only, when it
// returns nil.
func LoadOrMakeCertificate(fsys durable.FS, dir, hostname string) (tls.Certificate, error) {
	return loadOrMake(fsys, dir, hostname, time.Now())
}

func loadOrMake(fsys durable.FS, dir, hostname string, now time.Time) (tls.Certificate, error) {
	name := filepath.Join(dir, CertificateFile)
	if certificate, err := load(fsys, name); err == nil && usable(certificate, hostname, now) {
		return certificate, nil
	}
	certificate, text, err := selfSigned(hostname, now)
	if err != nil {
		return tls.Certificate{}, err
	}
	err = durable.WriteFile(fsys, name, 0o600, func(w io.Writer) error {
		_, err := io.Copy(w, bytes.NewReader(text))
		return err
	})
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("keep certificate: %w", err)
	}
	return certificate, nil
}

func load(fsys durable.FS, name string) (tls.Certificate, error) {
	f, err := fsys.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return tls.Certificate{}, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxCertificateFile))
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(text, text)
}

func usable(certificate tls.Certificate, hostname string, now time.Time) bool {
	leaf := certificate.Leaf
	return leaf != nil && now.Before(leaf.NotAfter) && leaf.Subject.CommonName == nameFor(hostname)
}
