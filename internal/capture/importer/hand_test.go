package importer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/mail"
)

func TestRunSaysWhatTheArchiveRefuses(t *testing.T) {
	root := tree(t, map[string]string{"a.eml": message("a"), "b.eml": message("b"), "c.mbox": mbox(message("c"))})
	a := newFake()
	a.fail = func(_ int, e mail.Envelope) (bool, error) {
		if strings.HasSuffix(e.Origin.Path, "a.eml") {
			return false, fmt.Errorf("accept: %w", mail.ErrTooLarge)
		}
		return false, nil
	}
	_, outcomes := importAll(t, a, Options{Paths: []string{root}})
	want := []told{{"a.eml", "", "failed", "accept: too large"}, {"b.eml", "", "stored", ""}, {"c.mbox#1", "c", "stored", ""}}
	if diff := cmp.Diff(want, tell(root, outcomes)); diff != "" {
		t.Error(diff)
	}
}

func TestRunWaitsForTheArchive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		root := tree(t, map[string]string{"a.eml": message("a"), "b.mbox": mbox(message("b"), strings.Repeat("x", 2*smallMax))})
		a := newFake()
		full := time.Now().Add(3 * time.Minute)
		a.fail = func(int, mail.Envelope) (bool, error) {
			if time.Now().Before(full) {
				return false, fmt.Errorf("accept: %w", mail.ErrFull)
			}
			return false, nil
		}
		waited := ""
		sum, err := Run(t.Context(), a, Options{Paths: []string{root}, Progress: func(p Progress) {
			if p.Phase == Waiting {
				waited = p.Reason
			}
		}})
		if err != nil || sum.Stored != 3 || waited != "accept: "+mail.ErrFull.Error() {
			t.Errorf("%+v, %v, waiting said %q", sum, err, waited)
		}
		if sum.Elapsed < 3*time.Minute || sum.Elapsed > 4*time.Minute {
			t.Errorf("took %v, want a little over the 3 minutes that there was no space", sum.Elapsed)
		}
	})
}

func TestRunGivesUpWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		root := tree(t, map[string]string{"a.eml": message("a"), "b.mbox": mbox(message("b"), message("c"))})
		a := newFake()
		a.fail = func(int, mail.Envelope) (bool, error) { return false, mail.ErrRetry }
		sum, err := Run(t.Context(), a, Options{Paths: []string{root}, MaxWait: time.Minute})
		if !errors.Is(err, mail.ErrRetry) || !strings.Contains(err.Error(), "start it again") || sum != (Summary{Elapsed: sum.Elapsed}) {
			t.Errorf("%+v, %v", sum, err)
		}
		a.fail = nil
		if sum, _ := importAll(t, a, Options{Paths: []string{root}}); sum.Stored != 3 {
			t.Errorf("again: %+v, want all 3", sum)
		}
	})
}

func TestRunStopsWhenNotAllowed(t *testing.T) {
	root := tree(t, map[string]string{"a.mbox": mbox(message("b"), message("c"))})
	a := newFake()
	a.fail = func(int, mail.Envelope) (bool, error) { return false, mail.ErrNotAllowed }
	if _, err := Run(t.Context(), a, Options{Paths: []string{root}}); !errors.Is(err, mail.ErrNotAllowed) {
		t.Errorf("Run = %v, want not allowed", err)
	}
}

// TestRunCutAnywhere cancels at every Accept, or loses its answer, and starts
// again until all is there: each message once, none missing.
func TestRunCutAnywhere(t *testing.T) {
	files := map[string]string{
		"a.eml": message("a"), "b.mbox": mbox(message("b"), message("b"), message("c"), strings.Repeat("x", 2*smallMax)),
		"m/cur/1:2,S": message("d"), "m/new/2": message("d"),
	}
	root := tree(t, files)
	whole := newFake()
	importAll(t, whole, Options{Paths: []string{root}})
	for cut := 1; cut <= whole.accepts+1; cut++ {
		for _, stored := range []bool{true, false} {
			a := newFake()
			ctx, cancel := context.WithCancel(t.Context())
			a.fail = func(n int, _ mail.Envelope) (bool, error) {
				if n >= cut {
					cancel()
					return stored, errBoom
				}
				return false, nil
			}
			sum, err := Run(ctx, a, Options{Paths: []string{root}, InFlight: 2})
			cancel()
			if (err == nil) != (cut > whole.accepts) || err != nil && !errors.Is(err, context.Canceled) {
				t.Fatalf("cut at %d: %v", cut, err)
			}
			a.fail = nil
			again, _ := importAll(t, a, Options{Paths: []string{root}})
			if len(a.byKey) != len(whole.byKey) || sum.Stored+again.Stored > len(whole.byKey) {
				t.Fatalf("cut at %d: %d + %d stored, %d there, want %d", cut, sum.Stored, again.Stored, len(a.byKey), len(whole.byKey))
			}
			for key, k := range whole.byKey {
				if a.byKey[key].digest != k.digest {
					t.Fatalf("cut at %d: key %v of %s has other bytes", cut, key, k.envelope.Origin.Path)
				}
			}
		}
	}
}

