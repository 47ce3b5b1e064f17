package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
)

// Verified says what a verification has looked at.
type Verified struct {
	Segments int    `json:"segments"`
	Records  uint64 `json:"records"`
	Contents uint64 `json:"contents"` // whose bytes were hashed
	Bytes    int64  `json:"bytes"`    // of segments
	Findings int    `json:"findings"`
}

// Verify reads every committed byte of the vault and checks frames, commits,
// chain, digests, segments' ends and indexes. It calls report for each fault;
// the error is for what kept it from looking. Progress gets bytes.
func (v *Vault) Verify(ctx context.Context, progress func(done, total int64), report func(Finding)) (Verified, error) {
	type stretch struct {
		*segment
		length int64
	}
	var all []stretch
	var total int64
	v.mu.Lock()
	for _, s := range v.segments {
		if !s.empty() {
			all = append(all, stretch{s, s.length})
			total += s.length
		}
	}
	v.mu.Unlock()
	vf := &verifier{v: v, ctx: ctx, total: total, progress: progress}
	vf.report = func(f Finding) {
		vf.done.Findings++
		report(f)
	}
	for _, s := range all {
		if err := vf.segment(s.segment, s.length); err != nil {
			return vf.done, err
		}
	}
	return vf.done, nil
}

// verifier goes through the segments in order and carries the chain along.
type verifier struct {
	v        *Vault
	ctx      context.Context
	report   func(Finding)
	progress func(done, total int64)
	total    int64
	done     Verified

	seq      uint64      // of the last record seen
	head     mail.Digest // of the last record seen, or what a mark says it was
	headSeq  uint64      // whose digest head is
	previous *Closed     // the segment before, as it is on disk
}

// segment checks one file up to its last commit. A file that cannot be read
// is a finding, not an error.
func (vf *verifier) segment(s *segment, length int64) error {
	number := s.number
	f, err := vf.v.openSegment(number)
	if err != nil {
		vf.report(Finding{Segment: number, Length: length, What: fmt.Sprintf("segment cannot be opened: %v", err)})
		return nil
	}
	defer f.Close()
	base, faults := vf.done.Bytes, vf.done.Findings
	sv := &segmentVerifier{verifier: vf, number: number, sc: vf.v.newScanner(f, length)}
	for off := int64(0); off < length; {
		if err := vf.ctx.Err(); err != nil {
			return err
		}
		sp, err := nextSpan(sv.sc.w, off, vf.v.uuid)
		if err == nil {
			err = sv.span(sp)
		}
		if err != nil {
			vf.report(Finding{Segment: number, Offset: off, Length: length - off, What: fmt.Sprintf("segment cannot be read: %v", err)})
			break
		}
		off = sp.end
		vf.progress(base+off, vf.total)
	}
	vf.done.Segments++
	vf.done.Bytes = base + length
	if vf.done.Findings == faults {
		vf.index(s, length, sv.entries)
	}
	digest, err := digestOf(f, 0, length)
	if err != nil {
		return nil // reported above, by the read that failed
	}
	vf.previous = &Closed{Segment: number, Length: length, SHA256: digest}
	return nil
}

// index compares the index of a closed segment with what the segment holds.
func (vf *verifier) index(s *segment, length int64, entries []entry) {
	vf.v.mu.Lock()
	open := s.entries != nil
	vf.v.mu.Unlock()
	if open {
		return
	}
	name := vf.v.path(s.number, indexSuffix)
	b, err := readAll(vf.v.fs, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		vf.report(Finding{Segment: s.number, What: "index is missing; restart the archive to make it again"})
	case err != nil:
		vf.report(Finding{Segment: s.number, What: fmt.Sprintf("index cannot be read: %v", err)})
	case !bytes.Equal(b, encodeIndex(vf.v.uuid, s.number, length, entries)):
		vf.report(Finding{Segment: s.number, What: "index does not say what the segment holds; remove " + name + " and restart the archive to make it again"})
	}
}

