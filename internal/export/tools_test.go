package export

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"

	"mailarchive/internal/mail"
)

// TestStockTools unpacks each archive file with the system's own programs and
// follows the recipe of README.txt.
func TestStockTools(t *testing.T) {
	messages := oddMessages()
	for _, tt := range []struct {
		name   string
		o      Options
		unpack []string
	}{
		{"tgz", Options{Format: TGZ}, []string{"tar", "xzf", "../x"}},
		{"zip", Options{Format: Zip}, []string{"unzip", "-q", "../x"}},
		{"zip stored", Options{Format: Zip, Store: true}, []string{"unzip", "-q", "../x"}},
		{"zip python", Options{Format: Zip}, []string{"python3", "-m", "zipfile", "-e", "../x", "."}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			out := filepath.Join(dir, "out")
			if err := os.Mkdir(out, 0o700); err != nil {
				t.Fatal(err)
			}
			must(t, len(messages))(ToFile(t.Context(), sequence(messages...), filepath.Join(dir, "x"), tt.o))
			run(t, out, tt.unpack[0], tt.unpack[1:]...)
			sameFiles(t, out, messages)
			followRecipe(t, out)
		})
	}
}

func TestFolders(t *testing.T) {
	messages := oddMessages()
	for _, format := range []Format{EML, Maildir} {
		for _, front := range []bool{false, true} {
			dir := filepath.Join(t.TempDir(), "new", "folder")
			o := Options{Format: format, DeliveredTo: front}
			must(t, len(messages))(ToFolder(t.Context(), sequence(messages...), dir, o))
			if !front {
				sameFiles(t, dir, messages)
			}
			followRecipe(t, dir)
		}
	}
}

// followRecipe runs the check of README.txt literally.
func followRecipe(t *testing.T, dir string) {
	t.Helper()
	text := string(readFile(t, filepath.Join(dir, ReadmeName)))
	for _, line := range bytes.Split([]byte(text), []byte("\n")) {
		if bytes.HasPrefix(line, []byte("  jq ")) {
			run(t, dir, "jq", "--version")
			run(t, dir, "sh", "-c", string(line))
			return
		}
	}
	t.Fatalf("no recipe in %q", text)
}

// pythonMailbox prints the digest and flags of every message that Python's
// mailbox module finds.
const pythonMailbox = `
import hashlib, json, mailbox, sys
box = mailbox.mbox(sys.argv[2], create=False) if sys.argv[1] == "mbox" else mailbox.Maildir(sys.argv[2], create=False)
for key in box.keys():
    raw = box.get_bytes(key)
    flags = box.get_message(key).get_flags() if sys.argv[1] == "maildir" else ""
    print(json.dumps({"sha256": hashlib.sha256(raw).hexdigest(), "size": len(raw), "flags": flags}))
`

type pythonMessage struct {
	SHA256 mail.Digest
	Size   int64
	Flags  string
}

