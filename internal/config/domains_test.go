package config

import (
	"slices"
	"strings"
	"testing"
)

func TestDomains(t *testing.T) {
	for text, want := range map[string][]string{
		"":                                nil,
		"example.org":                     {"example.org"},
		" example.org , .group.example ,": {"example.org", ".group.example"},
		"bücher.example":                  {"bücher.example"},
		"xn--bcher-kva.example":           {"xn--bcher-kva.example"},
		"intranet":                        {"intranet"},
		"EXAMPLE.org.":                    {"EXAMPLE.org."},
	} {
		var d Domains
		if err := d.UnmarshalText([]byte(text)); err != nil || !slices.Equal(d.List(), want) {
			t.Errorf("%q: %q, %v, want %q", text, d.List(), err, want)
		}
	}
	for _, text := range []string{"ann@example.org", "example.org/", "*.example.org", ".", "..example.org", "a b.example", "a..b", "example.org;b.example", strings.Repeat("a.", 200) + "b"} {
		d := Domains{names: []string{"before.example"}}
		if err := d.UnmarshalText([]byte(text)); err == nil || len(d.List()) != 1 {
			t.Errorf("%q was taken: %q", text, d.List())
		}
	}
}

func TestLocalDomainsInAFile(t *testing.T) {
	for _, text := range []string{
		"local-domains = [\"example.org\", \".group.example\"]\n", "local-domains = \"example.org, .group.example\"\n",
	} {
		l, err := Load(testSources(t, text))
		if err != nil {
			t.Fatal(err)
		}
		if got := l.LocalDomains.List(); !slices.Equal(got, []string{"example.org", ".group.example"}) {
			t.Errorf("%q: %q", text, got)
		}
		var b strings.Builder
		if err := l.Print(&b); err != nil || !strings.Contains(b.String(), "local-domains = [\"example.org\", \".group.example\"]\n") {
			t.Errorf("printed, %v:\n%s", err, b.String())
		}
	}
	_, err := Load(testSources(t, "local_domains = [\"example.org\"]\n"))
	if err == nil || !strings.Contains(err.Error(), "local-domains") {
		t.Errorf("with an underscore: %v, want the right name in it", err)
	}
	_, err = Load(testSources(t, "local-domains = [\"ann@example.org\"]\n"))
	if err == nil || !strings.Contains(err.Error(), "which is no domain") {
		t.Errorf("an address: %v", err)
	}
}

func FuzzDomains(f *testing.F) {
	f.Add("example.org, .group.example")
	f.Add("xn--a, ü.example,,")
	f.Fuzz(func(t *testing.T, text string) {
		var d, again Domains
		if d.UnmarshalText([]byte(text)) != nil {
			return
		}
		if err := again.UnmarshalText([]byte(d.String())); err != nil || !slices.Equal(again.List(), d.List()) {
			t.Errorf("%q: %q, read again %q, %v", text, d.List(), again.List(), err)
		}
	})
}
