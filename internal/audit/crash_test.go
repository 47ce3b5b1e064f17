package audit

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"mailarchive/internal/durable"
	"mailarchive/internal/durable/durabletest"
)

// crashRuns is how many generated lives of a record, of five starts each, the
// crash test looks at; soakRuns when MAIL_SOAK is set.
const (
	crashRuns = 1000
	soakRuns  = 100_000
)

func runs() uint64 {
	switch {
	case os.Getenv("MAIL_SOAK") != "":
		return soakRuns
	case testing.Short():
		return crashRuns / 10
	}
	return crashRuns
}

// life is one record that loses power, is killed, loses writes and fills up,
// again and again, and what it told yes for.
type life struct {
	t     *testing.T
	seed  uint64
	rng   *rand.Rand
	disk  *durabletest.Disk
	now   time.Time
	mu    sync.Mutex
	acked []string
	next  int
	story []string
}

func (l *life) tell(format string, args ...any) {
	l.story = append(l.story, fmt.Sprintf(format, args...))
}

func (l *life) fatal(format string, args ...any) {
	l.t.Helper()
	l.t.Fatalf("seed %d: %s\nstory: %q", l.seed, fmt.Sprintf(format, args...), l.story)
}

func (l *life) open(fs *mortal) (*Log, error) {
	l.now = l.now.Add(time.Duration(l.rng.IntN(200_000)-20_000) * time.Second) // over months' ends, and back
	now, every := l.now, time.Hour
	if l.rng.IntN(2) == 0 {
		every = -1
	}
	return Open(Options{Folder: folder, FS: fs, HeadEvery: every, Clock: func() time.Time { return now }})
}

// harm plans faults for the next operations.
func (l *life) harm(fs *mortal) {
	at := l.disk.Ops() + 1 + l.rng.IntN(25)
	switch l.rng.IntN(6) {
	case 0:
		l.tell("power fails at %d", at)
		l.disk.FailAt(at, durabletest.Fault{Cut: true})
	case 1:
		l.tell("EIO at %d", at)
		l.disk.FailAt(at, durabletest.Fault{Err: syscall.EIO})
	case 2:
		l.tell("EIO at %d, done", at)
		l.disk.FailAt(at, durabletest.Fault{Err: syscall.EIO, Done: true, Keep: l.rng.IntN(2000)})
	case 3:
		l.tell("full at %d", at)
		l.disk.FailAt(at, durabletest.Fault{Err: syscall.ENOSPC, Keep: l.rng.IntN(2000)})
	case 4:
		fs.left = l.rng.IntN(25)
		l.tell("killed after %d", fs.left)
	}
	if l.rng.IntN(3) == 0 {
		at += 1 + l.rng.IntN(3)
		l.tell("EIO at %d", at)
		l.disk.FailAt(at, durabletest.Fault{Err: syscall.EIO})
	}
}

// work records some entries, several at once.
func (l *life) work(log *Log) {
	for range 1 + l.rng.IntN(5) {
		var wg sync.WaitGroup
		for range 1 + l.rng.IntN(4) {
			l.next++
			e := Entry{Actor: "ann", Act: ActSearch, Object: fmt.Sprint("o", l.next), Query: string(make([]byte, l.rng.IntN(300)))}
			wg.Go(func() {
				if err := log.Record(context.Background(), e); err != nil {
					return
				}
				l.mu.Lock()
				defer l.mu.Unlock()
				l.acked = append(l.acked, e.Object)
			})
		}
		wg.Wait()
	}
	l.tell("%d acknowledged, head %d", len(l.acked), log.Head().Seq)
}

// check opens the record without faults and compares it with what was told.
func (l *life) check() {
	fs := &mortal{FS: l.disk, left: -1}
	log, err := l.open(fs)
	if err != nil {
		l.fatal("Open: %v", err)
	}
	defer log.Close()
	if f := log.Recovery().Findings; len(f) > 0 {
		l.fatal("the start takes a crash for something else: %v", f)
	}
	seen := map[string]bool{}
	err = log.Walk(context.Background(), Filter{}, func(e Entry) error {
		if e.Act == ActSearch && seen[e.Object] {
			l.fatal("%s is there twice", e.Object)
		}
		seen[e.Object] = true
		return nil
	})
	if err != nil {
		l.fatal("Walk: %v", err)
	}
	for _, o := range l.acked {
		if !seen[o] {
			l.fatal("%s was acknowledged and is gone", o)
		}
	}
	for _, f := range findings(l.t, log) {
		l.fatal("Verify: %s", f)
	}
}

func (l *life) lead() {
	for range 5 {
		fs := &mortal{FS: l.disk, left: -1}
		l.harm(fs)
		log, err := l.open(fs)
		if err == nil {
			l.work(log)
			if l.rng.IntN(3) > 0 || fs.doomed() {
				l.end(fs)
			}
			log.Close()
		} else {
			l.tell("Open: %v", err)
		}
		l.disk.Before(nil)
		// The faults that did not come yet must not meet the check.
		for at := range 200 {
			l.disk.FailAt(l.disk.Ops()+at, durabletest.Fault{})
		}
		if errors.Is(err, durabletest.ErrCrashed) || l.rng.IntN(2) == 0 || l.disk.Ops() > 0 && l.gone() {
			choose := slices.Concat([]func(int) int{durabletest.Nothing, durabletest.Everything}, []func(int) int{l.rng.IntN, l.rng.IntN})[l.rng.IntN(4)]
			l.disk = l.disk.Crash(choose)
			l.tell("power lost")
		}
		l.check()
	}
}

// gone reports whether the power has failed.
func (l *life) gone() bool {
	_, err := l.disk.ReadDir("/")
	return errors.Is(err, durabletest.ErrCrashed)
}

// end kills the process: its Close does not reach the disk.
func (l *life) end(fs *mortal) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.left = 0
	l.tell("killed")
}

// What was acknowledged survives whatever happens, the chain stays whole, and
// no crash is taken for an attack.
func TestAcknowledgedSurvives(t *testing.T) {
	for seed := range runs() {
		l := &life{
			t: t, seed: seed, rng: rand.New(rand.NewPCG(seed, 7)),
			disk: durabletest.New(durabletest.Options{Journal: seed%2 == 0}),
			now:  time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC),
		}
		// A folder whose sync fails and that cannot be removed either is more
		// than durable.MakeFolder promises to mend.
		if err := durable.MakeFolder(l.disk, folder, 0o700); err != nil {
			t.Fatal(err)
		}
		l.lead()
	}
}
