package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
	"syscall"

	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
)

// Item is one step of a walk.
type Item struct {
	// Arrival is what the record says. When the record is lost only Seq is
	// set; when it is damaged also ID, Digest and Size, from the index.
	Arrival mail.Arrival
	// Record is the exact bytes of ID.json, nil when Err is not.
	Record []byte
	// Err wraps mail.ErrDamaged when the record could not be read.
	Err  error
	open func() (io.ReadCloser, error)
}

// Content opens the exact bytes. It may be called after the walk went on. Its
// errors, and those of the reader, wrap mail.ErrDamaged when the bytes on disk
// cannot be read; the digest of what was read is the caller's to compare.
func (i Item) Content() (io.ReadCloser, error) {
	if i.Err != nil {
		return nil, i.Err
	}
	return i.open()
}

// Get returns the arrival with that ID. Errors: mail.ErrNotFound,
// mail.ErrDamaged.
func (v *Vault) Get(_ context.Context, id mail.ID) (mail.Arrival, error) {
	s, e, err := v.findID(id)
	if err != nil {
		return mail.Arrival{}, err
	}
	i := v.read(s, e)
	return i.Arrival, i.Err
}

// Open returns the arrival with that ID and its exact bytes, to be closed by
// the caller. Errors as for Get and Item.Content.
func (v *Vault) Open(_ context.Context, id mail.ID) (mail.Arrival, io.ReadCloser, error) {
	s, e, err := v.findID(id)
	if err != nil {
		return mail.Arrival{}, nil, err
	}
	i := v.read(s, e)
	content, err := i.Content()
	return i.Arrival, content, err
}

// read reads one record on its own.
func (v *Vault) read(s *segment, e entry) Item {
	f, err := v.openSegment(s.number)
	if err != nil {
		return damagedItem(e, err)
	}
	defer f.Close()
	raw, err := v.readRaw(f, e)
	return v.item(s, e, raw, err)
}

// readRaw returns what the entry's frame holds.
func (v *Vault) readRaw(f io.ReaderAt, e entry) ([]byte, error) {
	if e.frameSize > maxFrame {
		return nil, errDisagree
	}
	frame := make([]byte, e.frameSize)
	if n, err := f.ReadAt(frame, e.frame); n < len(frame) {
		return nil, fmt.Errorf("read frame at %d: %w", e.frame, err)
	}
	return v.codec.decompress(nil, frame)
}

// item reads the entry's record out of its frame.
func (v *Vault) item(s *segment, e entry, raw []byte, err error) Item {
	switch {
	case e.flags&entryLost != 0:
		return lostItem(e.seq)
	case err != nil:
		return damagedItem(e, err)
	case int(e.rawOffset) > len(raw):
		return damagedItem(e, errDisagree)
	}
	fd, _, err := parsePair(raw, int(e.rawOffset))
	if err == nil && (fd.id != e.id || fd.seq != e.seq) {
		err = errDisagree
	}
	if err != nil {
		return damagedItem(e, err)
	}
	return Item{Arrival: fd.record.Arrival(), Record: fd.json, open: func() (io.ReadCloser, error) {
		if fd.flags&(entryBytes|entryLarge) == entryBytes {
			return io.NopCloser(bytes.NewReader(fd.inline)), nil
		}
		return v.content(s, e)
	}}
}

func lostItem(seq uint64) Item {
	return Item{Arrival: mail.Arrival{Seq: seq}, Err: fmt.Errorf("record %d is lost: %w", seq, mail.ErrDamaged)}
}

func damagedItem(e entry, err error) Item {
	return Item{
		Arrival: mail.Arrival{ID: e.id, Seq: e.seq, Digest: e.digest, Size: e.size},
		Err:     fmt.Errorf("record %s: %w", e.id, damaged(err)),
	}
}

// damaged marks what went wrong in reading: the bytes are not there, or the
// machine could not look now.
func damaged(err error) error {
	for _, later := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM} {
		if errors.Is(err, later) {
			return fmt.Errorf("%w: %w", mail.ErrRetry, err)
		}
	}
	if errors.Is(err, mail.ErrDamaged) {
		return err
	}
	return fmt.Errorf("%w: %w", mail.ErrDamaged, err)
}

