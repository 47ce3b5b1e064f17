package importer

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"os"

	"mailarchive/internal/mail"
)

// smallMax is the size in bytes up to which a message is held in memory and
// handed over by one of many workers; above it is read twice, once for its
// digest and once for the archive.
const smallMax = 1 << 20

// headerSize is how many bytes of a large message are kept for what its header
// says.
const headerSize = 64 << 10

// content is one message: its digest, and a way to read it as often as needed.
type content struct {
	digest mail.Digest
	size   int64
	head   []byte // the beginning, at least headerSize bytes if there are as many
	stable bool   // it is in memory, where it cannot change
	again  func() (io.Reader, error)
	close  func() error
}

// open returns the bytes from the start. Unless they have the digest that was
// taken before, reading them ends in errChanged and not in io.EOF, so that
// Accept does not store them.
func (c *content) open() (*checked, error) {
	r, err := c.again()
	if err != nil {
		return nil, err
	}
	if c.stable {
		return &checked{r: r}, nil
	}
	return &checked{r: r, hash: sha256.New(), want: c.digest}, nil
}

// inMemory makes content of bytes, which it keeps.
func inMemory(b []byte) *content {
	return &content{
		digest: mail.Sum(b), size: int64(len(b)), head: b, stable: true,
		again: func() (io.Reader, error) { return bytes.NewReader(b), nil },
		close: func() error { return nil },
	}
}

// streamed makes content of what r gives behind first, which was read already.
// again must give all of it once more.
func streamed(first []byte, r io.Reader, again func() (io.Reader, error)) (*content, error) {
	h := sha256.New()
	h.Write(first) // never fails (hash.Hash)
	n, err := io.Copy(h, r)
	if err != nil {
		return nil, err
	}
	return &content{
		digest: mail.Digest(h.Sum(nil)), size: int64(len(first)) + n,
		head: bytes.Clone(first[:min(len(first), headerSize)]), again: again,
		close: func() error { return nil },
	}, nil
}

// spooled makes content of first and of what r gives behind it, for a source
// that cannot be read twice. The copy is a file without a name in dir: it is
// gone with the process.
func spooled(first []byte, r io.Reader, dir string) (*content, error) {
	f, err := os.CreateTemp(dir, "mail-archive-import-*")
	if err != nil {
		return nil, err
	}
	again := func() (io.Reader, error) {
		_, err := f.Seek(0, io.SeekStart)
		return f, err
	}
	err = os.Remove(f.Name())
	if err == nil {
		_, err = f.Write(first)
	}
	var c *content
	if err == nil {
		c, err = streamed(first, io.TeeReader(r, f), again)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	c.close = f.Close
	return c, nil
}

// readSmall returns all of r, or its first smallMax+1 bytes when there is more.
// expect is how much there will be, or a guess.
func readSmall(r io.Reader, expect int64) (b []byte, all bool, err error) {
	buf := bytes.NewBuffer(make([]byte, 0, min(max(expect, 0), smallMax)+bytes.MinRead))
	_, err = buf.ReadFrom(io.LimitReader(r, smallMax+1))
	return buf.Bytes(), buf.Len() <= smallMax, err
}

// fileContent reads a file that is one message. The caller closes it.
func fileContent(path string) (*content, error) {
	f, info, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	b, all, err := readSmall(f, info.Size())
	var c *content
	switch {
	case err != nil:
	case all:
		c = inMemory(b)
	default:
		// By position, so that a rename in between does no harm.
		again := func() (io.Reader, error) { return io.NewSectionReader(f, 0, info.Size()), nil }
		c, err = streamed(b, f, again)
	}
	if err == nil {
		err = unchanged(f, info)
	}
	if err != nil || all {
		f.Close()
		return c, err
	}
	c.close = f.Close
	return c, nil
}

// gzipContent reads a gzip file that is one message.
func gzipContent(path, tempDir string) (*content, error) {
	f, info, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("gzip: %w", err)
	}
	b, all, err := readSmall(z, info.Size())
	var c *content
	switch {
	case err != nil:
		return nil, fmt.Errorf("gzip: %w", err)
	case all:
		c = inMemory(b)
	default:
		if c, err = spooled(b, z, tempDir); err != nil {
			return nil, fmt.Errorf("unpack: %w", err)
		}
	}
	if err := unchanged(f, info); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// checked passes bytes on and ends well only if they have the digest.
type checked struct {
	r    io.Reader
	hash hash.Hash // nil when there is nothing to check
	want mail.Digest
	err  error // of the source, io.EOF included
}

func (c *checked) Read(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.r.Read(p)
	if c.hash != nil {
		c.hash.Write(p[:n]) // never fails (hash.Hash)
		if err == io.EOF && mail.Digest(c.hash.Sum(nil)) != c.want {
			err = errChanged
		}
	}
	c.err = err
	return n, err
}

// failed returns why the source could not be read; nil when it could, or was
// not read to its end.
func (c *checked) failed() error {
	if c.err == io.EOF {
		return nil
	}
	return c.err
}
