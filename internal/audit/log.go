package audit

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
)

// Folders and files beside the record.
const (
	tornFolder = "torn"
	readmeFile = "README.txt"
)

// DefaultHeadEvery is how far the head file may be behind the record.
const DefaultHeadEvery = time.Second

// Options say where and how the record is kept. Folder is needed; every other
// field has a working default. The caller sees to it that one process only
// opens the folder (durable.TakeLock).
type Options struct {
	Folder string
	FS     durable.FS // the real one
	// HeadEvery is how far the head file may be behind: an end that is cut off
	// within this time goes unnoticed. Zero is DefaultHeadEvery; below zero it
	// is written after every commit.
	HeadEvery time.Duration
	Clock     func() time.Time
	Logger    *slog.Logger
}

// Log is the record. Its methods may be called at once from several
// goroutines.
type Log struct {
	folder    string
	fs        durable.FS
	headEvery time.Duration
	clock     func() time.Time
	log       *slog.Logger

	mu     sync.Mutex
	parts  []part // all that are on disk, in order
	end    tip
	opened Recovery

	gate    sync.RWMutex // guards closing against a send to queue
	closing bool
	queue   chan *request
	stopped chan struct{} // the writer has ended
}

// tip is the last line: what the next one follows.
type tip struct {
	Head
	time time.Time
}

// Recovery says what Open found and did. It is also written into the record
// itself (ActRecovered).
type Recovery struct {
	Torn     []Torn    // moved aside
	Findings []Finding // left as they are; Verify names them again
}

func (r Recovery) empty() bool { return len(r.Torn) == 0 && len(r.Findings) == 0 }

// Open opens the record in the folder, making it if need be, and sets right
// what a crash left: when it returns, the last entry is on disk for certain,
// and what was torn lies in torn/. What looks like more than a crash is left
// as it is, and the record goes on behind it: see Recovery.
func Open(o Options) (*Log, error) {
	l := &Log{
		folder: o.Folder, fs: o.FS, headEvery: o.HeadEvery, clock: o.Clock, log: o.Logger,
		queue: make(chan *request, maxBatch), stopped: make(chan struct{}),
	}
	l.defaults()
	w, err := l.recover()
	if err != nil {
		return nil, fmt.Errorf("open audit record %s: %w", o.Folder, kind(err))
	}
	go func() {
		defer close(l.stopped)
		w.run()
	}()
	if !l.opened.empty() {
		l.noteRecovery()
	}
	return l, nil
}

func (l *Log) defaults() {
	if l.fs == nil {
		l.fs = durable.OS{}
	}
	if l.headEvery == 0 {
		l.headEvery = DefaultHeadEvery
	}
	if l.clock == nil {
		l.clock = time.Now
	}
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	l.log = l.log.With("step", "audit")
}

// noteRecovery writes what the start found into the record. The writer holds
// the entry and puts it in front of the next one when it cannot be written now.
func (l *Log) noteRecovery() {
	if err := <-l.enqueue(&request{done: make(chan error, 1)}); err != nil {
		l.log.Error("what the start found is not in the record yet", "error", err)
	}
}

// Recovery says what Open found.
func (l *Log) Recovery() Recovery {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Recovery{slices.Clone(l.opened.Torn), slices.Clone(l.opened.Findings)}
}

// Head names the last entry that is on disk.
func (l *Log) Head() Head {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.end.Head
}

// Record writes an entry: before its act, which must not happen when there is
// an error. When it returns nil the entry survives power loss. An error does
// not say that nothing was written: an entry that nobody was told of may stay.
// Errors wrap mail.ErrBadInput or mail.ErrTooLarge for an entry that can never
// be written, mail.ErrFull or mail.ErrRetry otherwise. Once the entry is in
// line, Record waits for it even when ctx ends.
func (l *Log) Record(ctx context.Context, e Entry) error {
	_, err := l.Begin(ctx, e)
	return err
}

// Begin is Record for an act whose end is recorded too: it returns the seq for
// the Of of that second entry.
func (l *Log) Begin(ctx context.Context, e Entry) (seq uint64, err error) {
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("audit %s: %w", e.Act, err)
	}
	text, err := encodeBody(e)
	if err != nil {
		return 0, fmt.Errorf("audit %.40q: %w", e.Act, err)
	}
	r := &request{body: text, done: make(chan error, 1)}
	if err := <-l.enqueue(r); err != nil {
		return 0, fmt.Errorf("audit %s: %w", e.Act, err)
	}
	return r.seq, nil
}

// enqueue hands the request to the writer and returns where the answer comes.
func (l *Log) enqueue(r *request) <-chan error {
	l.gate.RLock()
	defer l.gate.RUnlock()
	if l.closing {
		r.done <- fmt.Errorf("the record is being closed: %w", mail.ErrRetry)
	} else {
		l.queue <- r
	}
	return r.done
}

// Close waits for what Record has taken, writes the head file and lets go of
// the files. Record returns an error afterwards; reading goes on.
func (l *Log) Close() error {
	l.gate.Lock()
	if !l.closing {
		l.closing = true
		close(l.queue)
	}
	l.gate.Unlock()
	<-l.stopped
	return nil
}

// snapshot returns the files as far as they count, and the last entry in them.
func (l *Log) snapshot() ([]part, Head) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.parts), l.end.Head
}
