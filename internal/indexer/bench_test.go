package indexer

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mailarchive/internal/catalog"
	"mailarchive/internal/mail"
	"mailarchive/internal/sqlite"
)

// folder is a vault made of the files of a corpus.
type folder struct {
	Vault
	items []Item
	raw   int64
}

func newFolder(b *testing.B) *folder {
	b.Helper()
	f := &folder{}
	corpus := os.Getenv("MAIL_CORPORA")
	if corpus == "" {
		corpus = "../../../shared/corpora"
	}
	err := filepath.WalkDir(filepath.Join(corpus, "bulk"), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".eml") {
			return err
		}
		return f.add(path)
	})
	if err != nil || len(f.items) == 0 {
		b.Skipf("set MAIL_CORPORA to the folder of the unpacked corpora (%v)", err)
	}
	return f
}

func (f *folder) add(path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	f.raw += int64(len(content))
	seq := uint64(len(f.items) + 1)
	received := time.Unix(1_790_000_000, int64(seq)*1e6).UTC()
	f.items = append(f.items, Item{
		Arrival: mail.Arrival{
			ID: mail.NextID(mail.ID{}, received), Seq: seq, Digest: mail.Sum(content), Size: int64(len(content)), Received: received,
			Envelope: mail.Envelope{Source: "import:eml", Origin: &mail.Origin{Path: path, Key: mail.Sum([]byte(path))}},
		},
		Open: func() (io.ReadCloser, error) { return os.Open(path) },
	})
	return nil
}

func (f *folder) Last() uint64 { return uint64(len(f.items)) }

func (f *folder) Walk(_ context.Context, from uint64, each func(Item) error) error {
	for _, i := range f.items[from-1:] {
		if err := each(i); err != nil {
			return err
		}
	}
	return nil
}

// BenchmarkCorpus indexes the real messages of the corpus bulk-dev, once an
// iteration.
func BenchmarkCorpus(b *testing.B) {
	f := newFolder(b)
	b.SetBytes(f.raw)
	b.ResetTimer()
	for i := range b.N {
		path := filepath.Join(b.TempDir(), fmt.Sprint(i, ".sqlite"))
		db, err := sqlite.Open(b.Context(), path, sqlite.Options{})
		if err != nil {
			b.Fatal(err)
		}
		if err := New(f, db).CatchUp(b.Context()); err != nil {
			b.Fatal(err)
		}
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(info.Size())/float64(f.raw), "catalog/raw")
	}
	b.ReportMetric(float64(b.N*len(f.items))/b.Elapsed().Seconds(), "messages/s")
}

// BenchmarkLoneMessage is the time from a message being in the vault until a
// search finds it, with no other in sight.
func BenchmarkLoneMessage(b *testing.B) {
	db, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "catalog.sqlite"), sqlite.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	s := newShelf()
	ix := New(s, db)
	for n := 0; b.Loop(); n++ {
		s.put(message(n), nil)
		if err := ix.CatchUp(b.Context()); err != nil {
			b.Fatal(err)
		}
		found, _, err := db.Count(b.Context(), everything, catalog.Text{Field: catalog.Subject, Value: fmt.Sprint("number", n)}, 2)
		if found != 1 || err != nil {
			b.Fatalf("message %d is found %d times, %v", n, found, err)
		}
	}
}
