package importer

import (
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/mail"
)

func TestParseMaildirName(t *testing.T) {
	at := func(sec int64) time.Time { return time.Unix(sec, 0).UTC() }
	for name, want := range map[string]MaildirName{
		"1204680122.27c448.host:2,FRS":          {"1204680122.27c448.host", "FRS", at(1204680122)},
		"1204680122.M1P2V3I4.host,S=1,W=2:2,Sa": {"1204680122.M1P2V3I4.host,S=1,W=2", "Sa", at(1204680122)},
		"1204680122.x:2,SFSa, !":                {"1204680122.x", "FSa", at(1204680122)},
		"1204680122.x;2,S":                      {"1204680122.x", "S", at(1204680122)},
		"1204680122.x!2,T":                      {"1204680122.x", "T", at(1204680122)},
		"1204680122.x:1,exp":                    {"1204680122.x", "", at(1204680122)},
		"1204680122.x:2,":                       {"1204680122.x", "", at(1204680122)},
		"1204680122.x":                          {"1204680122.x", "", at(1204680122)},
		"1204680122.a\\072b:3,S":                {"1204680122.a\\072b:3,S", "", at(1204680122)},
		"123.x:2,S":                             {"123.x", "S", time.Time{}},
		"99999999999.x":                         {"99999999999.x", "", time.Time{}},
		"12046801a2.x":                          {"12046801a2.x", "", time.Time{}},
		":2,S":                                  {":2,S", "", time.Time{}},
		"":                                      {"", "", time.Time{}},
	} {
		if got := ParseMaildirName(name); got != want {
			t.Errorf("ParseMaildirName(%q) = %+v, want %+v", name, got, want)
		}
	}
}

func FuzzMaildirName(f *testing.F) {
	for _, s := range []string{"", "1204680122.x:2,FRS", ":2,", "a:2,b:2,C", "1204680122.\xff:1,\x00", ".&ZeVnLIqe-", ".a..b", ".&-&AAA-", ".&2D3cAA-"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		n := ParseMaildirName(name)
		if !strings.HasPrefix(name, n.Unique) || name != "" && n.Unique == "" {
			t.Fatalf("%q: unique part %q", name, n.Unique)
		}
		for i, c := range []byte(n.Flags) {
			if c|0x20 < 'a' || c|0x20 > 'z' || i > 0 && n.Flags[i-1] >= c {
				t.Fatalf("%q: flags %q", name, n.Flags)
			}
		}
		again := ParseMaildirName(n.Unique + ":2," + n.Flags)
		if n.Unique != "" && again != n {
			t.Fatalf("%q: %+v, written again %+v", name, n, again)
		}
		folder := maildirFolder(name)
		if utf8.ValidString(name) && !utf8.ValidString(folder) || strings.Count(folder, "/") > strings.Count(name, ".")+strings.Count(name, "/") {
			t.Fatalf("folder of %q is %q", name, folder)
		}
	})
}

func TestFolders(t *testing.T) {
	for _, c := range []struct {
		name               string
		maildir, dir, mbox string
	}{
		{".Sent.2025", "Sent/2025", ".Sent.2025", ".Sent.2025"},
		{".&ZeVnLIqe-.a&-b", "日本語/a&b", ".&ZeVnLIqe-.a&-b", ".&ZeVnLIqe-.a&-b"},
		{".&bad", "&bad", ".&bad", ".&bad"},         // not closed
		{".&AOQ", "&AOQ", ".&AOQ", ".&AOQ"},         // not closed
		{".&AOR-", "&AOR-", ".&AOR-", ".&AOR-"},     // bits left over
		{".&2D0-", "&2D0-", ".&2D0-", ".&2D0-"},     // half a surrogate pair
		{".&AC8-x", "&AC8-x", ".&AC8-x", ".&AC8-x"}, // a slash would be a level
		{".ä", "ä", ".ä", ".ä"},                     // UTF-8 as it is
		{"..a...b.", "a/b", "..a...b.", "..a...b."}, // empty levels
		{"Maildir", "Maildir", "", "Maildir"},
		{".maildir", "maildir", "", ".maildir"},
		{"Work.MBOX", "Work/MBOX", "Work", "Work"},
		{"Inbox.sbd", "Inbox/sbd", "Inbox", "Inbox.sbd"},
		{"INBOX", "INBOX", "INBOX", ""},
		{"mbox", "mbox", "mbox", ""},
		{"a.b.mbox.gz", "a/b/mbox/gz", "a.b.mbox.gz", "a.b"},
		{".mbox", "mbox", ".mbox", ".mbox"},
	} {
		if got := [3]string{maildirFolder(c.name), dirFolder(c.name), mboxFolder(c.name)}; got != [3]string{c.maildir, c.dir, c.mbox} {
			t.Errorf("%q as Maildir++, folder, mbox: %q, want %q %q %q", c.name, got, c.maildir, c.dir, c.mbox)
		}
	}
}

