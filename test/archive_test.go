package test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// digests returns the SHA-256 of every message in the archive, by ID.
func (s *server) digests() map[string]string {
	s.t.Helper()
	all := map[string]string{}
	for _, h := range s.search("", "--limit", "0") {
		all[h.ID] = h.SHA256
	}
	return all
}

// mailbox writes n messages of a few kilobytes into a folder and returns it.
func mailbox(t *testing.T, n int) string {
	t.Helper()
	folder := t.TempDir()
	r := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		var b strings.Builder
		fmt.Fprintf(&b, "From: ann@local.example\r\nTo: bob%d@local.example\r\nSubject: number %d\r\nMessage-ID: <%d@local.example>\r\n"+
			"Date: Tue, 24 Nov 2026 10:00:00 +0000\r\n\r\n", i, i, i)
		for range 40 + r.IntN(400) {
			fmt.Fprintf(&b, "word%d ", r.IntN(1_000_000))
		}
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%04d.eml", i)), []byte(b.String()+"\r\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// archived is an archive, not running, that has these messages.
func archived(t *testing.T, folder string, config string) *server {
	t.Helper()
	s := &server{t: t, data: filepath.Join(t.TempDir(), "data")}
	file := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(file, []byte("timezone = \"UTC\"\n"+config), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("MAIL_ARCHIVE_CONFIG", file)
	if out, code := s.run("import", folder); code != 0 {
		t.Fatalf("import: exit %d, %s", code, out)
	}
	return s
}

func thisMonth() string { return time.Now().UTC().Format("2006-01") }

func archiveName(suffix string) string { return time.Now().UTC().Format("Jan-2006") + suffix }

func shell(t *testing.T, folder, script string, environment ...string) string {
	t.Helper()
	c := exec.Command("bash", "-euo", "pipefail", "-c", script)
	c.Dir = folder
	c.Env = append(os.Environ(), environment...)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}

// TestArchiveFileWithStockTools opens files with nothing of ours and compares
// every message.
func TestArchiveFileWithStockTools(t *testing.T) {
	needs(t, "tar", "gpg", "jq", "sha256sum")
	s := archived(t, mailbox(t, 200), "")
	want := s.digests()
	if out, code := s.run("archive", "--month", thisMonth()); code != 0 {
		t.Fatalf("archive: exit %d, %s", code, out)
	}
	open := t.TempDir()
	shell(t, open, "tar xzf '"+filepath.Join(s.data, "archives", archiveName(".tgz"))+"' && sha256sum --quiet -c SHA256SUMS")
	same(t, open, want)

	// What is encrypted opens with gpg and the password.
	e := archived(t, mailbox(t, 100), "encrypt = true\n")
	want = e.digests()
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("Dampf8maschine\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code := e.run("archive", "set-password", "--from-file", password); code != 0 {
		t.Fatalf("set-password: exit %d, %s", code, out)
	}
	if out, code := e.run("archive", "--month", thisMonth()); code != 0 {
		t.Fatalf("archive: exit %d, %s", code, out)
	}
	open = t.TempDir()
	shell(t, open, "gpg --batch --quiet --pinentry-mode loopback --passphrase-file '"+password+"' -d '"+
		filepath.Join(e.data, "archives", archiveName(".enc"))+"' | tar xz && sha256sum --quiet -c SHA256SUMS", "GNUPGHOME="+t.TempDir())
	same(t, open, want)
}

// same compares the messages of an opened file with what the archive had.
func same(t *testing.T, folder string, want map[string]string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(shell(t, folder, `jq -r '[.id, .sha256, .file] | @tsv' MANIFEST.jsonl`)), "\n")
	got := map[string]string{}
	for _, line := range lines {
		fields := strings.Split(line, "\t")
		b, err := os.ReadFile(filepath.Join(folder, fields[2]))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(b)
		if hex.EncodeToString(sum[:]) != fields[1] {
			t.Errorf("%s has other bytes", fields[2])
		}
		got[fields[0]] = fields[1]
	}
	for id, digest := range want {
		if got[id] != digest {
			t.Errorf("%s is %q in the file, want %s", id, got[id], digest)
		}
	}
}

// TestKilledWhileSealing kills the command at random moments: each message is
// there all the time, no half file has a final name, and in the end all is
// sealed.
func TestKilledWhileSealing(t *testing.T) {
	rounds := 6
	if soak() {
		rounds = 200
	}
	s := archived(t, mailbox(t, 600), "")
	want := s.digests()
	r := rand.New(rand.NewPCG(3, 4))
	for round := range rounds {
		c := exec.Command(binary, "archive", "--data", s.data, "--month", thisMonth())
		c.Stderr = &bytes.Buffer{}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(time.Duration(r.IntN(400))*time.Millisecond, func() { c.Process.Kill() })
		c.Wait()
		timer.Stop()
		files, err := os.ReadDir(filepath.Join(s.data, "archives"))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		for _, f := range files {
			if strings.HasSuffix(f.Name(), ".tgz") {
				shell(t, s.data, "gzip -t 'archives/"+f.Name()+"'")
			}
		}
		if round%3 == 2 {
			s.have(want)
		}
		s.run("import", mailboxOf(t, round)) // something new each time
		for id, digest := range s.digests() {
			want[id] = digest
		}
	}
	if out, code := s.run("archive", "--month", thisMonth()); code != 0 {
		t.Errorf("archive in the end: exit %d, %s", code, out)
	}
	s.have(want)
	if out, code := s.run("verify"); code != 0 {
		t.Errorf("verify: exit %d, %s", code, out)
	}
	if out, code := s.run("archive", "verify"); code != 0 {
		t.Errorf("archive verify: exit %d, %s", code, out)
	}
}

// mailboxOf is one message that no other round has.
func mailboxOf(t *testing.T, round int) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "new.eml")
	if err := os.WriteFile(name, fmt.Appendf(nil, "Subject: round %d\r\n\r\ntext\r\n", round), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// have exports all messages and compares their digests with what is wanted.
func (s *server) have(want map[string]string) {
	s.t.Helper()
	folder := filepath.Join(s.t.TempDir(), "out")
	if out, code := s.run("export", "", "--format", "eml", "--output", folder); code != 0 {
		s.t.Fatalf("export: exit %d, %s", code, out)
	}
	manifest, err := os.ReadFile(filepath.Join(folder, "MANIFEST.jsonl"))
	if err != nil {
		s.t.Fatal(err)
	}
	got := map[string]string{}
	for line := range bytes.Lines(manifest) {
		var entry struct{ ID, SHA256, File string }
		if err := json.Unmarshal(line, &entry); err != nil {
			s.t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(folder, entry.File))
		if err != nil {
			s.t.Fatal(err)
		}
		sum := sha256.Sum256(b)
		got[entry.ID] = hex.EncodeToString(sum[:])
	}
	for id, digest := range want {
		if got[id] != digest {
			s.t.Fatalf("%s is %q, want %s", id, got[id], digest)
		}
	}
}
