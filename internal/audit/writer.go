package audit

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"time"

	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
)

const (
	// maxBatch and maxBatchBytes bound one commit: what a crash can tear, and
	// what it holds in memory.
	maxBatch      = 1024
	maxBatchBytes = 4 << 20
	saltBytes     = 16
)

// request is one entry that waits for its commit. One without a body brings
// the writer's own entry to disk.
type request struct {
	body []byte
	seq  uint64 // given at commit
	done chan error
}

// writer owns the open file. It runs in one goroutine.
type writer struct {
	l      *Log
	file   durable.File // nil when the next commit begins a new one
	month  string       // of the open file
	closed *closed      // goes into the first line of the next file
	own    []byte       // body of an entry about the start, until it is written
	carry  *request     // did not fit into the last batch

	marked  Head        // what the head file has
	markDue *time.Timer // nil when the head file is up to date
}

// run commits what Record sends until the queue is closed.
func (w *writer) run() {
	for {
		select {
		case <-w.due():
			w.mark()
			continue
		default:
		}
		batch := w.collect()
		if batch == nil {
			break
		}
		if len(batch) > 0 {
			w.commit(batch)
			w.schedule()
		}
	}
	w.mark()
	w.close()
}

// due is ready when the head file has to be written.
func (w *writer) due() <-chan time.Time {
	if w.markDue == nil {
		return nil
	}
	return w.markDue.C
}

// collect waits for one request and takes all others that wait too. It returns
// nothing when the head file is due first, nil when there is no more.
func (w *writer) collect() []*request {
	first := w.carry
	w.carry = nil
	if first == nil {
		select {
		case r, ok := <-w.l.queue:
			if !ok {
				return nil
			}
			first = r
		case <-w.due():
			w.mark()
			return []*request{}
		}
	}
	batch, size := []*request{first}, len(first.body)
	for len(batch) < maxBatch {
		select {
		case r, ok := <-w.l.queue:
			if !ok {
				return batch // the next collect sees it closed
			}
			if size += len(r.body); size > maxBatchBytes {
				w.carry = r
				return batch
			}
			batch = append(batch, r)
		default:
			return batch
		}
	}
	return batch
}

// commit writes a batch, syncs it and tells each request how it went.
func (w *writer) commit(batch []*request) {
	err := w.write(batch)
	for _, r := range batch {
		r.done <- err
	}
}

func (w *writer) write(batch []*request) error {
	clock := w.l.clock().UTC().Truncate(time.Millisecond)
	now := clock
	if last := w.l.tip().time; now.Before(last) {
		now = last
	}
	if err := w.prepare(now); err != nil {
		return fmt.Errorf("new file: %w", kind(err))
	}
	text, end, err := w.build(batch, now, clock)
	if err != nil || len(text) == 0 {
		return err
	}
	if err := w.append(text); err != nil {
		return err
	}
	w.own = nil
	w.l.publish(end, int64(len(text)))
	return nil
}

// prepare makes sure that there is a file of the month.
func (w *writer) prepare(now time.Time) error {
	month := now.Format(monthLayout)
	if w.file != nil && w.month == month {
		return nil
	}
	file, name, err := w.l.create(month)
	if err != nil {
		return err
	}
	if w.file != nil {
		w.close()
	}
	w.file, w.month, w.closed = file, month, w.l.add(name)
	return nil
}

// build returns the lines of a batch and the tip behind them.
func (w *writer) build(batch []*request, now, clock time.Time) ([]byte, tip, error) {
	end := w.l.tip()
	end.time = now
	first := end.Seq + 1
	var text []byte
	add := func(body []byte) error {
		if body == nil {
			return nil
		}
		next := lead{
			Format: FormatVersion, Seq: end.Seq + 1, Prev: end.SHA256, Commit: first,
			Salt: newSalt(), Time: now.Format(timeLayout),
		}
		if clock.Before(now) {
			next.Clock = clock.Format(timeLayout)
		}
		if w.l.openLength() == 0 && len(text) == 0 {
			next.Closed = w.closed
		}
		line, err := join(next, body)
		if err != nil {
			return err
		}
		text = append(text, line...)
		end.Seq, end.SHA256 = next.Seq, mail.Sum(line)
		return nil
	}
	if err := add(w.own); err != nil {
		return nil, end, err
	}
	for _, r := range batch {
		if err := add(r.body); err != nil {
			return nil, end, err
		}
		r.seq = end.Seq
	}
	return text, end, nil
}

