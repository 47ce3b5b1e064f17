package extract

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"mailarchive/internal/corpus"
)

// expectation is a line of special/expect.jsonl.
type expectation struct {
	Path       string
	Subject    string
	SubjectRaw string `json:"subject_raw_8bit"`
	BodyHas    string `json:"body_has"`
	Token      string
	Attachment string
	From       string `json:"from_"`
	To         string
	Sender     string
	Envelope   []string
}

// everything is all that search would see of a message, names with it.
func everything(m Message) string {
	parts := []string{m.Subject, m.Text, m.MessageID}
	for _, people := range [][]Participant{m.From, m.Sender, m.ReplyTo, m.To, m.Cc, m.Bcc} {
		for _, p := range people {
			parts = append(parts, p.Name, p.Address)
		}
	}
	for _, a := range m.Attachments {
		parts = append(parts, a.Name)
	}
	return strings.Join(parts, "\n")
}

func (e expectation) missing(m Message) []string {
	var missing []string
	check := func(what, where, want string) {
		if !strings.Contains(where, strings.TrimSpace(want)) {
			missing = append(missing, what+" "+want)
		}
	}
	all := everything(m)
	check("subject", m.Subject, e.Subject)
	check("raw subject", m.Subject, e.SubjectRaw)
	check("body", m.Text, e.BodyHas)
	check("token", all, e.Token)
	check("attachment", all, e.Attachment)
	for _, a := range append(e.Envelope, e.Sender, address(e.From), address(e.To)) {
		check("address", all, a)
	}
	return missing
}

func address(s string) string {
	if i := strings.IndexByte(s, '<'); i >= 0 {
		return strings.Trim(s[i:], "<>")
	}
	return s
}

// TestSpecial reads the special sets: what expect.jsonl says must be found, but
// for the cases listed here with their cause.
func TestSpecial(t *testing.T) {
	dir := filepath.Join(corpus.Torture(t), "special")
	lines, err := os.ReadFile(filepath.Join(dir, "expect.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	x := New(Limits{})
	cases, failed := 0, 0
	for line := range bytes.Lines(lines) {
		var e expectation
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		cases++
		m := extractFile(t, x, filepath.Join(dir, e.Path))
		if missing := e.missing(m); len(missing) > 0 {
			failed++
			t.Logf("%s: not found: %q; subject %q, text %.200q", e.Path, missing, m.Subject, m.Text)
		}
	}
	t.Logf("%d of %d cases found", cases-failed, cases)
	if failed*100 > cases*2 {
		t.Errorf("%d of %d cases not found, more than 2 %%", failed, cases)
	}
}

func extractFile(t testing.TB, x *Extractor, path string) Message {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := x.Extract(f)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return m
}

func emlFiles(t testing.TB, dir string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && strings.HasSuffix(path, ".eml") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestTortureHolds reads every hostile file and checks what always holds.
func TestTortureHolds(t *testing.T) {
	x := New(Limits{})
	problems := map[string]int{}
	for _, path := range emlFiles(t, corpus.Torture(t)) {
		m := extractFile(t, x, path)
		checkHolds(t, path, m)
		for _, p := range m.Problems {
			problems[p]++
			if strings.Contains(p, "bug") {
				t.Errorf("%s: %s", path, p)
			}
		}
	}
	t.Logf("problems: %v", problems)
}

// checkHolds checks what is promised of every message.
func checkHolds(t testing.TB, name string, m Message) {
	t.Helper()
	all := everything(m) + strings.Join(m.InReplyTo, "") + strings.Join(m.References, "") + strings.Join(m.Problems, "")
	if !utf8.ValidString(all) || strings.ContainsRune(all, 0) {
		t.Errorf("%s: text is not UTF-8 without NUL", name)
	}
	if y := m.Date.Year(); y > 9999 {
		t.Errorf("%s: year %d", name, y)
	}
}

func BenchmarkExtract(b *testing.B) {
	var messages [][]byte
	var size int64
	for i, path := range emlFiles(b, corpus.Bulk(b)) {
		if i%10 > 0 {
			continue
		}
		m, err := os.ReadFile(path)
		if err != nil {
			b.Fatal(err)
		}
		messages = append(messages, m)
		size += int64(len(m))
	}
	x := New(Limits{})
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		for _, m := range messages {
			if _, err := x.Extract(bytes.NewReader(m)); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(len(messages)*b.N)/b.Elapsed().Seconds(), "messages/s")
}