// content opens the bytes of an entry, wherever they stand.
func (v *Vault) content(s *segment, e entry) (io.ReadCloser, error) {
	if e.flags&entryBytes == 0 {
		holder, at, err := v.findID(e.bytesIn)
		if err != nil {
			return nil, fmt.Errorf("content of %s stands in %s: %w", e.id, e.bytesIn, err)
		}
		if at.digest != e.digest || at.flags&entryBytes == 0 {
			return nil, fmt.Errorf("content of %s does not stand in %s: %w", e.id, e.bytesIn, mail.ErrDamaged)
		}
		s, e = holder, at
	}
	if e.flags&entryLarge == 0 {
		return v.read(s, e).Content()
	}
	f, err := v.openSegment(s.number)
	if err != nil {
		return nil, damaged(err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	return &largeReader{
		chunkReader: chunkReader{w: &window{r: steady{f, v.log}, limit: info.Size()}, codec: v.codec, off: e.frame + int64(e.frameSize), left: e.size},
		file:        f,
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

// findID finds the record with that ID. IDs rise with seq, so segments and
// entries are searched by halving. Errors wrap mail.ErrNotFound.
func (v *Vault) findID(id mail.ID) (*segment, entry, error) {
	atLeast := func(x mail.ID) bool { return bytes.Compare(x[:], id[:]) >= 0 }
	return v.find("message "+id.String(),
		func(s *segment) bool { return atLeast(s.lastID) },
		func(e entry) bool { return atLeast(e.id) },
		func(e entry) bool { return e.id == id })
}

// findSeq finds the record with that seq.
func (v *Vault) findSeq(seq uint64) (*segment, entry, error) {
	return v.find(fmt.Sprintf("record %d", seq),
		func(s *segment) bool { return s.last >= seq },
		func(e entry) bool { return e.seq >= seq },
		func(e entry) bool { return e.seq == seq })
}

func (v *Vault) find(what string, inSegment func(*segment) bool, notBefore, is func(entry) bool) (*segment, entry, error) {
	v.mu.Lock()
	i := sort.Search(len(v.segments), func(i int) bool { return v.segments[i].empty() || inSegment(v.segments[i]) })
	var s *segment
	var entries []entry
	if i < len(v.segments) && !v.segments[i].empty() {
		s = v.segments[i]
		entries = s.entries
	}
	v.mu.Unlock()
	missing := fmt.Errorf("%s: %w", what, mail.ErrNotFound)
	if s == nil {
		return nil, entry{}, missing
	}
	e, ok, err := v.searchSegment(s, entries, notBefore)
	switch {
	case err != nil:
		return nil, entry{}, err
	case !ok || !is(e):
		return nil, entry{}, missing
	}
	return s, e, nil
}

func (v *Vault) searchSegment(s *segment, entries []entry, notBefore func(entry) bool) (e entry, ok bool, err error) {
	if entries == nil {
		err = v.withIndex(s, func(f *indexFile) error {
			e, ok, err = searchEntries(f.count, f.at, notBefore)
			return err
		})
		if err == nil {
			return e, ok, nil
		}
		if entries, err = v.entriesOf(s); err != nil {
			return e, false, err
		}
	}
	return searchEntries(len(entries), func(i int) (entry, error) { return entries[i], nil }, notBefore)
}

// checkEnd reads the last committed record of a segment back.
func (v *Vault) checkEnd(s *segment) error {
	v.mu.Lock()
	n := len(s.entries)
	var e entry
	if n > 0 {
		e = s.entries[n-1]
	}
	v.mu.Unlock()
	if n == 0 {
		return nil
	}
	return v.read(s, e).Err
}

// loadContents makes the table of contents, in the background.
func (v *Vault) loadContents() {
	v.mu.Lock()
	segments := slices.Clone(v.segments)
	last := v.end.seq
	v.mu.Unlock()
	for _, s := range segments {
		select {
		case <-v.stop:
			return
		default:
		}
		entries, err := v.entriesOf(s)
		if err != nil {
			v.log.Warn("index not read; equal contents in it are stored again", "segment", s.number, "error", err)
			continue
		}
		for _, e := range entries {
			if e.seq <= last && e.flags&entryBytes != 0 && e.size >= sharedMinimum {
				v.contents.add(e.digest, e.seq)
			}
		}
	}
}
