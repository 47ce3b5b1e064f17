package redeliver

import (
	"errors"
	"time"
)

// Stats are counts since the queue was opened, and what waits now.
type Stats struct {
	Enqueued                         uint64 // messages
	Attempts                         uint64 // that got as far as the relay's greeting
	SentTo, Refused, Expired         uint64 // recipients
	Deferred                         uint64 // attempts' recipients to be tried again
	RelayFailures                    uint64 // connections that could not be used
	Entries, Waiting, WaitingEntries int
}

// Stats returns them.
func (q *Queue) Stats() Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.stats
	s.Entries = len(q.items)
	for _, it := range q.items {
		if n := it.entry.Count(Waiting); n > 0 {
			s.Waiting += n
			s.WaitingEntries++
		}
	}
	return s
}

func (q *Queue) count(add func(*Stats)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	add(&q.stats)
}

// takeDue returns the entry that is due first and marks it busy; when none is
// due yet, the time when one will be, zero for never.
func (q *Queue) takeDue() (e *Entry, next time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	var first *item
	for _, it := range q.items {
		if it.busy || it.entry.Count(Waiting) == 0 {
			continue
		}
		if first == nil || it.entry.Next.Before(first.entry.Next) {
			first = it
		}
	}
	if first == nil {
		return nil, time.Time{}
	}
	if first.entry.Next.After(q.now()) {
		return nil, first.entry.Next
	}
	first.busy = true
	taken := first.copy()
	return &taken, time.Time{}
}

// begin writes down that an attempt begins, and when the next one would be due
// if this one never ended: after a crash it is not repeated at once, and an
// entry that kills the process each time does not do so without a pause. On an
// error the attempt must not begin.
func (q *Queue) begin(id EntryID, next time.Time) error {
	return q.record(id, func(e *Entry) {
		e.Attempts++
		e.Next = next
	})
}

// record changes an entry and has it on disk when it returns nil. On an error
// the change stands in memory, so that what was sent is not sent again, and is
// written with the next one.
func (q *Queue) record(id EntryID, change func(*Entry)) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	it, err := q.find(id)
	if err != nil {
		return err
	}
	change(&it.entry)
	return q.save(it)
}

func (q *Queue) save(it *item) error {
	it.unsaved = true
	err := q.store.save(&it.entry)
	it.unsaved = err != nil
	return err
}

// finish ends an attempt: who still waits is tried again, cancelled, or given
// up when the time has come.
func (q *Queue) finish(id EntryID, next time.Time, trouble string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	it, err := q.find(id)
	if err != nil {
		return err
	}
	it.busy = false
	e, now := &it.entry, q.now()
	e.Trouble = brief(trouble)
	switch {
	case e.Cancelling:
		e.settle(Cancelled, now)
	case !now.Before(e.Until):
		q.stats.Expired += uint64(e.settle(Expired, now))
	default:
		q.stats.Deferred += uint64(e.Count(Waiting))
	}
	e.Cancelling = false
	if e.Next = next; it.again {
		e.Next, it.again = now, false
	}
	defer q.rouse()
	return q.save(it)
}

// mend writes what could not be written before, and takes away entries whose
// time after their end is over.
func (q *Queue) mend() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	var errs []error
	old := q.now().Add(-q.settings.Keep)
	for id, it := range q.items {
		ended, done := it.entry.Finished()
		switch {
		case done && !it.busy && ended.Before(old):
			if err := q.store.remove(id); err != nil {
				errs = append(errs, err)
				continue
			}
			delete(q.items, id)
		case it.unsaved:
			errs = append(errs, q.save(it))
		}
	}
	return errors.Join(errs...)
}

// takeHurry tells whether somebody asked for a try at once, and forgets it.
func (q *Queue) takeHurry() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	hurry := q.hurry
	q.hurry = false
	return hurry
}

// release gives an entry back that was taken and not tried.
func (q *Queue) release(id EntryID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if it := q.items[id]; it != nil {
		it.busy = false
	}
}
