package app

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"mailarchive/internal/control"
	"mailarchive/internal/mail"
)

// waitFor waits for a fact.
func waitFor(t *testing.T, what string, is func() bool) {
	t.Helper()
	deadline := time.NewTimer(30 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("waited in vain for: %s", what)
		}
	}
}

// kept runs what keeps the catalog up to date, until the test ends or stop is
// called.
func kept(t *testing.T, a *App) (stop func()) {
	t.Helper()
	k := a.keeper
	k.every, k.patience = 5*time.Millisecond, [2]time.Duration{time.Millisecond, 10 * time.Millisecond}
	a.indexer.Patience = k.patience
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() { a.indexer.Run(ctx) })
	group.Go(func() { k.run(ctx) })
	stop = sync.OnceFunc(func() { cancel(); group.Wait() })
	t.Cleanup(stop)
	return stop
}

// found returns what a query finds now, whatever the catalog has, sorted.
func found(t *testing.T, a *App, query string) []string {
	t.Helper()
	var list []string
	_, err := a.Search(t.Context(), everything, control.SearchRequest{Query: query}, func(h control.Hit) error {
		list = append(list, h.Subject)
		return nil
	})
	if err != nil {
		t.Errorf("search %q: %v", query, err)
	}
	slices.Sort(list)
	return list
}

// TestCatalogMendsItself harms the catalog of an archive that runs: mail goes
// on being taken, searches go on, and everything is found again.
func TestCatalogMendsItself(t *testing.T) {
	for name, harm := range harms {
		t.Run(name, func(t *testing.T) {
			a := opened(t, configured(t))
			for i := range 40 {
				accept(t, a, mail.Envelope{Source: "smtp"}, fmt.Sprintf("number %02d", i))
			}
			want := subjects(t, a, "number")
			slices.Sort(want)
			a.keeper.every = 5 * time.Millisecond
			a.keeper.whole = 5 * time.Millisecond
			kept(t, a)
			waitFor(t, "the first comparison", func() bool { return a.keeper.found().upTo == 40 })
			harm(t, a)
			accept(t, a, mail.Envelope{Source: "smtp"}, "number after")
			want = append(want, "number after")
			waitFor(t, "a new catalog", func() bool {
				return a.keeper.remakes.Load() > 0 && a.keeper.step().InStep && a.indexer.Status().Lag() == 0
			})
			if got := found(t, a, "number"); !slices.Equal(got, want) {
				t.Errorf("found %q", got)
			}
			if notice := a.Notice(); notice != "" {
				t.Errorf("notice afterwards: %q", notice)
			}
			stats, err := a.Stats(t.Context(), everything)
			if err != nil || stats.Stored != 41 || stats.Indexed != 41 || !stats.InStep || stats.Missing != 0 || stats.Remaking != nil {
				t.Errorf("stats %+v, %v", stats, err)
			}
		})
	}
}

// TestCatalogMendsAtTheStart harms the catalog, stops, and starts a command.
func TestCatalogMendsAtTheStart(t *testing.T) {
	for name, harm := range harms {
		t.Run(name, func(t *testing.T) {
			c := configured(t)
			a := opened(t, c)
			for i := range 40 {
				accept(t, a, mail.Envelope{Source: "smtp"}, fmt.Sprintf("number %02d", i))
			}
			want := subjects(t, a, "number")
			slices.Sort(want)
			a.Close()
			a = opened(t, c) // without a log beside the file
			file := catalogFile(a)
			a.Close()
			shadow := &App{catalogs: a.catalogs}
			if strings.Contains(name, "log") {
				spoil(t, file)
			} else {
				harm(t, shadow)
			}
			x, err := openForCommand(t.Context(), c, a.version, func(control.Progress) {})
			if err != nil {
				t.Fatal(err)
			}
			defer x.Close()
			if got := found(t, x.(*command).App, "number"); !slices.Equal(got, want) {
				t.Errorf("found %q", got)
			}
		})
	}
}

