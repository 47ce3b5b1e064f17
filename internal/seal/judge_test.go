package seal

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"slices"
	"strings"
	"testing"

	"mailarchive/internal/mail"
	"mailarchive/internal/vault"
)

// file is one entry of a tar file.
type file struct {
	name    string
	content []byte
}

// unpacked reads an archive file with the standard library.
func unpacked(t testing.TB, archive []byte) (files []file) {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file{h.Name, content})
	}
}

// packed makes an archive file of any entries: every member of it is sound.
func packed(t testing.TB, files []file) []byte {
	t.Helper()
	var b bytes.Buffer
	c, err := newCompressor(&b, 1, 1, mark{7}, nil)
	if err != nil {
		t.Fatal(err)
	}
	p := packer{c: c}
	for _, f := range files {
		if err := p.put(f.name, f.content, day); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.end(); err != nil {
		t.Fatal(err)
	}
	if err := c.finish(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestWhatAForgerWouldDo: files whose members are all sound and whose contents
// do not agree; the fault is named, with the message.
func TestWhatAForgerWouldDo(t *testing.T) {
	l := newLab(t)
	l.put(text(1, 100), text(2, 200), text(3, 300), text(1, 100))
	other := newLab(t)
	other.put(text(9, 90), text(8, 80))
	for range other.source(0) { // learn the records
	}
	_, made := l.made(Maker{}, 0)
	whole := read(t, made[0].Path)
	id := func(i int) string { return l.ids[i].String() }
	edit := func(name, old, now string) func([]file) []file {
		return func(files []file) []file {
			for i, f := range files {
				if f.name == name {
					files[i].content = bytes.Replace(f.content, []byte(old), []byte(now), 1)
				}
			}
			return files
		}
	}
	remove := func(names ...string) func([]file) []file {
		return func(files []file) []file {
			return slices.DeleteFunc(files, func(f file) bool { return slices.Contains(names, f.name) })
		}
	}
	insert := func(at int, more ...file) func([]file) []file {
		return func(files []file) []file { return slices.Insert(files, at, more...) }
	}
	both := func(i int) []string { return []string{recordName(l.ids[i]), contentName(l.ids[i])} }
	for _, c := range []struct {
		what   string
		change func([]file) []file
		says   string
		ids    []mail.ID
	}{
		{"nothing", func(f []file) []file { return f }, "", nil},
		{"content", edit(contentName(l.ids[1]), "lorem", "LOREM"), "is not what came in", l.ids[1:2]},
		{"content cut", edit(contentName(l.ids[1]), "lorem", ""), "is not what came in", l.ids[1:2]},
		{"content gone", remove(contentName(l.ids[2])), "its bytes are not in the file", l.ids[2:3]},
		{"content of two gone", remove(contentName(l.ids[0])), "its bytes are not in the file", []mail.ID{l.ids[0], l.ids[3]}},
		{"record", edit(recordName(l.ids[1]), "a@example.org", "c@example.org"), "the chain is broken before it", l.ids[2:3]},
		{"last record", edit(recordName(l.ids[3]), "a@example.org", "c@example.org"), recordName(l.ids[3]) + " has another digest", l.ids[3:4]},
		{"record no JSON", edit(recordName(l.ids[1]), "{", "["), "record is not JSON", l.ids[1:2]},
		{"record of another", edit(recordName(l.ids[1]), id(1), id(2)), "holds the record of", l.ids[1:2]},
		{"record gone", remove(recordName(l.ids[2])), "has no record in front of it", l.ids[2:3]},
		{"message gone", remove(both(1)...), "is in the manifest and not in the file", l.ids[1:2]},
		{"another vault's", insert(3, file{recordName(other.ids[1]), other.records[other.ids[1]]}), "of another vault", other.ids[1:2]},
		{"twice", func(f []file) []file { return slices.Insert(f, 5, f[1], f[2]) }, "comes behind number", l.ids[0:1]},
		{"content twice", func(f []file) []file { return slices.Insert(f, 3, f[2]) }, "is not what came in", l.ids[0:1]},
		{"manifest line gone", func(f []file) []file {
			i := slices.IndexFunc(f, func(f file) bool { return f.name == manifestName })
			lines := bytes.SplitAfter(f[i].content, []byte("\n"))
			f[i].content = bytes.Join(slices.Delete(lines, 1, 2), nil)
			return f
		}, "is in the file and not in the manifest", l.ids[1:2]},
		{"manifest says another size", edit(manifestName, `"size":200`, `"size":201`), "says other things than the record", l.ids[1:2]},
		{"manifest says another file", edit(manifestName, `"file":"messages/`+id(1), `"file":"messages/`+id(0)), "says other things than the record", l.ids[1:2]},
		{"manifest says another subject", edit(manifestName, "Grüße", "Grüsse"), manifestName + " has another digest", nil},
		{"manifest no JSON", edit(manifestName, `{"seq":2`, `["seq":2`), "a line cannot be read", nil},
		{"manifest cut", edit(manifestName, "\n", " "), "a line cannot be read", nil},
		{"sums", edit(sumsName, mail.Sum(text(2, 200)).String(), mail.Sum(nil).String()), contentName(l.ids[1]) + " has another digest", l.ids[1:2]},
		{"sums line gone", edit(sumsName, mail.Sum(text(2, 200)).String()+"  "+contentName(l.ids[1])+"\n", ""), "lines for", nil},
		{"sums of what is not there", edit(sumsName, "README.txt", "README.doc"), "which is not in the file", nil},
		{"sums nonsense", edit(sumsName, "  ", " "), "a line cannot be read", nil},
		{"readme", edit(readmeName, "OPEN", "SHUT"), readmeName + " has another digest", nil},
		{"chain counts", edit(chainName, `"messages": 4`, `"messages": 3`), "another digest", nil},
		{"chain no JSON", edit(chainName, `{`, ``), "is not JSON", nil},
		{"chain format", edit(chainName, `"format": 1`, `"format": 2`), "has format 2", nil},
		{"no chain", remove(chainName), "is missing", nil},
		{"no sums", remove(sumsName), "is missing", nil},
		{"no manifest", remove(manifestName), "is missing", nil},
		{"no readme", remove(readmeName), "is missing", nil},
		{"two chains", func(f []file) []file { return append(f, f[len(f)-2]) }, "does not belong", nil},
		{"stranger", insert(4, file{"messages/../x", nil}), "does not belong", nil},
		{"strange case", insert(4, file{strings.ToLower(recordName(l.ids[1])), nil}), "does not belong", nil},
		{"nothing at all", func([]file) []file { return nil }, "is missing", nil},
	} {
		t.Run(c.what, func(t *testing.T) {
			var findings []Finding
			r, err := Check(ctx, shelf(t, "f", packed(t, c.change(unpacked(t, whole)))), "f", Secret{}, nil, func(f Finding) { findings = append(findings, f) })
			if err != nil {
				t.Fatal(err)
			}
			if c.says == "" {
				if len(findings) > 0 || r.Chain != made[0].Chain {
					t.Errorf("findings in a good file: %v", findings)
				}
				return
			}
			said := slices.ContainsFunc(findings, func(f Finding) bool { return strings.Contains(f.String(), c.says) })
			if !said {
				t.Errorf("want %q, got %v", c.says, findings)
			}
			for _, id := range c.ids {
				if !slices.ContainsFunc(findings, func(f Finding) bool { return slices.Contains(f.IDs, id) }) {
					t.Errorf("%s is not named: %v", id, findings)
				}
			}
		})
	}
}

// TestRecordsOfOtherKinds: they keep the chain without a gap and are no
// messages.
func TestRecordsOfOtherKinds(t *testing.T) {
	l := newLab(t)
	l.put(text(1, 100), text(2, 200), text(3, 300))
	var items []Item
	for item := range l.source(0) {
		items = append(items, item)
	}
	items[1].Record = bytes.Replace(items[1].Record, []byte(`"kind":"arrival"`), []byte(`"kind":"outcome"`), 1)
	items[1].Content = nil
	m := Maker{Folder: t.TempDir()}
	made, err := m.Make(ctx, october, func(yield func(Item, error) bool) {
		for _, i := range items[:2] {
			if !yield(i, nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	r := checked(t, real, made.Files[0].Path, Secret{})
	if r.Chain.Records != 2 || r.Chain.Messages != 1 || r.Chain.Missing != 0 {
		t.Errorf("chain %+v", r.Chain)
	}
	a, err := Open(ctx, real, made.Files[0].Path, Secret{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	var kinds []string
	err = a.All(ctx, func(m Message) error {
		record, err := vault.DecodeRecord(m.Record)
		if err == nil {
			kinds = append(kinds, record.Kind)
		}
		if (m.Content == nil) != (record.Kind != vault.KindArrival) {
			t.Errorf("%s has content %v", record.Kind, m.Content)
		}
		return err
	})
	if err != nil || strings.Join(kinds, " ") != "arrival outcome" {
		t.Errorf("kinds %v, %v", kinds, err)
	}
}

func TestMissingRecordsAreCounted(t *testing.T) {
	l := newLab(t)
	l.put(text(1, 100), text(2, 200), text(3, 300), text(4, 400))
	m := Maker{Folder: t.TempDir()}
	made, err := m.Make(ctx, october, func(yield func(Item, error) bool) {
		n := 0
		for item := range l.source(0) {
			if n++; n != 2 && n != 3 && !yield(item, nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if r := checked(t, real, made.Files[0].Path, Secret{}); r.Chain.Missing != 2 || r.Chain.Records != 2 {
		t.Errorf("chain %+v", r.Chain)
	}
}
