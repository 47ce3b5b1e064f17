package redeliver

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"mailarchive/internal/access"
	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
)

// Action is what somebody does to the queue, as the audit record has it.
type Action string

// The actions.
const (
	ToSend   Action = "redeliver"
	ToRetry  Action = "redeliver retry"
	ToCancel Action = "redeliver cancel"
)

// Order says that somebody is about to have a message sent, or kept from it.
type Order struct {
	Actor   string
	Action  Action
	Entry   EntryID
	Message mail.ID
	Digest  mail.Digest
	To      []mail.Address
}

// Audit keeps the record of who sent what to whom. When Record returns an
// error, nothing is sent.
type Audit interface {
	Record(ctx context.Context, o Order) error
}

// Settings of a queue. Audit must be set; a field that is zero means its
// default.
type Settings struct {
	Audit Audit
	// GiveUp is how long after it was asked for a message is still tried
	// (default 3 days).
	GiveUp time.Duration
	// Keep is how long entries stay after their end (default 30 days).
	Keep time.Duration
	// Most is the number of entries the queue holds, finished ones included
	// (default 100,000).
	Most int
	// Now is the clock (default time.Now).
	Now func() time.Time
}

func (s Settings) withDefaults() Settings {
	if s.GiveUp == 0 {
		s.GiveUp = 72 * time.Hour
	}
	if s.Keep == 0 {
		s.Keep = 30 * 24 * time.Hour
	}
	if s.Most == 0 {
		s.Most = 100_000
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	return s
}

// item is an entry in memory.
type item struct {
	entry   Entry
	unsaved bool // what is here is newer than its file
	busy    bool // an attempt is going on
	again   bool // and another one is wanted at once
}

// Queue is what is to be sent and what has become of it. It may be used by many
// goroutines. One process owns its folder.
type Queue struct {
	store    store
	settings Settings
	damaged  []error
	wake     chan struct{} // something may be due earlier than was thought

	mu    sync.Mutex
	items map[EntryID]*item
	last  EntryID
	hurry bool // somebody asked for a try at once
	stats Stats
}

// OpenQueue reads the entries in a folder, which it makes if need be. Entries
// that cannot be read stay there, see [Queue.Damaged].
func OpenQueue(fsys durable.FS, folder string, s Settings) (*Queue, error) {
	q := &Queue{
		store: store{fsys, folder}, settings: s.withDefaults(),
		wake: make(chan struct{}, 1), items: map[EntryID]*item{},
	}
	entries, damaged, err := q.store.load()
	if err != nil {
		return nil, fmt.Errorf("open queue: %w", err)
	}
	q.damaged = damaged
	for _, e := range entries {
		it := &item{entry: *e}
		if e.Cancelling { // the attempt that went on then was cut short
			it.unsaved = it.entry.settle(Cancelled, q.now()) > 0
		}
		q.items[e.ID] = it
		if bytes.Compare(e.ID[:], q.last[:]) > 0 {
			q.last = e.ID
		}
	}
	return q, nil
}

// Damaged names the files that could not be read when the queue was opened.
func (q *Queue) Damaged() []error { return slices.Clone(q.damaged) }

func (q *Queue) now() time.Time { return q.settings.Now().UTC() }

// Add puts the messages of a plan into the queue, each after it was recorded by
// the audit, and returns their entries. When an error ends it, the entries that
// it returns are in the queue and will be sent, and no others; the one that
// failed may come into being at a restart if its file could not be taken back.
// ErrFull says that the queue holds as many as it may.
func (q *Queue) Add(ctx context.Context, p Plan) ([]EntryID, error) {
	var added []EntryID
	for _, m := range p.Messages {
		if len(m.Recipients) == 0 {
			continue
		}
		id, err := q.add(ctx, p, m)
		if err != nil {
			return added, fmt.Errorf("enqueue %s: %w", m.ID, err)
		}
		added = append(added, id)
		q.rouse()
	}
	return added, nil
}

func (q *Queue) add(ctx context.Context, p Plan, m Planned) (EntryID, error) {
	e, err := q.newEntry(p, m)
	if err != nil {
		return e.ID, err
	}
	o := Order{p.By.Actor(), ToSend, e.ID, e.Message, e.Digest, nil}
	for _, r := range m.Recipients {
		o.To = append(o.To, r.Address)
	}
	if err := q.settings.Audit.Record(ctx, o); err != nil {
		return e.ID, fmt.Errorf("audit: %w", err)
	}
	if err := q.store.save(&e); err != nil {
		_ = q.store.remove(e.ID) // it is not in the queue; the first error says why
		return e.ID, err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.items[e.ID] = &item{entry: e}
	q.stats.Enqueued++
	return e.ID, nil
}

func (q *Queue) newEntry(p Plan, m Planned) (Entry, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.items) >= q.settings.Most {
		return Entry{}, fmt.Errorf("the queue holds %d entries: %w", len(q.items), mail.ErrFull)
	}
	now := q.now()
	q.last = EntryID(mail.NextID(mail.ID(q.last), now))
	e := Entry{
		Format: format, ID: q.last, Message: m.ID, Digest: m.Digest, Size: m.Size, By: p.By.Actor(),
		Created: now, Next: now, Until: now.Add(q.settings.GiveUp), Attach: p.Attach, Originals: p.Originals,
	}
	for _, r := range m.Recipients {
		e.Recipients = append(e.Recipients, Recipient{Address: r.Address, Named: r.Named, State: Waiting, At: now})
	}
	return e, nil
}

// List returns all entries, newest first.
func (q *Queue) List() []Entry {
	q.mu.Lock()
	defer q.mu.Unlock()
	all := make([]Entry, 0, len(q.items))
	for _, it := range q.items {
		all = append(all, it.copy())
	}
	slices.SortFunc(all, func(a, b Entry) int { return bytes.Compare(b.ID[:], a.ID[:]) })
	return all
}

// Show returns one entry. The error wraps ErrNotFound.
func (q *Queue) Show(id EntryID) (Entry, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	it, err := q.find(id)
	if err != nil {
		return Entry{}, err
	}
	return it.copy(), nil
}

func (it *item) copy() Entry {
	e := it.entry
	e.Recipients = slices.Clone(e.Recipients)
	return e
}

func (q *Queue) find(id EntryID) (*item, error) {
	it := q.items[id]
	if it == nil {
		return nil, fmt.Errorf("queue entry %s: %w", id, mail.ErrNotFound)
	}
	return it, nil
}

// Retry has an entry tried at once. Recipients that were refused or given up
// wait again, for as long as a new entry. What was sent or cancelled stays so;
// ErrBadInput says that nothing is left to try.
func (q *Queue) Retry(ctx context.Context, by access.Scope, id EntryID) error {
	revive := func(e *Entry, now time.Time) []mail.Address {
		var to []mail.Address
		for i := range e.Recipients {
			r := &e.Recipients[i]
			if r.State == Refused || r.State == Expired {
				r.State, r.At = Waiting, now
				e.Until = now.Add(q.settings.GiveUp)
			}
			if r.State == Waiting {
				to = append(to, r.Address)
			}
		}
		e.Next = now
		q.items[id].again = q.items[id].busy
		return to
	}
	err := q.change(ctx, by, ToRetry, id, revive)
	if err == nil {
		q.mu.Lock()
		q.hurry = true
		q.mu.Unlock()
		q.rouse()
	}
	return err
}

// Cancel ends the waiting of an entry's recipients. Those that an attempt is
// just going on for may still get it: what the relay answers stands then.
func (q *Queue) Cancel(ctx context.Context, by access.Scope, id EntryID) error {
	return q.change(ctx, by, ToCancel, id, func(e *Entry, now time.Time) []mail.Address {
		var to []mail.Address
		for _, i := range e.waiting() {
			to = append(to, e.Recipients[i].Address)
		}
		if q.items[id].busy {
			e.Cancelling = true
		} else {
			e.settle(Cancelled, now)
		}
		return to
	})
}

// change lets edit work on a copy of the entry, records it for those that edit
// returns, and puts it in place once it is on disk.
func (q *Queue) change(ctx context.Context, by access.Scope, a Action, id EntryID, edit func(*Entry, time.Time) []mail.Address) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	it, err := q.find(id)
	if err != nil {
		return fmt.Errorf("%s: %w", a, err)
	}
	e := it.copy()
	to := edit(&e, q.now())
	if len(to) == 0 {
		return fmt.Errorf("%s: entry %s has no recipient that waits: %w", a, id, mail.ErrBadInput)
	}
	if err := q.settings.Audit.Record(ctx, Order{by.Actor(), a, id, e.Message, e.Digest, to}); err != nil {
		return fmt.Errorf("%s: audit: %w", a, err)
	}
	if err := q.store.save(&e); err != nil {
		it.unsaved = true // the file may be the new one: it has to be written again
		return fmt.Errorf("%s: %w", a, err)
	}
	it.entry, it.unsaved = e, false
	return nil
}

// rouse has the runner look for what is due.
func (q *Queue) rouse() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}
