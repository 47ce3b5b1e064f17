// Package corpus gives tests the mail that lies beside the project. It is
// test support: nothing that ships imports it.
//
// In come archives (name.tar.zst) from the folder that the environment
// variable MAIL_CORPORA names, else from ../shared/corpora beside the
// project's root; out go folders with their files, unpacked once under the
// system's temporary folder and shared by all test processes. Where there are
// no archives the test is skipped, with the reason. Nothing here is synced: a
// crash leaves a folder under a temporary name that nobody looks at.
package corpus

import (
	"archive/tar"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// Bulk returns the folder with 23,001 real messages, <name>/*.eml.
func Bulk(t testing.TB) string { return filepath.Join(Open(t, "bulk-dev"), "bulk") }

// Torture returns the folder with odd and hostile files: eml/, mbox/, and
// special/ with expect.jsonl.
func Torture(t testing.TB) string { return filepath.Join(Open(t, "torture-dev"), "torture-dev") }

// Samples returns the folder with mail stores of other programs: maildir/,
// mbox/, pst/.
func Samples(t testing.TB) string { return filepath.Join(Open(t, "torture-dev"), "samples") }

// Open unpacks the archive name.tar.zst, unless an earlier call did, and
// returns the folder. The test must not write there.
func Open(t testing.TB, name string) string {
	t.Helper()
	archive := filepath.Join(folder(), name+".tar.zst")
	info, err := os.Stat(archive)
	if err != nil {
		t.Skipf("no mail to test with: %v (set MAIL_CORPORA to the folder that holds it)", err)
	}
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("mail-corpus-%d", os.Getuid()),
		name+"-"+strconv.FormatInt(info.Size(), 36)+"-"+strconv.FormatInt(info.ModTime().UnixNano(), 36))
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	if err := unpackOnce(archive, dir); err != nil {
		t.Fatalf("unpack %s: %v", archive, err)
	}
	return dir
}

func folder() string {
	if dir := os.Getenv("MAIL_CORPORA"); dir != "" {
		return dir
	}
	_, file, _, _ := runtime.Caller(0)
	root := filepath.Dir(filepath.Dir(filepath.Dir(file)))
	return filepath.Join(filepath.Dir(root), "shared", "corpora")
}

// unpackOnce unpacks under a name of its own and renames; when another process
// was faster, its folder is as good.
func unpackOnce(archive, dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), ".unpacking-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := unpack(archive, tmp); err != nil {
		return err
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	if err := os.Rename(tmp, dir); err != nil {
		if _, there := os.Stat(dir); there == nil {
			return nil
		}
		return err
	}
	return nil
}

func unpack(archive, dir string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	// The archives were packed with zstd --long=27.
	z, err := zstd.NewReader(f, zstd.WithDecoderMaxWindow(1<<27))
	if err != nil {
		return err
	}
	defer z.Close()
	r := tar.NewReader(z)
	for {
		h, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := entry(r, h, dir); err != nil {
			return fmt.Errorf("%s: %w", h.Name, err)
		}
	}
}

func entry(r io.Reader, h *tar.Header, dir string) error {
	if !filepath.IsLocal(h.Name) {
		return fmt.Errorf("leads out of the folder")
	}
	path := filepath.Join(dir, h.Name)
	if h.Typeflag == tar.TypeDir {
		return os.MkdirAll(path, 0o755)
	}
	if h.Typeflag != tar.TypeReg {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, r); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Chtimes(path, h.ModTime, h.ModTime)
}
