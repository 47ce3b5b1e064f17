package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"sync"

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
	file, err := vf.v.openSegment(number)
	if err != nil {
		vf.report(Finding{Segment: number, Length: length, What: fmt.Sprintf("segment cannot be opened: %v", err)})
		return nil
	}
	defer file.Close()
	f := steady{file, vf.v.log}
	var whole hash.Hash
	var hashErr error
	var wg sync.WaitGroup
	wg.Go(func() { whole, hashErr = hashOf(f, length) })
	defer wg.Wait()

	base, faults := vf.done.Bytes, vf.done.Findings
	sv := &segmentVerifier{verifier: vf, number: number}
	spansErr := vf.v.eachSpan(vf.ctx, number, f, length, (*scanner).check, func(r readSpan) error {
		sv.span(r)
		vf.progress(base+r.end, vf.total)
		return nil
	})
	if err := vf.ctx.Err(); err != nil {
		return err
	}
	if spansErr != nil {
		vf.report(Finding{Segment: number, Length: length, What: fmt.Sprintf("segment cannot be read: %v", spansErr)})
	}
	vf.done.Segments++
	vf.done.Bytes = base + length
	if vf.done.Findings == faults {
		vf.index(s, length, sv.entries)
	}
	wg.Wait()
	if hashErr == nil { // else it was reported, by the read that failed
		vf.previous = &Closed{Segment: number, Length: length, SHA256: mail.Digest(whole.Sum(nil))}
	}
	return nil
}

// index compares the index of a closed segment, in which nothing else was
// found, with what the segment holds, and has it made again when it differs.
func (vf *verifier) index(s *segment, length int64, entries []entry) {
	vf.v.mu.Lock()
	// One that was open when the verification began may be closed by now.
	open := s.entries != nil || s.length != length
	vf.v.mu.Unlock()
	if open {
		return
	}
	b, err := readAll(vf.v.fs, vf.v.path(s.number, indexSuffix))
	var what string
	switch {
	case errors.Is(err, fs.ErrNotExist):
		what = "index is missing"
	case err != nil:
		what = fmt.Sprintf("index cannot be read: %v", err)
	case !bytes.Equal(b, encodeIndex(vf.v.owner.vault, s.number, length, entries)):
		what = "index does not say what the segment holds"
	default:
		return
	}
	if _, err := vf.v.mendIndex(s); err != nil {
		what += fmt.Sprintf("; it could not be made again: %v", err)
	} else {
		what += "; it was made again"
	}
	vf.report(Finding{Segment: s.number, What: what})
}

// segmentVerifier checks the spans of one segment.
type segmentVerifier struct {
	*verifier
	number  int
	entries []entry // found so far
}

// span checks how one commit goes on with what came before.
func (sv *segmentVerifier) span(s readSpan) {
	if s.mark != nil {
		sv.begins(s.off, s.mark.first)
	}
	var contents []Finding
	s.follow(sv.v.owner.vault, sv.end, func(r readRecord) {
		sv.link(r.found)
		if f := sv.content(r); f != nil {
			contents = append(contents, *f)
		}
	})
	var lost []uint64
	if s.mark != nil {
		lost = sv.closeCommit(s.mark)
	}
	if len(lost) > 0 && len(s.bad) == 0 {
		sv.report(Finding{Segment: sv.number, Offset: s.off, Lost: lost, What: "records that the commit mark counts are missing"})
	}
	for _, b := range s.bad {
		sv.report(damagedFrame(sv.number, b, lost))
	}
	for _, f := range contents {
		sv.report(f)
	}
	switch {
	case s.mark == nil:
		sv.report(damagedStretch(sv.number, s.span))
	case !s.whole && len(s.bad) == 0 && len(contents) == 0:
		sv.report(Finding{Segment: sv.number, Offset: s.off, Length: s.mark.body(), What: "commit has another digest than its mark says, though every frame in it reads well"})
	}
}

// end returns the chain as far as it is known.
func (vf *verifier) end() chain {
	c := chain{seq: vf.seq}
	if vf.headSeq == vf.seq {
		c.head = vf.head
	}
	return c
}

// begins checks the number that a commit, or a segment, begins with.
func (sv *segmentVerifier) begins(off int64, seq uint64) {
	switch {
	case seq > sv.seq+1:
		sv.report(Finding{Segment: sv.number, Offset: off, Lost: seqs(sv.seq+1, seq-1), What: "records are missing"})
	case seq <= sv.seq:
		sv.report(Finding{Segment: sv.number, Offset: off, What: fmt.Sprintf("record %d stands behind record %d", seq, sv.seq)})
	}
	sv.seq = seq - 1
}

// link checks the predecessor of a record.
func (sv *segmentVerifier) link(fd found) {
	if sv.headSeq == fd.seq-1 && fd.record.Prev != sv.head {
		sv.report(Finding{Segment: sv.number, Offset: fd.frame, IDs: []mail.ID{fd.id}, What: fmt.Sprintf("chain is broken: record %d does not name the digest of record %d", fd.seq, fd.seq-1)})
	}
	if fd.frame == 0 && fd.rawOffset == 0 {
		sv.begins(0, fd.seq)
		sv.first(fd)
	}
	sv.seq, sv.headSeq, sv.head = fd.seq, fd.seq, fd.head
	sv.entries = append(sv.entries, fd.entry)
	sv.done.Records++
}

// first checks what a segment's first record says of the segment before.
func (sv *segmentVerifier) first(fd found) {
	said, before := fd.record.before(), sv.previous
	if before == nil {
		before = &Closed{} // nothing was found before this one
	}
	switch {
	case said == nil:
		sv.report(Finding{Segment: sv.number, IDs: []mail.ID{fd.id}, What: "first record does not name the segment before"})
	case said.Segment != before.Segment:
		sv.report(Finding{Segment: said.Segment, Length: said.Length, What: fmt.Sprintf("segment is missing, or nothing in it can be read; it had %d bytes with digest %s", said.Length, said.SHA256)})
	case *said != *before:
		sv.report(Finding{Segment: before.Segment, Length: before.Length, What: fmt.Sprintf("segment is not as it was closed: %d bytes with digest %s, now %d bytes with digest %s",
			said.Length, said.SHA256, before.Length, before.SHA256)})
	}
}

// content says what is wrong with the bytes of a record, or looks for them
// where they are said to be. Nil is nothing.
func (sv *segmentVerifier) content(r readRecord) *Finding {
	if r.flags&entryBytes == 0 {
		_, holder, err := sv.v.findID(r.bytesIn)
		if err == nil && holder.digest == r.digest && holder.flags&entryBytes != 0 {
			return nil
		}
		return &Finding{Segment: sv.number, Offset: r.frame, IDs: []mail.ID{r.id}, What: fmt.Sprintf("content is said to stand in %s and does not", r.bytesIn)}
	}
	sv.done.Contents++
	if r.content == nil {
		return nil
	}
	f := Finding{Segment: sv.number, Offset: r.frame, Length: int64(r.frameSize), IDs: []mail.ID{r.id}, What: r.content.Error()}
	var damaged *chunkError
	if errors.As(r.content, &damaged) {
		f.Offset, f.Length = damaged.off, int64(damaged.size)
	}
	return &f
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
