package importer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"mailarchive/internal/mail"
)

// spoolWatch is a watched folder with a clock that the test moves: one round
// for each call of turn.
type spoolWatch struct {
	t        *testing.T
	dir      string
	archive  *fakeArchive
	ahead    time.Duration // of the machine's clock
	state    string
	log      bytes.Buffer
	outcomes []Outcome
	edit     func(*Watch)
}

func newSpoolWatch(t *testing.T) *spoolWatch {
	root := tree(t, map[string]string{"spool/messages/": "", "state/": ""})
	return &spoolWatch{
		t: t, dir: filepath.Join(root, "spool"), archive: newFake(), ahead: time.Hour,
		state: filepath.Join(root, "state", "watch.json"),
	}
}

func (s *spoolWatch) now() time.Time { return time.Now().Add(s.ahead) }

// add puts a message into the folder, as old as its clock says.
func (s *spoolWatch) add(name string) {
	s.t.Helper()
	path := filepath.Join(s.dir, "messages", name)
	if err := os.WriteFile(path, []byte("Subject: "+name+"\n\n"), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// turn runs a watcher, new as after a restart, for one round.
func (s *spoolWatch) turn() WatchStatus {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	defer cancel()
	s.outcomes = nil
	watch := Watch{
		Options: Options{
			Paths: []string{s.dir}, Format: FormatSpool,
			Report: func(o Outcome) { s.outcomes = append(s.outcomes, o) },
			Wait:   func(context.Context, time.Duration) error { return errBoom },
		},
		Every: time.Hour, Settle: time.Minute,
	}
	if s.edit != nil {
		s.edit(&watch)
	}
	w := &Watcher{
		Archive: s.archive, Watches: []Watch{watch}, StateFile: s.state, Clock: s.now,
		Log: slog.New(slog.NewTextHandler(&s.log, nil)),
		Wait: func(ctx context.Context, d time.Duration) error {
			cancel()
			return ctx.Err()
		},
	}
	if err := w.Run(ctx); err != nil {
		s.t.Fatal(err)
	}
	return w.Status()[0]
}

func (s *spoolWatch) want(what string, stored, outcomes int) WatchStatus {
	s.t.Helper()
	status := s.turn()
	if status.Err != nil || status.Summary.Stored != stored || len(s.outcomes) != outcomes {
		s.t.Errorf("%s: stored %d with %d outcomes, %v; want %d and %d\n%+v",
			what, status.Summary.Stored, len(s.outcomes), status.Err, stored, outcomes, s.outcomes)
	}
	return status
}

// TestWatch: each round takes what is new, and reads nothing that is old.
func TestWatch(t *testing.T) {
	s := newSpoolWatch(t)
	s.add("2010-10-31-1")
	s.add("2010-10-31-2")
	s.want("first round", 2, 2)
	s.ahead += 2 * time.Hour
	s.want("nothing new", 0, 0)

	s.add("2010-11-01-1")
	s.ahead = 30 * time.Second // the file may still be written to
	old := s.state
	s.state = "" // another watcher
	s.want("just written", 0, 0)
	s.state = old

	s.ahead = 6 * time.Hour
	// What was there before is older than the first round's margin only by its
	// clock: the machine's says now, so it is looked at again, and known.
	if got := s.turn(); got.Summary.Failed != 0 || got.Err != nil {
		t.Errorf("%+v", got)
	}
	s.ahead = 48 * time.Hour
	s.want("a full round", 1, 3)
	if len(s.archive.byKey) != 3 {
		t.Errorf("the archive has %d messages, want 3", len(s.archive.byKey))
	}
}

// TestWatchFindsOldLookingFiles: a file that was moved in with a time long ago
// is new all the same.
func TestWatchFindsOldLookingFiles(t *testing.T) {
	s := newSpoolWatch(t)
	s.ahead = 5 * time.Minute
	s.add("1")
	s.want("first round", 1, 1)
	s.add("2")
	long := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := os.Chtimes(filepath.Join(s.dir, "messages", "2"), long, long); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(s.dir, "messages", "2"))
	if err != nil {
		t.Fatal(err)
	}
	begun := s.now().Add(-time.Minute)
	r := watchRound{watch: Watch{Settle: time.Minute}, begun: s.now().Add(time.Hour), last: placeMemory{Begun: begun.Add(-10 * time.Minute), Full: begun}}
	if r.pass("2", info) {
		t.Errorf("a file changed %v, with a time of %v, is passed over by a round after %v", changed(info), info.ModTime(), r.last.Begun)
	}
	r.last.Begun = begun.Add(time.Hour)
	if !r.pass("2", info) {
		t.Error("a file that an earlier round has seen is looked at again")
	}
}

// TestWatchTriesAgain: what failed is tried in each round and logged once.
func TestWatchTriesAgain(t *testing.T) {
	s := newSpoolWatch(t)
	s.add("1")
	s.add("2")
	s.archive.fail = func(_ int, e mail.Envelope) (bool, error) {
		if filepath.Base(e.Origin.Path) == "2" {
			return false, fmt.Errorf("no: %w", mail.ErrTooLarge)
		}
		return false, nil
	}
	for round := range 3 {
		s.ahead += 2 * time.Hour
		status := s.turn()
		if status.Summary.Failed != 1 || status.Failing != 1 || status.Err != nil {
			t.Errorf("round %d: %+v", round, status)
		}
	}
	if n := strings.Count(s.log.String(), "not imported"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, s.log.String())
	}
	s.archive.fail = nil
	s.ahead += 2 * time.Hour
	if status := s.turn(); status.Summary.Stored != 1 || status.Failing != 0 {
		t.Errorf("when it works: %+v", status)
	}
}

