package importer

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/mail"
)

// walked returns what a walk finds, paths below root, "!" before what is left
// aside.
func walked(t *testing.T, root string, paths ...string) []string {
	t.Helper()
	var all []string
	err := walkAll(t.Context(), paths, func(_ context.Context, f found) error {
		rel, _ := filepath.Rel(root, f.path)
		if f.reason != "" || f.err != nil {
			rel = "!" + rel
		}
		all = append(all, strings.Join(append([]string{rel + "|" + f.folder}, f.names...), " "))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestWalkMaildirs(t *testing.T) {
	root := tree(t, map[string]string{
		"home/anna/Maildir/cur/1:2,S": "", "home/anna/Maildir/new/1": "", "home/anna/Maildir/new/2": "", "home/anna/Maildir/tmp/3": "",
		"home/anna/Maildir/.Sent/cur/4:2,": "", "home/anna/Maildir/.Sent/new/.lock": "", "home/anna/Maildir/.Sent/cur/sub/x": "",
		"home/anna/Maildir/.git/config": "",
		"home/bert/.maildir/cur/5":      "", "home/bert/.maildir/new/": "",
	})
	want := []string{
		"home/anna/Maildir|home/anna new/1 cur/1:2,S",
		"home/anna/Maildir|home/anna new/2",
		"!home/anna/Maildir/tmp/3|home/anna",
		"!home/anna/Maildir/.git|",
		"!home/anna/Maildir/.Sent/new/.lock|home/anna/Sent",
		"home/anna/Maildir/.Sent|home/anna/Sent cur/4:2,",
		"!home/anna/Maildir/.Sent/cur/sub|home/anna/Sent",
		"home/bert/.maildir|home/bert cur/5",
	}
	got := walked(t, root, root)
	less := cmp.Transformer("sorted", func(s []string) map[string]bool {
		m := map[string]bool{}
		for _, x := range s {
			m[x] = true
		}
		return m
	})
	if diff := cmp.Diff(want, got, less); diff != "" || len(got) != len(want) {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := walked(t, root, root+"/home/anna/Maildir/.Sent"); len(got) != 3 || got[1] != "home/anna/Maildir/.Sent| cur/4:2," {
		t.Errorf("a folder of a Maildir alone: %q", got)
	}
}

func TestWalkArguments(t *testing.T) {
	root := tree(t, map[string]string{"a/x.eml": "", "b/y.eml": "", "Old.mbox/mbox": ""})
	if err := os.Symlink(filepath.Join(root, "a"), filepath.Join(root, "link")); err != nil {
		t.Fatal(err)
	}
	t.Chdir(root)
	for _, c := range []struct{ in, want []string }{
		{[]string{"link"}, []string{"a/x.eml|"}},
		{[]string{"./b/../a/x.eml"}, []string{"a/x.eml|"}},
		{[]string{"a", "link", "b"}, []string{"a/x.eml|", "!a|", "b/y.eml|"}},
		{[]string{"Old.mbox"}, []string{"Old.mbox/mbox|Old"}},
		{[]string{"missing", "a"}, []string{"a/x.eml|", "!missing|"}},
	} {
		if got := walked(t, root, c.in...); !cmp.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
	}
}

func TestWalkStops(t *testing.T) {
	root := tree(t, map[string]string{"a": "", "b": "", "m/cur/1": "", "m/new/": ""})
	for stop := range 3 {
		n := 0
		err := walkAll(t.Context(), []string{root}, func(context.Context, found) error {
			if n++; n > stop {
				return errBoom
			}
			return nil
		})
		if !errors.Is(err, errBoom) || n != stop+1 {
			t.Errorf("stopped at %d after %d visits: %v", stop, n, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := walkAll(ctx, []string{root}, func(context.Context, found) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestRunFollowsAMovingMaildir: between listing and reading a mail program
// flags one message, moves another to cur and deletes a third.
func TestRunFollowsAMovingMaildir(t *testing.T) {
	root := tree(t, map[string]string{
		"cur/1:2,": message("one"), "cur/3:2,S": message("three"), "new/0": message("zero"), "new/2": message("two"), "tmp/": "",
	})
	a := newFake()
	moved := false
	a.asked = func(int) error {
		if moved {
			return nil
		}
		moved = true
		return errors.Join(
			os.Rename(filepath.Join(root, "cur/1:2,"), filepath.Join(root, "cur/1:2,RS")),
			os.Rename(filepath.Join(root, "new/2"), filepath.Join(root, "cur/2:2,S")),
			os.Remove(filepath.Join(root, "cur/3:2,S")),
		)
	}
	_, outcomes := importAll(t, a, Options{Paths: []string{root}, InFlight: 1})
	got := map[string]string{}
	for _, o := range outcomes {
		rel, _ := filepath.Rel(root, o.Path)
		got[rel] = string(o.Outcome)
	}
	want := map[string]string{"new/0": "stored", "cur/1:2,RS": "stored", "cur/2:2,S": "stored", "cur/3:2,S": "failed"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if k := a.one(t, "1:2,RS"); k.envelope.Origin.Flags != "RS" || k.digest != mail.Sum([]byte(message("one"))) {
		t.Errorf("the flagged one: %+v", k.envelope.Origin)
	}
}

func TestTrackerRate(t *testing.T) {
	now := time.Unix(1e9, 0)
	var last Progress
	track := newTracker(Options{Clock: func() time.Time { return now }, Progress: func(p Progress) { last = p }})
	track.found(2, 1000)
	track.phase(Reading)
	if last.Rate != 0 || last.Left != 0 {
		t.Errorf("at the start %+v, want no rate", last)
	}
	for range 100 { // 10 bytes a second, then 1
		now = now.Add(250 * time.Millisecond)
		track.outcome(Outcome{Outcome: Stored, Size: 2}, 2)
	}
	if last.Rate < 7.9 || last.Rate > 8.1 || last.ItemRate < 3.9 || last.ItemRate > 4.1 || last.Left.Round(time.Second) != 100*time.Second {
		t.Errorf("%+v, want 8 bytes and 4 items a second, 800 bytes left in 100 s", last)
	}
	for range 40 {
		now = now.Add(time.Second)
		track.outcome(Outcome{Outcome: Already}, 1)
	}
	if last.Rate < 0.9 || last.Rate > 1.1 {
		t.Errorf("%+v, want the rate of late, 1 byte a second", last)
	}
	if sum := track.summary(); sum != (Summary{Stored: 100, Already: 40, Bytes: 200, Elapsed: 65 * time.Second}) {
		t.Errorf("%+v", sum)
	}
}

func TestTrackerIsNotChatty(t *testing.T) {
	now := time.Unix(1e9, 0)
	calls := 0
	track := newTracker(Options{Clock: func() time.Time { return now }, Progress: func(Progress) { calls++ }})
	track.phase(Reading)
	for range 1000 {
		now = now.Add(time.Millisecond)
		track.outcome(Outcome{Outcome: Skipped}, 1)
	}
	if calls < 4 || calls > 6 {
		t.Errorf("%d calls in a second, want about 4", calls)
	}
}
