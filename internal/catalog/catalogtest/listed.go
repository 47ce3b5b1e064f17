package catalogtest

import (
	"context"
	"slices"
)

// Listed implements [catalog.Catalog].
func (c *Memory) Listed(_ context.Context, first, last uint64) ([]uint64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var seqs []uint64
	for _, m := range c.messages {
		for _, a := range m.arrivals {
			if first <= a.Seq && a.Seq <= last {
				seqs = append(seqs, a.Seq)
			}
		}
	}
	slices.Sort(seqs)
	return seqs, nil
}
