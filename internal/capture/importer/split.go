package importer

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// mboxFile is an mbox while it is split.
type mboxFile struct {
	f      found
	file   *os.File
	size   int64 // of the file when it was opened, in bytes
	packed bool
	reader *MboxReader
	seen   occurrences
	index  int
	span   int64 // bytes of the source that items cover so far
}

// mbox splits an mbox and hands its messages over: small ones by the workers,
// a large one here, for it is read from the file a second time.
func (r *run) mbox(ctx context.Context, f found, packed bool) error {
	f.folder = mboxFolderOf(f)
	file, info, err := openRegular(f.path)
	if err != nil {
		r.aside(f, Failed, err.Error())
		return nil
	}
	defer file.Close()
	m := &mboxFile{f: f, file: file, size: info.Size(), packed: packed, seen: occurrences{}}
	if m.reader, err = m.readerAt(0, r.o.Format.dialect()); err == nil {
		err = r.members(ctx, m)
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if err == nil {
		err = unchanged(file, info)
	}
	if err != nil {
		m.failed(r, err)
	}
	r.track.covered(f.size - m.span)
	return nil
}

// failed reports that the mbox could not be read further, or not surely.
func (m *mboxFile) failed(r *run, err error) {
	out := Outcome{Path: m.f.path, Folder: m.f.folder, Size: m.f.size, Outcome: Failed}
	if m.reader != nil {
		out.Offset = m.reader.Offset()
	}
	out.Reason = fmt.Sprintf("%v (messages read before this: %d)", err, m.index)
	r.track.outcome(out, 0)
}

// readerAt begins at offset and goes up to the size that the file had: what is
// written behind that is for the next run. A gzip file begins at its start.
func (m *mboxFile) readerAt(offset int64, d Dialect) (*MboxReader, error) {
	if !m.packed {
		return NewMboxReader(io.NewSectionReader(m.file, offset, m.size-offset), d), nil
	}
	z, err := gzip.NewReader(m.file)
	if err != nil {
		return nil, fmt.Errorf("gzip: %w", err)
	}
	return NewMboxReader(z, d), nil
}

// members goes from message to message.
func (r *run) members(ctx context.Context, m *mboxFile) error {
	for context.Cause(ctx) == nil {
		c, err := m.reader.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if c.Preamble {
			err = r.preamble(m, c)
		} else {
			err = r.member(ctx, m, c)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// preamble reports text in front of the first message.
func (r *run) preamble(m *mboxFile, c *Member) error {
	n, err := io.Copy(io.Discard, c)
	if err != nil {
		return err
	}
	r.track.outcome(Outcome{
		Path: m.f.path, Offset: c.Offset, Folder: m.f.folder, Size: n, Outcome: Skipped,
		Reason: `text before the first "From " line, part of no message`,
	}, m.advance())
	return nil
}

// advance returns how many bytes of the source were consumed since it was last
// asked; 0 within a gzip file, where positions are not the file's.
func (m *mboxFile) advance() int64 {
	if m.packed {
		return 0
	}
	n := m.reader.Offset() - m.span
	m.span += n
	return n
}

// usualSize in bytes is about what most messages stay below.
const usualSize = 8 << 10

// member takes one message up to its end and hands it over.
func (r *run) member(ctx context.Context, m *mboxFile, c *Member) error {
	r.memory.take(smallMax)
	b, all, err := readSmall(c, usualSize)
	held := int64(len(b))
	if err != nil || !all {
		held = 0
	}
	r.memory.give(smallMax - held)
	if err != nil {
		return err
	}
	m.index++
	if !all {
		return r.largeMember(ctx, m, c, b)
	}
	it := m.item(r, c, inMemory(b))
	err = r.submit(ctx, func(ctx context.Context) {
		defer r.memory.give(held)
		r.hand(ctx, it)
	})
	return err // when it was not taken, all stops, and what it held is of no matter
}

// item makes the item of a message that was read to its end.
func (m *mboxFile) item(r *run, c *Member, body *content) *item {
	f := m.f
	f.size = m.advance()
	it := r.item(sourceMbox, f, body)
	it.index, it.offset = m.index, c.Offset
	it.origin.Delivered, it.origin.FromLine = c.Delivered, c.FromLine
	it.origin.Flags = statusFlags(body.head)
	it.origin.Key = itemKey(it.source, f.path, body.digest, m.seen.before(body.digest))
	return it
}

// largeMember hands a message over that does not fit in memory; first is what
// was read of it.
func (r *run) largeMember(ctx context.Context, m *mboxFile, c *Member, first []byte) error {
	var body *content
	var err error
	if m.packed {
		body, err = spooled(first, c, r.o.TempDir)
	} else {
		body, err = streamed(first, c, func() (io.Reader, error) { return m.memberAgain(c.Offset, r.o.Format.dialect()) })
	}
	if err != nil {
		return err
	}
	defer body.close()
	r.hand(ctx, m.item(r, c, body))
	return nil
}

// memberAgain reads the message whose From_ line is at offset once more.
func (m *mboxFile) memberAgain(offset int64, d Dialect) (io.Reader, error) {
	again, err := m.readerAt(offset, d)
	if err != nil {
		return nil, err
	}
	return again.Next()
}
