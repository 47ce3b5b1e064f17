package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func loadText(t *testing.T, text string) (*Loaded, error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "c.toml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load(Sources{File: name})
}

func TestWatches(t *testing.T) {
	l, err := loadText(t, `
[[import.watch]]
path = "/srv/old/messages"
format = "spool"
delivered-to = true

[[import.watch]]
path = "/srv/Maildir"
interval = "1d"
owner = "ann@example.org"
`)
	if err != nil || len(l.Watches) != 2 {
		t.Fatalf("%+v, %v", l.Watches, err)
	}
	first, second := l.Watches[0], l.Watches[1]
	if first.Format != "spool" || !first.DeliveredTo || first.Interval.Span() != time.Hour || first.Settle.Span() != time.Minute {
		t.Errorf("first is %+v", first)
	}
	if second.Format != "auto" || second.Interval.Span() != 24*time.Hour || second.Owner != "ann@example.org" {
		t.Errorf("second is %+v", second)
	}
	var printed strings.Builder
	if err := l.Print(&printed); err != nil || !strings.Contains(printed.String(), "[[import.watch]]\npath = \"/srv/old/messages\"") {
		t.Errorf("printed %v:\n%s", err, printed.String())
	}
}

func TestWatchMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"import = 3":                                          "is no table",
		"[import]\nwatches = 1":                               "watches",
		"[import]\nwatch = 1":                                 "[[import.watch]]",
		"[[import.watch]]\nformat = \"eml\"":                  "path",
		"[[import.watch]]\npath = \"/a\"\nintervall = \"1h\"": "interval",
		"[[import.watch]]\npath = \"/a\"\nformat = \"pst\"":   "mboxrd",
	} {
		if _, err := loadText(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %q in it", text, err, want)
		}
	}
}
