package vault

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"time"

	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
)

const (
	// maxBatchRecords and maxBatchBytes bound one commit: what a crash can
	// tear, and what a commit holds in memory.
	maxBatchRecords = 1024
	maxBatchBytes   = 8 << 20
	// writeSize is how many bytes go to the file at once.
	writeSize = ChunkSize
	// recordEstimate is what a record takes without its list of recipients.
	recordEstimate = 2048
)

// writer owns the open segment. It runs in one goroutine.
type writer struct {
	v      *Vault
	seg    *segment
	file   durable.File  // nil when the next commit begins a new segment
	out    *bufio.Writer // to the file, made at the first commit
	hash   hash.Hash     // of the segment up to its last commit
	closed *Closed       // goes into the segment's first record; nil in the vault's first segment
	month  string        // that the segment's arrivals belong to
	carry  *request      // did not fit into the last batch
	unsure *unsure       // the last commit, when the start could not make it sure
}

// run commits what Append sends until the queue is closed.
func (w *writer) run() {
	for {
		batch := w.collect()
		if batch == nil {
			return
		}
		w.commit(batch)
	}
}

// collect waits for one request and takes all others that wait too.
func (w *writer) collect() []*request {
	first := w.carry
	w.carry = nil
	if first == nil {
		var ok bool
		if first, ok = <-w.v.queue; !ok {
			return nil
		}
	}
	batch, bound := []*request{first}, first.bound()
	for len(batch) < maxBatchRecords && !first.rotate {
		r, ok := w.another(batch, bound)
		if !ok {
			return batch
		}
		if bound += r.bound(); r.rotate || bound > min(maxBatchBytes, w.v.segmentSize) {
			w.carry = r
			return batch
		}
		batch = append(batch, r)
	}
	return batch
}

// The patience of imports: nobody waits for one message of an import, and a
// commit of many fills its frames, which are then a twentieth smaller. A commit
// of imports alone waits until it has fullBatch bytes or manyRecords, or nothing
// came for a moment.
const (
	fullBatch   = 4 * ChunkSize
	manyRecords = 64
	moment      = 500 * time.Microsecond
)

// another returns the next request that waits, or that comes while a batch of
// imports is patient; false when there is none.
func (w *writer) another(batch []*request, bound int64) (r *request, ok bool) {
	select {
	case r, ok = <-w.v.queue:
		return r, ok
	default:
	}
	last := batch[len(batch)-1]
	if !last.patient() || bound >= fullBatch || len(batch) >= manyRecords || !batch[0].patient() {
		return nil, false
	}
	timer := time.NewTimer(moment)
	defer timer.Stop()
	select {
	case r, ok = <-w.v.queue:
		return r, ok
	case <-timer.C:
		return nil, false
	}
}

// commit writes a batch and tells each request how it went.
func (w *writer) commit(batch []*request) {
	fail := func(err error) {
		for _, r := range batch {
			r.done <- err
		}
	}
	if batch[0].rotate {
		fail(w.begin())
		return
	}
	var bound int64
	for _, r := range batch {
		bound += r.bound()
	}
	now := w.v.tip().after(w.v.clock())
	if err := w.prepare(bound, now); err != nil {
		fail(err)
		return
	}
	c, batch := w.build(batch, now)
	if len(batch) == 0 {
		return
	}
	if err := w.append(c); err != nil {
		fail(err)
		return
	}
	w.v.publish(w.seg, c)
	for _, r := range batch {
		r.done <- nil
	}
}

// prepare makes sure that there is room and a segment to write to.
func (w *writer) prepare(bound int64, now time.Time) error {
	if err := w.v.checkFree(bound); err != nil {
		return err
	}
	if err := w.settle(); err != nil {
		return err
	}
	full := w.seg.length+bound > w.v.segmentSize || len(w.seg.entries) >= maxSegmentRecords ||
		w.month != w.v.month(now)
	if w.file == nil || full && !w.seg.empty() {
		if err := w.rotate(); err != nil {
			return fmt.Errorf("new segment: %w", kind(err))
		}
	}
	if w.seg.empty() {
		w.month = w.v.month(now)
	}
	return nil
}

// settle makes sure of a commit that the start could not.
func (w *writer) settle() error {
	if w.unsure == nil {
		return nil
	}
	file, err := w.secure()
	if err != nil {
		return err
	}
	file.Close() // synced, and the next segment begins
	return nil
}