func TestDetect(t *testing.T) {
	for _, c := range []struct {
		name, head string
		want       Kind
	}{
		{"a.eml", "", KindEML},
		{"a.EML", fromA + "\n", KindEML},
		{"a", fromA + "\nA: b\n", KindMbox},
		{"a", "\n\r\n" + fromA + "\r\n", KindMbox},
		{"a", fromA, KindMbox},
		{"a", "From nobody\nA: b\n", KindUnknown},
		{"a.mbox", "From nobody\nA: b\n", KindMbox},
		{"mbox", "From nobody\nA: b\n", KindMbox},
		{"a.mbox", "junk\nFrom x\n", KindMbox},
		{"a.mbox", "", KindUnknown},
		{"12.", "Received: from a\n\tby b\nSubject: c\n\nd", KindEML},
		{"a.txt", "Subject: c\r\n\r\nd", KindEML},
		{"a", "X-A: b\nDATE : c\n\nd", KindEML},
		{"a", ">From x\nTo: y\n\n", KindEML},
		{"a", "To: y", KindEML},
		{"a", "To: y\nX-Long: " + strings.Repeat("z", 100), KindEML},
		{"a", "To: y\ncut he", KindEML},
		{"a", "To: y\nnot a header\n\nx", KindUnknown},
		{"notes.txt", "Title: x\nAuthor: y\n\nz", KindUnknown},
		{"a.txt", "Hello: world", KindUnknown},
		{"a", " To: y\n\n", KindUnknown},
		{"a", ": y\nTo: z\n\n", KindUnknown},
		{"a", "", KindUnknown},
		{"a.pst", "!BDN....", KindUnsupported},
		{"a.ost", "!BDN", KindUnsupported},
		{"a.msg", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", KindUnsupported},
		{"a.doc", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", KindUnknown},
		{"takeout.zip", "PK\x03\x04", KindUnsupported},
		{"a.tar", strings.Repeat("\x00", 257) + "ustar\x00", KindTar},
		{"Oct-2010.enc", "Salted__12345678", KindEncrypted},
		{"Oct-2010.enc", "\x8c\x0d\x04", KindEncrypted},
		{"x.gpg", "-----BEGIN PGP MESSAGE-----\n", KindEncrypted},
		{"x", "U2FsdGVkX19h", KindEncrypted},
		{"x.enc", "", KindUnknown},
		{"x.enc", "To: y\n\n", KindEML},
		{"a.mbox.zst", "\x28\xb5\x2f\xfd", KindUnsupported},
		{"1.emlx", "12 \nTo: y\n\n", KindUnsupported},
		{"a.gz", "\x1f\x8b\x08\x00", KindGzip},
		{"dovecot-uidlist", "3 V1", KindControl},
		{"cyrus.index", "", KindControl},
		{".DS_Store", "", KindControl},
		{"Inbox.msf", "// <!-- <mdb", KindControl},
	} {
		got, advice := Detect(c.name, []byte(c.head))
		if got != c.want || (advice != "") != (c.want == KindUnsupported) {
			t.Errorf("Detect(%q, %q) = %v, %q, want %v", c.name, c.head, got, advice, c.want)
		}
	}
}

func TestDetectDir(t *testing.T) {
	for _, c := range []struct {
		in   []string
		want Kind
	}{
		{[]string{"cur/", "new/", "tmp/"}, KindMaildir},
		{[]string{"cur/", "new/", "x"}, KindMaildir},
		{[]string{"new/", "tmp/"}, KindMaildir},
		{[]string{"new/"}, KindFolder},
		{[]string{"tmp/", "x/"}, KindFolder},
		{[]string{"cur", "new", "tmp/"}, KindFolder},
		{nil, KindFolder},
	} {
		files := map[string]string{"d/": ""}
		for _, n := range c.in {
			files["d/"+n] = ""
		}
		var entries []fs.DirEntry
		entries, err := os.ReadDir(tree(t, files) + "/d")
		if err != nil {
			t.Fatal(err)
		}
		if got := DetectDir(entries); got != c.want {
			t.Errorf("DetectDir of %q = %v, want %v", c.in, got, c.want)
		}
	}
}

func FuzzDetect(f *testing.F) {
	for _, s := range []string{"", fromA + "\n", "To: x\n\n", "!BDN", "\x1f\x8b\x08", "\n\n\n", ">>From ", "Received: a\r\n b\r\n"} {
		f.Add("x", []byte(s))
		f.Add("a.eml", []byte(s))
		f.Add("a.mbox", []byte(s))
	}
	f.Fuzz(func(t *testing.T, name string, head []byte) {
		kind, advice := Detect(name, head)
		if (advice != "") != (kind == KindUnsupported) {
			t.Fatalf("%q %q: kind %v with advice %q", name, head, kind, advice)
		}
		if strings.HasSuffix(name, ".eml") && kind != KindEML {
			t.Fatalf("%q: kind %v, want a message", name, kind)
		}
		if kind == KindMbox && !strings.HasSuffix(strings.ToLower(name), ".mbox") && strings.ToLower(name) != "mbox" {
			parts := splitAll(t, strings.NewReader(string(head)), Mboxrd)
			if len(parts) == 0 || parts[0].Preamble {
				t.Fatalf("%q: taken for an mbox, but the reader finds no message first", head)
			}
		}
		statusFlags(head)
	})
}

func TestStatusFlags(t *testing.T) {
	for head, want := range map[string]string{
		"Status: RO\nX-Status: AF\n\nStatus: D\n": "AFOR",
		"To: x\r\nSTATUS : R\r\n\r\n":             "R",
		"Status: delayed\nX-Status: F\n":          "F",
		"Status:\n\n":                             "",
		"\nStatus: R\n":                           "",
	} {
		if got := statusFlags([]byte(head)); got != want {
			t.Errorf("statusFlags(%q) = %q, want %q", head, got, want)
		}
	}
}

// TestItemKey holds the keys still: another recipe would import everything again.
func TestItemKey(t *testing.T) {
	got := itemKey(sourceMbox, "/m/a.mbox", mail.Sum([]byte("x")), 1).String()
	const want = "37bc5a830f51ed89a5ba60a3e5216ae58bf5f8f381320370dc8519f16d38c04c"
	if got != want {
		t.Errorf("key %s, want %s", got, want)
	}
	seen := map[mail.Digest]string{}
	for _, source := range []string{sourceEML, sourceMbox} {
		for _, path := range []string{"/a", "/a\n", "/b"} {
			for _, body := range []string{"", "x"} {
				for n := range uint32(3) {
					k := itemKey(source, path, mail.Sum([]byte(body)), n)
					if was, ok := seen[k]; ok {
						t.Errorf("%s %s %q %d has the key of %s", source, path, body, n, was)
					}
					seen[k] = source + path + body
				}
			}
		}
	}
}

func TestParseFormat(t *testing.T) {
	got := map[string]Dialect{}
	for _, s := range []string{"", "auto", "eml", "mboxrd", "mboxo", "mboxcl", "mboxcl2"} {
		f, err := ParseFormat(s)
		if err != nil {
			t.Fatalf("ParseFormat(%q): %v", s, err)
		}
		got[s] = f.dialect()
	}
	want := map[string]Dialect{"": Mboxrd, "auto": Mboxrd, "eml": Mboxrd, "mboxrd": Mboxrd, "mboxo": Mboxo, "mboxcl": Mboxcl, "mboxcl2": Mboxcl2}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
