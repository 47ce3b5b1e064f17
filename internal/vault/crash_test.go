package vault

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"mailarchive/internal/durable/durabletest"
	"mailarchive/internal/mail"
)

// crashRuns is how many generated lives of a vault, of five starts each, the
// crash tests look at; soakRuns when MAIL_SOAK is set. MAIL_SOAK_LIFE is the
// seed of one life to be led again and again, because messages that come at
// once share a commit or not, as it happens:
//
//	MAIL_SOAK_LIFE=13508 go test -count=1 -run Acknowledged ./internal/vault
const (
	crashRuns = 1500
	soakRuns  = 200_000
	sameRuns  = 200
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

// life is one vault that loses power, loses writes and fills up, again and
// again, and what it told yes for.
type life struct {
	t     *testing.T
	seed  uint64
	rng   *rand.Rand
	disk  *durabletest.Disk
	now   time.Time
	mu    sync.Mutex
	acked map[mail.ID][]byte
	story []string
	shelf
	// harmful is the last operation that any fault is planned for.
	harmful int
}

func newLife(t *testing.T, seed uint64) *life {
	return &life{
		t: t, seed: seed, rng: rand.New(rand.NewPCG(seed, 1)),
		disk:  durabletest.New(durabletest.Options{Journal: seed%2 == 0}),
		now:   time.Date(2026, 11, 30, 23, 59, 0, 0, time.UTC),
		acked: map[mail.ID][]byte{},
		shelf: newShelf(),
	}
}

func (l *life) tell(format string, args ...any) {
	l.story = append(l.story, fmt.Sprintf(format, args...))
}

func (l *life) fatal(format string, args ...any) {
	l.t.Helper()
	l.t.Fatalf("seed %d: %s\nstory: %q", l.seed, fmt.Sprintf(format, args...), l.story)
}

func (l *life) open() (*Vault, error) {
	l.now = l.now.Add(time.Duration(l.rng.IntN(40_000)) * time.Second)
	now := l.now
	return Open(Options{Folder: "/v", FS: l.disk, SegmentSize: 20_000, Clock: func() time.Time { return now }})
}

// content returns bytes of a size that meets the different ways of keeping.
func (l *life) content() []byte {
	n := l.rng.IntN(3000)
	switch l.rng.IntN(150) {
	case 0:
		return repeated(uint64(l.rng.IntN(5)), ChunkSize+l.rng.IntN(1000))
	case 1, 2, 3, 4, 5:
		n = 0
	}
	return noise(uint64(l.rng.IntN(60)), n)
}

// harm plans a fault for one of the next operations.
func (l *life) harm() {
	at := l.disk.Ops() + 1 + l.rng.IntN(40)
	l.harmful = max(l.harmful, at+6)
	switch kind := l.rng.IntN(5); kind {
	case 0, 1:
		l.tell("power goes at operation %d", at)
		l.disk.FailAt(at, durabletest.Fault{Cut: true})
	case 2:
		l.tell("operation %d fails", at)
		l.disk.FailAt(at, durabletest.Fault{Err: syscall.EIO, Keep: l.rng.IntN(600)})
	case 3:
		l.tell("operation %d finds no space", at)
		l.disk.FailAt(at, durabletest.Fault{Err: syscall.ENOSPC, Keep: l.rng.IntN(600)})
	default:
		l.tell("syncs fail from operation %d to %d", at, at+6)
		for i := range 6 {
			l.disk.FailAt(at+i, durabletest.Fault{Err: syscall.EIO})
		}
	}
}

// send stores some messages, several at once, and notes which were told yes.
func (l *life) send(v *Vault) {
	for range 1 + l.rng.IntN(4) {
		var wg sync.WaitGroup
		l.besides(v, &wg)
		for range 1 + l.rng.IntN(4) {
			content := l.content()
			wg.Go(func() {
				a, err := tryPut(v, content)
				if err != nil {
					if !errors.Is(err, mail.ErrRetry) && !errors.Is(err, mail.ErrFull) {
						l.t.Errorf("seed %d: append failed with %v, which is none of the kinds that may be tried again", l.seed, err)
					}
					return
				}
				l.mu.Lock()
				defer l.mu.Unlock()
				l.acked[a.ID] = content
			})
		}
		wg.Wait()
	}
	l.tell("%d told yes", len(l.acked))
}

// there checks that all that was told yes for is there.
func (l *life) there(v *Vault) {
	l.t.Helper()
	for id, content := range l.acked {
		_, r, err := v.Open(ctx, id)
		if l.mayBeElsewhere(id, content, err) {
			continue
		}
		if err != nil {
			l.fatal("message %s was told yes for and: %v", id, err)
		}
		got, err := io.ReadAll(r)
		r.Close()
		if err != nil || !bytes.Equal(got, content) {
			l.fatal("message %s of %d bytes came out with %d bytes (%v)", id, len(content), len(got), err)
		}
	}
}

// look checks the same, and that the chain is whole.
func (l *life) look(v *Vault) {
	l.t.Helper()
	l.there(v)
	done, err := v.Verify(ctx, func(int64, int64) {}, func(f Finding) { l.fatal("verify: %s", f) })
	if err != nil || done.Records != v.Last() || int(done.Records) < len(l.acked) {
		l.fatal("verify saw %d records of %d, %d told yes for (%v)", done.Records, v.Last(), len(l.acked), err)
	}
}

// end stops the vault one way or another.
func (l *life) end(v *Vault) {
	_, dark := l.disk.Stat("/v")
	if dark == nil && l.disk.Ops() > l.harmful {
		l.there(v) // before any start had a chance to mend it
	}
	switch kind := l.rng.IntN(4); {
	case dark == nil && kind == 0:
		v.Close()
		l.tell("the process ends and the disk goes on")
	case kind == 1:
		v.Close()
		l.tell("stopped in order")
		l.crash(nil)
	default:
		l.crash(v)
	}
}

// crash takes the power away and brings it back.
func (l *life) crash(v *Vault) {
	choose := l.rng.IntN
	switch l.rng.IntN(6) {
	case 0:
		choose = durabletest.Nothing
	case 1:
		choose = durabletest.Everything
	}
	l.disk, l.harmful = l.disk.Crash(choose), 0
	if v != nil {
		v.Close()
	}
	l.tell("power comes back")
}

func TestNothingAcknowledgedIsEverLost(t *testing.T) {
	if one := os.Getenv("MAIL_SOAK_LIFE"); one != "" {
		seed, err := strconv.ParseUint(one, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		for range sameRuns {
			newLife(t, seed).lead()
		}
		return
	}
	const stripes = 8
	for stripe := range uint64(stripes) {
		t.Run(fmt.Sprint(stripe), func(t *testing.T) {
			t.Parallel()
			for seed := stripe; seed < runs() && !t.Failed(); seed += stripes {
				newLife(t, seed).lead()
			}
		})
	}
}

// lead goes through one life.
func (l *life) lead() {
	for range 4 {
		if l.rng.IntN(5) > 0 {
			l.harm()
		}
		v, err := l.open()
		if err != nil {
			l.tell("open: %v", err)
			l.crash(nil)
			continue
		}
		l.send(v)
		l.end(v)
	}
	l.crash(nil)
	v, err := l.open()
	if err != nil {
		l.fatal("open on a healthy disk: %v", err)
	}
	l.look(v)
	l.send(v)
	l.look(v)
	l.letAllGo(v)
	v.Close()
	if l.t.Failed() {
		l.fatal("see above")
	}
}

// TestEachPointOfOneLife cuts the power at each operation of a small life and
// looks at each state that this can leave, as far as they can be counted.
func TestEachPointOfOneLife(t *testing.T) {
	t.Parallel()
	contents := [][]byte{noise(1, 700), {}, repeated(2, ChunkSize+5), noise(1, 700), noise(3, 9000), noise(4, 12_000)}
	live := func(disk *durabletest.Disk) map[mail.ID][]byte {
		acked := map[mail.ID][]byte{}
		v, err := Open(Options{Folder: "/v", FS: disk, SegmentSize: 20_000})
		if err != nil {
			return acked
		}
		defer v.Close()
		for _, c := range contents {
			if a, err := tryPut(v, c); err == nil {
				acked[a.ID] = c
			}
		}
		return acked
	}
	states := 0
	for cut := 1; ; cut++ {
		disk := durabletest.New(durabletest.Options{Sector: 4096})
		disk.FailAt(cut, durabletest.Fault{Cut: true})
		acked := live(disk)
		if disk.Ops() < cut {
			break
		}
		durabletest.Every(40, func(choose func(int) int) {
			states++
			l := newLife(t, uint64(cut))
			l.acked, l.disk = acked, disk.Crash(choose)
			v, err := l.open()
			if err != nil {
				l.fatal("open after a cut at operation %d: %v", cut, err)
			}
			l.look(v)
			v.Close()
		})
	}
	t.Logf("%d states", states)
}
