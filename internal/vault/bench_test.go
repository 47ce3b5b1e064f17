package vault

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"mailarchive/internal/mail"
)

// prose returns text that compresses about as mail does, twofold.
func prose(size int) []byte {
	b := make([]byte, 0, size+100)
	for len(b) < size {
		b = fmt.Appendf(b, "line %d of a message that compresses about as mail does: %x\r\n", len(b), noise(uint64(len(b)), 20))
	}
	return b[:size]
}

// BenchmarkAppend stores 10 kB messages, so many at once as its name says, on
// the real disk.
func BenchmarkAppend(b *testing.B) {
	for _, group := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("group=%d", group), func(b *testing.B) {
			benchmarkAppend(b, group, 10<<10)
		})
	}
}

// BenchmarkAppendLarge stores messages of 10 MB, two at once.
func BenchmarkAppendLarge(b *testing.B) { benchmarkAppend(b, 2, 10<<20) }

func benchmarkAppend(b *testing.B, group, size int) {
	v := opened(b, Options{Folder: b.TempDir()})
	body := prose(size)
	var n atomic.Uint64
	b.SetBytes(int64(size))
	b.ReportAllocs()
	b.SetParallelism((group + 1) / 2) // times GOMAXPROCS
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		own := bytes.Clone(body)
		for pb.Next() {
			copy(own, fmt.Sprintf("%020d", n.Add(1)))
			if _, err := tryPut(v, own); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
}

// bulk fills a vault with raw bytes of messages of about 10 kB, stored in
// groups as under load or one by one.
func bulk(b *testing.B, raw, group int) (v *Vault, ids []mail.ID) {
	v = opened(b, Options{Folder: b.TempDir()})
	text := prose(8 << 20)
	r := rand.New(rand.NewPCG(1, 1))
	for n := 0; n < raw; {
		var batch []*request
		for range group {
			size := 1000 + r.IntN(18_000)
			from := r.IntN(len(text) - size)
			s := v.Stage()
			if _, err := s.Write(text[from : from+size]); err != nil {
				b.Fatal(err)
			}
			n += size
			q := &request{kind: KindArrival, content: s, envelope: mail.Envelope{Source: "smtp", From: "a@example.org", To: []mail.Recipient{{Address: "b@example.org"}}}, done: make(chan error, 1)}
			if err := v.enqueue(q); err != nil {
				b.Fatal(err)
			}
			batch = append(batch, q)
		}
		for _, q := range batch {
			if err := <-q.done; err != nil {
				b.Fatal(err)
			}
			q.content.Discard()
			ids = append(ids, q.arrival().ID)
		}
	}
	return v, ids
}

const bulkRaw = 128 << 20

func BenchmarkVerify(b *testing.B) {
	for _, group := range []int{1, 64} {
		b.Run(fmt.Sprintf("group=%d", group), func(b *testing.B) {
			v, _ := bulk(b, bulkRaw, group)
			b.SetBytes(bulkRaw)
			b.ReportAllocs()
			for b.Loop() {
				clean(b, v)
			}
		})
	}
}

func BenchmarkWalk(b *testing.B) {
	v, _ := bulk(b, bulkRaw, 64)
	b.SetBytes(bulkRaw)
	b.ReportAllocs()
	for b.Loop() {
		err := v.Walk(ctx, 0, func(i Item) error {
			r, err := i.Content()
			if err != nil {
				return err
			}
			defer r.Close()
			_, err = io.Copy(io.Discard, r)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkOpenMessage reads one message out of frames of 256 KiB.
func BenchmarkOpenMessage(b *testing.B) {
	v, ids := bulk(b, 32<<20, 64)
	r := rand.New(rand.NewPCG(1, 1))
	b.ReportAllocs()
	for b.Loop() {
		get(b, v, ids[r.IntN(len(ids))])
	}
}

// BenchmarkStart opens a vault whose last segment is nearly full of small
// messages and was not closed in order.
func BenchmarkStart(b *testing.B) {
	for _, group := range []int{1, 64} {
		b.Run(fmt.Sprintf("group=%d", group), func(b *testing.B) {
			v, _ := bulk(b, 400<<20, group)
			if s := v.Stats(); s.Segments != 1 || s.BytesDisk < 200<<20 {
				b.Logf("%d bytes in %d segments", s.BytesDisk, s.Segments)
			}
			v.Close()
			for b.Loop() {
				again, err := Open(Options{Folder: v.folder})
				if err != nil {
					b.Fatal(err)
				}
				again.Close()
			}
		})
	}
}
