package vault

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
)

// content opens the bytes of a record, wherever they stand: with it, in the
// record that brought them first, or in one by which they came back.
func (v *Vault) content(fd found) (io.ReadCloser, error) {
	r, err := v.direct(fd)
	if err == nil || !fd.record.HasContent() {
		return r, err
	}
	id := fd.record.Arrival().ID
	for _, seq := range slices.Backward(v.restored.find(idKey(id))) {
		if seq == fd.seq {
			continue
		}
		back, ok := v.restoredAs(seq, id)
		if !ok || back.digest != fd.digest {
			continue
		}
		if r, berr := v.direct(back); berr == nil {
			return r, nil
		}
	}
	if errors.Is(err, mail.ErrElsewhere) {
		return nil, &Elsewhere{ID: id, Record: fd.id, Seq: fd.seq, Files: v.sealsOf(fd.seq)}
	}
	return nil, err
}

// direct opens the bytes where the record says that they are. The error wraps
// mail.ErrElsewhere when they were released.
func (v *Vault) direct(fd found) (io.ReadCloser, error) {
	switch holder := fd.record.BytesIn; {
	case !fd.record.HasContent():
		return nil, fmt.Errorf("record %s is of kind %q, which has no content: %w", fd.id, fd.record.Kind, mail.ErrNotFound)
	case fd.flags&entryReleased != 0:
		return nil, fmt.Errorf("content of %s was released: %w", fd.id, mail.ErrElsewhere)
	case fd.flags&(entryBytes|entryLarge) == entryBytes:
		return io.NopCloser(bytes.NewReader(fd.inline)), nil
	case holder != nil:
		r, err := v.stored(fd.digest, func() (*segment, entry, error) { return v.findID(*holder) })
		if err != nil {
			err = fmt.Errorf("content of %s stands in %s: %w", fd.id, *holder, err)
		}
		return r, err
	}
	// Large, and the segment may have been written anew meanwhile.
	return v.stored(fd.digest, func() (*segment, entry, error) { return v.findSeq(fd.seq) })
}

// restoredAs returns the record with that number if it is one by which the
// arrival with that ID was restored.
func (v *Vault) restoredAs(seq uint64, id mail.ID) (found, bool) {
	at, err := v.locate(func() (*segment, entry, error) { return v.findSeq(seq) })
	if err != nil {
		return found{}, false
	}
	defer at.file.Close()
	if at.flags&entryRestored == 0 || at.other != id {
		return found{}, false
	}
	raw, err := v.readRaw(at.file, at.entry)
	if err != nil {
		return found{}, false
	}
	fd, err := at.in(raw)
	return fd, err == nil
}

// stored opens the bytes that stand with one record. They are to have that
// digest.
func (v *Vault) stored(digest mail.Digest, find func() (*segment, entry, error)) (io.ReadCloser, error) {
	at, err := v.locate(find)
	if err != nil {
		if at.segment != nil {
			err = damaged(err)
		}
		return nil, err
	}
	return v.storedAt(at, digest)
}

// storedAt opens the bytes that stand there and takes the file over.
func (v *Vault) storedAt(at located, digest mail.Digest) (io.ReadCloser, error) {
	switch {
	case at.digest != digest || at.flags&(entryBytes|entryReleased) == 0:
		at.file.Close()
		return nil, fmt.Errorf("they do not: %w", mail.ErrDamaged)
	case at.flags&entryReleased != 0:
		at.file.Close()
		return nil, fmt.Errorf("released: %w", mail.ErrElsewhere)
	case at.flags&entryLarge != 0:
		return v.openLarge(at)
	}
	defer at.file.Close()
	raw, err := v.readRaw(at.file, at.entry)
	if err != nil {
		return nil, damaged(err)
	}
	fd, err := at.in(raw)
	if err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(fd.inline)), nil
}

func (v *Vault) openLarge(at located) (io.ReadCloser, error) {
	info, err := at.file.Stat()
	if err != nil {
		at.file.Close()
		return nil, err
	}
	return &largeReader{
		chunkReader: chunkReader{w: &window{r: steady{at.file, v.log}, limit: info.Size()}, codec: v.codec, off: at.frame + int64(at.frameSize), left: at.size},
		file:        at.file,
	}, nil
}

// largeReader reads content that stands in frames of its own.
type largeReader struct {
	chunkReader
	file durable.File
}

// Close lets go of the segment's file.
func (l *largeReader) Close() error { return l.file.Close() }

// chunkReader reads the row of frames that begins at off.
type chunkReader struct {
	w          *window
	codec      *codec
	off        int64
	left       int64 // bytes of the content still to come
	chunk, raw []byte
}

func (c *chunkReader) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, io.EOF
	}
	if len(c.chunk) == 0 {
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.chunk[:min(int64(len(c.chunk)), c.left)])
	c.chunk, c.left = c.chunk[n:], c.left-int64(n)
	return n, nil
}

func (c *chunkReader) next() error {
	frame, err := c.w.frame(c.off)
	if err != nil {
		return fmt.Errorf("content frame at %d: %w", c.off, err)
	}
	if c.raw, err = c.codec.decompress(c.raw[:0], frame); err != nil {
		return fmt.Errorf("content frame at %d: %w", c.off, err)
	}
	if want := min(ChunkSize, padded(c.left)); int64(len(c.raw)) != want {
		return fmt.Errorf("content frame at %d holds %d bytes, not %d: %w", c.off, len(c.raw), want, mail.ErrDamaged)
	}
	c.chunk, c.off = c.raw, c.off+int64(len(frame))
	return nil
}
