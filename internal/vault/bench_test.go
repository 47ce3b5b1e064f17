package vault

import (
	"fmt"
	"sync/atomic"
	"testing"
)

// BenchmarkAppend stores 10 kB messages, so many at once as its name says, on
// the real disk.
func BenchmarkAppend(b *testing.B) {
	for _, group := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("group=%d", group), func(b *testing.B) {
			v := opened(b, Options{Folder: b.TempDir()})
			body := make([]byte, 0, 10<<10)
			for len(body) < 10<<10 {
				body = fmt.Appendf(body, "line %d of a message that compresses about as mail does: %x\r\n", len(body), noise(uint64(len(body)), 20))
			}
			var n atomic.Uint64
			b.SetBytes(int64(len(body)))
			b.SetParallelism((group + 1) / 2) // times GOMAXPROCS
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				own := append([]byte(nil), body...)
				for pb.Next() {
					copy(own, fmt.Sprintf("%020d", n.Add(1)))
					if _, err := tryPut(v, own); err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msg/s")
		})
	}
}
