package export

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mailarchive/internal/corpus"
	"mailarchive/internal/extract"
	"mailarchive/internal/mail"
)

// clock is the time that tests write at.
func clock() time.Time { return time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC) }

// numberedID returns the n-th of rising IDs.
func numberedID(n int) mail.ID {
	id := mail.NextID(mail.ID{}, clock())
	copy(id[6:], make([]byte, 10))
	id[12], id[13], id[14], id[15] = byte(n>>24), byte(n>>16), byte(n>>8), byte(n)
	return id
}

// message makes a message of the bytes, as capture would have left it.
func message(n int, content []byte) Message {
	m := Message{Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(content)), nil
	}}
	m.ID, m.Digest, m.Size = numberedID(n), mail.Sum(content), int64(len(content))
	m.Received = clock().Add(time.Duration(n) * time.Second)
	m.Subject = "Grüße & <b>"
	m.From = []extract.Participant{{Name: "Anna", Address: "anna@example.org"}}
	m.History = []mail.Arrival{{
		ID: m.ID, Seq: uint64(n), Digest: m.Digest, Size: m.Size, Received: m.Received,
		Envelope: mail.Envelope{
			Source: "smtp", From: "anna@example.org",
			To: []mail.Recipient{{Address: "bob@example.org"}, {Address: "hidden@example.org"}},
		},
	}}
	return m
}

// sequence gives messages one after the other.
func sequence(list ...Message) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		for _, m := range list {
			if !yield(m, nil) {
				return
			}
		}
	}
}

// odd are contents that formats get wrong.
func odd() [][]byte {
	texts := []string{
		"Subject: plain\r\n\r\nFrom here on\r\n>From there\r\n>>From 1\r\n\r\n",
		"From: a@b\n\nunix\nFrom a@b Thu Jun 10 10:00:00 2010\nnot a message\n",
		"",
		"\n",
		"\r\n",
		"From me",
		">From me",
		"no line end",
		"ends in CR\r",
		"three empty lines\n\n\n\n",
		"NUL \x00 and \xff\xfe\n.\r\n..\r\nLF.LF\n.\n",
		strings.Repeat(">", 3*lineBuffer) + "From far\n" + strings.Repeat(">", lineBuffer) + "From \n",
		strings.Repeat("x", lineBuffer-3) + "\nFrom the edge\n",
		strings.Repeat("long ", 40_000) + "From \r\n",
		strings.Repeat("From line\n", smallMax/10) + "and the rest",
		strings.Repeat("y", smallMax),
	}
	all := make([][]byte, len(texts))
	for i, t := range texts {
		all[i] = []byte(t)
	}
	return all
}

func oddMessages() []Message {
	var all []Message
	for i, b := range odd() {
		all = append(all, message(i+1, b))
	}
	return all
}

// must returns a summary that has all messages.
func must(t *testing.T, want int) func(Summary, error) Summary {
	return func(sum Summary, err error) Summary {
		t.Helper()
		if err != nil || sum.Written != want || sum.Failed != 0 {
			t.Fatalf("got %+v, %v; want %d messages", sum, err, want)
		}
		return sum
	}
}

// readManifest reads a manifest.
func readManifest(t *testing.T, b []byte) []Entry {
	t.Helper()
	var all []Entry
	for d := json.NewDecoder(bytes.NewReader(b)); ; {
		var e Entry
		err := d.Decode(&e)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("manifest: %v", err)
		}
		all = append(all, e)
	}
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// command prepares a program that must be there.
func command(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skipf("%v (apt install %s)", err, name)
	}
	return exec.CommandContext(t.Context(), name, args...)
}

func digestOf(t *testing.T, r io.Reader) mail.Digest {
	t.Helper()
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		t.Fatal(err)
	}
	return mail.Digest(h.Sum(nil))
}

// run runs a program that must be there and must not fail.
func run(t *testing.T, dir, name string, args ...string) []byte {
	t.Helper()
	c := command(t, name, args...)
	c.Dir = dir
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, stderr.String())
	}
	return out
}

// sameFiles compares what an export has in dir with the messages.
func sameFiles(t *testing.T, dir string, messages []Message) {
	t.Helper()
	entries := readManifest(t, readFile(t, filepath.Join(dir, ManifestName)))
	if len(entries) != len(messages) {
		t.Fatalf("manifest has %d lines for %d messages", len(entries), len(messages))
	}
	for i, e := range entries {
		b := readFile(t, filepath.Join(dir, filepath.FromSlash(e.File)))
		if e.ID != messages[i].ID || e.SHA256 != messages[i].Digest || mail.Sum(b) != e.SHA256 || int64(len(b)) != e.Size {
			t.Errorf("%s: entry %+v, file %s of %d bytes", messages[i].ID, e, mail.Sum(b), len(b))
		}
	}
}

// bulkMessages returns up to most messages of the corpus.
func bulkMessages(t testing.TB, most int) []Message {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(corpus.Bulk(t), "*", "*.eml"))
	if more, _ := filepath.Glob(filepath.Join(corpus.Bulk(t), "*", "*", "*.eml")); err == nil {
		names = append(names, more...)
	}
	if err != nil || len(names) == 0 {
		t.Skipf("no messages in the corpus: %v", err)
	}
	var all []Message
	for i, name := range names[:min(most, len(names))] {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		m := message(i+1, b)
		m.Open = func(context.Context) (io.ReadCloser, error) { return os.Open(name) }
		all = append(all, m)
	}
	return all
}

var errBoom = errors.New("boom")

// broken is a message whose bytes cannot be had, in one of several ways.
func broken(n int, way string) Message {
	m := message(n, []byte("right"))
	m.Open = func(context.Context) (io.ReadCloser, error) {
		switch way {
		case "open":
			return nil, fmt.Errorf("%w: %w", errBoom, mail.ErrDamaged)
		case "digest":
			return io.NopCloser(strings.NewReader("wrong")), nil
		case "late digest":
			return io.NopCloser(strings.NewReader(strings.Repeat("wrong", smallMax))), nil
		}
		return io.NopCloser(io.MultiReader(strings.NewReader("ri"), failing{})), nil
	}
	return m
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errBoom }
