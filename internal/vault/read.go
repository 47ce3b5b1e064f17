package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sort"
	"syscall"

	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
)

// Item is one step of a walk.
type Item struct {
	// Kind is that of the record; empty when the record is lost or damaged.
	Kind string
	// Note says that the record is known not to be an arrival: of a kind that
	// only tells something, or of bytes that came back.
	Note bool
	// Arrival is what the record says. When the record is lost only Seq is
	// set; when it is damaged also ID, Digest and Size, from the index. Of a
	// restored record ID, Received and Envelope are those it had at first: they
	// do not rise with Seq.
	Arrival mail.Arrival
	// Record is the exact bytes of ID.json, nil when Err is not.
	Record []byte
	// Err wraps mail.ErrDamaged when the record could not be read.
	Err  error
	open func() (io.ReadCloser, error)
}

// Content opens the exact bytes. It may be called after the walk went on. Its
// errors, and those of the reader, wrap mail.ErrDamaged when the bytes on disk
// cannot be read; the digest of what was read is the caller's to compare. When
// the bytes were released it is an [Elsewhere]; when the record has none it
// wraps mail.ErrNotFound.
func (i Item) Content() (io.ReadCloser, error) {
	if i.Err != nil {
		return nil, i.Err
	}
	return i.open()
}

// Get returns the arrival with that ID, whether its bytes are here or not.
// Errors: mail.ErrNotFound, mail.ErrDamaged.
func (v *Vault) Get(_ context.Context, id mail.ID) (mail.Arrival, error) {
	i, err := v.byID(id)
	if err != nil {
		return mail.Arrival{}, err
	}
	return i.Arrival, i.Err
}

// Open returns the arrival with that ID and its exact bytes, to be closed by
// the caller. Errors as for Get and Item.Content.
func (v *Vault) Open(_ context.Context, id mail.ID) (mail.Arrival, io.ReadCloser, error) {
	i, err := v.byID(id)
	if err != nil {
		return mail.Arrival{}, nil, err
	}
	content, err := i.Content()
	return i.Arrival, content, err
}

// byID finds the message with that ID: an arrival of this vault, or one that was
// restored. What came back for an arrival whose record is damaged is as good.
func (v *Vault) byID(id mail.ID) (Item, error) {
	own, err := v.readBy(func() (*segment, entry, error) { return v.findID(id) }, v.readFrame)
	if err == nil && (own.Note || own.Arrival.ID != id && !own.Arrival.ID.IsZero()) { // the ID of a record, and of no message
		err = fmt.Errorf("message %s: %w", id, mail.ErrNotFound)
	}
	if err != nil && !errors.Is(err, mail.ErrNotFound) || err == nil && own.Err == nil {
		return own, err
	}
	for _, seq := range v.restored.find(idKey(id)) {
		i, rerr := v.readSeq(seq)
		switch {
		case rerr != nil || i.Arrival.ID != id:
		case err == nil && i.Err == nil: // own is damaged, and this tells the same
			i.Arrival.Seq, i.Note = own.Arrival.Seq, own.Note
			return i, nil
		case err != nil && !i.Note:
			own, err = i, nil
			if i.Err == nil {
				return i, nil
			}
		}
	}
	return own, err
}

// located is a record with the file that its position belongs to.
type located struct {
	*segment
	entry
	file       durable.File
	generation int // of the segment's file
}

// locate finds a record and opens its file. The caller closes it.
func (v *Vault) locate(find func() (*segment, entry, error)) (located, error) {
	v.swap.RLock()
	defer v.swap.RUnlock()
	s, e, err := find()
	if err != nil {
		return located{}, err
	}
	f, err := v.openSegment(s.number)
	return located{s, e, f, s.generation}, err
}

// read reads one record on its own, from disk. The error is for what is not
// found.
func (v *Vault) read(find func() (*segment, entry, error)) (Item, error) {
	return v.readBy(find, func(at located) ([]byte, error) { return v.readRaw(at.file, at.entry) })
}

func (v *Vault) readBy(find func() (*segment, entry, error), frame func(located) ([]byte, error)) (Item, error) {
	at, err := v.locate(find)
	switch {
	case err != nil && at.segment == nil:
		return Item{}, err
	case err != nil:
		return damagedItem(at.entry, err), nil
	}
	defer at.file.Close()
	raw, err := frame(at)
	return v.item(at.entry, raw, err), nil
}

func (v *Vault) readSeq(seq uint64) (Item, error) {
	return v.read(func() (*segment, entry, error) { return v.findSeq(seq) })
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
func (v *Vault) item(e entry, raw []byte, err error) Item {
	if e.flags&entryLost != 0 {
		return lostItem(e.seq)
	}
	var fd found
	if err == nil {
		fd, err = e.in(raw)
	}
	if err != nil {
		return damagedItem(e, err)
	}
	return Item{
		Kind: fd.record.Kind, Note: !fd.record.IsArrival(), Arrival: fd.record.Arrival(), Record: fd.json,
		open: func() (io.ReadCloser, error) { return v.content(fd) },
	}
}

// in reads the entry's record out of what its frame holds.
func (e entry) in(raw []byte) (found, error) {
	if int(e.rawOffset) > len(raw) {
		return found{}, errDisagree
	}
	fd, _, err := parsePair(raw, int(e.rawOffset))
	if err == nil && (fd.id != e.id || fd.seq != e.seq) {
		err = errDisagree
	}
	return fd, err
}

func lostItem(seq uint64) Item {
	return Item{Arrival: mail.Arrival{Seq: seq}, Err: fmt.Errorf("record %d is lost: %w", seq, mail.ErrDamaged)}
}

func damagedItem(e entry, err error) Item {
	id := e.id
	if e.flags&entryRestored != 0 {
		id = e.other
	}
	return Item{
		Note:    e.flags&entryNote != 0,
		Arrival: mail.Arrival{ID: id, Seq: e.seq, Digest: e.digest, Size: e.size},
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

// findID finds the record with that ID of its own. They rise with seq, so
// segments and entries are searched by halving. Errors wrap mail.ErrNotFound.
// The caller holds swap, if only for reading.
func (v *Vault) findID(id mail.ID) (*segment, entry, error) {
	atLeast := func(x mail.ID) bool { return bytes.Compare(x[:], id[:]) >= 0 }
	return v.find("message "+id.String(),
		func(s *segment) bool { return atLeast(s.lastID) },
		func(e entry) bool { return atLeast(e.id) },
		func(e entry) bool { return e.id == id })
}

// findSeq finds the record with that seq, as findID.
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
	i, err := v.readSeq(e.seq)
	if err != nil {
		return err
	}
	return i.Err
}
