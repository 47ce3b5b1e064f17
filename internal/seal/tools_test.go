package seal

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// recipe returns the commands of a README: the lines behind four spaces.
func recipe(text string) string {
	var b strings.Builder
	b.WriteString("set -e\n")
	for line := range strings.Lines(text) {
		if command, ok := strings.CutPrefix(line, "    "); ok && !strings.HasPrefix(command, "        ") && !strings.HasPrefix(line, "                ") {
			b.WriteString(command)
		}
	}
	return b.String()
}

func needs(t testing.TB, tools ...string) {
	t.Helper()
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("NOT RUN: needs %s", tool)
		}
	}
}

// TestTheReadmeIsFollowed: the commands of README.txt, run as they stand, give
// every message byte for byte and find nothing wrong; with a message changed
// they say so.
func TestTheReadmeIsFollowed(t *testing.T) {
	needs(t, "tar", "gzip", "jq", "sha256sum", "gpg", "cut")
	l := newLab(t)
	l.put(text(1, 100), text(2, 2*MemberSize), text(1, 100), noise(3, 3*MemberSize), text(4, 5000), nil)
	for _, lock := range []*Lock{nil, {Password: password}} {
		folder, files := l.made(Maker{Lock: lock, MaxSize: 4 << 20}, 0)
		for _, f := range files {
			l.follow(folder, f, lock != nil)
		}
	}
}

func (l *lab) follow(folder string, f Sealed, encrypted bool) {
	l.Helper()
	script := recipe(string(readme(october, encrypted)))
	path := os.Getenv("PATH")
	if encrypted {
		path = l.gpgThatKnows() + ":" + path
	}
	run := func(script string) string {
		cmd := exec.Command("bash", "-c", script)
		cmd.Dir = folder
		cmd.Env = append(os.Environ(), "file="+f.Name.String(), "PATH="+path)
		out, err := cmd.CombinedOutput()
		if err != nil {
			l.Errorf("%s: %v", f.Name, err)
		}
		return string(out)
	}
	if out := run(script); out != "" {
		l.Errorf("%s: the recipe says:\n%s", f.Name, out)
	}
	inside := filepath.Join(folder, "mail")
	defer os.RemoveAll(inside)
	var n uint64
	for id, want := range l.sent {
		got, err := os.ReadFile(filepath.Join(inside, contentName(id)))
		if err != nil {
			continue // another file of the month, or bytes that stand once
		}
		n++
		copied, err := os.ReadFile(filepath.Join(inside, "Maildir/new", id.String()+".eml"))
		if !bytes.Equal(got, want) || !bytes.Equal(copied, want) || err != nil {
			l.Errorf("%s: %s has other bytes (%v)", f.Name, id, err)
		}
	}
	if n != f.Chain.Contents {
		l.Errorf("%s: %d files of %d", f.Name, n, f.Chain.Contents)
	}
	list := strings.Split(strings.TrimSpace(string(read(l, filepath.Join(inside, "list.txt")))), "\n")
	if uint64(len(list)) != f.Chain.Messages || !strings.Contains(list[0], "Grüße aus") {
		l.Errorf("%s: list has %d lines: %.200s", f.Name, len(list), list[0])
	}
	for _, change := range []string{"echo >> messages/" + f.Chain.First.ID.String() + ".eml", "rm messages/" + f.Chain.Last.ID.String() + ".json"} {
		broken := "cd mail\n" + change + "\n" + strings.Join(strings.SplitAfter(script, "\n")[4:], "")
		if out := run("(" + strings.Replace(broken, "set -e", "", 1) + ") 2>&1; true"); !strings.Contains(out, "FAILED") {
			l.Errorf("%s: after %q the recipe says %q", f.Name, change, out)
		}
	}
}

// gpgThatKnows returns a folder with a gpg that is given the password.
func (l *lab) gpgThatKnows() string {
	l.Helper()
	g := newGpg(l)
	real, err := exec.LookPath("gpg")
	if err != nil {
		l.Fatal(err)
	}
	file := filepath.Join(g.home, "password")
	script := "#!/bin/sh\nexec " + real + " --homedir " + g.home + " --batch --quiet --pinentry-mode loopback --passphrase-file " + file + " \"$@\"\n"
	bin := l.TempDir()
	if err := os.WriteFile(file, password, 0o600); err != nil {
		l.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(bin, "gpg"), []byte(script), 0o755); err != nil {
		l.Fatal(err)
	}
	return bin
}

// TestTarListsInOrder: what stock tar sees, and that it has nothing to say.
func TestTarListsInOrder(t *testing.T) {
	needs(t, "tar", "gzip")
	l := newLab(t)
	l.put(text(1, 10), text(2, 2*MemberSize), text(1, 10))
	_, files := l.made(Maker{}, 0)
	out, err := exec.Command("tar", "tzf", files[0].Path).CombinedOutput()
	want := []string{
		readmeName, recordName(l.ids[0]), contentName(l.ids[0]), recordName(l.ids[1]), contentName(l.ids[1]),
		recordName(l.ids[2]), manifestName, chainName, sumsName, "",
	}
	if err != nil || string(out) != strings.Join(want, "\n") {
		t.Errorf("tar says %s (%v)", out, err)
	}
	if out, err := exec.Command("gzip", "-tv", files[0].Path).CombinedOutput(); err != nil || !strings.Contains(string(out), "OK") {
		t.Errorf("gzip says %s (%v)", out, err)
	}
}
