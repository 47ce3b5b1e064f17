package vault

import (
	"context"
	"errors"
	"fmt"

	"mailarchive/internal/mail"
)

// Released says what a Release let go.
type Released struct {
	Segments int    `json:"segments"` // written anew
	Messages uint64 `json:"messages"` // contents that left
	Bytes    int64  `json:"bytes"`    // of disk that are free again
}

// Release lets go of the bytes of records up to number upTo that archive files
// hold (Seal): segments with such bytes are written anew without them, one after
// the other. Records stay, byte for byte, and so does content that a record which
// is not sealed shares. When it returns nil, the space is free; Get answers as
// before, and Open with an [Elsewhere].
//
// A crash leaves each segment as it was or as it is to be. Calling it again goes
// on, and does nothing when there is nothing to let go. It needs the space of one
// segment without the bytes that leave. After an error, which wraps mail.ErrFull,
// mail.ErrRetry or, for segments that do not read back whole and stay as they
// are, mail.ErrDamaged, Released says what was done all the same. Progress gets
// bytes of segments that were looked through.
func (v *Vault) Release(ctx context.Context, upTo uint64, progress func(done, total int64)) (Released, error) {
	ctx, leave, err := v.enter(ctx)
	if err != nil {
		return Released{}, fmt.Errorf("release: %w", err)
	}
	defer leave()
	v.release.Lock()
	defer v.release.Unlock()
	r := &releaser{v: v, ctx: ctx, upTo: upTo, seals: v.Sealed(), progress: progress, needed: map[mail.ID]bool{}}
	if err := r.run(); err != nil {
		return r.Released, fmt.Errorf("release: %w", orRetry(err))
	}
	return r.Released, nil
}

// orRetry marks an error of the machine as one to try again after; one that says
// that bytes are damaged says so.
func orRetry(err error) error {
	if errors.Is(err, mail.ErrDamaged) {
		return err
	}
	return kind(err)
}

// enter makes Close wait for the caller, whose context ends when it is called.
func (v *Vault) enter(ctx context.Context) (inside context.Context, leave func(), err error) {
	v.gate.RLock()
	defer v.gate.RUnlock()
	if v.closing {
		return nil, nil, fmt.Errorf("the vault is being closed: %w", mail.ErrRetry)
	}
	v.loading.Add(1)
	inside, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-v.stop:
			cancel()
		case <-inside.Done():
		}
	}()
	return inside, func() { cancel(); v.loading.Done() }, nil
}

// releaser is one call of Release.
type releaser struct {
	v        *Vault
	ctx      context.Context
	upTo     uint64
	seals    []Seal
	progress func(done, total int64)
	needed   map[mail.ID]bool // records whose bytes one that is not sealed shares
	Released
}

func (r *releaser) run() error {
	if len(r.seals) == 0 {
		return nil
	}
	segments, err := r.candidates()
	if err != nil || len(segments) == 0 {
		return err
	}
	if err := r.closeLast(segments[len(segments)-1]); err != nil {
		return err
	}
	defer r.v.hold(segments, false)
	r.v.hold(segments, true)
	if err := r.findNeeded(segments[0]); err != nil {
		return err
	}
	return r.all(segments)
}

// all writes the segments anew. One that is damaged does not keep the others.
func (r *releaser) all(segments []*segment) error {
	var done, total int64
	r.v.mu.Lock()
	for _, s := range segments {
		total += s.length
	}
	r.v.mu.Unlock()
	var faults []error
	for _, s := range segments {
		if err := r.ctx.Err(); err != nil {
			return errors.Join(append(faults, err)...)
		}
		r.v.mu.Lock()
		length := s.length
		r.v.mu.Unlock()
		if err := r.segment(s); err != nil {
			faults = append(faults, fmt.Errorf("segment %d: %w", s.number, err))
			if !errors.Is(err, mail.ErrDamaged) {
				break
			}
		}
		done += length
		r.progress(done, total)
	}
	return errors.Join(faults...)
}

// candidates are the segments with bytes that may leave, as far as that can be
// told without knowing who shares them.
func (r *releaser) candidates() (found []*segment, err error) {
	r.v.mu.Lock()
	var all []*segment
	for _, s := range r.v.segments {
		if !s.empty() && s.first <= r.upTo {
			all = append(all, s)
		}
	}
	r.v.mu.Unlock()
	for _, s := range all {
		entries, err := r.v.currentEntries(s)
		if err != nil {
			return nil, fmt.Errorf("segment %d: %w", s.number, err)
		}
		for i := range entries {
			if r.leaves(&entries[i]) {
				found = append(found, s)
				break
			}
		}
	}
	return found, r.ctx.Err()
}

// leaves reports whether the record's bytes are to leave.
func (r *releaser) leaves(e *entry) bool {
	return e.flags&entryBytes != 0 && e.size > 0 && r.sealed(e.seq) && !r.needed[e.id]
}

func (r *releaser) sealed(seq uint64) bool {
	if seq > r.upTo {
		return false
	}
	for i := range r.seals {
		if r.seals[i].Holds(seq) {
			return true
		}
	}
	return false
}

// closeLast has a new segment begun when the one that is written to is among
// those to release, which is the last one then.
func (r *releaser) closeLast(last *segment) error {
	r.v.mu.Lock()
	open := last == r.v.segments[len(r.v.segments)-1]
	r.v.mu.Unlock()
	if !open {
		return nil
	}
	return r.v.submit(&request{rotate: true})
}

// hold says of the segments that no append may name content in them, and waits
// for those that do; or that it may again.
func (v *Vault) hold(segments []*segment, releasing bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, s := range segments {
		s.releasing = releasing
	}
	for _, s := range segments {
		for releasing && s.pins > 0 {
			v.unpinned.Wait()
		}
	}
}

// findNeeded looks behind the first segment for records that are not sealed and
// share the bytes of another one.
func (r *releaser) findNeeded(first *segment) error {
	r.v.mu.Lock()
	var all []*segment
	for _, s := range r.v.segments {
		if !s.empty() && s.number >= first.number {
			all = append(all, s)
		}
	}
	r.v.mu.Unlock()
	for _, s := range all {
		entries, err := r.v.currentEntries(s)
		if err != nil {
			return fmt.Errorf("segment %d: %w", s.number, err)
		}
		for i := range entries {
			if err := r.need(&entries[i]); err != nil {
				return err
			}
		}
	}
	return r.ctx.Err()
}

// need notes whose bytes the record shares, when it is not sealed. Of a restored
// one the index does not tell it.
func (r *releaser) need(e *entry) error {
	switch restored := e.flags&entryRestored != 0 && e.flags&(entryBytes|entryReleased|entryLost) == 0; {
	case r.sealed(e.seq):
	case e.shares():
		r.needed[e.other] = true
	case restored:
		i, err := r.v.readSeq(e.seq)
		if err != nil {
			return err
		}
		if i.Err != nil {
			return i.Err // whose bytes it shares nobody knows: all stay
		}
		record, err := DecodeRecord(i.Record)
		if err != nil {
			return err
		}
		if record.BytesIn != nil {
			r.needed[*record.BytesIn] = true
		}
	}
	return nil
}
