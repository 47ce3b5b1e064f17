package seal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/catalog"
	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
)

var real = durable.OS{}

func TestWhatWasSealedComesBack(t *testing.T) {
	l := newLab(t).fill()
	folder, files := l.made(Maker{}, 0)
	if len(files) != 1 || files[0].Name.String() != "Oct-2026.tgz" {
		t.Fatalf("files %v", files)
	}
	r := checked(t, real, files[0].Path, Secret{})
	if r.Chain != files[0].Chain || r.SHA256 != files[0].SHA256 || r.SHA256 != mail.Sum(read(t, files[0].Path)) || r.Bytes != files[0].Size {
		t.Errorf("report %+v, made %+v", r, files[0])
	}
	if c := r.Chain; c.Messages != uint64(len(l.ids)) || c.Contents != c.Messages-2 || c.Missing != 0 || c.First.Seq != 1 || c.Last.ID != l.ids[len(l.ids)-1] {
		t.Errorf("chain %+v", c)
	}
	for _, withIndex := range []bool{true, false} {
		if !withIndex {
			if err := os.Remove(files[0].Path + indexSuffix); err != nil {
				t.Fatal(err)
			}
		}
		a, err := Open(ctx, real, files[0].Path, Secret{})
		if err != nil {
			t.Fatal(err)
		}
		l.holds(a, l.ids)
		l.eachAlone(a)
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}
	left, err := os.ReadDir(folder)
	if err != nil || len(left) != 2 {
		t.Errorf("folder has %v (%v)", left, err)
	}
}

// eachAlone reads every message by its ID.
func (l *lab) eachAlone(a *Archive) {
	l.Helper()
	for _, id := range l.ids {
		arrival, r, err := a.Message(ctx, id)
		if err != nil {
			l.Errorf("%s: %v", id, err)
			continue
		}
		b, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(b, l.sent[id]) || arrival.ID != id || arrival.Digest != mail.Sum(b) {
			l.Errorf("%s: %d bytes of %d (%v), arrival %+v", id, len(b), len(l.sent[id]), err, arrival)
		}
		r.Close()
	}
	if _, _, err := a.Message(ctx, mail.ID{1}); !errors.Is(err, mail.ErrNotFound) {
		l.Errorf("an ID that is not there: %v", err)
	}
}

func TestManifestMakesRowsAgain(t *testing.T) {
	l := newLab(t)
	l.put(text(1, 10), text(2, 20), text(1, 10))
	_, files := l.made(Maker{}, 0)
	a, err := Open(ctx, real, files[0].Path, Secret{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	var n int
	err = a.Manifest(ctx, func(line Line) error {
		arrival, _, err := a.Message(ctx, line.ID)
		if err != nil {
			return err
		}
		want := about(arrival)
		if diff := cmp.Diff(want, line.About); diff != "" {
			t.Errorf("%s: -want +got\n%s", line.ID, diff)
		}
		if diff := cmp.Diff(want.Document(arrival), line.About.Document(arrival)); diff != "" {
			t.Errorf("%s: document: %s", line.ID, diff)
		}
		if diff := cmp.Diff(want, Describe(want.Document(arrival))); diff != "" {
			t.Errorf("%s: there and back: %s", line.ID, diff)
		}
		if holder := l.ids[n%2]; line.File != contentName(holder) || line.RcptTo[0] != "b\uFFFD@example.org" || line.MailFrom != "a@example.org" {
			t.Errorf("line %+v", line)
		}
		n++
		return nil
	})
	if err != nil || n != 3 {
		t.Errorf("%d lines, %v", n, err)
	}
	_ = catalog.Document{}
}

func TestSameInSameOut(t *testing.T) {
	l := newLab(t).fill()
	_, first := l.made(Maker{Workers: 1}, 0)
	_, second := l.made(Maker{Workers: 5}, 0)
	if first[0].SHA256 != second[0].SHA256 {
		t.Error("the file depends on how many cores there are")
	}
}

func TestSplitAtMaxSize(t *testing.T) {
	l := newLab(t).fill()
	for _, size := range []int64{1, 100 << 10, 1 << 20, 3 << 20, 4 << 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			_, files := l.made(Maker{MaxSize: size, Workers: 2}, 0)
			var names []string
			var messages uint64
			for i, f := range files {
				checked(t, real, f.Path, Secret{})
				if f.Size > size && f.Chain.Messages > 1 {
					t.Errorf("%s has %d bytes and %d messages", f.Name, f.Size, f.Chain.Messages)
				}
				if want := (Name{Month: october, Part: i}); f.Name != want {
					t.Errorf("file %d is %s", i, f.Name)
				}
				names = append(names, f.Name.String())
				messages += f.Chain.Messages
				if i > 0 && f.Chain.First.Prev != files[i-1].Chain.Last.SHA256 {
					t.Errorf("%s does not follow %s", f.Name, files[i-1].Name)
				}
			}
			if messages != uint64(len(l.ids)) || size == 1 && len(files) != len(l.ids) {
				t.Errorf("%d messages in %v", messages, names)
			}
		})
	}
}