func python(t *testing.T, format Format, path string) []pythonMessage {
	t.Helper()
	var all []pythonMessage
	d := json.NewDecoder(bytes.NewReader(run(t, ".", "python3", "-c", pythonMailbox, string(format), path)))
	for d.More() {
		var m pythonMessage
		if err := d.Decode(&m); err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	return all
}

// TestMboxInPython: another program finds the same messages in an mbox. It
// does not undo quoting, so those without quoted lines are compared.
func TestMboxInPython(t *testing.T) {
	messages := oddMessages()
	name := filepath.Join(t.TempDir(), "x.mbox")
	must(t, len(messages))(ToFile(t.Context(), sequence(messages...), name, Options{Format: Mbox}))
	got := python(t, Mbox, name)
	if len(got) != len(messages) {
		t.Fatalf("python finds %d messages, want %d", len(got), len(messages))
	}
	equal := 0
	for i, b := range odd() {
		if bytes.Contains(b, fromSpace) {
			continue
		}
		if len(b) > 0 && b[len(b)-1] != '\n' {
			b = append(bytes.Clone(b), '\n')
		}
		if got[i].SHA256 != mail.Sum(b) {
			t.Errorf("%.40q: python reads %d bytes, want %d", b, got[i].Size, len(b))
		}
		equal++
	}
	if equal < 5 {
		t.Errorf("only %d messages were compared", equal)
	}
}

// TestMaildirInPython: another program finds all messages and their flags.
func TestMaildirInPython(t *testing.T) {
	messages := oddMessages()
	messages[3].History[0].Envelope.Origin = &mail.Origin{Flags: "FS"}
	messages[4].History[0].Envelope.Origin = &mail.Origin{Flags: "AOR"}
	messages[4].History[0].Envelope.Source = "import:mbox"
	dir := filepath.Join(t.TempDir(), "Maildir")
	must(t, len(messages))(ToFolder(t.Context(), sequence(messages...), dir, Options{Format: Maildir}))
	flags := map[mail.Digest]string{}
	for _, m := range python(t, Maildir, dir) {
		flags[m.SHA256] = m.Flags
	}
	for i, m := range messages {
		want := map[int]string{3: "FS", 4: "RS"}[i]
		if got, ok := flags[m.Digest]; !ok || got != want {
			t.Errorf("message %d: there %v with flags %q, want %q", i, ok, got, want)
		}
	}
	if left, err := os.ReadDir(filepath.Join(dir, "tmp")); err != nil || len(left) > 0 {
		t.Errorf("tmp has %v, %v", left, err)
	}
}

// TestManyInZip: above 65,535 files a .zip needs the fields of zip64.
func TestManyInZip(t *testing.T) {
	if testing.Short() {
		t.Skip("many files")
	}
	const n = 66_000
	one := message(1, []byte("x"))
	name := filepath.Join(t.TempDir(), "x.zip")
	must(t, n)(ToFile(t.Context(), func(yield func(Message, error) bool) {
		for i := range n {
			one.ID = numberedID(i + 1)
			if !yield(one, nil) {
				return
			}
		}
	}, name, Options{Format: Zip, Store: true}))
	out := run(t, ".", "python3", "-c", "import sys,zipfile; z=zipfile.ZipFile(sys.argv[1]); print(len(z.namelist()), z.testzip())", name)
	if string(out) != "66002 None\n" {
		t.Errorf("python finds %s", out)
	}
	run(t, ".", "unzip", "-tqq", name)
}

// TestBulk writes real mail in every format and compares digests.
func TestBulk(t *testing.T) {
	if testing.Short() {
		t.Skip("much mail")
	}
	messages := bulkMessages(t, 2000)
	for _, format := range []Format{TGZ, Zip} {
		dir := t.TempDir()
		name := filepath.Join(dir, "x")
		must(t, len(messages))(ToFile(t.Context(), sequence(messages...), name, Options{Format: format}))
		if format == Zip {
			run(t, dir, "unzip", "-q", name)
		} else {
			run(t, dir, "tar", "xzf", name)
		}
		sameFiles(t, dir, messages)
		followRecipe(t, dir)
	}
	for _, format := range []Format{EML, Maildir} {
		dir := filepath.Join(t.TempDir(), "x")
		must(t, len(messages))(ToFolder(t.Context(), sequence(messages...), dir, Options{Format: format}))
		sameFiles(t, dir, messages)
	}
	name := filepath.Join(t.TempDir(), "x.mbox")
	must(t, len(messages))(ToFile(t.Context(), sequence(messages...), name, Options{Format: Mbox}))
	if got := python(t, Mbox, name); len(got) != len(messages) {
		t.Errorf("python finds %d messages in the mbox, want %d", len(got), len(messages))
	}
	readsBack(t, readFile(t, name), messages)
}

func BenchmarkBulk(b *testing.B) {
	messages := bulkMessages(b, 5000)
	for _, format := range []Format{Mbox, TGZ, Zip} {
		b.Run(string(format), func(b *testing.B) {
			for b.Loop() {
				sum, err := ToStream(b.Context(), sequence(messages...), io.Discard, nil, Options{Format: format})
				if err != nil {
					b.Fatal(err)
				}
				b.SetBytes(sum.Bytes)
			}
		})
	}
	b.Run("eml", func(b *testing.B) {
		for b.Loop() {
			sum, err := ToFolder(b.Context(), sequence(messages...), filepath.Join(b.TempDir(), "x"), Options{Format: EML})
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(sum.Bytes)
		}
	})
}
