package vault

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"

	"mailarchive/internal/durable/durabletest"
	"mailarchive/internal/mail"
)

// archived is a message in an archive file.
type archived struct{ record, content []byte }

// shelf is where a life keeps its archive files, and what it may expect of the
// messages in them. Life.mu guards it.
type shelf struct {
	files  map[mail.ID]archived
	letGo  map[mail.ID]bool // the vault may have released the bytes
	one    sync.Mutex       // seal and release come one after the other, as they do in the archive
	others []archived       // of another vault
}

func newShelf() shelf { return shelf{files: map[mail.ID]archived{}, letGo: map[mail.ID]bool{}} }

// mayBeElsewhere reports whether the error says that a message is in an archive
// file, and one has it.
func (l *life) mayBeElsewhere(id mail.ID, content []byte, err error) bool {
	l.t.Helper()
	var e *Elsewhere
	if !errors.As(err, &e) {
		return false
	}
	if !l.letGo[id] || !bytes.Equal(l.files[id].content, content) || len(e.Files) == 0 {
		l.fatal("message %s is said to be elsewhere (%v): in a file %v, let go %v", id, err, l.files[id].record != nil, l.letGo[id])
	}
	return true
}

// besides does, beside arrivals, something else that the vault can do.
func (l *life) besides(v *Vault, wg *sync.WaitGroup) {
	kind, pick := l.rng.IntN(10), l.rng.Uint64()
	wg.Go(func() {
		switch kind {
		case 0:
			l.allowed(second(v.Note(ctx, "switch", struct{ On bool }{true})))
		case 1, 2:
			l.sealAndRelease(v, pick)
		case 3, 4:
			l.bringBack(v, pick)
		}
	})
}

func second[T any](_ T, err error) error { return err }

// allowed checks that an error is of a kind that says to try again.
func (l *life) allowed(err error) {
	if err != nil && !errors.Is(err, mail.ErrRetry) && !errors.Is(err, mail.ErrFull) {
		l.t.Errorf("seed %d: failed with %v, which is none of the kinds that may be tried again", l.seed, err)
	}
}

// sealAndRelease makes an archive file of what is there, now and then without
// some of it, and lets go of its bytes.
func (l *life) sealAndRelease(v *Vault, pick uint64) {
	l.one.Lock()
	defer l.one.Unlock()
	last := v.Last()
	if last == 0 {
		return
	}
	s := sealOf(1+pick%last, last)
	if pick%3 > 0 {
		s.First = 1
	}
	files := map[mail.ID]archived{}
	err := v.Walk(ctx, s.First, func(i Item) error {
		if i.Err != nil || i.Arrival.Seq > last {
			return i.Err
		}
		content, err := read(i)
		switch {
		case errors.Is(err, mail.ErrNotFound), errors.Is(err, mail.ErrElsewhere): // none, or in a file already
		case err != nil:
			return err
		case (pick>>8+i.Arrival.Seq)%7 == 0:
			s.Except = append(s.Except, i.Arrival.Seq)
		default:
			files[i.Arrival.ID] = archived{i.Record, content}
		}
		return nil
	})
	if err != nil {
		return // the disk, now; no file is made
	}
	l.mu.Lock()
	for id, a := range files {
		l.files[id], l.letGo[id] = a, true
	}
	l.mu.Unlock()
	if _, err := v.Seal(ctx, s); err != nil {
		l.allowed(err)
		return
	}
	_, _ = v.Release(ctx, last, func(int64, int64) {}) // what it says, there and look tell
}

