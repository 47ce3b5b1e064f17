package vault

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"mailarchive/internal/mail"
)

// frameSpan is where one zstd frame stands in a segment.
type frameSpan struct {
	off       int64
	size      int
	continues bool // holds no tar header of its own at its start
}

// span is a stretch of a segment: a commit with its mark, or, with no mark, a
// stretch that has lost it.
type span struct {
	off, end int64 // end is behind the mark
	mark     *mark // nil when lost
	frames   []frameSpan
}

// nextSpan reads the stretch that begins at off. It never fails on damaged
// bytes: what it cannot make out becomes a stretch with no mark that ends where
// the next commit begins, or at the window's limit.
func nextSpan(w *window, off int64, of home) (span, error) {
	s := span{off: off}
	at := off
	for at < w.limit && len(s.frames) < maxMarkFrames {
		frame, err := w.frame(at)
		if err == nil {
			s.frames = append(s.frames, frameSpan{off: at, size: len(frame)})
			at += int64(len(frame))
			continue
		}
		if !errors.Is(err, mail.ErrDamaged) {
			return s, err
		}
		if m, ok := w.mark(at, &of); ok && m.offset == off {
			return spanOf(m, at), nil
		}
		break
	}
	m, markAt, err := w.findMark(off, &of)
	switch {
	case err != nil:
		return s, err
	case m == nil:
		s.end = w.limit
	case m.offset == off:
		s = spanOf(m, markAt)
	default:
		s.end = m.offset
	}
	return s, nil
}

// spanOf takes the places of the frames from the mark.
func spanOf(m *mark, at int64) span {
	s := span{off: m.offset, end: at + int64(m.length()), mark: m}
	off := m.offset
	for _, f := range m.frames {
		size := int(f &^ continuation)
		s.frames = append(s.frames, frameSpan{off: off, size: size, continues: f&continuation != 0})
		off += int64(size)
	}
	return s
}

// intact reports whether the frames have the digest that the mark names.
func (s *span) intact(w *window) (bool, error) {
	d, err := w.digest(s.mark.offset, s.mark.body())
	return d == s.mark.digest, err
}

// digest returns the SHA-256 of a stretch.
func (w *window) digest(off, length int64) (mail.Digest, error) {
	h := sha256.New()
	err := w.each(off, length, func(b []byte) { h.Write(b) })
	return mail.Digest(h.Sum(nil)), err
}

// mayFollow reports whether a record may come next after end. Within a commit
// with its mark each frame is where the mark says, and what is in them is our
// own. With no mark a frame may have been guessed wrong, and then a message
// could pretend to be records: what counts there has to name the record before
// it, salt and all, which nobody could have known who wrote the message. Only
// where a file begins nothing is guessed.
func (s *span) mayFollow(fd found, end chain, vault UUID) error {
	ok := fd.record.Vault == vault && fd.seq > end.seq
	switch {
	case s.mark != nil:
		ok = ok && fd.seq >= s.mark.first && fd.seq <= s.mark.last()
	case fd.frame > 0 || fd.rawOffset > 0:
		ok = ok && fd.seq == end.seq+1 && fd.record.Prev == end.head
	}
	if !ok {
		return fmt.Errorf("record %d of vault %s is out of place: %w", fd.seq, fd.record.Vault, mail.ErrDamaged)
	}
	return nil
}

// found is one record that a scan came upon.
type found struct {
	entry
	record *Record
	json   []byte
	head   mail.Digest // of json
	inline []byte      // the content, when it stands in the record's frame
	chunks []frameSpan
}

// badFrame is a frame that does not decode or does not hold what it should.
type badFrame struct {
	frameSpan
	err error
}

// scanner reads spans and the records in them. It belongs to one goroutine.
type scanner struct {
	w     *window
	codec *codec
	raw   []byte // what the frame in hand holds
}

func (v *Vault) newScanner(r io.ReaderAt, limit int64) *scanner {
	return &scanner{w: &window{r: r, limit: limit}, codec: v.codec}
}

// records calls each for every record in the span that can be read, in order,
// and returns the frames that cannot, those for which each returns an error
// that wraps mail.ErrDamaged included. What each gets is valid until it
// returns. Continued frames of large content are not decoded; without a mark
// nothing tells where those of a lost record end, and the first bad frame is
// the last one.
func (sc *scanner) records(s span, each func(found) error) ([]badFrame, error) {
	var bad []badFrame
	for i := 0; i < len(s.frames); i++ {
		f := s.frames[i]
		if f.continues {
			continue
		}
		var large int
		err := sc.frame(f, s.frames[i+1:], func(fd found) error {
			large = len(fd.chunks)
			return each(fd)
		})
		if err != nil && !errors.Is(err, mail.ErrDamaged) {
			return bad, err
		}
		if err != nil {
			bad = append(bad, badFrame{f, err})
			if s.mark == nil {
				break // what follows may be the middle of a message
			}
		}
		i += large
	}
	return bad, nil
}

