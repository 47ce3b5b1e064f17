package config

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSizes(t *testing.T) {
	tests := []struct {
		text string
		want Size
		bad  bool
	}{
		{text: "0", want: 0}, {text: "1024", want: 1024}, {text: "10k", want: 10 << 10}, {text: "10K", want: 10 << 10},
		{text: "5M", want: 5 << 20}, {text: "5MB", want: 5 << 20}, {text: "150MiB", want: 150 << 20}, {text: "150 mib", want: 150 << 20},
		{text: "1.5G", want: 3 << 29}, {text: "2T", want: 2 << 40}, {text: "7B", want: 7},
		{text: "", bad: true}, {text: "M", bad: true}, {text: "-1", bad: true}, {text: "10x", bad: true}, {text: "10Mx", bad: true},
		{text: "99999999T", bad: true}, {text: "NaN", bad: true}, {text: "1e3", want: 1000}, {text: "10 5", bad: true},
	}
	for _, test := range tests {
		var got Size
		err := got.UnmarshalText([]byte(test.text))
		if (err != nil) != test.bad || got != test.want {
			t.Errorf("%q: %d, %v; want %d, bad %v", test.text, got, err, test.want, test.bad)
		}
	}
}

func TestDurations(t *testing.T) {
	tests := []struct{ text, want string }{
		{"90s", "1m30s"}, {"5m", "5m"}, {"2h", "2h"}, {"1h30m", "1h30m"}, {"24h", "1d"}, {"1.5d", "36h"}, {"30d", "30d"}, {"0", "0s"},
		{"5", ""}, {"-1s", ""}, {"d", ""}, {"999999999999d", ""}, {"NaNd", ""}, {"-2d", ""},
	}
	for _, test := range tests {
		var d Duration
		err := d.UnmarshalText([]byte(test.text))
		if (err != nil) != (test.want == "") {
			t.Errorf("%q: %v", test.text, err)
		} else if err == nil && d.String() != test.want {
			t.Errorf("%q: %s, want %s", test.text, d, test.want)
		}
	}
}

func TestEndpoints(t *testing.T) {
	tests := []struct{ text, network, address, instead string }{
		{text: "127.0.0.1:25", network: "tcp", address: "127.0.0.1:25"},
		{text: ":25", network: "tcp", address: ":25"},
		{text: "[::1]:25", network: "tcp", address: "[::1]:25"},
		{text: "mail.example:0", network: "tcp", address: "mail.example:0"},
		{text: "unix:/run/lmtp", network: "unix", address: "/run/lmtp"},
		{text: ""},
		{text: "25", instead: `"127.0.0.1:25"`},
		{text: "localhost", instead: `"localhost:2525"`},
		{text: "/run/lmtp", instead: `"unix:/run/lmtp"`},
		{text: "unix:lmtp", instead: `"unix:/run/mail-archive/lmtp.sock"`},
		{text: "unix:/" + strings.Repeat("x", 107), instead: `a shorter path, such as "unix:/run/mail-archive/lmtp.sock"`},
		{text: "::1:25", instead: `host:port, such as "127.0.0.1:2525"`},
		{text: "host:smtp", instead: `host:port, such as "127.0.0.1:2525"`},
		{text: "host:65536", instead: `host:port, such as "127.0.0.1:2525"`},
	}
	for _, test := range tests {
		var e Endpoint
		err := e.UnmarshalText([]byte(test.text))
		if test.instead != "" {
			if v, ok := err.(*valueError); !ok || v.instead != test.instead {
				t.Errorf("%q: error %v, want %s", test.text, err, test.instead)
			}
			continue
		}
		network, address := e.Network()
		if err != nil || network != test.network || address != test.address {
			t.Errorf("%q: %q %q %v", test.text, network, address, err)
		}
	}
}

// Each key has a doc sentence, a default within its bounds and no name that
// another has; a bound has its reason.
func TestRegistryIsWhole(t *testing.T) {
	var c Config
	seen := map[string]bool{}
	for _, s := range settingsOf(&c) {
		if seen[s.key] || s.doc() == "" || !strings.HasSuffix(s.doc(), ".") {
			t.Errorf("%s: twice, or without a sentence", s.key)
		}
		seen[s.key] = true
		for _, bound := range []string{"min", "max"} {
			if text, ok := s.tag.Lookup(bound); ok {
				s.parseBound(text)
				if s.tag.Get("why") == "" {
					t.Errorf("%s: bound without a reason", s.key)
				}
			}
		}
		if words := s.choices(); words != nil && s.set("nonsense") == nil {
			t.Errorf("%s takes a word that is none of %v", s.key, words)
		}
	}
	if got := len(Keys()); got != len(seen) {
		t.Errorf("Keys lists %d of %d", got, len(seen))
	}
}

