package redeliver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"mailarchive/internal/mail"
)

// Runner sends what is due. Queue, Source, Relay and Composer must be set; a
// field that is zero means its default.
type Runner struct {
	Queue    *Queue
	Source   Source
	Relay    Relay
	Composer Composer
	// Connections to the relay at once (default 4).
	Connections int
	// Recipients of one message (default 500; RFC 5321 4.5.3.1.8 promises
	// 100, and a server that takes fewer says so).
	Recipients int
	// First is the pause after the first attempt (default 1 minute); it
	// doubles up to Longest (default 1 hour). Each is made a fifth longer or
	// shorter by chance.
	First, Longest time.Duration
	// Grace is what attempts get to end in when Run is asked to stop (default
	// 10 seconds): one that is cut off may arrive twice.
	Grace time.Duration
	// Rand returns numbers from 0 to below 1, to several goroutines (default
	// math/rand/v2).
	Rand func() float64
	// Log (default slog.Default).
	Log *slog.Logger

	mu       sync.Mutex
	hold     time.Time // nothing begins before
	failures int       // of the relay, one after the other
}

func (r *Runner) prepare() error {
	setDefault(&r.Connections, 4)
	setDefault(&r.Recipients, 500)
	setDefault(&r.First, time.Minute)
	setDefault(&r.Longest, time.Hour)
	setDefault(&r.Grace, 10*time.Second)
	if r.Rand == nil {
		r.Rand = rand.Float64
	}
	if r.Log == nil {
		r.Log = slog.Default()
	}
	if r.Relay.Address == "" || r.Composer.Sender == "" || r.Composer.Host == "" {
		return fmt.Errorf("redeliver: relay, sender and host name are needed: %w", mail.ErrBadInput)
	}
	return nil
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Run sends what is due until the context ends; then it returns nil once all
// attempts have ended. The error wraps ErrBadInput when something is missing.
func (r *Runner) Run(ctx context.Context) error {
	if err := r.prepare(); err != nil {
		return err
	}
	sending, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	work := make(chan *Entry)
	var workers sync.WaitGroup
	for range r.Connections {
		workers.Go(func() { r.work(sending, work) })
	}
	r.dispatch(ctx, work)
	close(work)
	grace := time.AfterFunc(r.Grace, cut)
	defer grace.Stop()
	workers.Wait()
	return nil
}

// look is how often the queue is looked through when nothing is due.
const look = time.Minute

// dispatch hands out entries as they come due.
func (r *Runner) dispatch(ctx context.Context, work chan<- *Entry) {
	var mended time.Time
	for ctx.Err() == nil {
		now := r.Queue.now()
		if now.Sub(mended) >= look {
			mended = now
			r.storeTrouble(r.Queue.mend())
		}
		e, next := r.next(now)
		if e == nil {
			r.sleep(ctx, next.Sub(now))
			continue
		}
		select {
		case work <- e:
		case <-ctx.Done():
			r.Queue.release(e.ID)
		}
	}
}

// next returns an entry, or when to look again.
func (r *Runner) next(now time.Time) (*Entry, time.Time) {
	r.mu.Lock()
	if r.Queue.takeHurry() {
		r.hold = time.Time{}
	}
	hold := r.hold
	r.mu.Unlock()
	if hold.After(now) {
		return nil, hold
	}
	e, next := r.Queue.takeDue()
	if next.IsZero() || next.After(now.Add(look)) {
		next = now.Add(look)
	}
	return e, next
}

func (r *Runner) sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.Queue.wake:
	case <-ctx.Done():
	}
}

// idle is how long a connection waits for the next message.
const idle = 5 * time.Second

// work sends entries over one connection after the other.
func (r *Runner) work(ctx context.Context, work <-chan *Entry) {
	l := line{relay: &r.Relay}
	defer l.quit()
	timer := time.NewTimer(idle)
	defer timer.Stop()
	for {
		select {
		case e, ok := <-work:
			if !ok {
				return
			}
			r.try(ctx, &l, e)
			timer.Reset(idle)
		case <-timer.C:
			l.quit()
		}
	}
}

// try makes one attempt and writes down how it ended.
func (r *Runner) try(ctx context.Context, l *line, e *Entry) {
	if err := r.Queue.begin(e.ID, r.Queue.now().Add(r.pause(e.Attempts+1))); err != nil {
		r.Queue.release(e.ID)
		r.storeTrouble(err)
		return
	}
	err := r.send(ctx, l, e)
	trouble := ""
	if err != nil {
		l.drop()
		trouble = err.Error()
		r.Log.Warn("redelivery attempt failed", "step", "redeliver", "entry", e.ID, "id", e.Message, "error", err)
	}
	next := r.Queue.now().Add(r.pause(e.Attempts + 1))
	if ctx.Err() != nil {
		next = r.Queue.now() // it was we who ended it
	}
	r.storeTrouble(r.Queue.finish(e.ID, next, trouble))
}

// send makes one attempt. On an error the connection is of no use.
func (r *Runner) send(ctx context.Context, l *line, e *Entry) error {
	original, facts, err := inspect(ctx, r.Source, e.scope(), e.Message)
	if err == nil && original.Digest != e.Digest {
		err = fmt.Errorf("message %s is another one now: %w", e.Message, mail.ErrDamaged)
	}
	if err != nil {
		return err
	}
	client, err := l.get(ctx)
	if err != nil {
		r.relayTrouble(err)
		return err
	}
	r.relayWorks()
	a := attempt{queue: r.Queue, source: r.Source, composer: r.Composer, most: r.Recipients, entry: e, facts: facts, client: client}
	return a.all(ctx)
}

// pause is the time before the attempt that follows the nth.
func (r *Runner) pause(n int) time.Duration {
	d := r.First
	for ; n > 1 && d < r.Longest; n-- {
		d *= 2
	}
	return time.Duration(float64(min(d, r.Longest)) * (0.8 + 0.4*r.Rand()))
}

// longestHold is how long a relay that does not answer is left alone at most.
const longestHold = 10 * time.Minute

// relayTrouble keeps all entries from a relay that cannot be used: it is not
// their fault, and each of them would only be told the same.
func (r *Runner) relayTrouble(err error) {
	r.Queue.count(func(s *Stats) { s.RelayFailures++ })
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures++
	wait := min(r.pause(r.failures), longestHold)
	r.hold = r.Queue.now().Add(wait)
	r.Log.Error("relay cannot be used, will try again", "step", "redeliver", "wait", wait.Round(time.Second), "error", err)
}

func (r *Runner) relayWorks() {
	r.Queue.count(func(s *Stats) { s.Attempts++ })
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = 0
}

// storeTrouble stops sending for a while when the queue cannot be written:
// nothing is sent whose outcome could not be recorded.
func (r *Runner) storeTrouble(err error) {
	if err == nil || errors.Is(err, mail.ErrNotFound) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hold = r.Queue.now().Add(look)
	r.Log.Error("queue cannot be written, sending stops for a while", "step", "redeliver", "error", err)
}
