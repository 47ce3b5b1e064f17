package seal

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"mailarchive/internal/mail"
)

var password = []byte("Correct horse 7")

func newKey(t testing.TB, name string) *openpgp.Entity {
	t.Helper()
	e, err := openpgp.NewEntity(name, "", name+"@example.org", &packet.Config{RSABits: 2048})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestEncryptedComesBack(t *testing.T) {
	l := newLab(t).fill()
	key := newKey(t, "auditor")
	for _, c := range []struct {
		what   string
		lock   Lock
		secret Secret
		keys   int
	}{
		{"password", Lock{Password: password, Label: "of 2026"}, Secret{Passwords: [][]byte{[]byte("Old one 1"), password}}, 1},
		{"public key", Lock{Recipients: openpgp.EntityList{key}}, Secret{Keys: openpgp.EntityList{newKey(t, "x"), key}}, 1},
		{"both, by password", Lock{Password: password, Recipients: openpgp.EntityList{key}}, Secret{Passwords: [][]byte{password}}, 2},
		{"both, by key", Lock{Password: password, Recipients: openpgp.EntityList{key}}, Secret{Keys: openpgp.EntityList{key}}, 2},
	} {
		t.Run(c.what, func(t *testing.T) {
			_, files := l.made(Maker{Lock: &c.lock, MaxSize: 4 << 20}, 0)
			if files[0].Name.String() != "Oct-2026.enc" || len(files[0].Keys) != c.keys || len(files) < 2 {
				t.Errorf("made %+v", files)
			}
			var at int
			for _, f := range files {
				r := checked(t, real, f.Path, c.secret)
				ids := l.ids[at : at+int(r.Chain.Messages)]
				at += len(ids)
				for range 2 { // with the index, and without
					a, err := Open(ctx, real, f.Path, c.secret)
					if err != nil {
						t.Fatal(err)
					}
					l.holds(a, ids)
					a.Close()
					if err := os.Remove(f.Path + indexSuffix); err != nil {
						t.Error(err)
					}
				}
				if f.Name.Part > 0 {
					continue
				}
				if _, err := Check(ctx, real, f.Path, Secret{Passwords: [][]byte{[]byte("Wrong 12345")}}, nil, nil); !errors.Is(err, ErrNoSecret) {
					t.Errorf("another password: %v", err)
				}
			}
			if at != len(l.ids) {
				t.Errorf("%d of %d messages", at, len(l.ids))
			}
		})
	}
}

func TestBatchOutOfOnePass(t *testing.T) {
	l := newLab(t).fill()
	_, files := l.made(Maker{Lock: &Lock{Password: password}}, 0)
	a, err := Open(ctx, real, files[0].Path, Secret{Passwords: [][]byte{password}})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	asked := []mail.ID{l.ids[30], {9}, l.ids[8], l.ids[11], l.ids[30]}
	var got []mail.ID
	err = a.Messages(ctx, asked, func(m Message) error {
		b, err := io.ReadAll(m.Content)
		if err != nil || !bytes.Equal(b, l.sent[m.Arrival.ID]) {
			t.Errorf("%s: %d bytes, %v", m.Arrival.ID, len(b), err)
		}
		got = append(got, m.Arrival.ID)
		return nil
	})
	if err != nil || len(got) != 3 || got[0] != l.ids[8] || got[2] != l.ids[30] {
		t.Errorf("got %v, %v", got, err)
	}
	l.eachAlone(a)
}

func TestKeysOf(t *testing.T) {
	l := newLab(t)
	l.put(text(1, 10))
	key := newKey(t, "auditor")
	_, files := l.made(Maker{Lock: &Lock{Password: password, Label: "new", Recipients: openpgp.EntityList{key}}}, 0)
	encryption, _ := key.EncryptionKey(day.AddDate(1, 0, 0))
	id := "key " + encryption.PublicKey.KeyIdString()
	keys, err := KeysOf(bytes.NewReader(read(t, files[0].Path)))
	if err != nil || strings.Join(keys, ",") != id+",password" || strings.Join(files[0].Keys, ",") != id+",password new" {
		t.Errorf("keys %v, %v; made says %v", keys, err, files[0].Keys)
	}
	if keys, err := KeysOf(strings.NewReader("no such thing")); !errors.Is(err, mail.ErrDamaged) {
		t.Errorf("keys of nothing: %v, %v", keys, err)
	}
}

// TestArgon2IsNotTried: a file could ask for more memory than there is.
func TestArgon2IsNotTried(t *testing.T) {
	for _, c := range []struct {
		packet string
		hungry bool
	}{
		{"\xc3\x0d\x04\x09\x03\x08", false}, // ours
		{"\x8c\x0d\x04\x09\x03\x08", false}, // gpg's
		{"\xc3\x16\x04\x09\x04saltsaltsaltsalt\xff\xff\x1f", true},
		{"\x8c\x16\x04\x09\x04saltsaltsaltsalt\xff\xff\x1f", true},
		{"\x8d\x00\x16\x04\x09\x04salt", true},
		{"\xc3\xff\x00\x00\x00\x16\x04\x09\x04salt", true},
		{"\xc3\xe1\x04\x09\x03\x08", true}, // in pieces
		{"\xc3", true},
	} {
		if got := hungry([]byte(c.packet)); got != c.hungry {
			t.Errorf("%q: %v", c.packet, got)
		}
	}
}

func TestNothingToEncryptWith(t *testing.T) {
	l := newLab(t)
	l.put(text(1, 10))
	signer, err := openpgp.NewEntity("signs", "", "", &packet.Config{RSABits: 2048})
	if err != nil {
		t.Fatal(err)
	}
	signer.Subkeys = nil
	for _, lock := range []*Lock{{}, {Recipients: openpgp.EntityList{signer}}} {
		m := Maker{Folder: t.TempDir(), Lock: lock}
		_, err := m.Make(ctx, october, l.source(0))
		left, _ := os.ReadDir(m.Folder)
		if !errors.Is(err, mail.ErrBadInput) || len(left) > 0 {
			t.Errorf("%v; folder %v", err, left)
		}
	}
}

// TestGpgReadsOurs: what stock gpg 2.2 decrypts is the .tgz that would have
// been made without encryption, but for the digest of the packets with the keys.
func TestGpgReadsOurs(t *testing.T) {
	gpg := newGpg(t)
	l := newLab(t).fill()
	key := newKey(t, "auditor")
	var armored bytes.Buffer
	if err := key.SerializePrivate(&armored, nil); err != nil {
		t.Fatal(err)
	}
	gpg.run(t, armored.Bytes(), "--import")
	for what, lock := range map[string]*Lock{"password": {Password: password}, "key": {Recipients: openpgp.EntityList{key}}} {
		_, files := l.made(Maker{Lock: lock}, 0)
		out := gpg.run(t, password, "--pinentry-mode", "loopback", "--passphrase-fd", "0", "--decrypt", files[0].Path)
		plain := filepath.Join(t.TempDir(), "plain.tgz")
		if err := os.WriteFile(plain, out, 0o600); err != nil {
			t.Fatal(err)
		}
		var findings []Finding
		r, err := Check(ctx, real, plain, Secret{}, nil, func(f Finding) { findings = append(findings, f) })
		// Only that it was once inside an encryption shows.
		if err != nil || r.Chain != files[0].Chain || len(findings) != 1 || !strings.Contains(findings[0].What, "packets with the keys") {
			t.Errorf("%s: %+v, %v, %v", what, r.Chain, findings, err)
		}
	}
}

// TestWeReadGpg: gpg's own symmetric files, of sizes around its pieces.
func TestWeReadGpg(t *testing.T) {
	gpg := newGpg(t)
	for _, size := range []int{0, 22, 8192, chunkSize - 40, 3*chunkSize + 5} {
		in := filepath.Join(t.TempDir(), "in")
		want := noise(3, size)
		if err := os.WriteFile(in, want, 0o600); err != nil {
			t.Fatal(err)
		}
		out := gpg.run(t, password, "--pinentry-mode", "loopback", "--passphrase-fd", "0", "--compress-algo", "none", "--output", "-", "--symmetric", in)
		r, err := Decrypt(bytes.NewReader(out), Secret{Passwords: [][]byte{password}})
		if err != nil {
			t.Errorf("%d bytes: %v", size, err)
			continue
		}
		if b, err := io.ReadAll(r); err != nil || !bytes.Equal(b, want) {
			t.Errorf("%d bytes come back as %d, %v", size, len(b), err)
		}
	}
}

// TestEncryptionOfAnySize: what is written comes back whatever its length and
// however it is written, and no cut or flipped file does.
func TestEncryptionOfAnySize(t *testing.T) {
	for _, size := range []int{0, 1, 15, 16, 17, 8192, chunkSize - 60, chunkSize - 1, chunkSize, chunkSize + 1, 2*chunkSize - 30, 5 * chunkSize} {
		want := noise(1, size)
		var b bytes.Buffer
		o, err := (&Lock{Password: password}).open(&b, nil, day, "x.tgz")
		if err != nil {
			t.Fatal(err)
		}
		for rest := want; len(rest) > 0; {
			n := min(len(rest), 1+size/7)
			if _, err := o.plain.Write(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if err := o.plain.Close(); err != nil {
			t.Fatal(err)
		}
		secret := Secret{session: o.session}
		open := func(b []byte) ([]byte, error) {
			r, err := Decrypt(bytes.NewReader(b), secret)
			if err != nil {
				return nil, err
			}
			return io.ReadAll(r)
		}
		whole := b.Bytes()
		if got, err := open(whole); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes: %d came back, %v", size, len(got), err)
		}
		for _, cut := range []int{1, 20, 23, len(whole) / 2} {
			if _, err := open(whole[:len(whole)-cut]); err == nil {
				t.Errorf("%d bytes: %d were cut off and it reads well", size, cut)
			}
		}
		if _, err := open(append(bytes.Clone(whole), 0)); !errors.Is(err, mail.ErrDamaged) {
			t.Errorf("%d bytes: one more behind: %v", size, err)
		}
		for at := len(whole) - 40; at < len(whole); at++ {
			flipped := bytes.Clone(whole)
			flipped[at] ^= 4
			if _, err := open(flipped); err == nil {
				t.Errorf("%d bytes: byte %d flipped and it reads well", size, at)
			}
		}
	}
}

// gpg is a stock gpg with a home of its own.
type gpg struct{ home string }

func newGpg(t testing.TB) gpg {
	t.Helper()
	if _, err := exec.LookPath("gpg"); err != nil {
		t.Skip("NOT RUN: needs gpg (Debian package gnupg)")
	}
	home, err := os.MkdirTemp("", "gpg-") // short: its sockets live there
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = exec.Command("gpgconf", "--homedir", home, "--kill", "all").Run()
		os.RemoveAll(home)
	})
	return gpg{home}
}

func (g gpg) run(t testing.TB, in []byte, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("gpg", append([]string{"--homedir", g.home, "--batch", "--no-tty", "--trust-model", "always"}, args...)...)
	cmd.Stdin = bytes.NewReader(in)
	var errors bytes.Buffer
	cmd.Stderr = &errors
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("gpg %v: %v\n%s", args, err, errors.Bytes())
	}
	return out
}
