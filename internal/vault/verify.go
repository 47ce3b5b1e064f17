package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"sync"

	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
)

// Verified says what a verification has looked at.
type Verified struct {
	Segments int    `json:"segments"`
	Records  uint64 `json:"records"`
	Arrivals uint64 `json:"arrivals"` // those of them that stand for a message
	Contents uint64 `json:"contents"` // whose bytes were hashed
	Released uint64 `json:"released"` // records whose bytes are in an archive file only
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
	vf := &verifier{v: v, ctx: ctx, total: total, progress: progress, foreign: map[UUID]chain{}}
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
	replaced *Closed     // and as it was closed, when it was written anew
	foreign  map[UUID]chain
}

// segment checks one file up to its last commit. A file that cannot be read
// is a finding, not an error.
func (vf *verifier) segment(s *segment, length int64) error {
	number := s.number
	file, length, err := vf.v.openUpTo(s, length)
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
		vf.replaced = sv.replaces
	}
	return nil
}

// openUpTo opens a segment that had that length when the look at it began. If it
// was written anew since, it is shorter.
func (v *Vault) openUpTo(s *segment, length int64) (durable.File, int64, error) {
	v.swap.RLock()
	defer v.swap.RUnlock()
	v.mu.Lock()
	length = min(length, s.length)
	v.mu.Unlock()
	f, err := v.openSegment(s.number)
	return f, length, err
}

// index compares the index of a closed segment, in which nothing else was
// found, with what the segment holds, and has it made again when it differs.
func (vf *verifier) index(s *segment, length int64, entries []entry) {
	vf.v.swap.RLock()
	defer vf.v.swap.RUnlock()
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
