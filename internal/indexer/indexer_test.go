package indexer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"mailarchive/internal/access"
	"mailarchive/internal/catalog"
	"mailarchive/internal/catalog/catalogtest"
	"mailarchive/internal/mail"
)

var everything = access.Everything("test")

func newIndexer(s *shelf, c catalog.Catalog) *Indexer {
	ix := New(s, c)
	ix.Patience = [2]time.Duration{time.Millisecond, 5 * time.Millisecond}
	return ix
}

func rows(t *testing.T, c catalog.Catalog, where catalog.Node) (list []catalog.Row) {
	t.Helper()
	err := c.Search(t.Context(), catalog.Query{Scope: everything, Where: where, Order: catalog.LastArrivedFirst}, func(h catalog.Hit) bool {
		list = append(list, h.Row)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestCatchUp(t *testing.T) {
	for _, n := range []int{0, 1, 2, batchCount, 2*batchCount + 17} {
		s, c := newShelf(), &recorder{Catalog: &catalogtest.Memory{}}
		fill(s, n)
		ix := newIndexer(s, c)
		if err := ix.CatchUp(t.Context()); err != nil {
			t.Fatalf("CatchUp of %d: %v", n, err)
		}
		counts, _ := c.Counts(t.Context())
		if counts.Messages != uint64(n) || counts.Cursor != uint64(n) || counts.Unparseable != 0 {
			t.Errorf("counts after %d messages: %+v", n, counts)
		}
		if st := ix.Status(); st.Stored != uint64(n) || st.Indexed != uint64(n) || st.Lag() != 0 || st.LastError != nil {
			t.Errorf("status after %d messages: %+v", n, st)
		}
		if c.largest > batchCount {
			t.Errorf("a batch had %d documents", c.largest)
		}
	}
}

func TestDocuments(t *testing.T) {
	s, c := newShelf(), &catalogtest.Memory{}
	a := s.put(message(1), nil)
	if err := newIndexer(s, c).CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := rows(t, c, nil)[0]
	want := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	if r.ID != a.ID || r.Subject != "number1" || !r.SortDate.Equal(want) || r.MessageID != "m1@example.org" {
		t.Errorf("row = %+v", r)
	}
}

// recorder is a catalog that notes batches and may fail.
type recorder struct {
	catalog.Catalog
	largest int
	applied atomic.Int64
	fail    func(n int64) error
}

func (r *recorder) Apply(ctx context.Context, batch []catalog.Document, upTo uint64) error {
	r.largest = max(r.largest, len(batch))
	n := r.applied.Add(1)
	if r.fail != nil {
		if err := r.fail(n); err != nil {
			return err
		}
	}
	return r.Catalog.Apply(ctx, batch, upTo)
}

func TestWhatCannotBeRead(t *testing.T) {
	s, c := newShelf(), &catalogtest.Memory{}
	log := &bytes.Buffer{}
	good := s.put(message(1), nil)
	other := s.put(message(2), func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(message(3))), nil })
	cut := s.put(message(4), breaks(fmt.Errorf("frame: %w", mail.ErrDamaged)))
	gone := s.put(message(5), func() (io.ReadCloser, error) { return nil, fmt.Errorf("no frame: %w", mail.ErrDamaged) })
	s.lose()
	known := s.spoil(true)
	s.spoil(false)
	after := s.put(message(6), nil)
	s.lose()
	ix := newIndexer(s, c)
	ix.Log = slog.New(slog.NewTextHandler(log, nil))
	if err := ix.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, _ := c.Counts(t.Context()); n.Cursor != s.Last() || n.Messages != 6 || n.Unparseable != 4 {
		t.Errorf("counts = %+v, last is %d", n, s.Last())
	}
	problems := map[mail.ID]string{}
	for _, r := range rows(t, c, nil) {
		problems[r.ID] = strings.Join(r.Problems, ";")
		if r.SortDate.IsZero() {
			t.Errorf("%s has no sort date", r.ID)
		}
	}
	for id, says := range map[mail.ID]string{
		other.ID: "digest is", cut.ID: "frame", gone.ID: "no frame", known.ID: "record could not be read",
	} {
		if !strings.Contains(problems[id], says) {
			t.Errorf("problem of %s is %q, want %q in it", id, problems[id], says)
		}
		if !strings.Contains(log.String(), id.String()) {
			t.Errorf("the log does not name %s", id)
		}
	}
	if problems[good.ID] != "" || problems[after.ID] != "" {
		t.Errorf("good mail has problems: %v", problems)
	}
}

// A disk that fails for a moment must not mark mail as damaged; one that goes
// on failing must not keep what is behind it waiting.
func TestErrorsThatMayPass(t *testing.T) {
	for _, c := range []struct {
		failures    int
		err         error
		unparseable uint64
	}{
		{2, errors.New("input/output error"), 0},
		{1000, errors.New("input/output error"), 2},
		{20, &fs.PathError{Op: "open", Path: "segment", Err: syscall.EMFILE}, 0}, // says nothing about the content
	} {
		s, m := newShelf(), &catalogtest.Memory{}
		for range 2 {
			var reads atomic.Int64
			content := message(int(s.Last()))
			s.put(content, func() (io.ReadCloser, error) {
				if reads.Add(1) <= int64(c.failures) {
					return nil, c.err
				}
				return io.NopCloser(bytes.NewReader(content)), nil
			})
		}
		s.put(message(9), nil)
		run(t, newIndexer(s, m), func() {
			waitFor(t, "all mail indexed", func() bool { n, _ := m.Counts(t.Context()); return n.Cursor == 3 })
		})
		if n, _ := m.Counts(t.Context()); n.Unparseable != c.unparseable || n.Messages != 3 {
			t.Errorf("after %d failures: %+v", c.failures, n)
		}
	}
}

// run runs the indexer while during lasts.
func run(t *testing.T, ix *Indexer, during func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- ix.Run(ctx) }()
	during()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Run ended with %v", err)
	}
}