func readAll(fsys durable.FS, name string) ([]byte, error) {
	f, err := fsys.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// segmentVerifier checks the spans of one segment.
type segmentVerifier struct {
	*verifier
	number  int
	sc      scanner
	entries []entry // found so far
}

// span checks one commit.
func (sv *segmentVerifier) span(s span) error {
	var contents []Finding
	bad, err := sv.sc.records(s, func(fd found) error {
		if fd.record.Vault != sv.v.uuid {
			return fmt.Errorf("record %s belongs to vault %s: %w", fd.id, fd.record.Vault, mail.ErrDamaged)
		}
		sv.link(fd)
		f, err := sv.content(fd)
		if err == nil && f != nil {
			contents = append(contents, *f)
		}
		return err
	})
	if err != nil {
		return err
	}
	var lost []uint64
	if s.mark != nil {
		lost = sv.closeCommit(s.mark)
	}
	for _, b := range bad {
		sv.report(damagedFrame(sv.number, b, lost))
	}
	for _, f := range contents {
		sv.report(f)
	}
	if s.mark == nil || s.broken {
		sv.report(damagedStretch(sv.number, s))
		return nil
	}
	whole, err := s.intact(sv.sc.w.r)
	if err == nil && !whole && len(bad) == 0 && len(contents) == 0 {
		sv.report(Finding{Segment: sv.number, Offset: s.off, Length: s.mark.body(), What: "commit has another digest than its mark says, though every frame in it reads well"})
	}
	return err
}

// link checks number and predecessor of a record.
func (sv *segmentVerifier) link(fd found) {
	switch {
	case fd.seq != sv.seq+1 && fd.seq > sv.seq:
		sv.report(Finding{Segment: sv.number, Offset: fd.frame, Lost: seqs(sv.seq+1, fd.seq-1), What: "records are missing"})
	case fd.seq <= sv.seq:
		sv.report(Finding{Segment: sv.number, Offset: fd.frame, IDs: []mail.ID{fd.id}, What: fmt.Sprintf("record %d follows record %d", fd.seq, sv.seq)})
	}
	if sv.headSeq == fd.seq-1 && fd.record.Prev != sv.head {
		sv.report(Finding{Segment: sv.number, Offset: fd.frame, IDs: []mail.ID{fd.id}, What: fmt.Sprintf("chain is broken: record %d does not name the digest of record %d", fd.seq, fd.seq-1)})
	}
	if len(sv.entries) == 0 {
		sv.first(fd)
	}
	sv.seq, sv.headSeq, sv.head = fd.seq, fd.seq, mail.Sum(fd.json)
	sv.entries = append(sv.entries, fd.entry)
	sv.done.Records++
}

// first checks what a segment's first record says of the segment before.
func (sv *segmentVerifier) first(fd found) {
	closed, before := fd.record.Closed, sv.previous
	if before == nil || closed != nil && *closed == *before {
		return
	}
	what := "first record does not name the segment before"
	if closed != nil {
		what = fmt.Sprintf("segment %d is not as it was closed: %d bytes with digest %s, now %d bytes with digest %s",
			closed.Segment, closed.Length, closed.SHA256, before.Length, before.SHA256)
	}
	sv.report(Finding{Segment: before.Segment, Length: before.Length, What: what})
}

// content hashes the bytes of a record, or looks where they are said to be.
func (sv *segmentVerifier) content(fd found) (*Finding, error) {
	if fd.flags&entryBytes == 0 {
		_, holder, err := sv.v.findID(fd.bytesIn)
		if err == nil && holder.digest == fd.digest && holder.flags&entryBytes != 0 {
			return nil, nil
		}
		return &Finding{Segment: sv.number, Offset: fd.frame, IDs: []mail.ID{fd.id}, What: fmt.Sprintf("content is said to stand in %s and does not", fd.bytesIn)}, nil
	}
	sv.done.Contents++
	err := sv.sc.checkContent(fd)
	if err == nil || !errors.Is(err, mail.ErrDamaged) {
		return nil, err
	}
	f := Finding{Segment: sv.number, Offset: fd.frame, IDs: []mail.ID{fd.id}, What: err.Error()}
	var damaged *chunkError
	if errors.As(err, &damaged) {
		f.Offset, f.Length = damaged.off, int64(damaged.size)
	}
	return &f, nil
}

// closeCommit checks the chain against the mark and returns the records that
// it counts and that were not found.
func (sv *segmentVerifier) closeCommit(m *mark) (lost []uint64) {
	seen := map[uint64]bool{}
	for i := len(sv.entries) - 1; i >= 0 && sv.entries[i].seq >= m.first; i-- {
		seen[sv.entries[i].seq] = true
	}
	for seq := m.first; seq <= m.last() && len(lost) < maxLost; seq++ {
		if !seen[seq] {
			lost = append(lost, seq)
		}
	}
	if sv.headSeq == m.last() && sv.head != m.head {
		sv.report(Finding{Segment: sv.number, Offset: m.offset, Length: m.body(), What: "commit ends in another record than its mark says"})
	}
	sv.seq, sv.headSeq, sv.head = m.last(), m.last(), m.head
	return lost
}

func seqs(from, to uint64) (list []uint64) {
	for ; from <= to && len(list) < maxLost; from++ {
		list = append(list, from)
	}
	return list
}

// chunkError is a damaged frame of large content.
type chunkError struct {
	frameSpan
	err error
}

func (e *chunkError) Error() string { return e.err.Error() }
func (e *chunkError) Unwrap() error { return e.err }

// checkLarge hashes content that stands in frames of its own.
func (sc scanner) checkLarge(fd found) error {
	content := &chunkReader{w: sc.w, codec: sc.codec, left: fd.size}
	h := newDigest()
	for _, c := range fd.chunks {
		content.off = c.off
		n, err := io.Copy(h, io.LimitReader(content, min(ChunkSize, content.left)))
		if err != nil {
			return &chunkError{c, fmt.Errorf("content of %s: %w", fd.id, err)}
		}
		if n == 0 {
			break
		}
	}
	if mail.Digest(h.Sum(nil)) != fd.digest {
		return fmt.Errorf("content of %s has another digest than its record says: %w", fd.id, mail.ErrDamaged)
	}
	return nil
}