// What Print writes is a file that gives the same configuration.
func TestPrintRoundTrip(t *testing.T) {
	from := testSources(t, "")
	from.Environment = []string{
		`MAIL_ARCHIVE_DATA=/srv/ma\il "x" ä`, "MAIL_ARCHIVE_NETWORKS=loopback,192.0.2.0/24",
		"MAIL_ARCHIVE_LMTP=unix:/run/l", "MAIL_ARCHIVE_TIMEZONE=Europe/Berlin", "MAIL_ARCHIVE_IDLE_TIMEOUT=1d",
	}
	first, err := Load(from)
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := first.Print(&text); err != nil {
		t.Fatal(err)
	}
	again := testSources(t, text.String())
	second, err := Load(again)
	if err != nil {
		t.Fatalf("%v\n%s", err, text.String())
	}
	want, got := textsOf(first), textsOf(second)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("read again (-want +got):\n%s", diff)
	}
}

func textsOf(l *Loaded) map[string]string {
	texts := map[string]string{}
	for _, s := range settingsOf(&l.Config) {
		texts[s.key] = s.text()
	}
	return texts
}

func TestPrintSaysWhereFrom(t *testing.T) {
	from := testSources(t, "\nmax-recipients = 500\n")
	from.Flags = map[string]string{"lmtp": ":24"}
	l, err := Load(from)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := l.Print(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"# Recipients of one message. Further ones are refused for now (452).\n# Default: 10000. Here from: " + from.Default + ":2. Variable: MAIL_ARCHIVE_MAX_RECIPIENTS\nmax-recipients = 500\n",
		"Here from: --lmtp. Variable: MAIL_ARCHIVE_LMTP\nlmtp = \":24\"\n",
		"# Default: \"\". Here from: --lmtp.",
		"networks = [\"loopback\", \"private\"]\n",
		"# Default: none. Here from: default. Variable: MAIL_ARCHIVE_DATA\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("lacks %q:\n%s", want, b.String())
		}
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	var structure struct {
		Password string `key:"password" doc:"A password." secret:"yes" oneof:"hunter2"`
	}
	all := settingsOf(&structure)
	if err := all[0].set("hunter2"); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	printSettings(&b, all, nil)
	m := all[0].mistake(Origin{}, all[0].shown("hunter3"), all[0].set("hunter3"))
	if s := b.String() + m.String() + m.Value; strings.Contains(s, "hunter3") || strings.Contains(b.String(), "hunter2") || !strings.Contains(s, "password is set") {
		t.Errorf("printed: %s", s)
	}
}

func TestNearest(t *testing.T) {
	words := []string{"smtp", "lmtp", "http", "message-size-limit"}
	tests := map[string]string{"smpt": "smtp", "mesage-size": "", "message-sizelimit": "message-size-limit", "zzzz": "", "htpp": "http"}
	for word, want := range tests {
		if got, _ := nearest(word, words); got != want {
			t.Errorf("nearest(%q) = %q, want %q", word, got, want)
		}
	}
}

// Whatever a file holds, it is read or refused with a place, never a panic.
func FuzzFile(f *testing.F) {
	f.Add([]byte("smtp = \"127.0.0.1:25\"\n[a.b]\nc = [1, {x = 2}]\n"))
	f.Add([]byte("networks = [\"any\", 5]\n\"quoted key\" = 1979-05-27\n"))
	f.Add([]byte("a.b.c = 1\n[[t]]\nlog-level = 5.5"))
	f.Fuzz(func(t *testing.T, text []byte) {
		own := filepath.Join(t.TempDir(), "f.toml")
		if err := os.WriteFile(own, text, 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := Load(Sources{File: own, Machine: testMachine()})
		if err != nil {
			if err.Error() == "" {
				t.Fatal("an error without words")
			}
			return
		}
		var b bytes.Buffer
		if err := l.Print(&b); err != nil {
			t.Fatal(err)
		}
		if _, err := parseFile(b.Bytes()); err != nil {
			t.Fatalf("what was printed cannot be read: %v\n%s", err, b.Bytes())
		}
	})
}
