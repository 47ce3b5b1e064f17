package seal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"mailarchive/internal/mail"
)

// packer puts tar entries into members: whole ones as long as they fit, those
// larger than a member into members of their own.
type packer struct {
	c       *compressor
	current *job // nil when nothing is pending
}

// pending returns the buffer that is being filled.
func (p *packer) pending() (*job, error) {
	if p.current != nil {
		return p.current, nil
	}
	j, err := p.c.take()
	if err != nil {
		p.c.free <- j
		return nil, err
	}
	p.current = j
	return j, nil
}

// flush hands over what is pending.
func (p *packer) flush(flags byte) {
	if p.current != nil {
		p.c.submit(p.current, flags)
		p.current = nil
	}
}

// put adds one entry whose content is in memory.
func (p *packer) put(name string, content []byte, modified time.Time) error {
	size := int64(len(content))
	whole := tarBlock + size + padding(size)
	if whole > MemberSize {
		return p.stream(name, size, modified, bytes.NewReader(content))
	}
	if p.current != nil && int64(len(p.current.raw))+whole > MemberSize {
		p.flush(0)
	}
	j, err := p.pending()
	if err != nil {
		return err
	}
	j.raw = append(j.raw, tarHeader(name, size, modified)[:]...)
	j.raw = append(j.raw, content...)
	j.raw = append(j.raw, make([]byte, padding(size))...)
	return nil
}

// putFrom adds one entry whose content is read, exactly size bytes.
func (p *packer) putFrom(name string, size int64, modified time.Time, r io.Reader) error {
	if tarBlock+size+padding(size) > MemberSize {
		return p.stream(name, size, modified, r)
	}
	content := make([]byte, size)
	if _, err := io.ReadFull(r, content); err != nil {
		return err
	}
	return p.put(name, content, modified)
}

// stream adds one entry larger than a member. The reader must give exactly
// size bytes; the error wraps mail.ErrDamaged when it does not.
func (p *packer) stream(name string, size int64, modified time.Time, r io.Reader) error {
	if size > maxEntry {
		return fmt.Errorf("%s has %d bytes, a tar entry at most %d: %w", name, size, int64(maxEntry), mail.ErrTooLarge)
	}
	p.flush(0)
	j, err := p.pending()
	if err != nil {
		return err
	}
	j.raw = append(j.raw, tarHeader(name, size, modified)[:]...)
	left := size + padding(size)
	r = io.MultiReader(&exact{r: r, left: size}, zeros{})
	var flags byte
	for {
		n := min(left, int64(cap(j.raw)-len(j.raw)))
		have := len(j.raw)
		j.raw = j.raw[:have+int(n)]
		if _, err := io.ReadFull(r, j.raw[have:]); err != nil {
			return err
		}
		if left -= n; left == 0 {
			break
		}
		p.flush(flags)
		flags = flagContinues
		if j, err = p.pending(); err != nil {
			return err
		}
	}
	p.flush(flags)
	return nil
}

// end adds the two blocks of zeros that end a tar file, and hands over the
// last member.
func (p *packer) end() error {
	if p.current != nil && len(p.current.raw)+2*tarBlock > MemberSize {
		p.flush(0)
	}
	j, err := p.pending()
	if err != nil {
		return err
	}
	j.raw = append(j.raw, make([]byte, 2*tarBlock)...)
	p.flush(flagLast)
	return nil
}

// size is a bound of the file's length with all that was put.
func (p *packer) size() int64 {
	if p.current == nil {
		return p.c.size()
	}
	return p.c.size() + bound(len(p.current.raw))
}

// zeros reads as zeros without end.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// exact reads exactly size bytes from r: an end before that, or more behind
// it, is an error that wraps mail.ErrDamaged.
type exact struct {
	r    io.Reader
	left int64
}

func (e *exact) Read(b []byte) (int, error) {
	if e.left == 0 {
		return 0, e.end()
	}
	n, err := e.r.Read(b[:min(int64(len(b)), e.left)])
	e.left -= int64(n)
	if errors.Is(err, io.EOF) && e.left > 0 {
		return n, fmt.Errorf("content ends %d bytes early: %w", e.left, mail.ErrDamaged)
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

func (e *exact) end() error {
	var one [1]byte
	n, err := io.ReadFull(e.r, one[:])
	switch {
	case n > 0:
		return fmt.Errorf("content is longer than its record says: %w", mail.ErrDamaged)
	case !errors.Is(err, io.EOF):
		return err
	}
	return io.EOF
}