// decode returns what the frame holds, until the next call.
func (sc *scanner) decode(f frameSpan) ([]byte, error) {
	compressed, err := sc.w.at(f.off, f.size)
	if err != nil {
		return nil, err
	}
	raw, err := sc.codec.decompress(sc.raw[:0], compressed)
	if err == nil {
		sc.raw = raw
	}
	return raw, err
}

// frame reads the records of one frame; rest are the frames behind it.
func (sc *scanner) frame(f frameSpan, rest []frameSpan, each func(found) error) error {
	raw, err := sc.decode(f)
	if err != nil {
		return err
	}
	for at := 0; at < len(raw); {
		fd, next, err := parsePair(raw, at)
		if err != nil {
			return err
		}
		fd.frame, fd.frameSize, fd.head = f.off, uint32(f.size), mail.Sum(fd.json)
		if fd.flags&entryLarge != 0 {
			n := chunks(fd.size)
			if n > len(rest) {
				return fmt.Errorf("content of %s is cut: %w", fd.id, mail.ErrDamaged)
			}
			fd.chunks = rest[:n]
		}
		if err := each(fd); err != nil {
			return err
		}
		at = next
	}
	return nil
}

// chunks is how many frames of its own a large content of that size takes.
func chunks(size int64) int { return int((padded(size) + ChunkSize - 1) / ChunkSize) }

// parsePair reads the record whose tar header stands at offset at of a frame,
// and the header of its content if it has any. It returns where the next
// record begins.
func parsePair(raw []byte, at int) (found, int, error) {
	var fd found
	head, err := parseTarHeader(raw[at:])
	if err != nil {
		return fd, 0, err
	}
	start := at + tarBlock
	end := start + int(head.size)
	if head.suffix != recordSuffix || head.size > maxRecord || end > len(raw) {
		return fd, 0, fmt.Errorf("frame does not begin with a record: %w", mail.ErrDamaged)
	}
	fd.json = raw[start:end:end]
	if fd.record, err = DecodeRecord(fd.json); err != nil {
		return fd, 0, err
	}
	r := fd.record
	if r.ID != head.id {
		return fd, 0, fmt.Errorf("entry %s holds the record of %s: %w", head.id, r.ID, mail.ErrDamaged)
	}
	fd.entry = entryOf(r, int(head.size))
	fd.rawOffset = uint32(at)
	next := start + int(padded(head.size))
	switch {
	case r.BytesIn != nil:
		return fd, next, nil
	case !fd.contentFollows(raw, next):
		if r.HasContent() {
			fd.flags |= entryReleased
		}
		return fd, next, nil
	}
	return fd.withContent(raw, next)
}

// contentFollows reports whether something else than another record, or the end
// of the frame, stands at offset at behind a record that may have content.
func (fd found) contentFollows(raw []byte, at int) bool {
	if at == len(raw) {
		return false
	}
	if at > len(raw) {
		return true // or would, were the frame whole
	}
	head, err := parseTarHeader(raw[at:])
	return err != nil || head.suffix == contentSuffix
}

// entryOf returns what a record of that size in bytes says of itself.
func entryOf(r *Record, size int) entry {
	e := entry{seq: r.Seq, id: r.ID, digest: r.SHA256, size: r.Size, recordSize: uint32(size)}
	if !r.IsArrival() {
		e.flags |= entryNote
	}
	switch {
	case r.Kind == KindSeal:
		e.flags |= entrySeal
	case r.Restored():
		e.flags |= entryRestored
		e.other = r.Origin.ID
	case r.BytesIn != nil:
		e.other = *r.BytesIn
	}
	return e
}

// withContent reads the header of the content at offset at.
func (fd found) withContent(raw []byte, at int) (found, int, error) {
	if at > len(raw) {
		return fd, 0, fmt.Errorf("frame ends in record %s: %w", fd.id, mail.ErrDamaged)
	}
	head, err := parseTarHeader(raw[at:])
	if err != nil {
		return fd, 0, err
	}
	if head.suffix != contentSuffix || head.id != fd.id || head.size != fd.size {
		return fd, 0, fmt.Errorf("record %s is followed by another content: %w", fd.id, mail.ErrDamaged)
	}
	fd.flags |= entryBytes
	start := at + tarBlock
	if start == len(raw) && head.size > 0 {
		fd.flags |= entryLarge
		return fd, start, nil
	}
	next := start + int(padded(head.size))
	if next > len(raw) || next < start {
		return fd, 0, fmt.Errorf("frame ends in content of %s: %w", fd.id, mail.ErrDamaged)
	}
	fd.inline = raw[start : start+int(head.size) : start+int(head.size)]
	return fd, next, nil
}
