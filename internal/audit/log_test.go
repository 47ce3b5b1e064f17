package audit

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/durable/durabletest"
	"mailarchive/internal/mail"
)

func TestRecordAndRestart(t *testing.T) {
	l := newLab(t, Options{})
	l.record("a", "b")
	for _, err := range l.group("c", "d", "e") {
		if err != nil {
			t.Fatal(err)
		}
	}
	l.wantObjects("a b c d e")
	l.wantWhole()
	before := l.log.Head()
	l.restart()
	if l.log.Head() != before {
		t.Errorf("head is %v after the start, and was %v", l.log.Head(), before)
	}
	l.record("f")
	l.wantObjects("a b c d e f")
	l.wantWhole()
}

// All that an entry says comes back.
func TestEntryComesBack(t *testing.T) {
	l := newLab(t, Options{})
	id := mail.NextID(mail.ID{}, noon)
	want := Entry{
		Actor: "ann", Role: "auditor", As: "bob", Act: ActRedeliver, Outcome: Denied, IDs: []mail.ID{id, id},
		Object: "queue", Query: "invoice <&> \"2026\"", Hits: 17, To: []mail.Address{"a@example.org"},
		Change: &Change{Name: "retention", From: "7y", To: "10y"},
		Reason: "case 12\nsecond line\x1b[2J", Client: "192.0.2.1:4711", Of: 3,
	}
	if err := l.log.Record(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	want.Seq, want.Time, want.Digest = 1, noon, mail.Sum([]byte(l.read("2026-11.jsonl")))
	got := collect(t, l.restart().log, Filter{})
	if diff := cmp.Diff([]Entry{want}, got); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}

// A search that found nothing says so; what is no search has no hits.
func TestHitsOfNone(t *testing.T) {
	l := newLab(t, Options{})
	for _, e := range []Entry{{Act: ActSearch}, {Act: ActShow}} {
		if err := l.log.Record(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	search, show, _ := strings.Cut(l.read("2026-11.jsonl"), "\n")
	if !strings.Contains(search, `"query":"","hits":0`) || strings.Contains(show, "hits") {
		t.Errorf("lines are %s and %s", search, show)
	}
}

func TestBeginGivesTheNumber(t *testing.T) {
	l := newLab(t, Options{})
	l.record("a")
	seq, err := l.log.Begin(t.Context(), Entry{Act: ActExport})
	if err != nil || seq != 2 {
		t.Errorf("Begin: %d, %v, want 2", seq, err)
	}
	if err := l.log.Record(t.Context(), Entry{Act: ActExport, Outcome: Failed, Of: seq}); err != nil {
		t.Fatal(err)
	}
	if got := collect(t, l.log, Filter{Outcome: Failed}); len(got) != 1 || got[0].Of != 2 {
		t.Errorf("the end is %+v", got)
	}
}

// Entries that can never be written are refused, and others go on.
func TestRefused(t *testing.T) {
	l := newLab(t, Options{})
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	control := strings.Repeat("\x01", maxText)
	var to []mail.Address
	for range MaxTo {
		to = append(to, mail.Address(control))
	}
	for what, c := range map[string]struct {
		ctx  context.Context
		e    Entry
		want error
	}{
		"no act":        {t.Context(), Entry{}, mail.ErrBadInput},
		"an odd act":    {t.Context(), Entry{Act: "Sign in"}, mail.ErrBadInput},
		"a long act":    {t.Context(), Entry{Act: Act(strings.Repeat("a", maxAct+1))}, mail.ErrBadInput},
		"an outcome":    {t.Context(), Entry{Act: ActShow, Outcome: "perhaps"}, mail.ErrBadInput},
		"many messages": {t.Context(), Entry{Act: ActShow, IDs: make([]mail.ID, MaxIDs+1)}, mail.ErrTooLarge},
		"many to":       {t.Context(), Entry{Act: ActShow, To: make([]mail.Address, MaxTo+1)}, mail.ErrTooLarge},
		"a long line":   {t.Context(), Entry{Act: ActShow, To: to}, mail.ErrTooLarge},
		"no time left":  {cancelled, Entry{Act: ActShow}, context.Canceled},
	} {
		if err := l.log.Record(c.ctx, c.e); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", what, err, c.want)
		}
	}
	l.record("a")
	l.wantObjects("a")
	l.log.Close()
	if err := l.log.Record(t.Context(), act("b")); !errors.Is(err, mail.ErrRetry) {
		t.Errorf("closed: %v, want ErrRetry", err)
	}
	l.wantObjects("a") // reading goes on
	if err := l.log.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}

func TestMonths(t *testing.T) {
	l := newLab(t, Options{})
	for _, at := range []string{"2026-11-30T23:59:59.999Z", "2026-12-01T00:00:00Z", "2027-02-28T23:00:00-05:00"} {
		now, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		l.setClock(now)
		l.record(at)
	}
	for _, name := range []string{"2026-11.jsonl", "2026-12.jsonl", "2027-03.jsonl"} {
		if n := strings.Count(l.read(name), "\n"); n != 1 {
			t.Errorf("%s has %d lines, want 1", name, n)
		}
	}
	if first := l.read("2026-12.jsonl"); !strings.Contains(first, `"closed":{"file":"2026-11.jsonl","length":`) {
		t.Errorf("the first line does not name the file before: %s", first)
	}
	l.wantWhole()
	l.restart().wantWhole()
	l.record("again")
	if n := strings.Count(l.read("2027-03.jsonl"), "\n"); n != 2 {
		t.Errorf("2027-03.jsonl has %d lines after the start, want 2", n)
	}
}

// Times never go back, and a clock that does is told of.
func TestClockGoesBack(t *testing.T) {
	l := newLab(t, Options{})
	l.record("a")
	earlier := noon.Add(-40 * 24 * time.Hour)
	l.setClock(earlier)
	l.restart().record("b")
	got := collect(t, l.log, Filter{})
	if len(got) != 2 || !got[1].Time.Equal(noon) || !got[1].Clock.Equal(earlier) || !got[0].Clock.IsZero() {
		t.Errorf("entries are %+v", got)
	}
	l.wantWhole()
}

// All that wait come to disk in one sync.
func TestGroupCommit(t *testing.T) {
	l := newLab(t, Options{})
	l.record("a")
	syncs := 0
	var mu sync.Mutex
	l.disk.Before(func(op durabletest.Op) durabletest.Fault {
		mu.Lock()
		defer mu.Unlock()
		if op.Kind == durabletest.Sync && strings.HasSuffix(op.Path, fileSuffix) {
			syncs++
		}
		return durabletest.Fault{}
	})
	var objects []string
	for i := range 200 {
		objects = append(objects, fmt.Sprint(i))
	}
	l.group(objects...)
	mu.Lock()
	defer mu.Unlock()
	if syncs != 1 {
		t.Errorf("%d syncs for %d entries that waited, want 1", syncs, len(objects))
	}
}

// Entries that are large together do not make one commit of any size.
func TestLargeEntriesShareNoCommit(t *testing.T) {
	l := newLab(t, Options{})
	large := Entry{Act: ActRedeliver, To: make([]mail.Address, 900)}
	for i := range large.To {
		large.To[i] = mail.Address(strings.Repeat("x", 1000))
	}
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() {
			if err := l.log.Record(t.Context(), large); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := len(collect(t, l.log, Filter{Newest: true})); got != 12 {
		t.Errorf("%d entries, want 12", got)
	}
	l.wantWhole()
	l.restart().wantWhole()
}

func TestFullDisk(t *testing.T) {
	l := newLab(t, Options{})
	l.record("a")
	l.disk.SetCapacity(int64(len(l.read("2026-11.jsonl"))) + 300)
	for _, err := range l.group("b", "c") {
		if !errors.Is(err, mail.ErrFull) || !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("full: %v, want ErrFull", err)
		}
	}
	l.disk.SetCapacity(1 << 30)
	l.record("d")
	l.wantObjects("a d")
	l.wantWhole()
	if strings.Contains(strings.Join(keys(l.disk.Files()), " "), "_002") {
		t.Errorf("a full disk began a new file")
	}
	l.crash(durabletest.Nothing).wantWhole()
	l.wantObjects("a d")
}

func keys(m map[string]string) []string {
	var all []string
	for k := range m {
		all = append(all, filepath.Base(k))
	}
	return all
}

func TestFailedSync(t *testing.T) {
	for _, choose := range []func(int) int{durabletest.Nothing, durabletest.Everything} {
		l := newLab(t, Options{})
		l.record("a")
		l.disk.Before(failOnce(durabletest.Sync, "2026-11.jsonl"))
		for _, err := range l.group("b", "c") {
			if !errors.Is(err, mail.ErrRetry) || !errors.Is(err, syscall.EIO) {
				t.Errorf("failed sync: %v, want ErrRetry", err)
			}
		}
		l.record("d")
		l.wantObjects("a d")
		l.wantWhole()
		if got := l.read("2026-11_002.jsonl"); strings.Count(got, "\n") != 1 {
			t.Errorf("the new file has %q", got)
		}
		l.crash(choose).wantWhole()
		l.record("e")
		for _, o := range []string{"a", "d", "e"} {
			if n := len(collect(t, l.log, Filter{Object: o})); n != 1 {
				t.Errorf("%s is there %d times", o, n)
			}
		}
	}
}

// failOnce fails the first operation of the kind on the file.
func failOnce(kind durabletest.Kind, name string) func(durabletest.Op) durabletest.Fault {
	var once sync.Once
	return func(op durabletest.Op) (f durabletest.Fault) {
		if op.Kind == kind && filepath.Base(op.Path) == name {
			once.Do(func() { f.Err = syscall.EIO })
		}
		return f
	}
}

// When no file can be made, nothing is recorded, and later all goes on.
func TestNoNewFile(t *testing.T) {
	for _, kind := range []durabletest.Kind{durabletest.Open, durabletest.SyncDir} {
		l := newLab(t, Options{HeadEvery: time.Hour})
		l.disk.Before(func(op durabletest.Op) (f durabletest.Fault) {
			if op.Kind == kind {
				f.Err = syscall.EIO
			}
			return f
		})
		if err := l.log.Record(t.Context(), act("a")); !errors.Is(err, mail.ErrRetry) {
			t.Errorf("%s: %v, want ErrRetry", kind, err)
		}
		l.disk.Before(nil)
		l.record("b")
		l.wantObjects("b")
		l.crash(durabletest.Nothing).wantObjects("b")
	}
}
