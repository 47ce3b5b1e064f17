package indexer

import (
	"context"
	"time"
)

// While mail comes in faster than it can be indexed beside it, a sender who
// waits for a yes goes first: each worker, and the one who applies, rests
// restShare times as long as it worked. What waits is in the vault and is
// indexed at full speed when the rush is over.
const (
	restShare   = 9
	leastRest   = 20 * time.Millisecond // shorter ones are added up
	longestRest = 2 * time.Second
)

// resting is what one goroutine owes.
type resting struct{ owed time.Duration }

// giveWay rests for work that took so long, if mail is pressing.
func (ix *Indexer) giveWay(ctx context.Context, r *resting, worked time.Duration) {
	if ix.Busy == nil || !ix.Busy() {
		r.owed = 0
		return
	}
	if r.owed += restShare * worked; r.owed < leastRest {
		return
	}
	pause(ctx, min(r.owed, longestRest))
	r.owed = 0
}

// pause waits for d or the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