func read(i Item) ([]byte, error) {
	r, err := i.Content()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// bringBack restores a message out of a file, of this vault or of another.
func (l *life) bringBack(v *Vault, pick uint64) {
	l.one.Lock() // else what came back may leave at once
	defer l.one.Unlock()
	l.mu.Lock()
	var ids []mail.ID
	for id := range l.files {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b mail.ID) int { return bytes.Compare(a[:], b[:]) })
	var one archived
	if n := uint64(len(ids)); n > 0 && pick%2 == 0 {
		one = l.files[ids[pick/2%n]]
	} else {
		one = l.foreign()[pick/2%4]
	}
	l.mu.Unlock()
	a, did, err := tryRestore(v, one.record, one.content)
	l.allowed(err)
	if err == nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.acked[a.ID] = one.content
		if did != Present { // what has not left yet may still leave
			l.letGo[a.ID] = false
		}
	}
}

// foreign returns messages of another vault.
func (l *life) foreign() []archived {
	if l.others == nil {
		v, err := Open(Options{Folder: "/other", FS: durabletest.New(durabletest.Options{})})
		if err != nil {
			l.fatal("another vault: %v", err)
		}
		defer v.Close()
		for i := range 4 {
			content := noise(uint64(i), 400+600*i)
			put(l.t, v, content)
			l.others = append(l.others, archived{recordOf(l.t, v, uint64(i+1)), content})
		}
	}
	return l.others
}

// letAllGo ends a life on a healthy disk: everything is sealed and let go, and
// everything comes back.
func (l *life) letAllGo(v *Vault) {
	l.t.Helper()
	last := v.Last()
	for id, content := range l.acked {
		a, err := v.Get(ctx, id)
		if err != nil {
			l.fatal("message %s: %v", id, err)
		}
		l.files[id], l.letGo[id] = archived{recordOf(l.t, v, a.Seq), content}, true
	}
	sealUpTo(l.t, v, 1, last)
	if _, err := v.Release(ctx, last, func(int64, int64) {}); err != nil {
		l.fatal("release on a healthy disk: %v", err)
	}
	l.look(v)
	for id, content := range l.acked {
		if _, _, err := tryRestore(v, l.files[id].record, content); err != nil {
			l.fatal("restore of %s: %v", id, err)
		}
		l.letGo[id] = false
	}
	l.look(v)
}

// TestEachPointOfARelease cuts the power at each operation of sealing, letting go
// and bringing back, and looks at each state that this can leave, as far as they
// can be counted.
func TestEachPointOfARelease(t *testing.T) {
	t.Parallel()
	contents := [][]byte{noise(1, 700), {}, repeated(2, ChunkSize+5), noise(1, 1700), noise(3, 9000), noise(1, 1700), noise(4, 12_000)}
	states := 0
	for cut := 1; ; cut++ {
		l := newLife(t, uint64(cut))
		l.disk = durabletest.New(durabletest.Options{Sector: 4096})
		v, err := Open(Options{Folder: "/v", FS: l.disk, SegmentSize: 20_000})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range contents {
			l.acked[put(t, v, c).ID] = c
		}
		l.disk.FailAt(l.disk.Ops()+cut, durabletest.Fault{Cut: true})
		at := l.disk.Ops() + cut
		l.sealAndRelease(v, 7*256+1) // all but number 7
		l.bringBack(v, 0)
		l.bringBack(v, 1)
		v.Close()
		if l.disk.Ops() < at {
			break
		}
		crashed := l.disk
		durabletest.Every(40, func(choose func(int) int) {
			states++
			l.disk = crashed.Crash(choose)
			v, err := l.open()
			if err != nil {
				l.fatal("open after a cut at operation %d: %v", cut, err)
			}
			defer v.Close()
			l.look(v)
			if states%5 == 0 {
				l.goOn(v)
			}
		})
	}
	if states < 100 {
		t.Errorf("%d states only", states)
	}
	t.Logf("%d states", states)
}

// goOn goes on after a crash without changing what the next look expects.
func (l *life) goOn(v *Vault) {
	l.t.Helper()
	if _, err := v.Release(ctx, v.Last(), func(int64, int64) {}); err != nil {
		l.fatal("release after a crash: %v", err)
	}
	l.look(v)
}