// TestWatchStopsEarly: a round that the archive ended is no round; the next
// one takes everything.
func TestWatchStopsEarly(t *testing.T) {
	s := newSpoolWatch(t)
	s.add("1")
	s.archive.fail = func(int, mail.Envelope) (bool, error) { return false, mail.ErrNotAllowed }
	if status := s.turn(); !errors.Is(status.Err, mail.ErrNotAllowed) || status.Next.IsZero() {
		t.Errorf("%+v", status)
	}
	if _, err := os.Stat(s.state); !os.IsNotExist(err) {
		t.Errorf("a round that failed is remembered: %v", err)
	}
	s.archive.fail = nil
	s.ahead += 2 * time.Hour
	s.want("then", 1, 1)
}

// TestWatchState: a state that cannot be read costs time and no mail.
func TestWatchState(t *testing.T) {
	for _, text := range []string{"", "{", `{"format":99}`, `{"format":1,"watches":null}`} {
		s := newSpoolWatch(t)
		if err := os.WriteFile(s.state, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		s.add("1")
		s.want(text, 1, 1)
		if !strings.Contains(s.log.String(), "cannot be read") {
			t.Errorf("%q: logged %s", text, s.log.String())
		}
	}
	// Other options are another watch: all is looked at.
	s := newSpoolWatch(t)
	s.add("1")
	s.want("first", 1, 1)
	s.edit = func(w *Watch) { w.DeliveredTo = true }
	s.want("with other options", 0, 1)
}

func TestWatchChecksOptions(t *testing.T) {
	w := &Watcher{Archive: newFake(), Watches: []Watch{{Options: Options{Paths: []string{"x"}, Format: "odd"}}}}
	if err := w.Run(t.Context()); !errors.Is(err, mail.ErrBadInput) {
		t.Errorf("%v is not ErrBadInput", err)
	}
	if err := (&Watcher{}).Run(t.Context()); err != nil {
		t.Errorf("nothing to watch: %v", err)
	}
}

// TestWatchSchedule runs two watches on a clock of its own: each is due in its
// own time, also when the clock is set back.
func TestWatchSchedule(t *testing.T) {
	a, b := tree(t, map[string]string{"x/": ""}), tree(t, map[string]string{"x/": ""})
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		w := &Watcher{Archive: newFake(), Watches: []Watch{
			{Options: Options{Paths: []string{a}}, Every: time.Hour},
			{Options: Options{Paths: []string{b}}, Every: 24 * time.Hour},
		}}
		var back atomic.Int64
		w.Clock = func() time.Time { return time.Now().Add(-time.Duration(back.Load())) }
		done := make(chan error)
		go func() { done <- w.Run(ctx) }()
		<-time.After(2*time.Hour + time.Minute) // of the bubble
		synctest.Wait()
		s := w.Status()
		if got := w.Clock().Sub(s[0].Begun); got != time.Minute {
			t.Errorf("the first began its last round %v ago, want a minute", got)
		}
		if got := w.Clock().Sub(s[1].Begun); got != 2*time.Hour+time.Minute {
			t.Errorf("the second began its last round %v ago", got)
		}
		back.Store(int64(365 * 24 * time.Hour))
		<-time.After(2 * time.Hour)
		synctest.Wait()
		if got := w.Status()[0].Begun; got.After(w.Clock()) {
			t.Errorf("after the clock was set back the last round is of %v, now is %v", got, w.Clock())
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
