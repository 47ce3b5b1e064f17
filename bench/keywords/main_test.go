package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mailarchive/internal/corpus"
)

// TestPrecision fails when the keywords of the sample mailbox get worse than
// the goal.
func TestPrecision(t *testing.T) {
	var out strings.Builder
	if err := run(&out, true); err != nil {
		t.Errorf("%v\n%s", err, out.String())
	}
	if !strings.Contains(out.String(), "messages 100,") {
		t.Errorf("not 100 messages: %s", out.String())
	}
}

func TestParse(t *testing.T) {
	got, err := parse("# note\n\na-01\tGruß; RE-2026/1\n")
	if err != nil || len(got) != 1 || strings.Join(got["a-01"], ",") != "gruss,re 2026 1" {
		t.Errorf("parse: %v, %v", got, err)
	}
	for _, text := range []string{"a-01 Gruß\n", "a-01\tx\na-01\ty\n"} {
		if _, err := parse(text); err == nil {
			t.Errorf("parse(%q): no error", text)
		}
	}
	if _, err := judge(map[string][]string{"nobody": {"x"}}, &strings.Builder{}, false); err == nil {
		t.Error("a judgement of a message that is not there: no error")
	}
}

func TestCompare(t *testing.T) {
	good, bad := compare([]string{"Grüße", "Pumpe"}, []string{"grusse"})
	if good != 1 || len(bad) != 1 || bad[0] != "Pumpe" {
		t.Errorf("compare: %d good, bad %q", good, bad)
	}
}

func TestList(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"1.eml", "2.eml", "3.txt"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte("Subject: Impeller "+name+"\r\n\r\nText\r\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out strings.Builder
	if err := list(&out, folder, 2); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); !strings.HasPrefix(got, "2.eml\n") || strings.Contains(got, "1.eml") || !strings.Contains(got, "Impeller") {
		t.Errorf("list printed %q", got)
	}
	if err := list(&out, filepath.Join(folder, "none"), 1); err == nil {
		t.Error("a folder that is not there: no error")
	}
}

// TestRealMail looks at the keywords of real mail where it is to be had: nearly
// all messages have some, and none is an address or the like.
func TestRealMail(t *testing.T) {
	var out strings.Builder
	if err := list(&out, filepath.Join(corpus.Bulk(t), "spamassassin-ham"), 1); err != nil {
		t.Fatal(err)
	}
	messages, without, odd := 0, 0, 0
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	for i := 2; i < len(lines); i += 3 {
		messages++
		keywords := strings.TrimSpace(lines[i])
		if keywords == "" {
			without++
		}
		for k := range strings.SplitSeq(keywords, ", ") {
			if strings.ContainsAny(k, "@<>=") || len(k) > 60 {
				odd++
			}
		}
	}
	t.Logf("%d messages, %d without keywords, %d odd keywords", messages, without, odd)
	if messages == 0 || without*100 > messages || odd > 0 {
		t.Errorf("%d messages, %d without keywords, %d odd keywords", messages, without, odd)
	}
}
