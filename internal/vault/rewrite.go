package vault

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
)

const (
	// rewriteBytes and rewriteFrames bound a commit in a segment that is written
	// anew: what it holds in memory, and the table in its mark.
	rewriteBytes  = 8 << 20
	rewriteFrames = maxMarkFrames / 2
	// rewriteSuffix is of the file until it has its name; a start takes it away
	// (durable.RemoveTemporary).
	rewriteSuffix = segmentSuffix + ".tmp"
)

// segment writes one segment anew, if bytes leave it and it becomes shorter.
func (r *releaser) segment(s *segment) error {
	entries, err := r.v.currentEntries(s)
	if err != nil {
		return err
	}
	w := &rewriter{releaser: r, old: s, commit: commit{buffers: &r.v.buffers}}
	for i := range entries {
		if r.leaves(&entries[i]) {
			w.leaving++
		}
	}
	if w.leaving == 0 {
		return nil
	}
	name := r.v.path(s.number, rewriteSuffix)
	err = w.write(name)
	if err == nil && w.offset < s.length { // else nothing is won, and Closed.limit wants it so
		return r.swap(w, name)
	}
	if rerr := r.v.fs.Remove(name); rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
		r.v.log.Warn("unfinished segment not removed", "file", name, "error", rerr)
	}
	return err
}

// swap puts the new file in the place of the old one. Who reads the old one goes
// on with it.
func (r *releaser) swap(w *rewriter, name string) error {
	v, s := r.v, w.old
	v.swap.Lock()
	if err := v.fs.Rename(name, v.path(s.number, segmentSuffix)); err != nil {
		v.swap.Unlock()
		return errors.Join(kind(err), v.fs.Remove(name))
	}
	s.generation++
	v.mu.Lock()
	freed := s.length - w.offset
	s.length, s.entries, s.counts, s.replaces = w.offset, w.entries, countsOf(w.entries), w.replaces
	v.mu.Unlock()
	v.swap.Unlock()
	v.retire(s)
	// Power loss may still bring the old file back, and that is as good: the
	// segment behind names its length, and the index fits one of the two.
	if err := v.fs.SyncDir(v.folder); err != nil {
		return fmt.Errorf("name of the file without the bytes: %w", kind(err))
	}
	v.log.Info("bytes that archive files hold let go", "segment", s.number, "messages", w.left, "bytes", freed)
	r.Segments++
	r.Messages += uint64(w.left)
	r.Bytes += freed
	return nil
}

// rewriter writes the records of a segment into a new file, with the content
// that stays.
type rewriter struct {
	*releaser
	old      *segment
	file     io.ReaderAt // of the old one
	replaces *Closed     // what the old one was when it was closed
	leaving  int         // contents that are to leave
	left     int         // that did
	out      *bufio.Writer
	offset   int64
	entries  []entry
	commit   commit
	raw      int64 // bytes in the commit
	frames   int   // of large content in the commit
	end      chain
}

// write makes the file; when it returns nil its bytes survive power loss and
// read back.
func (w *rewriter) write(name string) error {
	old, err := w.v.openSegment(w.old.number)
	if err != nil {
		return kind(err)
	}
	defer old.Close()
	info, err := old.Stat()
	if err != nil {
		return kind(err)
	}
	if info.Size() < w.old.length {
		return fmt.Errorf("it has %d bytes of %d: %w", info.Size(), w.old.length, mail.ErrDamaged)
	}
	w.file = steady{old, w.v.log}
	if w.replaces, err = w.closed(); err != nil {
		return err
	}
	if err := w.v.fs.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return kind(err)
	}
	file, err := w.v.fs.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return kind(err)
	}
	err = w.fill(file)
	if err == nil {
		err = kind(file.Sync())
	}
	if err == nil {
		err = w.readBack(file)
	}
	return errors.Join(err, kind(file.Close()))
}

// closed returns what the segment was when it was closed. One that was written
// anew says so; any other has to be as the one behind it says.
func (w *rewriter) closed() (*Closed, error) {
	m, err := (&window{r: w.file, limit: w.old.length}).firstMark()
	if err != nil {
		return nil, err
	}
	if m == nil {
		return nil, fmt.Errorf("first commit does not read: %w", mail.ErrDamaged)
	}
	if m.replaces != nil {
		return m.replaces, nil
	}
	h, err := hashOf(w.file, w.old.length)
	if err != nil {
		return nil, err
	}
	c := &Closed{Segment: w.old.number, Length: w.old.length, SHA256: mail.Digest(h.Sum(nil))}
	behind := w.v.behind(w.old)
	if behind == nil {
		return c, nil
	}
	said, err := w.v.saidBy(behind)
	if err != nil {
		return nil, err
	}
	if said == nil || *said != *c {
		return nil, fmt.Errorf("it is not as it was closed: %w", mail.ErrDamaged)
	}
	return c, nil
}

