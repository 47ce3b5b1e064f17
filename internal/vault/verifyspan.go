package vault

import (
	"errors"
	"fmt"

	"mailarchive/internal/mail"
)

// segmentVerifier checks the spans of one segment.
type segmentVerifier struct {
	*verifier
	number  int
	entries []entry // found so far
	// replaces is the file that this one was written in the place of.
	replaces *Closed
}

// span checks how one commit goes on with what came before.
func (sv *segmentVerifier) span(s readSpan) {
	if s.mark != nil {
		sv.begins(s.off, s.mark.first)
		if s.mark.replaces != nil {
			sv.replaces = s.mark.replaces
		}
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
	if fd.record.Restored() {
		sv.original(fd)
	}
	sv.seq, sv.headSeq, sv.head = fd.seq, fd.seq, fd.head
	sv.entries = append(sv.entries, fd.entry)
	sv.done.Records++
	if fd.record.IsArrival() {
		sv.done.Arrivals++
	}
}

// original checks a record that came with restored content as a link of the chain
// that it comes from, when the link before it came just before.
func (sv *segmentVerifier) original(fd found) {
	exact := []byte(fd.record.Original)
	o, err := DecodeRecord(exact)
	if err != nil {
		return // not after the record was decoded
	}
	before := sv.foreign[o.Vault]
	if before.seq > 0 && o.Seq == before.seq+1 && o.Prev != before.head {
		sv.report(Finding{Segment: sv.number, Offset: fd.frame, IDs: []mail.ID{o.ID}, What: fmt.Sprintf("chain of vault %s, from which this was restored, is broken: its record %d does not name the digest of its record %d", o.Vault, o.Seq, before.seq)})
	}
	sv.foreign[o.Vault] = chain{seq: o.Seq, head: mail.Sum(exact)}
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
	case *said != *before && (sv.replaced == nil || *said != *sv.replaced):
		sv.report(Finding{Segment: before.Segment, Length: before.Length, What: fmt.Sprintf("segment is not as it was closed: %d bytes with digest %s, now %d bytes with digest %s",
			said.Length, said.SHA256, before.Length, before.SHA256)})
	}
}

// content says what is wrong with the bytes of a record, or looks for them
// where they are said to be. Nil is nothing.
func (sv *segmentVerifier) content(r readRecord) *Finding {
	if r.flags&entryBytes == 0 {
		return sv.absent(r)
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

// absent looks for the content of a record that does not bring it: it has none,
// or it stands in another record, or in an archive file. Nil is nothing wrong.
func (sv *segmentVerifier) absent(r readRecord) *Finding {
	if !r.record.HasContent() {
		return nil
	}
	holder := r.record.BytesIn
	left := holder == nil
	if !left {
		at, found := sv.v.holder(*holder, r.digest)
		if found && at.flags&entryBytes != 0 {
			return nil
		}
		left = found && at.flags&entryReleased != 0
	}
	switch {
	case sv.back(r):
		return nil
	case left && len(sv.v.sealsOf(r.seq)) > 0:
		sv.done.Released++
		return nil
	}
	what := "content is neither here nor in an archive file that a record names"
	if !left {
		what = fmt.Sprintf("content is said to stand in %s and does not", *holder)
	}
	return &Finding{Segment: sv.number, Offset: r.frame, IDs: []mail.ID{r.record.Arrival().ID}, What: what}
}

// back reports whether the content of the record came back with another one.
func (sv *segmentVerifier) back(r readRecord) bool {
	id := r.record.Arrival().ID
	for _, seq := range sv.v.restored.find(idKey(id)) {
		fd, ok := sv.v.restoredAs(seq, id)
		if !ok || fd.seq == r.seq || fd.digest != r.digest {
			continue
		}
		if in := fd.record.BytesIn; in != nil {
			fd.entry, _ = sv.v.holder(*in, r.digest)
		}
		if fd.flags&entryBytes != 0 {
			return true
		}
	}
	return false
}

// holder returns the record of that ID, if it is one of content with that digest.
func (v *Vault) holder(id mail.ID, digest mail.Digest) (entry, bool) {
	v.swap.RLock()
	defer v.swap.RUnlock()
	_, e, err := v.findID(id)
	return e, err == nil && e.digest == digest
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
