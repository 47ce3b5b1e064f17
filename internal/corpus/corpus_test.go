package corpus

import (
	"archive/tar"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// archive writes a small archive into a folder that MAIL_CORPORA names.
func archive(t *testing.T, name string, files map[string]string) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("MAIL_CORPORA", dir)
	t.Setenv("TMPDIR", t.TempDir())
	f, err := os.Create(filepath.Join(dir, name+".tar.zst"))
	if err != nil {
		t.Fatal(err)
	}
	z, err := zstd.NewWriter(f)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(z)
	for path, content := range files {
		if err := w.WriteHeader(&tar.Header{Name: path, Mode: 0o644, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		w.Write([]byte(content))
	}
	for _, c := range []interface{ Close() error }{w, z, f} {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOpenUnpacksOnceForAll(t *testing.T) {
	archive(t, "small", map[string]string{"a/b.eml": "Subject: hello\n\nworld\n"})
	dirs := make([]string, 8)
	var wg sync.WaitGroup
	for i := range dirs {
		wg.Go(func() { dirs[i] = Open(t, "small") })
	}
	wg.Wait()
	for _, dir := range dirs {
		if dir != dirs[0] {
			t.Errorf("Open gave %s and %s", dir, dirs[0])
		}
	}
	b, err := os.ReadFile(filepath.Join(dirs[0], "a", "b.eml"))
	if err != nil || string(b) != "Subject: hello\n\nworld\n" {
		t.Errorf("file holds %q, %v", b, err)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(dirs[0]), ".unpacking-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("temporary folders left: %v %v", left, err)
	}
}

func TestUnpackStaysInItsFolder(t *testing.T) {
	archive(t, "evil", map[string]string{"../outside": "x"})
	dir := t.TempDir()
	if err := unpack(filepath.Join(os.Getenv("MAIL_CORPORA"), "evil.tar.zst"), dir); err == nil {
		t.Error("an entry outside of the folder was taken")
	}
}

func TestOpenSkipsWithoutArchives(t *testing.T) {
	t.Setenv("MAIL_CORPORA", t.TempDir())
	skipped := false
	t.Run("inner", func(t *testing.T) {
		defer func() { skipped = t.Skipped() }()
		Open(t, "small")
	})
	if !skipped {
		t.Error("Open did not skip")
	}
}
