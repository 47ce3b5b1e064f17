package config

import (
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/mail"
)

// testMachine is a user without rights on a machine with a name.
func testMachine() Machine {
	return Machine{
		Root:        func() bool { return false },
		Writable:    func(string) bool { return false },
		HomeFolder:  func() (string, error) { return "/home/ann", nil },
		MachineName: func() (string, error) { return "archive.example", nil },
	}
}

// testSources reads no file but the one with the given text.
func testSources(t *testing.T, text string) Sources {
	t.Helper()
	folder := t.TempDir()
	name := filepath.Join(folder, "mail-archive.toml")
	if text != "" {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Sources{Default: name, Machine: testMachine()}
}

func TestDefaultsWork(t *testing.T) {
	l, err := Load(testSources(t, ""))
	if err != nil {
		t.Fatal(err)
	}
	if l.File != "" || len(l.Origins) != 0 {
		t.Errorf("File %q, Origins %v: want none", l.File, l.Origins)
	}
	if l.Data != "/home/ann/.local/share/mail-archive" || l.Hostname != "archive.example" {
		t.Errorf("Data %q, Hostname %q", l.Data, l.Hostname)
	}
	if l.SMTP != "127.0.0.1:2525" || l.LMTP != "" || l.HTTP != "127.0.0.1:8025" {
		t.Errorf("SMTP %q, LMTP %q, HTTP %q", l.SMTP, l.LMTP, l.HTTP)
	}
	if l.MessageSizeLimit != 150<<20 || l.SegmentSize != 256<<20 || l.MinFree != 256<<20 {
		t.Errorf("sizes: %v %v %v", l.MessageSizeLimit, l.SegmentSize, l.MinFree)
	}
	if l.IdleTimeout.Span() != 5*time.Minute || l.MaxRecipients != 10000 || l.Timezone.Location() != time.Local {
		t.Errorf("%v %v %v", l.IdleTimeout, l.MaxRecipients, l.Timezone)
	}
	if l.LogLevel != slog.LevelInfo || l.LogFormat != "auto" || l.Compression != "better" {
		t.Errorf("%v %v %v", l.LogLevel, l.LogFormat, l.Compression)
	}
}

func TestDataFolder(t *testing.T) {
	tests := []struct {
		name           string
		root, writable bool
		environment    []string
		home           string
		want           string
	}{
		{name: "root", root: true, want: SystemFolder},
		{name: "system folder writable", writable: true, want: SystemFolder},
		{name: "home", home: "/home/ann", want: "/home/ann/.local/share/mail-archive"},
		{name: "xdg", home: "/home/ann", environment: []string{"XDG_DATA_HOME=/data"}, want: "/data/mail-archive"},
		{name: "relative xdg counts for nothing", home: "/home/ann", environment: []string{"XDG_DATA_HOME=data"}, want: "/home/ann/.local/share/mail-archive"},
		{name: "no home", want: SystemFolder},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			from := testSources(t, "")
			from.Environment = test.environment
			from.Machine.Root = func() bool { return test.root }
			from.Machine.Writable = func(path string) bool { return test.writable && path == SystemFolder }
			from.Machine.HomeFolder = func() (string, error) {
				if test.home == "" {
					return "", errors.New("no home")
				}
				return test.home, nil
			}
			l, err := Load(from)
			if err != nil || l.Data != test.want {
				t.Errorf("Data = %q, %v; want %q", l.Data, err, test.want)
			}
		})
	}
}

func TestSourcesOverrideEachOther(t *testing.T) {
	from := testSources(t, "smtp = \"127.0.0.1:1\"\nlmtp = \"127.0.0.1:11\"\nhttp = \"127.0.0.1:21\"\n")
	from.Environment = []string{"MAIL_ARCHIVE_LMTP=127.0.0.1:12", "MAIL_ARCHIVE_HTTP=127.0.0.1:22", "HOME=/x"}
	from.Flags = map[string]string{"http": "127.0.0.1:23"}
	l, err := Load(from)
	if err != nil {
		t.Fatal(err)
	}
	got := []string{string(l.SMTP), string(l.LMTP), string(l.HTTP)}
	if diff := cmp.Diff([]string{"127.0.0.1:1", "127.0.0.1:12", "127.0.0.1:23"}, got); diff != "" {
		t.Errorf("smtp, lmtp, http (-want +got):\n%s", diff)
	}
	want := map[string]Origin{
		"smtp": {File: from.Default, Line: 1},
		"lmtp": {Variable: "MAIL_ARCHIVE_LMTP"},
		"http": {Flag: "--http"},
	}
	if diff := cmp.Diff(want, l.Origins); diff != "" {
		t.Errorf("Origins (-want +got):\n%s", diff)
	}
}

