package importer

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"mailarchive/internal/mail"
)

func gz(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(s))
	z.Close()
	return b.String()
}

// message returns a message with subject s.
func message(s string) string { return "From: a@example.org\nSubject: " + s + "\n\n" + s + "\n" }

// mbox returns an mboxrd of messages.
func mbox(messages ...string) string {
	var b strings.Builder
	for _, m := range messages {
		b.WriteString(quoteMbox(Mboxrd, "\n", fromA, m))
	}
	return b.String()
}

func everything() map[string]string {
	return map[string]string{
		"a.eml":                        message("a"),
		"sub/b":                        message("b"),
		"sub/from.eml":                 fromA + "\n" + message("from"),
		"sub/empty.eml":                "",
		"sub/nothing":                  "",
		"sub/picture.jpg":              "\xff\xd8\xff",
		"sub/Sent.mbox":                mbox(message("c"), message("d"), message("c")),
		"Inbox":                        mbox(message("e")),
		"Inbox.sbd/Work.mbox":          "intro\n\n" + mbox(message("f")),
		"Apple.mbox/mbox":              mbox(message("g")),
		"Apple.mbox/table_of_contents": "x",
		"packed.eml.gz":                gz(message("h")),
		"old.mbox.gz":                  gz(mbox(message("i"), message("j"))),
		"twice.gz":                     gz(gz("x")),
		"broken.gz":                    "\x1f\x8b\x08broken",
		"mail.pst":                     "!BDN1234",
		"note.msg":                     "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
		"text.msg":                     message("k"),
		".hidden/x.eml":                message("never"),
		".x.eml":                       message("never"),
		"Inbox.msf":                    "index",
		"box/cur/1000000000.M1.h:2,SF": message("l"),
		"box/cur/1000000001.M2.h:2,":   message("m"),
		"box/cur/1000000002.M3.h:2,S":  message("n"),
		"box/new/1000000002.M3.h":      message("n"),
		"box/new/odd":                  "no header",
		"box/tmp/half":                 message("never"),
		"box/dovecot.index":            "index",
		"box/maildirfolder":            "",
		"box/.Sent.2025/cur/1:2,RS":    message("o"),
		"box/.Sent.2025/tmp/":          "",
		"box/.&ZeVnLIqe-/new/2":        message("p"),
		"box/.&ZeVnLIqe-/cur/":         "",
		"box/fs/cur/3":                 message("q"),
		"box/fs/new/":                  "",
		"Maildir/cur/4":                message("r"),
		"Maildir/new/":                 "",
	}
}