// TestNoticeWhileRemaking holds the making of a new catalog up and asks.
func TestNoticeWhileRemaking(t *testing.T) {
	a := opened(t, configured(t))
	accept(t, a, mail.Envelope{Source: "smtp"}, "one")
	subjects(t, a, "one")
	execute(t, a, `UPDATE meta SET value = '0' WHERE key = 'tokenizer'`)
	held, _ := a.remaking.begin()
	kept(t, a)
	waitFor(t, "the notice", func() bool { return strings.Contains(a.Notice(), "the former one answers") })
	stats, err := a.Stats(t.Context(), everything)
	if err != nil || stats.InStep || stats.Remaking == nil || stats.Notice == "" {
		t.Errorf("stats %+v, %v", stats, err)
	}
	if got := found(t, a, "one"); len(got) != 1 {
		t.Errorf("meanwhile found %q", got)
	}
	a.remaking.end(held, context.Canceled) // as when who began it was stopped
	waitFor(t, "the end of it", func() bool { return a.Notice() == "" && a.keeper.remakes.Load() == 1 })
}

// TestStopWhileRemaking leaves no half file and the former catalog in use.
func TestStopWhileRemaking(t *testing.T) {
	c := configured(t)
	a := opened(t, c)
	for i := range 40 {
		accept(t, a, mail.Envelope{Source: "smtp"}, fmt.Sprintf("number %02d", i))
	}
	subjects(t, a, "number")
	ctx, cancel := context.WithCancel(t.Context())
	err := a.reindex(ctx, func(uint64, uint64) { cancel() })
	if err == nil {
		t.Fatal("no error")
	}
	files, _ := filepath.Glob(filepath.Join(c.Data, "catalog-*.sqlite"))
	if len(files) != 1 || len(found(t, a, "number")) != 40 {
		t.Errorf("files %q", files)
	}
}

// TestUnreadableGivesWayToAnEmptyOne: what cannot be read at all is replaced at
// once, so that mail from now on is found while the rest comes in.
func TestUnreadableGivesWayToAnEmptyOne(t *testing.T) {
	a := opened(t, configured(t))
	accept(t, a, mail.Envelope{Source: "import:eml", Origin: &mail.Origin{Path: "/x", Key: mail.Sum([]byte("key"))}}, "one")
	subjects(t, a, "one")
	a.imports.fresh = nil // as after a restart
	harms["noise over file and log"](t, a)
	_, number := a.catalogs.inUse()
	a.keeper.decide(t.Context(), number, fmt.Errorf("read: %w", mail.ErrDamaged))
	if got := found(t, a, "one"); len(got) != 0 || !strings.Contains(a.Notice(), "incomplete") {
		t.Errorf("found %q, notice %q", got, a.Notice())
	}
	known, err := a.Imported(t.Context(), mail.Sum([]byte("key")))
	if err != nil || !known {
		t.Errorf("Imported while the catalog fills: %v, %v", known, err)
	}
	kept(t, a)
	waitFor(t, "the end of it", func() bool { return a.Notice() == "" })
	if got := found(t, a, "one"); len(got) != 1 {
		t.Errorf("found %q", got)
	}
}

// TestWhatStaysMissingIsLeftAlone: a catalog that lacks something even when it
// is made again is not made again and again.
func TestWhatStaysMissingIsLeftAlone(t *testing.T) {
	a := opened(t, configured(t))
	accept(t, a, mail.Envelope{Source: "smtp"}, "one")
	subjects(t, a, "one")
	a.indexer.Vault = ghostly{records{a.vault, a.store(), a.manifests}}
	a.keeper.begin("test", false)
	a.keeper.every = time.Millisecond
	kept(t, a)
	waitFor(t, "what is missing", func() bool { return a.keeper.step().Missing == 1 })
	looked := a.keeper.found()
	a.keeper.again()
	waitFor(t, "another comparison", func() bool { return a.keeper.found().whole.After(looked.whole) })
	if n := a.keeper.remakes.Load(); n != 1 || !strings.Contains(a.Notice(), "1 stored") {
		t.Errorf("made again %d times, notice %q", n, a.Notice())
	}
}

