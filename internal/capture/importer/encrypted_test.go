package importer

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"mailarchive/internal/mail"
)

const rightPassword = "Correct Horse 9"

// passwords are tried in order; the right one is not the first.
func passwords() [][]byte { return [][]byte{[]byte("wrong"), []byte(rightPassword)} }

// encryptedArchive makes Oct-2010.tgz of the files, and a password file, and
// runs a stock program that makes Oct-2010.enc of it.
func encryptedArchive(t *testing.T, files map[string]string, program string, args ...string) string {
	t.Helper()
	_, dir := oldTGZ(t, files)
	if err := os.WriteFile(filepath.Join(dir, "password"), []byte(rightPassword+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	stock(t, dir, program, args...)
	return filepath.Join(dir, "Oct-2010.enc")
}

// gpgHome gives gpg a home of its own, and ends the agent that it starts there.
func gpgHome(t *testing.T) {
	t.Helper()
	t.Setenv("GNUPGHOME", t.TempDir())
	t.Cleanup(func() {
		if out, err := exec.Command("gpgconf", "--kill", "all").CombinedOutput(); err != nil {
			t.Errorf("gpgconf: %v\n%s", err, out)
		}
	})
	stock(t, ".", "gpg", "--version")
}

// gpgSymmetric are the arguments by which gpg encrypts with the password.
func gpgSymmetric(more ...string) []string {
	args := []string{"--batch", "--quiet", "--no-symkey-cache", "--pinentry-mode", "loopback", "--passphrase-file", "password", "--s2k-count", "1024"}
	return append(append(args, more...), "-o", "Oct-2010.enc", "-c", "Oct-2010.tgz")
}

func opensslEnc(more ...string) []string {
	return append([]string{"enc", "-in", "Oct-2010.tgz", "-out", "Oct-2010.enc", "-pass", "file:password"}, more...)
}

// TestEncrypted imports what the stock programs wrote, in the ways that their
// versions have or had as default, and others that people chose.
func TestEncrypted(t *testing.T) {
	gpgHome(t)
	files := oldMessages(30)
	for name, command := range map[string][]string{
		"openssl 1.0":              append([]string{"openssl"}, opensslEnc("-aes-256-cbc", "-md", "md5")...),
		"openssl 1.1":              append([]string{"openssl"}, opensslEnc("-aes-256-cbc", "-md", "sha256")...),
		"openssl 128":              append([]string{"openssl"}, opensslEnc("-aes-128-cbc", "-md", "md5")...),
		"openssl 192":              append([]string{"openssl"}, opensslEnc("-aes-192-cbc", "-md", "sha1")...),
		"openssl sha512":           append([]string{"openssl"}, opensslEnc("-aes-256-cbc", "-md", "sha512")...),
		"openssl pbkdf2":           append([]string{"openssl"}, opensslEnc("-aes-256-cbc", "-pbkdf2")...),
		"openssl pbkdf2 128 sha1":  append([]string{"openssl"}, opensslEnc("-aes-128-cbc", "-pbkdf2", "-md", "sha1")...),
		"openssl base64":           append([]string{"openssl"}, opensslEnc("-aes-256-cbc", "-md", "md5", "-a")...),
		"openssl without salt":     append([]string{"openssl"}, opensslEnc("-aes-256-cbc", "-md", "md5", "-nosalt")...),
		"gpg":                      append([]string{"gpg"}, gpgSymmetric("--s2k-count", "65011712")...),
		"gpg armored":              append([]string{"gpg"}, gpgSymmetric("--armor")...),
		"gpg 1, no integrity code": append([]string{"gpg"}, gpgSymmetric("--rfc2440", "--cipher-algo", "CAST5")...),
		"gpg AES256 uncompressed":  append([]string{"gpg"}, gpgSymmetric("--cipher-algo", "AES256", "-z", "0")...),
	} {
		t.Run(name, func(t *testing.T) {
			archive := encryptedArchive(t, files, command[0], command[1:]...)
			a := newFake()
			o := Options{Paths: []string{archive}, Format: FormatSpool, DeliveredTo: true, Passwords: passwords()}
			sum, outcomes := importAll(t, a, o)
			if sum.Stored != len(files) || sum.Failed+sum.Skipped != 0 {
				t.Fatalf("%+v, first %+v", sum, outcomes[0])
			}
			sameContents(t, a, files)
			if sum, _ = importAll(t, a, o); sum.Already != len(files) {
				t.Errorf("again: %+v", sum)
			}
		})
	}
}

// TestEncryptedRefused: what cannot be opened says what was tried, and never
// the password.
func TestEncryptedRefused(t *testing.T) {
	gpgHome(t)
	files := oldMessages(2)
	aesEnc := encryptedArchive(t, files, "openssl", opensslEnc("-aes-256-cbc")...)
	camellia := encryptedArchive(t, files, "openssl", opensslEnc("-camellia-256-cbc")...)
	pgp := encryptedArchive(t, files, "gpg", gpgSymmetric()...)
	junk := filepath.Join(tree(t, map[string]string{"Oct-2010.enc": "\x8c" + strings.Repeat("junk", 1000)}), "Oct-2010.enc")
	short := filepath.Join(tree(t, map[string]string{"Oct-2010.enc": "Salted__1"}), "Oct-2010.enc")
	wrong := [][]byte{[]byte("not Correct Horse 9")}
	for _, tt := range []struct {
		name, path string
		passwords  [][]byte
		reason     string
	}{
		{"no password", aesEnc, nil, "no password was given"},
		{"openssl, wrong password", aesEnc, wrong, "openssl enc"},
		{"gpg, wrong password", pgp, wrong, "OpenPGP: no password fits"},
		{"another cipher", camellia, passwords(), "openssl enc"},
		{"junk", junk, passwords(), "OpenPGP"},
		{"short", short, passwords(), "openssl enc"},
	} {
		sum, outcomes := importAll(t, newFake(), Options{Paths: []string{tt.path}, Passwords: tt.passwords})
		if sum.Failed != 1 || !strings.Contains(outcomes[0].Reason, tt.reason) || strings.Contains(outcomes[0].Reason, "Horse") {
			t.Errorf("%s: %+v", tt.name, outcomes)
		}
	}
}

// TestEncryptedOther: a message that holds no archive is not taken for one.
func TestEncryptedOther(t *testing.T) {
	gpgHome(t)
	_, dir := oldTGZ(t, oldMessages(1))
	for name, text := range map[string]string{"password": rightPassword, "Oct-2010.tgz": "just text"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stock(t, dir, "gpg", gpgSymmetric()...)
	sum, outcomes := importAll(t, newFake(), Options{Paths: []string{filepath.Join(dir, "Oct-2010.enc")}, Passwords: passwords()})
	if sum.Failed != 1 || !strings.Contains(outcomes[0].Reason, "neither a tar nor a .tgz") {
		t.Errorf("%+v", outcomes)
	}
}

func TestEncryptedToKeys(t *testing.T) {
	gpgHome(t)
	_, dir := oldTGZ(t, oldMessages(1))
	stock(t, dir, "gpg", "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "", "--quick-gen-key", "a@example.org", "rsa2048", "encr", "never")
	stock(t, dir, "gpg", "--batch", "--quiet", "--trust-model", "always", "-r", "a@example.org", "-o", "Oct-2010.enc", "-e", "Oct-2010.tgz")
	sum, outcomes := importAll(t, newFake(), Options{Paths: []string{filepath.Join(dir, "Oct-2010.enc")}, Passwords: passwords()})
	if sum.Failed != 1 || !strings.Contains(outcomes[0].Reason, "gpg -d") {
		t.Errorf("%+v", outcomes)
	}
}

// TestEncryptedDamaged: what comes before a cut is imported; a changed byte is
// told at the latest at the end.
func TestEncryptedDamaged(t *testing.T) {
	gpgHome(t)
	files := oldMessages(200)
	for name, command := range map[string][]string{
		"openssl": append([]string{"openssl"}, opensslEnc("-aes-256-cbc", "-md", "md5")...),
		"gpg":     append([]string{"gpg"}, gpgSymmetric()...),
	} {
		archive := encryptedArchive(t, files, command[0], command[1:]...)
		b, err := os.ReadFile(archive)
		if err != nil {
			t.Fatal(err)
		}
		flipped := bytes.Clone(b)
		flipped[len(b)-40] ^= 1
		for damage, bytes := range map[string][]byte{"cut": b[:len(b)*3/4], "last block": b[:len(b)-16], "odd": b[:len(b)-1], "flipped": flipped} {
			root := tree(t, map[string]string{"Oct-2010.enc": string(bytes)})
			sum, outcomes := importAll(t, newFake(), Options{Paths: []string{root}, Format: FormatSpool, Passwords: passwords()})
			if sum.Stored < 100 || sum.Failed == 0 {
				t.Errorf("%s, %s: %+v, last %+v", name, damage, sum, outcomes[len(outcomes)-1])
			}
		}
	}
}

// TestCBCReader compares with the cipher itself, at every size around a block
// and a buffer, read in pieces.
func TestCBCReader(t *testing.T) {
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	iv := make([]byte, aes.BlockSize)
	for _, size := range []int{0, 1, 15, 16, 17, 32<<10 - 17, 32<<10 - 16, 32<<10 - 1, 32 << 10, 32<<10 + 1, 100_000} {
		plain := bytes.Repeat([]byte("0123456789x"), size/11+1)[:size]
		pad := aes.BlockSize - size%aes.BlockSize
		sealed := append(bytes.Clone(plain), bytes.Repeat([]byte{byte(pad)}, pad)...)
		cipher.NewCBCEncrypter(block, iv).CryptBlocks(sealed, sealed)
		open := func(b []byte) ([]byte, error) {
			return io.ReadAll(iotest.HalfReader(&cbcReader{r: iotest.DataErrReader(bytes.NewReader(b)), mode: cipher.NewCBCDecrypter(block, iv)}))
		}
		if got, err := open(sealed); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%d bytes: %d come back, %v", size, len(got), err)
		}
		got, err := open(sealed[:len(sealed)-1])
		if !errors.Is(err, io.ErrUnexpectedEOF) || !bytes.HasPrefix(plain, got) || len(got) != size-size%aes.BlockSize {
			t.Errorf("%d bytes, cut: %d come back, %v", size, len(got), err)
		}
		if got, err := open(sealed[:len(sealed)-aes.BlockSize]); !errors.Is(err, io.ErrUnexpectedEOF) || len(got) != size-size%aes.BlockSize {
			t.Errorf("%d bytes, without the last block: %d come back, %v", size, len(got), err)
		}
	}
	if got, err := io.ReadAll(&cbcReader{r: iotest.ErrReader(errBoom), mode: cipher.NewCBCDecrypter(block, iv)}); !errors.Is(err, errBoom) || len(got) > 0 {
		t.Errorf("a source that fails: %q, %v", got, err)
	}
}

func TestReadPasswords(t *testing.T) {
	for _, tt := range []struct {
		text, want string
		err        error
	}{
		{"one", "one", nil},
		{"one\r\n\ntwo words \n", "one|two words ", nil},
		{"\n\n", "", mail.ErrBadInput},
		{"", "", mail.ErrBadInput},
	} {
		name := filepath.Join(tree(t, map[string]string{"p": tt.text}), "p")
		got, err := ReadPasswords(name)
		if string(bytes.Join(got, []byte("|"))) != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%q: %q, %v", tt.text, got, err)
		}
	}
	if _, err := ReadPasswords("/nowhere"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	long := filepath.Join(tree(t, map[string]string{"p": strings.Repeat("secret", 10_000)}), "p")
	if _, err := ReadPasswords(long); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("a line without end: %v", err)
	}
}

// FuzzEncrypted: whatever a file holds, opening it ends and does not panic.
func FuzzEncrypted(f *testing.F) {
	f.Add([]byte("Salted__12345678" + strings.Repeat("x", 600)))
	f.Add([]byte("U2FsdGVkX18xMjM0NTY3OA=="))
	f.Add([]byte("-----BEGIN PGP MESSAGE-----\n\njA0ECQMC\n=abcd\n-----END PGP MESSAGE-----\n"))
	f.Add([]byte("\x8c\x0d\x04\x09\x03\x02\x5e\xa2\x14\x33\xb7\xe4\x05\x0c\xff\xd2\x41\x01\x9f"))
	f.Fuzz(func(t *testing.T, b []byte) {
		name := filepath.Join(t.TempDir(), "x.enc")
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		a := newFake()
		if _, err := Run(t.Context(), a, Options{Paths: []string{name}, Passwords: [][]byte{[]byte("p")}}); err != nil {
			t.Error(err)
		}
	})
}
