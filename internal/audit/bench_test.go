package audit

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"mailarchive/internal/mail"
)

// search is the entry of a search whose page of 50 hits is shown.
func search() Entry {
	ids := make([]mail.ID, 50)
	for i := range ids {
		ids[i] = mail.NextID(mail.ID{}, noon)
	}
	return Entry{Actor: "ann@example.org", Role: "user", Act: ActSearch, Query: "from:bob invoice 2026", Hits: 1234, IDs: ids, Client: "192.0.2.1:4711"}
}

// BenchmarkRecord records searches, so many at once as its name says, on the
// real disk.
func BenchmarkRecord(b *testing.B) {
	for _, group := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprintf("group=%d", group), func(b *testing.B) {
			l := must(Open(Options{Folder: filepath.Join(b.TempDir(), "audit")}))
			defer l.Close()
			e := search()
			b.ReportAllocs()
			b.SetParallelism((group + 1) / 2) // times GOMAXPROCS
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := l.Record(context.Background(), e); err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}

// filled is a record of n searches in one month on the real disk.
func filled(b *testing.B, n int) *Log {
	l := must(Open(Options{Folder: filepath.Join(b.TempDir(), "audit"), Clock: func() time.Time { return noon }}))
	b.Cleanup(func() { l.Close() })
	body := must(encodeBody(search()))
	for range n / maxBatch {
		var answers []<-chan error
		for range maxBatch {
			answers = append(answers, l.enqueue(&request{body: body, done: make(chan error, 1)}))
		}
		for _, a := range answers {
			if err := <-a; err != nil {
				b.Fatal(err)
			}
		}
	}
	return l
}

func BenchmarkVerify(b *testing.B) {
	l := filled(b, 50_000)
	b.SetBytes(l.openLength())
	for b.Loop() {
		if err := l.Verify(context.Background(), nil, func(f Finding) { b.Error(f) }); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkNewestPage gives 50 entries from the middle of 50,000.
func BenchmarkNewestPage(b *testing.B) {
	l := filled(b, 50_000)
	f := Filter{Newest: true, Limit: 50, Before: 25_000}
	for b.Loop() {
		if err := l.Walk(context.Background(), f, func(Entry) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