func newSalt() string {
	var b [saltBytes]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}

// append writes and syncs. When it returns an error the file is as it was, or
// is given up and the next commit goes into a new one.
func (w *writer) append(text []byte) error {
	if _, err := w.file.Write(text); err != nil {
		w.undo(err)
		return fmt.Errorf("write: %w", kind(err))
	}
	if err := w.file.Sync(); err != nil {
		// What a failed sync leaves on disk nobody knows, and a second one
		// may say yes without having written it.
		w.abandon("sync failed", err)
		return fmt.Errorf("sync: %w", kind(err))
	}
	return nil
}

// undo takes back a write that failed half-way. The sync matters: without it a
// sector of the next commit could come out of a crash as it was in this one.
func (w *writer) undo(cause error) {
	w.l.log.Warn("write failed, taken back", "error", cause)
	length := w.l.openLength()
	err := w.file.Truncate(length)
	if err == nil {
		_, err = w.file.Seek(length, io.SeekStart)
	}
	if err == nil {
		err = w.file.Sync()
	}
	if err != nil {
		w.abandon("file could not be cut back", err)
	}
}

// abandon gives up the file: it is never written or synced again. Its length
// up to the last commit will stand in the next file's first line; what lies
// behind belongs to nobody, and the next start moves it aside.
func (w *writer) abandon(why string, cause error) {
	length := w.l.openLength()
	w.l.log.Error(why, "error", cause)
	if err := w.file.Truncate(length); err != nil {
		w.l.log.Warn("file keeps bytes behind its last entry", "error", err)
	}
	w.close()
	if err := w.l.checkEnd(); err != nil {
		w.l.log.Error("last entry before the fault does not read back", "error", err)
	}
}

// close lets go of the file.
func (w *writer) close() {
	if w.file == nil {
		return
	}
	if err := w.file.Close(); err != nil {
		w.l.log.Warn("file reported an error when closed", "error", err)
	}
	w.file = nil
}

// schedule sees to it that the head file follows.
func (w *writer) schedule() {
	switch {
	case w.marked == w.l.Head():
	case w.l.headEvery < 0:
		w.mark()
	case w.markDue == nil:
		w.markDue = time.NewTimer(w.l.headEvery)
	}
}

// mark writes the head file. On an error the next commit tries again: the
// record itself is safe.
func (w *writer) mark() {
	if w.markDue != nil {
		w.markDue.Stop()
		w.markDue = nil
	}
	m := w.l.place()
	if m.Head == w.marked {
		return
	}
	if err := w.l.writeMark(m); err != nil {
		w.l.log.Warn("head file not written", "error", err)
		return
	}
	w.marked = m.Head
}

func (l *Log) tip() tip {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.end
}

// openLength is the length of the newest file up to its last entry.
func (l *Log) openLength() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.parts[len(l.parts)-1].size
}

// place is where the last entry ends.
func (l *Log) place() mark {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := mark{Format: FormatVersion, Head: l.end.Head}
	for i := len(l.parts) - 1; i >= 0; i-- {
		if l.parts[i].size > 0 {
			m.File, m.Length = l.parts[i].name, l.parts[i].size
			break
		}
	}
	return m
}

// add makes the file the newest one, in the place of one without an entry. It
// returns what the first line says of the file before it, nil for the first.
func (l *Log) add(name string) *closed {
	l.mu.Lock()
	defer l.mu.Unlock()
	var before *closed
	if n := len(l.parts); n > 0 {
		before = &closed{l.parts[n-1].name, l.parts[n-1].size}
		if before.Length == 0 {
			l.parts = l.parts[:n-1]
		}
	}
	if n := len(l.parts); n > 0 {
		before = &closed{l.parts[n-1].name, l.parts[n-1].size}
	}
	l.parts = append(l.parts, part{name: name})
	return before
}

// publish makes a commit of so many bytes that is on disk visible.
func (l *Log) publish(end tip, size int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.parts[len(l.parts)-1].size += size
	l.end = end
}

// checkEnd reads the last entry back.
func (l *Log) checkEnd() error {
	at := l.place()
	if at.File == "" {
		return nil
	}
	f, err := l.fs.OpenFile(l.path(at.File), os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	_, _, err = endsWith(f, at.Length, at.Head)
	return err
}
