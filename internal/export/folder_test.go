package export

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mailarchive/internal/mail"
)

// stopAfter gives n messages and then an error.
func stopAfter(n int, messages []Message) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		for _, m := range messages[:n] {
			if !yield(m, nil) {
				return
			}
		}
		yield(Message{}, errBoom)
	}
}

// TestResume: a folder that was left unfinished is refused, and with Resume
// gone on with; what is there is not written again.
func TestResume(t *testing.T) {
	messages := oddMessages()
	for _, format := range []Format{EML, Maildir} {
		dir := filepath.Join(t.TempDir(), "x")
		o := Options{Format: format, Title: "from:anna"}
		if _, err := ToFolder(t.Context(), stopAfter(5, messages), dir, o); !errors.Is(err, errBoom) {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(dir, ManifestName)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: an unfinished export has a manifest: %v", format, err)
		}
		_, err := ToFolder(t.Context(), sequence(messages...), dir, o)
		if !errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), "resume it") {
			t.Errorf("%s: without Resume: %v", format, err)
		}
		leave := filepath.Join(dir, map[Format]string{EML: "x.eml.tmp", Maildir: "tmp/half"}[format])
		if err := os.WriteFile(leave, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
		o.Resume = true
		sum := must(t, len(messages))(ToFolder(t.Context(), sequence(messages...), dir, o))
		if sum.There != 5 {
			t.Errorf("%s: %d messages were there, want 5", format, sum.There)
		}
		sameFiles(t, dir, messages)
		if _, err := os.Stat(leave); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: the half file of the first run is still there: %v", format, err)
		}
		_, err = ToFolder(t.Context(), sequence(messages...), dir, o)
		if !errors.Is(err, fs.ErrExist) || !strings.Contains(err.Error(), "finished") {
			t.Errorf("%s: a finished export: %v", format, err)
		}
	}
}

// TestFolderRefuses: nothing that is not an unfinished export of the same kind
// is touched.
func TestFolderRefuses(t *testing.T) {
	for name, fill := range map[string]func(dir string) error{
		"other file":   func(dir string) error { return os.WriteFile(dir+"/notes.txt", nil, 0o600) },
		"other readme": func(dir string) error { return os.WriteFile(dir+"/"+ReadmeName, []byte("other\n"), 0o600) },
		"other kind": func(dir string) error {
			_, err := ToFolder(context.Background(), stopAfter(0, nil), dir, Options{Format: Maildir})
			if errors.Is(err, errBoom) {
				return nil
			}
			return err
		},
	} {
		dir := t.TempDir()
		if err := fill(dir); err != nil {
			t.Fatal(err)
		}
		before, _ := os.ReadDir(dir)
		_, err := ToFolder(t.Context(), sequence(message(1, nil)), dir, Options{Format: EML, Resume: true})
		after, _ := os.ReadDir(dir)
		if !errors.Is(err, fs.ErrExist) || len(before) != len(after) {
			t.Errorf("%s: %v; %d files before, %d after", name, err, len(before), len(after))
		}
	}
}

// TestResumeFindsChangedFile: a file with other bytes is reported and left.
func TestResumeFindsChangedFile(t *testing.T) {
	dir := t.TempDir()
	messages := oddMessages()
	if _, err := ToFolder(t.Context(), stopAfter(2, messages), dir, Options{Format: EML}); !errors.Is(err, errBoom) {
		t.Fatal(err)
	}
	name := filepath.Join(dir, messages[1].ID.String()+".eml")
	if err := os.WriteFile(name, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	sum, err := ToFolder(t.Context(), sequence(messages...), dir, Options{Format: EML, Resume: true})
	if err != nil || sum.Failed != 1 || sum.Failures[0].ID != messages[1].ID || !errors.Is(sum.Failures[0].Err, fs.ErrExist) {
		t.Errorf("%+v, %v", sum, err)
	}
	if got := readFile(t, name); string(got) != "mine" {
		t.Errorf("the file has %q now", got)
	}
}

func TestFileRefuses(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"x.zip", "x.tgz", "x.mbox", "y.mbox." + ManifestName} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
		format := Format(strings.Split(name, ".")[1])
		target := strings.TrimSuffix(path, "."+ManifestName)
		_, err := ToFile(t.Context(), sequence(message(1, nil)), target, Options{Format: format})
		if got := readFile(t, path); !errors.Is(err, fs.ErrExist) || string(got) != "mine" {
			t.Errorf("%s: %v, holds %q", name, err, got)
		}
	}
}

// TestFileFails: nothing is left of a file that could not be finished.
func TestFileFails(t *testing.T) {
	for _, format := range []Format{Mbox, TGZ, Zip} {
		dir := t.TempDir()
		_, err := ToFile(t.Context(), stopAfter(3, oddMessages()), filepath.Join(dir, "x"), Options{Format: format})
		left, _ := os.ReadDir(dir)
		if !errors.Is(err, errBoom) || len(left) > 0 {
			t.Errorf("%s: %v, left %v", format, err, left)
		}
	}
}

func TestManifestKeepsBytes(t *testing.T) {
	m := message(1, []byte("x\n"))
	m.History[0].Envelope.From = "\xff@b"
	m.History[0].Envelope.To = append(m.History[0].Envelope.To, mail.Recipient{Address: "\xfe@b"})
	dir := t.TempDir()
	must(t, 1)(ToFolder(t.Context(), sequence(m), dir, Options{Format: EML}))
	a := readManifest(t, readFile(t, filepath.Join(dir, ManifestName)))[0].Arrivals[0]
	if a.MailFrom != "\uFFFD@b" || a.Base64["mail_from"] != "/0Bi" || a.Base64["rcpt_to/2"] != "/kBi" || a.RcptTo[1] != "hidden@example.org" {
		t.Errorf("%+v", a)
	}
}
