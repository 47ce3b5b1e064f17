package vault

import (
	"bytes"
	"fmt"
	"syscall"
	"testing"

	"mailarchive/internal/durable/durabletest"
)

// TestIndexIsOnlyDerived: missing, of an older state, with any bit flipped, it
// is made again and nothing is lost.
func TestIndexIsOnlyDerived(t *testing.T) {
	l := newLab(t, Options{SegmentSize: 1})
	l.group(noise(1, 3000), noise(2, ChunkSize+1), noise(1, 3000), []byte("short"))
	l.put(noise(3, 3000))
	l.put(noise(4, 3000))
	name := l.name(1, indexSuffix)
	whole := l.read(name)
	check := func(what string) {
		t.Helper()
		l.start()
		l.v.loading.Wait() // reads each index to its end
		l.whole()
		if got := l.read(name); !bytes.Equal(got, whole) {
			t.Errorf("%s: the index was not made again as it was", what)
		}
		l.v.Close()
	}
	l.v.Close()
	for off := range whole {
		flipped := bytes.Clone(whole)
		flipped[off] ^= 1 << (off % 8)
		l.write(name, flipped)
		check(fmt.Sprintf("bit flipped at %d", off))
	}
	for _, n := range []int{0, 10, indexHeader, len(whole) - entrySize, len(whole) - 1} {
		l.write(name, whole[:n])
		check(fmt.Sprintf("cut at %d", n))
	}
	l.write(name, append(bytes.Clone(whole), 0))
	check("longer")
	l.disk.Remove(name)
	check("missing")
	l.write(name, l.read(l.name(2, indexSuffix)))
	check("of another segment")
}

// TestIndexGoesWhileTheVaultIsOpen: reading makes it again.
func TestIndexGoesWhileTheVaultIsOpen(t *testing.T) {
	l := newLab(t, Options{SegmentSize: 1})
	l.put(noise(1, 3000))
	l.put(noise(2, 3000))
	l.v.loading.Wait()
	l.disk.Remove(l.name(1, indexSuffix))
	l.whole()
	if _, err := l.disk.Stat(l.name(1, indexSuffix)); err != nil {
		t.Error(err)
	}
}

// TestVerifyMendsIndexes, and says so.
func TestVerifyMendsIndexes(t *testing.T) {
	l := newLab(t, Options{SegmentSize: 1})
	l.put(noise(1, 3000))
	l.put(noise(2, 3000))
	l.v.loading.Wait()
	name := l.name(1, indexSuffix)
	good := l.read(name)
	for _, c := range []struct{ harm, want string }{
		{"missing", "segment 1: index is missing; it was made again"},
		{"other", "segment 1: index does not say what the segment holds; it was made again"},
	} {
		if l.write(name, bytes.Repeat([]byte("x"), 100)); c.harm == "missing" {
			l.disk.Remove(name)
		}
		if _, findings := verified(t, l.v); len(findings) != 1 || findings[0].String() != c.want {
			t.Errorf("%s: %v", c.harm, findings)
		}
		if !bytes.Equal(l.read(name), good) {
			t.Errorf("%s: not made again as it was", c.harm)
		}
		l.whole()
	}
	l.disk.Remove(name)
	l.failing(durabletest.Open, indexSuffix+".tmp", 1, durabletest.Fault{Err: syscall.ENOSPC})
	verified(t, l.v)
	l.whole() // the positions stay in memory
}