// begin begins a new segment, so that the one in hand is closed. One without
// records stays.
func (w *writer) begin() error {
	if w.seg.empty() {
		return nil
	}
	if err := w.settle(); err != nil {
		return err
	}
	if err := w.rotate(); err != nil {
		return fmt.Errorf("new segment: %w", kind(err))
	}
	return nil
}

// build makes the commit. Requests that cannot be part of it are told so and
// are missing from the batch that it returns.
func (w *writer) build(batch []*request, now time.Time) (*commit, []*request) {
	c := &commit{end: w.v.tip(), buffers: &w.v.buffers}
	taken := batch[:0]
	for _, r := range batch {
		record := c.end.follow(w.v.owner.vault, now)
		if w.seg.empty() && len(c.entries) == 0 {
			record.Closed = w.closed
		}
		r.fill(record)
		if err := c.add(record, r.content); err != nil {
			r.done <- err
			continue
		}
		if r.kind == KindSeal {
			c.seals = append(c.seals, record.seal())
		}
		taken = append(taken, r)
	}
	if len(taken) > 0 {
		c.finish(w.v.homeOf(w.seg.number), w.seg.length, w.v.codec)
	}
	return c, taken
}

// append writes and syncs the commit. When it returns an error the segment is
// as it was, or is given up and the next commit goes into a new one.
func (w *writer) append(c *commit) error {
	next := cloneHash(w.hash)
	if w.out == nil {
		w.out = bufio.NewWriterSize(nil, writeSize)
	}
	w.out.Reset(io.MultiWriter(w.file, next))
	err := c.writeTo(w.out)
	if err == nil {
		err = w.out.Flush()
	}
	if err != nil {
		w.undo(err)
		return fmt.Errorf("write segment: %w", kind(err))
	}
	if err := w.file.Sync(); err != nil {
		// What a failed sync leaves on disk nobody knows, and a second one
		// may say yes without having written it.
		w.abandon("sync of segment failed", err)
		return fmt.Errorf("sync segment: %w", kind(err))
	}
	w.hash = next
	return nil
}

// undo takes back a write that failed half-way.
func (w *writer) undo(cause error) {
	w.v.log.Warn("write failed, taken back", "segment", w.seg.number, "error", cause)
	err := w.file.Truncate(w.seg.length)
	if err == nil {
		_, err = w.file.Seek(w.seg.length, io.SeekStart)
	}
	if err == nil {
		err = w.file.Sync()
	}
	if err != nil {
		w.abandon("segment could not be cut back", err)
	}
}

// abandon gives up the file: it is never written or synced again. Its length
// up to the last commit will stand in the next segment's first record; what
// lies behind belongs to nobody. (doc/decisions/0003-failed-sync.md)
func (w *writer) abandon(why string, cause error) {
	w.v.log.Error(why, "segment", w.seg.number, "error", cause)
	if err := w.file.Truncate(w.seg.length); err != nil {
		w.v.log.Warn("segment keeps bytes behind its last commit", "segment", w.seg.number, "error", err)
	}
	w.close()
	if err := w.v.checkEnd(w.seg); err != nil {
		w.v.log.Error("last commit before the fault does not read back", "segment", w.seg.number, "error", err)
	}
}

// close lets go of the file.
func (w *writer) close() {
	if w.file == nil {
		return
	}
	if err := w.file.Close(); err != nil {
		w.v.log.Warn("segment reported an error when closed", "segment", w.seg.number, "error", err)
	}
	w.file = nil
}

// rotate closes the segment and begins the next. On an error the one in hand
// stays.
func (w *writer) rotate() error {
	number := w.seg.number + 1
	file, err := w.v.createSegment(number)
	for errors.Is(err, fs.ErrExist) { // left by an attempt that failed
		number++
		file, err = w.v.createSegment(number)
	}
	if err != nil {
		return err
	}
	w.close()
	old := w.seg
	if !old.empty() {
		w.closed = old.replaces
		if w.closed == nil {
			w.closed = &Closed{Segment: old.number, Length: old.length, SHA256: mail.Digest(w.hash.Sum(nil))}
		}
	}
	w.seg, w.file, w.hash = &segment{number: number}, file, sha256.New()
	w.v.addSegment(w.seg)
	w.v.retire(old)
	return nil
}

// cloneHash returns a copy that goes its own way.
func cloneHash(h hash.Hash) hash.Hash {
	c, err := h.(hash.Cloner).Clone()
	if err != nil {
		panic(err) // crypto/sha256 clones without errors
	}
	return c.(hash.Hash)
}
