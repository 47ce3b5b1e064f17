package importer

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"mailarchive/internal/mail"
)

func readContent(t *testing.T, c *content) string {
	t.Helper()
	r, err := c.open()
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	b, err := io.ReadAll(r)
	if err != nil || r.failed() != nil {
		t.Fatalf("read: %v, %v", err, r.failed())
	}
	return string(b)
}

func TestFileContentAroundTheLimit(t *testing.T) {
	for _, size := range []int{0, 1, headSize, smallMax - 1, smallMax, smallMax + 1, 2*smallMax + 3} {
		text := strings.Repeat("abcdefg", size/7+1)[:size]
		root := tree(t, map[string]string{"plain": text, "packed.gz": gz(text)})
		plain, err := fileContent(filepath.Join(root, "plain"))
		if err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		packed, err := gzipContent(filepath.Join(root, "packed.gz"), t.TempDir())
		if err != nil {
			t.Fatalf("%d bytes packed: %v", size, err)
		}
		for _, c := range []*content{plain, packed} {
			if c.digest != mail.Sum([]byte(text)) || c.size != int64(size) || c.stable != (size <= smallMax) {
				t.Errorf("%d bytes: digest %v, size %d, in memory %v", size, c.digest, c.size, c.stable)
			}
			if want := min(size, headerSize); len(c.head) < want || !strings.HasPrefix(text, string(c.head)) {
				t.Errorf("%d bytes: the head has %d", size, len(c.head))
			}
			for range 2 { // a second try reads it again
				if readContent(t, c) != text {
					t.Errorf("%d bytes came out otherwise", size)
				}
			}
			if err := c.close(); err != nil {
				t.Errorf("close: %v", err)
			}
		}
	}
}

func TestSpooledLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	c, err := spooled([]byte("first "), strings.NewReader("and rest"), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	if entries, _ := os.ReadDir(dir); len(entries) > 0 {
		t.Errorf("%v is there while the content is in use; a crash would leave it", entries)
	}
	if got := readContent(t, c); got != "first and rest" {
		t.Errorf("got %q", got)
	}
	if _, err := spooled(nil, iotest.ErrReader(errBoom), dir); !errors.Is(err, errBoom) {
		t.Errorf("a source that fails: %v", err)
	}
	if _, err := spooled(nil, strings.NewReader(""), filepath.Join(dir, "missing")); err == nil {
		t.Error("spooled into a folder that is not there")
	}
}

func TestCheckedEndsOnlyWithTheDigest(t *testing.T) {
	for _, c := range []struct {
		name string
		r    io.Reader
		want error
	}{
		{"equal", strings.NewReader("abc"), nil},
		{"other", strings.NewReader("abd"), errChanged},
		{"shorter", strings.NewReader("ab"), errChanged},
		{"longer", strings.NewReader("abcd"), errChanged},
		{"broken", io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(errBoom)), errBoom},
		{"end with the last bytes", iotest.DataErrReader(strings.NewReader("abd")), errChanged},
	} {
		body := &content{digest: mail.Sum([]byte("abc")), again: func() (io.Reader, error) { return c.r, nil }}
		r, err := body.open()
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.Copy(io.Discard, r)
		if !errors.Is(err, c.want) || !errors.Is(r.failed(), c.want) || (c.want == nil) != (err == nil) {
			t.Errorf("%s: %v, failed %v, want %v", c.name, err, r.failed(), c.want)
		}
		if _, again := r.Read(make([]byte, 1)); c.want != nil && !errors.Is(again, c.want) {
			t.Errorf("%s: read again gives %v, want the same error", c.name, again)
		}
	}
}

func TestOpenSourceIsPicky(t *testing.T) {
	root := tree(t, map[string]string{"a": "x", "d/": ""})
	if err := os.Symlink(filepath.Join(root, "a"), filepath.Join(root, "l")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"l", "d", "missing"} {
		if f, _, err := openRegular(filepath.Join(root, name)); err == nil {
			f.Close()
			t.Errorf("%s opened as a regular file", name)
		}
	}
	f, info, err := openRegular(filepath.Join(root, "a"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write([]byte("y")); err == nil {
		t.Error("the source can be written to")
	}
	if err := unchanged(f, info); err != nil {
		t.Errorf("unchanged: %v", err)
	}
	if err := os.WriteFile(filepath.Join(root, "a"), []byte("xy"), 0); err != nil {
		t.Fatal(err)
	}
	if err := unchanged(f, info); !errors.Is(err, errChanged) {
		t.Errorf("after a write: %v, want %v", err, errChanged)
	}
}

func TestBudgetNeverLendsMore(t *testing.T) {
	const all = 10
	b := newBudget(all)
	var mu sync.Mutex
	var held, most int64
	count := func(n int64) {
		mu.Lock()
		defer mu.Unlock()
		held += n
		most = max(most, held)
	}
	var wg sync.WaitGroup
	for i := range 40 {
		n := int64(i%all + 1)
		wg.Go(func() {
			for range 20 {
				b.take(n)
				count(n)
				count(-n)
				b.give(n)
			}
		})
	}
	wg.Wait()
	if most > all || b.free != all {
		t.Errorf("at most %d of %d held, %d free at the end", most, all, b.free)
	}
}

func TestOccurrences(t *testing.T) {
	o := occurrences{}
	a, b := mail.Sum([]byte("a")), mail.Sum([]byte("b"))
	var got []uint32
	for _, d := range []mail.Digest{a, b, a, a, b} {
		got = append(got, o.before(d))
	}
	if want := []uint32{0, 0, 1, 2, 1}; !bytes.Equal(toBytes(got), toBytes(want)) {
		t.Errorf("before = %v, want %v", got, want)
	}
}

func toBytes(n []uint32) (b []byte) {
	for _, x := range n {
		b = append(b, byte(x))
	}
	return b
}