func TestNamesThatAreTaken(t *testing.T) {
	l := newLab(t)
	l.put(text(1, 10))
	folder := t.TempDir()
	for _, name := range []string{"Oct-2026.enc", "Oct-2026-2.tgz"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte("other"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m := Maker{Folder: folder, Taken: func(n Name) bool { return n.Part == 1 }}
	made, err := m.Make(ctx, october, l.source(0))
	if err != nil || made.Files[0].Name.String() != "Oct-2026-3.tgz" {
		t.Fatalf("%v, %v", made, err)
	}
	if string(read(t, filepath.Join(folder, "Oct-2026.enc"))) != "other" {
		t.Error("a file was overwritten")
	}
}

func TestNothingToSeal(t *testing.T) {
	l := newLab(t)
	folder, files := l.made(Maker{}, 0)
	if left, err := os.ReadDir(folder); err != nil || len(files)+len(left) > 0 {
		t.Errorf("files %v, folder %v, %v", files, left, err)
	}
}

func TestDamagedContentStaysOut(t *testing.T) {
	l := newLab(t)
	l.put(text(1, 100), text(2, 2*MemberSize), text(3, 300), text(4, 400))
	spoil := func(item Item) Item {
		switch item.About.MessageID[:26] {
		case l.ids[0].String(): // shorter
			item.Content = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text(1, 99))), nil }
		case l.ids[1].String(): // other bytes
			item.Content = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(text(9, 2*MemberSize))), nil }
		case l.ids[3].String():
			item.Content = func() (io.ReadCloser, error) { return nil, fmt.Errorf("lost: %w", mail.ErrDamaged) }
		}
		return item
	}
	m := Maker{Folder: t.TempDir()}
	made, err := m.Make(ctx, october, func(yield func(Item, error) bool) {
		for item, err := range l.source(0) {
			if !yield(spoil(item), err) {
				return
			}
		}
	})
	if err != nil || len(made.LeftOut) != 3 {
		t.Fatalf("left out %v, %v", made.LeftOut, err)
	}
	for i, want := range []mail.ID{l.ids[0], l.ids[1], l.ids[3]} {
		if left := made.LeftOut[i]; left.ID != want || !errors.Is(left.Err, mail.ErrDamaged) {
			t.Errorf("left out %+v, want %s", left, want)
		}
	}
	r := checked(t, real, made.Files[0].Path, Secret{})
	if r.Chain.Messages != 1 || r.Chain.First.ID != l.ids[2] {
		t.Errorf("chain %+v", r.Chain)
	}
}

func TestSourcesThatMakeNoSense(t *testing.T) {
	l, other := newLab(t), newLab(t)
	l.put(text(1, 100), text(2, 200))
	other.put(text(3, 100), text(4, 100), text(5, 100))
	items := func(sources ...Source) (list []Item) {
		for _, s := range sources {
			for item := range s {
				list = append(list, item)
			}
		}
		return list
	}
	broken := errors.New("broken")
	for _, c := range []struct {
		what string
		list []Item
		last error
		want error
	}{
		{"falling", items(l.source(2), l.source(0)), nil, mail.ErrBadInput},
		{"twice", items(l.source(2), l.source(2)), nil, mail.ErrBadInput},
		{"two vaults", items(l.source(0), other.source(3)), nil, mail.ErrBadInput},
		{"no record", []Item{{Record: []byte("{}")}}, nil, mail.ErrDamaged},
		{"an error", items(l.source(0)), broken, broken},
	} {
		m := Maker{Folder: t.TempDir()}
		made, err := m.Make(ctx, october, func(yield func(Item, error) bool) {
			for _, item := range c.list {
				if !yield(item, nil) {
					return
				}
			}
			if c.last != nil {
				yield(Item{}, c.last)
			}
		})
		left, _ := os.ReadDir(m.Folder)
		if !errors.Is(err, c.want) || len(made.Files)+len(left) > 0 {
			t.Errorf("%s: %v, want %v; files %v, folder %v", c.what, err, c.want, made.Files, left)
		}
	}
}
