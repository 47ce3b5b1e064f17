package importer

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// openSource opens a file or folder of the source to read it and nothing else:
// no lock, and no access time left behind where the system lets us (O_NOATIME
// is for the owner and root, open(2)). A link is not followed, for the walk
// resolved those that are, and a pipe that took the file's place does not block.
func openSource(path string) (*os.File, error) {
	const flags = unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_NONBLOCK
	f, err := os.OpenFile(path, flags|unix.O_NOATIME, 0)
	if errors.Is(err, fs.ErrPermission) {
		f, err = os.OpenFile(path, flags, 0)
	}
	return f, err
}

// openRegular opens a file and returns what it was then.
func openRegular(path string) (*os.File, fs.FileInfo, error) {
	f, err := openSource(path)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no regular file any more", path)
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// errChanged: the source is being written to, so what was read may be half a
// message.
var errChanged = errors.New("the file changed while it was read; import it again")

// unchanged fails if the file is not what it was when info was taken.
func unchanged(f *os.File, info fs.FileInfo) error {
	now, err := f.Stat()
	if err != nil {
		return err
	}
	if now.Size() != info.Size() || !now.ModTime().Equal(info.ModTime()) {
		return errChanged
	}
	return nil
}

// readHead returns the first bytes of a file.
func readHead(path string) ([]byte, error) {
	f, _, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return headOf(f)
}

// headOf returns up to headSize bytes of r.
func headOf(r io.Reader) ([]byte, error) {
	b := make([]byte, headSize)
	n, err := io.ReadFull(r, b)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return b[:n], err
}

// readDir lists a folder, sorted by name.
func readDir(path string) ([]fs.DirEntry, error) {
	d, err := openSource(path)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	entries, err := d.ReadDir(-1)
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, err
}
