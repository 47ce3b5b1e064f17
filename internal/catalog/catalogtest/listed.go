package catalogtest

import (
	"cmp"
	"context"
	"slices"

	"mailarchive/internal/catalog"
)

// Listed implements [catalog.Catalog].
func (c *Memory) Listed(_ context.Context, first, last uint64) ([]catalog.Listing, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []catalog.Listing
	for _, m := range c.messages {
		for _, a := range m.arrivals {
			if first <= a.Seq && a.Seq <= last {
				list = append(list, catalog.Listing{Seq: a.Seq, ID: a.ID})
			}
		}
	}
	slices.SortFunc(list, func(a, b catalog.Listing) int { return cmp.Compare(a.Seq, b.Seq) })
	return list, nil
}