func TestRunFollows(t *testing.T) {
	s, c := newShelf(), &catalogtest.Memory{}
	ix := newIndexer(s, c)
	run(t, ix, func() {
		for n := range 20 {
			s.put(message(n), nil)
			waitFor(t, "the message", func() bool {
				return len(rows(t, c, catalog.Text{Field: catalog.Subject, Value: fmt.Sprint("number", n)})) == 1
			})
		}
		s.lose()
		waitFor(t, "the gap stepped over", func() bool { return ix.Status().Lag() == 0 })
		fill(s, 300)
		waitFor(t, "the rest", func() bool { return ix.Status().Lag() == 0 })
	})
}

// The cursor never passes what was not applied, whatever fails.
func TestFailedApplyIsTriedAgain(t *testing.T) {
	s := newShelf()
	fill(s, 2500)
	boom := fmt.Errorf("no space: %w", mail.ErrFull)
	c := &recorder{Catalog: &catalogtest.Memory{}, fail: func(n int64) error {
		if n%2 == 1 {
			return boom
		}
		return nil
	}}
	ix := newIndexer(s, c)
	if err := ix.CatchUp(t.Context()); !errors.Is(err, mail.ErrFull) || !errors.Is(ix.Status().LastError, mail.ErrFull) {
		t.Errorf("CatchUp = %v, status %v; want ErrFull", err, ix.Status().LastError)
	}
	run(t, ix, func() {
		waitFor(t, "all mail indexed", func() bool { return ix.Status().Lag() == 0 && ix.Status().LastError == nil })
	})
	if n, _ := c.Counts(t.Context()); n.Messages != 2500 || n.Arrivals != 2500 {
		t.Errorf("counts = %+v", n)
	}
}

// An error is over with the next Apply that works, not with the end of a pass
// that may take hours.
func TestErrorIsOverWithTheNextApply(t *testing.T) {
	s := newShelf()
	fill(s, 2500)
	var ix *Indexer
	full, worked := true, 0
	c := &recorder{Catalog: &catalogtest.Memory{}, fail: func(int64) error {
		if full {
			return mail.ErrFull
		}
		if err := ix.Status().LastError; worked > 0 && err != nil {
			t.Errorf("after an Apply that worked: %v", err)
		}
		worked++
		return nil
	}}
	ix = newIndexer(s, c)
	if err := ix.CatchUp(t.Context()); !errors.Is(err, mail.ErrFull) {
		t.Fatalf("first: %v", err)
	}
	full = false
	if err := ix.CatchUp(t.Context()); err != nil || worked < 2 {
		t.Errorf("second: %v, %d times", err, worked)
	}
}

func TestFailedWalkIsNoEnd(t *testing.T) {
	s, c := newShelf(), &catalogtest.Memory{}
	fill(s, 3)
	s.last, s.walkErr = 5, errors.New("segment cannot be opened")
	if err := newIndexer(s, c).CatchUp(t.Context()); !errors.Is(err, s.walkErr) {
		t.Errorf("CatchUp = %v, want the walk's error", err)
	}
	if n, _ := c.Counts(t.Context()); n.Cursor != 3 {
		t.Errorf("cursor = %d; the walk came to 3 before it failed", n.Cursor)
	}
}