// behind returns the segment with records that follows, nil when there is none.
func (v *Vault) behind(s *segment) *segment {
	v.mu.Lock()
	defer v.mu.Unlock()
	for i, o := range v.segments {
		if o == s && i+1 < len(v.segments) && !v.segments[i+1].empty() {
			return v.segments[i+1]
		}
	}
	return nil
}

// fill goes through the old file, which has to be whole, and writes the new one.
func (w *rewriter) fill(file io.Writer) error {
	w.out = bufio.NewWriterSize(file, writeSize)
	sc := w.v.newScanner(w.file, w.old.length)
	for off := int64(0); off < w.old.length; {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		s, err := nextSpan(sc.w, off, w.v.homeOf(w.old.number))
		if err == nil {
			err = w.span(sc, s)
		}
		if err != nil {
			return err
		}
		off = s.end
	}
	if w.left != w.leaving {
		return fmt.Errorf("%d contents in it can leave, its index says %d: %w", w.left, w.leaving, mail.ErrDamaged)
	}
	if err := w.flush(); err != nil {
		return err
	}
	return kind(w.out.Flush())
}

// span takes over one commit of the old file.
func (w *rewriter) span(sc *scanner, s span) error {
	if s.mark == nil {
		return fmt.Errorf("commit at %d has no mark: %w", s.off, mail.ErrDamaged)
	}
	next := s.mark.first
	bad, err := sc.records(s, func(fd found) error {
		if fd.seq != next || w.end.seq > 0 && (fd.seq != w.end.seq+1 || fd.record.Prev != w.end.head) {
			return fmt.Errorf("record %d does not follow record %d: %w", fd.seq, w.end.seq, mail.ErrDamaged)
		}
		next++
		w.end = fd.end()
		return w.record(sc, fd)
	})
	switch {
	case err != nil:
		return err
	case len(bad) > 0:
		return fmt.Errorf("frame at %d: %w", bad[0].off, bad[0].err)
	case next != s.mark.last()+1 || w.end.head != s.mark.head:
		return fmt.Errorf("commit at %d lacks records: %w", s.off, mail.ErrDamaged)
	}
	return nil
}

// record takes over one record, and its content unless that leaves.
func (w *rewriter) record(sc *scanner, fd found) error {
	var large *packed
	switch {
	case fd.flags&entryBytes == 0:
	case w.leaves(&fd.entry):
		fd.flags &^= entryBytes | entryLarge
		fd.flags |= entryReleased
		fd.inline = nil
		w.left++
	default:
		if err := sc.checkContent(fd); err != nil {
			return err
		}
		large = w.packed(fd)
	}
	if w.raw > 0 && (w.raw+int64(len(fd.json)+len(fd.inline)) > rewriteBytes || large != nil && w.frames+len(large.frames) > rewriteFrames) {
		if err := w.flush(); err != nil {
			return err
		}
	}
	w.raw += int64(len(fd.json)+len(fd.inline)) + 3*tarBlock
	if large != nil {
		w.frames += len(large.frames)
	}
	w.commit.put(fd, large)
	return nil
}

// packed returns the frames of large content, as they stand in the old file.
func (w *rewriter) packed(fd found) *packed {
	if fd.flags&entryLarge == 0 {
		return nil
	}
	p := &packed{r: w.file, off: fd.chunks[0].off}
	for _, c := range fd.chunks {
		p.size += int64(c.size)
		p.frames = append(p.frames, uint32(c.size))
	}
	return p
}

// flush writes what is in the commit.
func (w *rewriter) flush() error {
	if len(w.commit.entries) == 0 {
		return nil
	}
	c := &w.commit
	c.mark.replaces = w.replaces
	c.finish(w.v.homeOf(w.old.number), w.offset, w.v.codec)
	if err := c.writeTo(w.out); err != nil {
		return kind(err)
	}
	w.offset += c.length()
	w.entries = append(w.entries, c.entries...)
	w.commit, w.raw, w.frames = commit{buffers: c.buffers}, 0, 0
	return nil
}

// readBack looks whether the new file holds every record, and each content that
// stays.
func (w *rewriter) readBack(file durable.File) error {
	var got []entry
	var end chain
	err := w.v.eachSpan(w.ctx, w.old.number, file, w.offset, (*scanner).check, func(r readSpan) error {
		if r.mark == nil || !r.whole || len(r.bad) > 0 {
			return fmt.Errorf("commit at %d does not read back: %w", r.off, mail.ErrRetry)
		}
		for _, record := range r.records {
			if record.content != nil {
				return record.content
			}
			got, end = append(got, record.entry), record.end()
		}
		return nil
	})
	if err != nil {
		return err
	}
	same := len(got) == len(w.entries) && end == w.end
	for i := 0; same && i < len(got); i++ {
		same = got[i] == w.entries[i]
	}
	if !same {
		return fmt.Errorf("segment written anew does not read back as it was: %w", mail.ErrRetry)
	}
	return nil
}
