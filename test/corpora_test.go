package test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"mailarchive/internal/corpus"
)

// messages returns the paths of all .eml files below the folders.
func messages(t *testing.T, folders ...string) []string {
	t.Helper()
	var names []string
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(name string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() && strings.HasSuffix(name, ".eml") {
				names = append(names, name)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return names
}

// TestCorpusTortureComesOutAsItWentIn and its sister for the bulk corpus hand
// every message in twice, by import and by SMTP with CRLF line ends, and
// compare digests.
func TestCorpusTortureComesOutAsItWentIn(t *testing.T) {
	roundTrip(t, messages(t, corpus.Torture(t)), corpus.Torture(t))
}

func TestCorpusBulkComesOutAsItWentIn(t *testing.T) {
	if !soak() {
		t.Skip("NOT RUN: 23,001 messages are for make soak")
	}
	folder := corpus.Bulk(t)
	s := roundTrip(t, messages(t, folder), folder)
	rss := peakRSS(t, s.cmd.Process.Pid)
	t.Logf("peak RSS of the server: %d MiB", rss)
	if rss > 400 {
		t.Errorf("import of the bulk corpus took %d MiB", rss)
	}
}

func roundTrip(t *testing.T, names []string, folder string) *server {
	t.Helper()
	s := serve(t, t.TempDir())
	report := filepath.Join(t.TempDir(), "report.jsonl")
	if out, code := s.run("import", "--format", "eml", "--report", report, folder); code != 0 {
		t.Fatalf("import: exit %d\n%s", code, out)
	}
	imported := outcomes(t, report)
	want := map[string]bool{}
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		sum := digest(content)
		want[sum] = true
		o := imported[name]
		if o.Outcome != "stored" && o.Outcome != "already" || o.SHA256 != sum {
			t.Errorf("%s was %q with digest %s, want %s (%s)", name, o.Outcome, o.SHA256, sum, o.Reason)
			continue
		}
		if len(names) < 5000 {
			if got := s.raw(o.ID); digest(got) != sum {
				t.Errorf("%s came out with digest %s", name, digest(got))
			}
		}
	}
	for sum := range bySMTP(t, s, names) {
		want[sum] = true
	}
	s.until("stored = indexed", 3*time.Minute, func() bool {
		n := s.stats()
		return n.Stored == n.Indexed && n.Stored >= uint64(len(want))
	})
	for _, h := range s.search("", "--limit", "0") {
		delete(want, h.SHA256)
	}
	for sum := range want {
		t.Errorf("content %s is not among the results", sum)
	}
	if out, code := s.run("verify"); code != 0 { // hashes every content
		t.Errorf("verify: exit %d\n%s", code, out)
	}
	return s
}

// bySMTP sends the messages over several connections and returns the digests
// of what was acknowledged, which must be all.
func bySMTP(t *testing.T, s *server, names []string) map[string]bool {
	t.Helper()
	work := make(chan string)
	sums := map[string]bool{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range 16 {
		c := greeted(t, s.smtp)
		wg.Go(func() {
			for name := range work {
				content, err := os.ReadFile(name)
				if err != nil {
					t.Error(err)
					continue
				}
				content = crlf(content)
				reply, err := c.send("corpus@local.example", []string{"archive@local.example"}, content)
				if err != nil || !strings.HasPrefix(reply, "250") {
					t.Errorf("%s: %q %v", name, reply, err)
				}
				mu.Lock()
				sums[digest(content)] = true
				mu.Unlock()
			}
		})
	}
	for _, name := range names {
		work <- name
	}
	close(work)
	wg.Wait()
	return sums
}

// crlf gives every line a CRLF; a line that has one keeps it.
func crlf(content []byte) []byte {
	content = bytes.ReplaceAll(content, []byte("\r\n"), []byte("\n"))
	content = bytes.ReplaceAll(content, []byte("\n"), []byte("\r\n"))
	if !bytes.HasSuffix(content, []byte("\r\n")) {
		content = append(content, "\r\n"...)
	}
	return content
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// outcome is a line of an import's report.
type outcome struct{ Path, Outcome, ID, SHA256, Reason string }

// outcomes reads a report by path.
func outcomes(t *testing.T, report string) map[string]outcome {
	t.Helper()
	b, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]outcome{}
	for d := json.NewDecoder(bytes.NewReader(b)); d.More(); {
		var o outcome
		if err := d.Decode(&o); err != nil {
			t.Fatal(err)
		}
		all[o.Path] = o
	}
	return all
}