func TestLargeContentGoesAlone(t *testing.T) {
	s, c := newShelf(), &catalogtest.Memory{}
	var now, most atomic.Int64
	for range 4 {
		content := append(message(int(s.Last())), bytes.Repeat([]byte("a line of text\r\n"), (largeContent+1)/16)...)
		s.put(content, func() (io.ReadCloser, error) {
			if n := now.Add(1); n > most.Load() {
				most.Store(n)
			}
			return closer{bytes.NewReader(content), func() { now.Add(-1) }}, nil
		})
	}
	ix := newIndexer(s, c)
	ix.Workers = 4
	if err := ix.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n, _ := c.Counts(t.Context()); most.Load() != 1 || n.Messages != 4 {
		t.Errorf("%d large contents at once, %d messages", most.Load(), n.Messages)
	}
}

type closer struct {
	io.Reader
	close func()
}

func (c closer) Close() error { c.close(); return nil }

func TestRebuildBesideRun(t *testing.T) {
	s := newShelf()
	fill(s, 1200)
	old, fresh := &catalogtest.Memory{}, &catalogtest.Memory{}
	front := catalog.NewSwitch(old)
	ix := newIndexer(s, front)
	var seen []uint64
	run(t, ix, func() {
		go func() { fill(s, 800) }()
		err := ix.Rebuild(t.Context(), fresh, func(done, total uint64) { seen = append(seen, done) }, func() error {
			front.Swap(fresh)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		waitFor(t, "the rest of the mail", func() bool { return s.Last() == 2000 && ix.Status().Lag() == 0 })
		s.put(message(5000), nil)
		waitFor(t, "mail after the swap", func() bool { n, _ := fresh.Counts(t.Context()); return n.Cursor == 2001 })
	})
	if n, _ := fresh.Counts(t.Context()); n.Arrivals != 2001 || n.Messages != 1201 {
		t.Errorf("counts = %+v", n)
	}
	if len(seen) == 0 || seen[len(seen)-1] < 1200 {
		t.Errorf("progress = %v", seen)
	}
}

func TestRegister(t *testing.T) {
	s := newShelf()
	fill(s, 3)
	ix := newIndexer(s, &catalogtest.Memory{})
	r := prometheus.NewRegistry()
	if err := ix.Register(r); err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{"catalog_stored": 3, "catalog_indexed": 0, "catalog_lag": 3}
	if diff := cmp.Diff(want, gauges(t, r)); diff != "" {
		t.Errorf("before (-want +got):\n%s", diff)
	}
	if err := ix.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	want = map[string]float64{"catalog_stored": 3, "catalog_indexed": 3, "catalog_lag": 0}
	if diff := cmp.Diff(want, gauges(t, r)); diff != "" {
		t.Errorf("after (-want +got):\n%s", diff)
	}
}

func gauges(t *testing.T, r *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, f := range families {
		values[f.GetName()] = f.GetMetric()[0].GetGauge().GetValue()
	}
	return values
}

func TestRate(t *testing.T) {
	s := newShelf()
	fill(s, 100)
	ix := newIndexer(s, &catalogtest.Memory{})
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	ix.Now = func() time.Time { return now }
	if err := ix.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := ix.Status().Rate; got != 10 {
		t.Errorf("rate = %v after 100 messages, want 10 a second over ten", got)
	}
	now = now.Add(11 * time.Second)
	if got := ix.Status().Rate; got != 0 {
		t.Errorf("rate = %v after eleven seconds of nothing", got)
	}
}

// TestIndexingGivesWay lets the vault fill while mail is pressing: indexing
// rests, goes on all the same, and catches up when the rush is over.
func TestIndexingGivesWay(t *testing.T) {
	s, c := newShelf(), &catalogtest.Memory{}
	fill(s, 200)
	ix := newIndexer(s, c)
	var busy atomic.Bool
	var asked atomic.Int64
	busy.Store(true)
	ix.Busy = func() bool {
		asked.Add(1)
		return busy.Load()
	}
	run(t, ix, func() {
		waitFor(t, "somebody asks", func() bool { return asked.Load() > 10 })
		waitFor(t, "some is indexed all the same", func() bool { return ix.Status().Indexed > 0 })
		busy.Store(false)
		waitFor(t, "all is indexed", func() bool { return ix.Status().Lag() == 0 })
	})
	var r resting
	ix.giveWay(t.Context(), &r, time.Millisecond)
	busy.Store(true)
	if ix.giveWay(t.Context(), &r, time.Millisecond); r.owed != restShare*time.Millisecond {
		t.Errorf("%s owed after a millisecond of work", r.owed)
	}
}
