package indexer

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"mailarchive/internal/catalog"
	"mailarchive/internal/mail"
)

// compareChunk is how many arrivals are compared in one query.
const compareChunk = 4096

// Compared is the outcome of a comparison of vault and catalog.
type Compared struct {
	UpTo    uint64 // the number up to which it went, the catalog's cursor
	Missing uint64 // arrivals that the vault has and the catalog lacks
	First   uint64 // the first of these, 0 when none is missing
}

// Compare looks whether every record of the vault behind number after that can
// be read is listed in the catalog, up to the catalog's cursor. An arrival with
// the number of one and the ID of another is not that arrival: the catalog was
// made from another vault, or from what this one was before it was put back to
// a copy of itself. It reads no mail, gives way to mail that presses in, and may
// run beside Run.
func (ix *Indexer) Compare(ctx context.Context, after uint64) (Compared, error) {
	counts, err := ix.Catalog.Counts(ctx)
	if err != nil {
		return Compared{}, fmt.Errorf("compare with vault: %w", err)
	}
	c := comparison{Indexer: ix, Compared: Compared{UpTo: counts.Cursor}}
	err = ix.Vault.Seqs(ctx, after+1, func(seq uint64, id mail.ID) error {
		if seq > counts.Cursor {
			return errCompared
		}
		c.chunk = append(c.chunk, catalog.Listing{Seq: seq, ID: id})
		if len(c.chunk) < compareChunk {
			return nil
		}
		return c.look(ctx)
	})
	if err == nil || err == errCompared {
		err = c.look(ctx)
	}
	if err != nil {
		return Compared{}, fmt.Errorf("compare with vault: %w", err)
	}
	return c.Compared, nil
}

// errCompared ends the walk at the cursor.
const errCompared = endOfWalk("compared")

type endOfWalk string

func (e endOfWalk) Error() string { return string(e) }

type comparison struct {
	*Indexer
	Compared
	chunk []catalog.Listing
	rest  resting
}

// look compares the chunk and empties it.
func (c *comparison) look(ctx context.Context) error {
	if len(c.chunk) == 0 {
		return nil
	}
	begun := c.Now()
	listed, err := c.Catalog.Listed(ctx, c.chunk[0].Seq, c.chunk[len(c.chunk)-1].Seq)
	if err != nil {
		return err
	}
	for _, want := range c.chunk {
		i, found := slices.BinarySearchFunc(listed, want.Seq, func(l catalog.Listing, seq uint64) int { return cmp.Compare(l.Seq, seq) })
		if found && listed[i].ID == want.ID {
			continue
		}
		if c.Missing++; c.First == 0 {
			c.First = want.Seq
		}
	}
	c.chunk = c.chunk[:0]
	c.giveWay(ctx, &c.rest, c.Now().Sub(begun))
	return ctx.Err()
}
