package vault

import (
	"context"
	"slices"

	"mailarchive/internal/mail"
)

// Seqs calls each for the number and the ID of every arrival from seq from on
// that is there when it is called, by rising seq, lost ones left out, until each
// returns an error, which it returns, or ctx ends. It reads the positions only,
// no mail.
func (v *Vault) Seqs(ctx context.Context, from uint64, each func(seq uint64, id mail.ID) error) error {
	v.mu.Lock()
	segments, end := slices.Clone(v.segments), v.end.seq
	for len(segments) > 1 && !segments[1].empty() && segments[1].first <= from {
		segments = segments[1:]
	}
	v.mu.Unlock()
	for _, s := range segments {
		if err := ctx.Err(); err != nil {
			return err
		}
		entries, err := v.currentEntries(s)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if e.seq < from || e.seq > end || e.flags&(entryLost|entryNote) != 0 {
				continue
			}
			id := e.id
			if e.flags&entryRestored != 0 {
				id = e.other
			}
			if err := each(e.seq, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// Arrivals returns how many of the records behind number after are arrivals, lost
// ones included. It is cheap but for a number in the middle of a closed segment
// that has other records too.
func (v *Vault) Arrivals(after uint64) (n uint64, err error) {
	v.mu.Lock()
	segments, end := slices.Clone(v.segments), v.end.seq
	n = end - min(after, end)
	var split []*segment
	for _, s := range segments {
		switch {
		case s.empty() || s.notes == 0 || s.last <= after:
		case s.first > after:
			n -= uint64(s.notes)
		default:
			split = append(split, s)
		}
	}
	v.mu.Unlock()
	for _, s := range split {
		entries, err := v.currentEntries(s)
		if err != nil {
			return 0, err
		}
		for _, e := range entries {
			if e.seq > after && e.seq <= end && e.flags&entryNote != 0 {
				n--
			}
		}
	}
	return n, nil
}