func TestEmptyValueSwitchesOff(t *testing.T) {
	from := testSources(t, `http = ""`)
	from.Environment = []string{"MAIL_ARCHIVE_SMTP="}
	l, err := Load(from)
	if err != nil || l.SMTP != "" || l.HTTP != "" {
		t.Errorf("SMTP %q, HTTP %q, %v", l.SMTP, l.HTTP, err)
	}
}

func TestFileIsChosen(t *testing.T) {
	from := testSources(t, `max-recipients = 200`)
	asked := filepath.Join(t.TempDir(), "asked.toml")
	if err := os.WriteFile(asked, []byte(`max-recipients = 300`), 0o600); err != nil {
		t.Fatal(err)
	}
	byVariable := from
	byVariable.Environment = []string{FileVariable + "=" + asked}
	byFlag := from
	byFlag.File = asked
	for _, test := range []struct {
		name string
		from Sources
		want int
	}{{"default", from, 200}, {"variable", byVariable, 300}, {"flag", byFlag, 300}} {
		l, err := Load(test.from)
		if err != nil || l.MaxRecipients != test.want {
			t.Errorf("%s: MaxRecipients = %d, %v; want %d", test.name, l.MaxRecipients, err, test.want)
		}
	}
}

// Everything that is wrong is said at once, each with its place and what to
// write instead.
func TestAllMistakesAtOnce(t *testing.T) {
	from := testSources(t, strings.Join([]string{
		`# a comment`,
		`mesage-size-limit = "10MiB"`,
		`smtp = 2525`,
		`lmtp = "/run/lmtp"`,
		``,
		`message-size-limit = "1GiB"`,
		`networks = ["loopback", "10.1.2.3/8"]`,
		`compression = "best"`,
		`max-recipients = "many"`,
		`log-level = "loud"`,
		`timezone = "Berlin"`,
		`segment-size = -5`,
		`tls-key = "/etc/key.pem"`,
		`[export]`,
		`watch = true`,
	}, "\n"))
	from.Environment = []string{"MAIL_ARCHIVE_HTPP=:1", "MAIL_ARCHIVE_IDLE_TIMEOUT=5"}
	from.Flags = map[string]string{"http": "8025"}
	_, err := Load(from)

	var mistakes Mistakes
	if !errors.As(err, &mistakes) || !errors.Is(err, mail.ErrBadInput) {
		t.Fatalf("error %v (%T): want Mistakes that wrap ErrBadInput", err, err)
	}
	want := []string{
		`FILE:2: "mesage-size-limit" is no key of the configuration; write message-size-limit`,
		`FILE:3: smtp = 2525 has the wrong type; write smtp = "127.0.0.1:2525"`,
		`FILE:4: lmtp = "/run/lmtp" is not an address to listen on; write "unix:/run/lmtp"`,
		`FILE:6: message-size-limit = "1GiB" is too large: at most 240MiB, because a segment of the vault holds 256 MiB; write "150MiB" (the default)`,
		`FILE:7: networks = ['loopback', '10.1.2.3/8'] has "10.1.2.3/8", an address with the length of a network; write "10.0.0.0/8" for the network or "10.1.2.3" for the one address`,
		`FILE:8: compression = "best" is none of its words; write "fastest", "default", "better"`,
		`FILE:9: max-recipients = "many" has the wrong type; write max-recipients = 10000`,
		`FILE:10: log-level = "loud" is none of its words; write "DEBUG", "INFO", "WARN", "ERROR"`,
		`FILE:11: timezone = "Berlin" is no time zone; write "Local", "UTC" or a name such as "Europe/Berlin"`,
		`FILE:12: segment-size = -5 is not a size; write a number and a unit: "10k", "5M", "150MiB"`,
		`FILE:14: "export" is no key of the configuration (mail-archive config print lists them)`,
		`environment MAIL_ARCHIVE_IDLE_TIMEOUT: idle-timeout = "5" is not a time span; write a number and a unit: "90s", "5m", "2h", "1d"`,
		`environment MAIL_ARCHIVE_HTPP: is no key of the configuration (mail-archive config print lists them); write MAIL_ARCHIVE_HTTP`,
		`--http: http = "8025" is not an address to listen on; write "127.0.0.1:8025"`,
		`FILE:13: tls-key = "/etc/key.pem" needs tls-certificate too; write both, or neither for a self-signed certificate`,
	}
	got := strings.Split(strings.ReplaceAll(err.Error(), from.Default, "FILE"), "\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("mistakes (-want +got):\n%s", diff)
	}
}