// TestRunAnswerLost: the archive has it but its yes never came.
func TestRunAnswerLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		root := tree(t, map[string]string{"a.eml": message("a"), "b.mbox": mbox(message("b"), message("b"))})
		a := newFake()
		a.fail = func(n int, _ mail.Envelope) (bool, error) { return true, errBoom }
		a.asked = func(n int) error {
			if n%3 == 0 {
				return errBoom
			}
			return nil
		}
		sum, err := Run(t.Context(), a, Options{Paths: []string{root}})
		if err != nil || sum.Already != 3 || len(a.byKey) != 3 || a.accepts != 3 {
			t.Errorf("%+v, %v, %d there by %d calls; want 3 once each", sum, err, len(a.byKey), a.accepts)
		}
	})
}

func TestRunFillsTheGroup(t *testing.T) {
	files := map[string]string{}
	for i := range 200 {
		files[fmt.Sprintf("%03d.eml", i)] = message(fmt.Sprint(i))
	}
	root := tree(t, files)
	synctest.Test(t, func(t *testing.T) {
		a := newFake()
		a.fail = func(int, mail.Envelope) (bool, error) { // a commit takes a second
			time.Sleep(time.Second)
			return false, nil
		}
		sum, _ := importAll(t, a, Options{Paths: []string{root}, InFlight: 50})
		if a.most != 50 || sum.Elapsed != 4*time.Second {
			t.Errorf("at most %d at once in %v, want 50 in 4s", a.most, sum.Elapsed)
		}
	})
}

func TestRunProgress(t *testing.T) {
	files := map[string]string{"m.mbox": "\n" + mbox(message("x"), message("y")) + "\n"}
	for i := range 100 {
		files[fmt.Sprintf("%03d.eml", i)] = message(fmt.Sprint(i))
	}
	root := tree(t, files)
	synctest.Test(t, func(t *testing.T) {
		a := newFake()
		a.fail = func(int, mail.Envelope) (bool, error) {
			time.Sleep(time.Second)
			return false, nil
		}
		var all []Progress
		o := Options{Paths: []string{root}, InFlight: 1, Progress: func(p Progress) { all = append(all, p) }}
		importAll(t, a, o)
		last := all[len(all)-1]
		if last.Phase != Done || last.Items != 102 || last.Files != 101 || last.Bytes != last.TotalBytes {
			t.Errorf("last %+v, want all 102 items and bytes of 101 files", last)
		}
		mid := all[len(all)/2]
		if mid.Phase != Reading || mid.ItemRate < 0.9 || mid.ItemRate > 1.1 || mid.Left < 40*time.Second || mid.Left > 65*time.Second {
			t.Errorf("half way %+v, want one item a second and about 50 s left", mid)
		}
	})
}

func TestOutcomeJSON(t *testing.T) {
	out := Outcome{Path: "/m/a.mbox", Index: 2, Offset: 90, Folder: "a", Outcome: Stored, SHA256: mail.Sum(nil), ID: mail.ID{15: 1}}
	b, err := json.Marshal(out)
	want := `{"path":"/m/a.mbox","index":2,"offset":90,"folder":"a","outcome":"stored","id":"00000000000000000000000001",` +
		`"sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":0}`
	if err != nil || string(b) != want {
		t.Errorf("%s, %v\nwant %s", b, err, want)
	}
	b, _ = json.Marshal(Outcome{Path: "/x", Outcome: Skipped, Reason: "why"})
	if want := `{"path":"/x","offset":0,"outcome":"skipped","size":0,"reason":"why"}`; string(b) != want {
		t.Errorf("%s\nwant %s", b, want)
	}
}
