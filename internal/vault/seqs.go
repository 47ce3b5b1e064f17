package vault

import (
	"context"
	"slices"
)

// Seqs calls each for the number of every record from seq from on that is
// there when it is called, by rising seq, lost ones left out, until each
// returns an error, which it returns, or ctx ends. It reads the positions only,
// no mail.
func (v *Vault) Seqs(ctx context.Context, from uint64, each func(seq uint64) error) error {
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
		entries, err := v.entriesOf(s)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if e.seq < from || e.seq > end || e.flags&entryLost != 0 {
				continue
			}
			if err := each(e.seq); err != nil {
				return err
			}
		}
	}
	return nil
}