func TestRunFindsEverything(t *testing.T) {
	root := tree(t, everything())
	if err := os.Symlink(filepath.Join(root, "a.eml"), filepath.Join(root, "link.eml")); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(filepath.Join(root, "pipe.eml"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := newFake()
	_, outcomes := importAll(t, a, Options{Paths: []string{root}, Owner: "o@example.org"})
	pst, msg := containers()[0].advice, containers()[1].advice
	stored := func(path, folder string) told { return told{path, folder, "stored", ""} }
	want := []told{
		{".hidden", "", "skipped", "hidden folder without mail in Maildir format: give it as an argument to import it"},
		{".x.eml", "", "skipped", "hidden file"},
		{"Apple.mbox/mbox#1", "Apple", "stored", ""},
		{"Apple.mbox/table_of_contents", "", "skipped", controlReason},
		stored("Inbox#1", ""),
		{"Inbox.msf", "", "skipped", controlReason},
		{"Inbox.sbd/Work.mbox", "Inbox/Work", "skipped", `text before the first "From " line, part of no message`},
		stored("Inbox.sbd/Work.mbox#1", "Inbox/Work"),
		stored("Maildir/cur/4", ""),
		stored("a.eml", ""),
		stored("box/.&ZeVnLIqe-/new/2", "box/日本語"),
		stored("box/.Sent.2025/cur/1:2,RS", "box/Sent/2025"),
		stored("box/cur/1000000000.M1.h:2,SF", "box"),
		stored("box/cur/1000000001.M2.h:2,", "box"),
		{"box/cur/1000000002.M3.h:2,S", "box", "already", "the same message is in this Maildir twice under one name"},
		{"box/dovecot.index", "", "skipped", controlReason},
		stored("box/fs/cur/3", "box/fs"),
		{"box/maildirfolder", "", "skipped", controlReason},
		stored("box/new/1000000002.M3.h", "box"),
		stored("box/new/odd", "box"),
		{"box/tmp/half", "box", "skipped", "in tmp: its delivery was never finished"},
		{"broken.gz", "", "failed", "gzip: unexpected EOF"},
		{"link.eml", "", "skipped", "symbolic link, not followed: give it as an argument to import it"},
		{"mail.pst", "", "skipped", pst},
		{"note.msg", "", "skipped", msg},
		stored("old.mbox.gz#1", "old"), stored("old.mbox.gz#2", "old"),
		stored("packed.eml.gz", ""),
		{"pipe.eml", "", "skipped", "not a regular file"},
		stored("sub/Sent.mbox#1", "sub/Sent"), stored("sub/Sent.mbox#2", "sub/Sent"), stored("sub/Sent.mbox#3", "sub/Sent"),
		stored("sub/b", "sub"),
		stored("sub/empty.eml", "sub"),
		stored("sub/from.eml", "sub"),
		{"sub/nothing", "sub", "skipped", "empty file"},
		{"sub/picture.jpg", "sub", "skipped", "not recognised as mail"},
		stored("text.msg", ""),
		{"twice.gz", "", "skipped", "gzip within gzip, not supported: decompress it first"},
	}
	if diff := cmp.Diff(want, tell(root, outcomes)); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	if k := a.one(t, "from.eml"); k.digest != mail.Sum([]byte(fromA+"\n"+message("from"))) {
		t.Error("an .eml that begins with a From line did not keep it")
	}
	checkEnvelopes(t, a)
}

func checkEnvelopes(t *testing.T, a *fakeArchive) {
	t.Helper()
	k := a.one(t, "1000000000.M1.h:2,SF")
	if got, want := k.envelope.Origin, (&mail.Origin{
		Path: k.envelope.Origin.Path, Folder: "box", Flags: "FS", Owner: "o@example.org",
		Delivered: time.Unix(1e9, 0).UTC(), Key: k.envelope.Origin.Key,
	}); !cmp.Equal(got, want) {
		t.Errorf("Maildir origin:\n%s", cmp.Diff(want, got))
	}
	for _, k := range a.byKey {
		e := k.envelope
		if e.From != "" || e.To != nil || e.Client != "" || e.Origin.Owner != "o@example.org" || !filepath.IsAbs(e.Origin.Path) {
			t.Errorf("envelope says more than an import knows: %+v", e)
		}
	}
	if k := a.one(t, "Inbox"); k.envelope.Source != "import:mbox" || k.envelope.Origin.FromLine != fromA || k.envelope.Origin.Delivered.Year() != 2010 {
		t.Errorf("mbox envelope: %+v, %+v", k.envelope, k.envelope.Origin)
	}
}

func TestRunTwiceStoresNothingNew(t *testing.T) {
	root := tree(t, everything())
	a := newFake()
	first, _ := importAll(t, a, Options{Paths: []string{root}})
	// What a mail program does in the meantime: read, flag, move to cur, append.
	for _, m := range [][2]string{
		{"box/cur/1000000001.M2.h:2,", "box/cur/1000000001.M2.h:2,RS"},
		{"box/new/odd", "box/cur/odd:2,S"},
	} {
		if err := os.Rename(filepath.Join(root, m[0]), filepath.Join(root, m[1])); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.OpenFile(filepath.Join(root, "Inbox"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString(mbox(message("e"), message("new")))
	f.Close()
	second, outcomes := importAll(t, a, Options{Paths: []string{root + "/box", root, root + "/."}})
	if second.Stored != 2 || second.Already != first.Stored+first.Already {
		t.Errorf("second run %+v after %+v, want the two appended stored and the rest already there", second, first)
	}
	asides := 0
	for _, o := range outcomes {
		if o.Reason == "reached through another argument" {
			asides++
		}
	}
	if asides != 2 {
		t.Errorf("%d arguments left aside, want the 2 that are within another", asides)
	}
}

func TestRunTakesEachArgumentOnce(t *testing.T) {
	root := tree(t, map[string]string{
		"a.eml": message("a"), "sub/b.eml": message("b"), ".hid/deep/c.eml": message("c"), ".d.eml": message("d"),
		"box/cur/1:2,S": message("e"), "box/new/": "", "out/f.eml": message("f"),
	})
	in := filepath.Join(root, "sub")
	if err := os.Symlink(filepath.Join(root, "out"), filepath.Join(in, "link")); err != nil {
		t.Fatal(err)
	}
	a := newFake()
	_, outcomes := importAll(t, a, Options{Paths: []string{
		in, root + "/box/cur/1:2,S", root + "/box/cur", root + "/.d.eml", root + "/.hid/deep", root + "/sub/link", root, root,
	}})
	if len(a.byKey) != 6 || a.accepts != 6 {
		t.Errorf("%d messages by %d calls, want each of the 6 once: %+v", len(a.byKey), a.accepts, tell(root, outcomes))
	}
}

func TestRunNeverTouchesItsSource(t *testing.T) {
	root := tree(t, everything())
	big := strings.Repeat("x", 3*smallMax)
	os.WriteFile(filepath.Join(root, "big.eml"), []byte(big), 0o400)
	os.WriteFile(filepath.Join(root, "big.mbox"), []byte(mbox(big, big)), 0o400)
	var paths []string
	filepath.WalkDir(root, func(path string, _ fs.DirEntry, _ error) error {
		paths = append(paths, path)
		return nil
	})
	old := time.Unix(1e9, 0)
	for _, path := range paths { // atime before mtime: reading would renew it, relatime or not
		if err := os.Chtimes(path, old.Add(-time.Hour), old); err != nil {
			t.Fatal(err)
		}
	}
	before := describe(t, paths)
	importAll(t, newFake(), Options{Paths: []string{root}})
	if diff := cmp.Diff(before, describe(t, paths)); diff != "" {
		t.Errorf("the import left traces (-before +after):\n%s", diff)
	}
}

// describe tells all that stat knows; folders have other times when anything
// in them was made, renamed or removed.
func describe(t *testing.T, paths []string) []string {
	t.Helper()
	var all []string
	for _, path := range paths {
		var s unix.Stat_t
		if err := unix.Lstat(path, &s); err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprint(path, s.Ino, s.Mode, s.Size, s.Nlink, s.Mtim, s.Ctim, s.Atim))
	}
	return all
}

func TestRunLargeMessages(t *testing.T) {
	large := message("large") + strings.Repeat("From x\n", smallMax/4)
	edge := strings.Repeat("e", smallMax)
	root := tree(t, map[string]string{
		"a.eml": large, "b.mbox": mbox(message("s"), large, large, edge, edge+"\n", message("s")),
		"c.gz": gz(large), "d.mbox.gz": gz(mbox(large, message("s"), edge)),
	})
	a := newFake()
	sum, outcomes := importAll(t, a, Options{Paths: []string{root}, TempDir: t.TempDir()})
	want := map[mail.Digest]int{
		mail.Sum([]byte(large)): 5, mail.Sum([]byte(message("s"))): 3, mail.Sum([]byte(edge + "\n")): 3,
	}
	if diff := cmp.Diff(want, a.digests()); diff != "" || sum.Stored != 11 || sum.Failed > 0 {
		t.Errorf("%+v (-want +got):\n%s\n%+v", sum, diff, outcomes)
	}
}

func TestRunGoesOnBehindWhatCannotBeRead(t *testing.T) {
	root := tree(t, map[string]string{
		"a.mbox.gz": gz(mbox(message("a"), strings.Repeat("r", 100), message("b")))[:60],
		"b.eml":     message("c"),
	})
	sum, outcomes := importAll(t, newFake(), Options{Paths: []string{filepath.Join(root, "missing"), root}})
	if sum.Stored < 1 || sum.Failed != 2 {
		t.Errorf("%+v %+v, want b.eml stored and two failures", sum, outcomes)
	}
}

// TestRunChangedFile: a file that changes while it is read is not stored as
// something that it never was.
func TestRunChangedFile(t *testing.T) {
	large := strings.Repeat("x", 2*smallMax)
	root := tree(t, map[string]string{"a.eml": large, "b.mbox": mbox(message("b"), large), "c.eml": message("c")})
	a := newFake()
	a.asked = func(int) error { // between digest and handing over
		for name, where := range map[string]int64{"a.eml": 5, "b.mbox": 300} {
			f, err := os.OpenFile(filepath.Join(root, name), os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			f.WriteAt([]byte("y"), where)
			f.Close()
		}
		return nil
	}
	_, outcomes := importAll(t, a, Options{Paths: []string{root}, InFlight: 1})
	for _, o := range tell(root, outcomes) {
		if o.Path == "a.eml" && (o.Outcome != "failed" || o.Reason != errChanged.Error()) {
			t.Errorf("%+v, want failed: %v", o, errChanged)
		}
	}
	for _, k := range a.byKey {
		if k.digest == mail.Sum([]byte("xxxxxy"+large[6:])) {
			t.Error("the changed file was stored under the old one's key")
		}
	}
}

func TestRunGrownMboxIsNamed(t *testing.T) {
	root := tree(t, map[string]string{"b.mbox": mbox(message("b"), strings.Repeat("x", 2*smallMax))})
	a := newFake()
	a.asked = func(int) error {
		f, err := os.OpenFile(filepath.Join(root, "b.mbox"), os.O_WRONLY|os.O_APPEND, 0)
		if err == nil {
			f.WriteString(mbox(message("late")))
			f.Close()
		}
		return err
	}
	sum, outcomes := importAll(t, a, Options{Paths: []string{root}})
	if sum.Stored != 2 || sum.Failed != 1 {
		t.Errorf("%+v: %+v, want two stored and the file named as changed", sum, outcomes)
	}
	a.asked = nil
	if sum, _ := importAll(t, a, Options{Paths: []string{root}}); sum.Stored != 2 || sum.Already != 2 {
		t.Errorf("second run %+v, want the two late ones", sum)
	}
}

func TestRelocate(t *testing.T) {
	root := tree(t, map[string]string{"new/": "", "cur/17.M1:2,S": "x", "cur/17.M2:2,": "y"})
	if got, ok := relocate(root, "17.M1"); !ok || got != filepath.Join(root, "cur/17.M1:2,S") {
		t.Errorf("relocate = %q, %v", got, ok)
	}
	if got, ok := relocate(root, "17.M"); ok {
		t.Errorf("relocate found %q for a name that is gone", got)
	}
}

func TestRunDialectsAndFormats(t *testing.T) {
	text := fromA + "\nA: b\n\n>From x\n>>From y\n\n"
	for _, c := range []struct {
		name, format, want string
	}{
		{"x", "", "A: b\n\nFrom x\n>From y\n"},
		{"x", "mboxrd", "A: b\n\nFrom x\n>From y\n"},
		{"x", "mboxo", "A: b\n\nFrom x\n>>From y\n"},
		{"x", "mboxcl2", "A: b\n\n>From x\n>>From y\n"},
		{"x", "eml", text},
		{"x.eml", "auto", text},
		{"x.eml", "mboxo", "A: b\n\nFrom x\n>>From y\n"},
	} {
		root := tree(t, map[string]string{c.name: text})
		a := newFake()
		importAll(t, a, Options{Paths: []string{root}, Format: Format(c.format)})
		if k := a.one(t, c.name); k.digest != mail.Sum([]byte(c.want)) {
			t.Errorf("%s as %q is not %q", c.name, c.format, c.want)
		}
	}
	for _, o := range []Options{{}, {Paths: []string{"x"}, Format: "pst"}} {
		if _, err := Run(t.Context(), newFake(), o); !errors.Is(err, mail.ErrBadInput) {
			t.Errorf("Run(%+v) = %v, want bad input", o, err)
		}
	}
}