func TestFileThatCannotBeRead(t *testing.T) {
	broken := testSources(t, "smtp = \"127.0.0.1:1\"\nhttp = \n")
	missing := testSources(t, "")
	missing.File = missing.Default
	twice := testSources(t, "max-recipients = 200\nmax-recipients = 300\n")
	folder := testSources(t, "")
	folder.File = t.TempDir()
	huge := testSources(t, strings.Repeat("# comment\n", maxFile/10+1))
	tests := []struct {
		name string
		from Sources
		want string
	}{
		{"syntax", broken, broken.Default + ":2: is not TOML: "},
		{"missing", missing, missing.File + ": is not there; write the path of a file"},
		{"key twice", twice, twice.Default + ":2: is not TOML: "},
		{"folder", folder, folder.File + ": cannot be read: "},
		{"huge", huge, huge.Default + ": cannot be read: is over 1 MiB"},
	}
	for _, test := range tests {
		_, err := Load(test.from)
		if err == nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s: error %v, want %q…", test.name, err, test.want)
		}
	}
}

func TestChecksBetweenKeys(t *testing.T) {
	tests := []struct {
		name  string
		flags map[string]string
		want  string // a part of the error; empty is no error
	}{
		{"LMTP on port 25", map[string]string{"lmtp": ":25"}, "RFC 2033 5"},
		{"certificate alone", map[string]string{"tls-certificate": "/c.pem"}, "needs tls-key too"},
		{"both", map[string]string{"tls-certificate": "/c.pem", "tls-key": "/k.pem"}, ""},
		{"one address twice", map[string]string{"smtp": ":7000", "lmtp": ":7000"}, "is the address of smtp too"},
		{"free ports", map[string]string{"smtp": "127.0.0.1:0", "http": "127.0.0.1:0"}, ""},
		{"SMTP on a path", map[string]string{"smtp": "unix:/run/smtp"}, "only lmtp can be a unix socket"},
		{"LMTP on a path", map[string]string{"lmtp": "unix:/run/lmtp"}, ""},
	}
	for _, test := range tests {
		from := testSources(t, "")
		from.Flags = test.flags
		_, err := Load(from)
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.want)
		}
	}
}

func TestPathsBecomeWhole(t *testing.T) {
	from := testSources(t, "")
	from.Flags = map[string]string{"data": "here", "tls-key": "k", "tls-certificate": "c"}
	l, err := Load(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{l.Data, l.TLSCertificate, l.TLSKey} {
		if !filepath.IsAbs(path) {
			t.Errorf("%q is not absolute", path)
		}
	}
}

func TestNetworksContain(t *testing.T) {
	var n Networks
	if err := n.UnmarshalText([]byte("loopback, private, 192.0.2.7, 2001:db8::/32")); err != nil {
		t.Fatal(err)
	}
	tests := map[string]bool{
		"127.0.0.1": true, "::1": true, "10.9.8.7": true, "172.16.0.1": true, "172.32.0.1": false,
		"192.168.1.1": true, "fe80::1%eth0": true, "fd00::1": true, "192.0.2.7": true, "192.0.2.8": false,
		"2001:db8::5": true, "2001:db9::5": false, "8.8.8.8": false, "::ffff:10.0.0.1": true, "::ffff:8.8.8.8": false,
	}
	for address, want := range tests {
		if got := n.Contains(netip.MustParseAddr(address)); got != want {
			t.Errorf("Contains(%s) = %v", address, got)
		}
	}
	if (Networks{}).Contains(netip.MustParseAddr("127.0.0.1")) {
		t.Error("no networks admit somebody")
	}
}
