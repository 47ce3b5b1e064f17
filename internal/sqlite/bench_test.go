package sqlite

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"mailarchive/internal/access"
	"mailarchive/internal/catalog"
	"mailarchive/internal/catalog/catalogtest"
	"mailarchive/internal/extract"
	"mailarchive/internal/mail"
)

// zipf makes texts whose words are as unevenly common as those of a language.
type zipf struct {
	*rand.Rand
	words *rand.Zipf
}

func newZipf() zipf {
	r := rand.New(rand.NewPCG(3, 4))
	return zipf{r, rand.NewZipf(r, 1.07, 8, 2_000_000)}
}

func (z zipf) text(n int) string {
	var b strings.Builder
	for range n {
		fmt.Fprintf(&b, "w%x ", z.words.Uint64())
	}
	return b.String()
}

func (z zipf) document(seq uint64) catalog.Document {
	return catalogtest.Document(seq, func(d *catalog.Document) {
		d.Text, d.Subject = z.text(300), z.text(6)
		d.MessageID = fmt.Sprintf("%x@mail.example.org", z.Uint64())
		d.Date = d.Arrival.Received.AddDate(-3, 0, z.IntN(1000))
		d.SortDate = d.Date
		person := func() extract.Participant {
			n := z.words.Uint64() % 5000
			return extract.Participant{Name: fmt.Sprintf("Person n%d", n), Address: fmt.Sprintf("p%d@d%d.example.org", n, n%100)}
		}
		d.From = []extract.Participant{person()}
		d.To = []extract.Participant{person(), person()}
		d.Arrival.Envelope.From = mail.Address(d.From[0].Address)
		d.Arrival.Envelope.To = []mail.Recipient{{Address: mail.Address(d.To[0].Address)}}
	})
}

// filled returns a catalog with n documents of some 2 kB of text.
func filled(b *testing.B, n int) *DB {
	b.Helper()
	db := open(b, Options{})
	b.Cleanup(func() { db.Close() })
	fill(b, db, n)
	return db
}

func fill(b *testing.B, db *DB, n int) {
	z := newZipf()
	for seq := 1; seq <= n; {
		var batch []catalog.Document
		for ; len(batch) < 1000 && seq <= n; seq++ {
			batch = append(batch, z.document(uint64(seq)))
		}
		if err := db.Apply(b.Context(), batch, 0); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkApply(b *testing.B) {
	z := newZipf()
	documents := make([]catalog.Document, b.N)
	for i := range documents {
		documents[i] = z.document(uint64(i + 1))
	}
	db := open(b, Options{})
	defer db.Close()
	b.ResetTimer()
	for rest := documents; len(rest) > 0; {
		n := min(1000, len(rest))
		if err := db.Apply(b.Context(), rest[:n], 0); err != nil {
			b.Fatal(err)
		}
		rest = rest[n:]
	}
	b.StopTimer()
	info, err := os.Stat(db.path)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
	b.ReportMetric(float64(info.Size())/float64(b.N), "bytes/message")
}

func BenchmarkSearch(b *testing.B) {
	db := filled(b, 50_000)
	everything := access.Everything("bench")
	text := func(f catalog.Field, v string) catalog.Text { return catalog.Text{Field: f, Value: v} }
	for _, c := range []struct {
		name  string
		where catalog.Node
	}{
		{"all", nil},
		{"common", text(catalog.AnyText, "w1")},
		{"rare", text(catalog.AnyText, "w1f00")},
		{"two words", catalog.And{text(catalog.AnyText, "w1"), text(catalog.AnyText, "w100")}},
		{"phrase", text(catalog.Body, "w1 w2")},
		{"from", text(catalog.From, "p1@d1.example.org")},
		{"from domain", text(catalog.From, "@d1.example.org")},
		{"not", catalog.Not{Node: text(catalog.AnyText, "w1")}},
		{"common and dates", catalog.And{text(catalog.AnyText, "w1"), catalog.Between{Before: time.Date(2024, 1, 1, 0, 30, 0, 0, time.UTC)}}},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				q := catalog.Query{Scope: everything, Where: c.where, Limit: 50}
				if err := db.Search(b.Context(), q, func(catalog.Hit) bool { return true }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