// ghostly is a vault that claims to have one record twice over.
type ghostly struct{ records }

func (g ghostly) Seqs(ctx context.Context, from uint64, each func(uint64, mail.ID) error) error {
	if from <= 1 {
		if err := each(0, mail.ID{}); err != nil {
			return err
		}
	}
	return g.records.Seqs(ctx, from, each)
}

// TestLocalDomains follows a change of the setting.
func TestLocalDomains(t *testing.T) {
	c := configured(t)
	a := opened(t, c)
	accept(t, a, mail.Envelope{Source: "smtp", From: "ann@local.example", To: []mail.Recipient{{Address: "bob@else.example"}}}, "way")
	subjects(t, a, "way")
	a.Close()
	if err := c.LocalDomains.UnmarshalText([]byte("local.example")); err != nil {
		t.Fatal(err)
	}
	a = opened(t, c)
	if !strings.Contains(a.catalogs.stale, "local-domains") {
		t.Errorf("stale: %q", a.catalogs.stale)
	}
	kept(t, a)
	waitFor(t, "a new catalog", func() bool { return a.keeper.remakes.Load() == 1 && a.Notice() == "" })
	a.catalogs.mu.Lock()
	defer a.catalogs.mu.Unlock()
	if why, err := a.catalogs.db.Stale(t.Context()); why != "" || err != nil {
		t.Errorf("stale afterwards: %q, %v", why, err)
	}
}

// TestHarmedAgainAndAgain: each new catalog is spoilt too, for a while.
func TestHarmedAgainAndAgain(t *testing.T) {
	a := opened(t, configured(t))
	accept(t, a, mail.Envelope{Source: "smtp"}, "one")
	subjects(t, a, "one")
	kept(t, a)
	for n := range 4 {
		before := a.keeper.remakes.Load()
		harms["noise over file and log"](t, a)
		_, number := a.catalogs.inUse()
		a.keeper.decide(t.Context(), number, fmt.Errorf("read: %w", mail.ErrDamaged))
		waitFor(t, "a new catalog", func() bool { return a.keeper.remakes.Load() > before && a.Notice() == "" })
		if got := found(t, a, "one"); len(got) != 1 {
			t.Errorf("time %d: found %q", n, got)
		}
	}
}

// TestVerifyHasTheCatalogMended: what a check of the structure finds is mended.
func TestVerifyHasTheCatalogMended(t *testing.T) {
	a := opened(t, configured(t))
	accept(t, a, mail.Envelope{Source: "smtp"}, "one")
	subjects(t, a, "one")
	execute(t, a, `UPDATE fts_data SET block = zeroblob(length(block)) WHERE id > 10`)
	done, err := a.Verify(t.Context(), func(control.Progress) {}, func(control.Finding) {})
	if err != nil || done.Findings != 1 || a.Notice() == "" {
		t.Errorf("%+v, %v, notice %q", done, err, a.Notice())
	}
	kept(t, a)
	waitFor(t, "a new catalog", func() bool { return a.keeper.remakes.Load() == 1 && a.Notice() == "" })
	if done, err = a.Verify(t.Context(), func(control.Progress) {}, func(control.Finding) {}); err != nil || done.Findings != 0 {
		t.Errorf("afterwards %+v, %v", done, err)
	}
}

// TestStructureIsChecked: the same is found without anybody asking.
func TestStructureIsChecked(t *testing.T) {
	a := opened(t, configured(t))
	accept(t, a, mail.Envelope{Source: "smtp"}, "one")
	subjects(t, a, "one")
	execute(t, a, `UPDATE fts_data SET block = zeroblob(length(block)) WHERE id > 10`)
	a.keeper.sound = 0
	kept(t, a)
	waitFor(t, "a new catalog", func() bool { return a.keeper.remakes.Load() > 0 && a.catalog.Check(t.Context()) == nil })
}
