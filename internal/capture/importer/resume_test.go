package importer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"mailarchive/internal/mail"
)

// source is a generated folder, and how often each content is in it.
type source struct {
	root  string
	files map[string]string
	want  map[mail.Digest]int
}

func drawSource(t *rapid.T, root string) source {
	s := source{root: root, files: map[string]string{}, want: map[mail.Digest]int{}}
	subject := rapid.SampledFrom([]string{"a", "b", "c", "d"}) // few, so that equal ones are common
	take := func() string {
		m := message(subject.Draw(t, "subject"))
		s.want[mail.Sum([]byte(m))]++
		return m
	}
	for i := range rapid.IntRange(0, 4).Draw(t, "files") {
		s.files[fmt.Sprintf("f/%d.eml", i)] = take()
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "mboxes") {
		var all []string
		for range rapid.IntRange(1, 6).Draw(t, "members") {
			all = append(all, take())
		}
		s.files[fmt.Sprintf("f/%d.mbox", i)] = mbox(all...)
	}
	for i := range rapid.IntRange(0, 4).Draw(t, "maildir") {
		s.files[fmt.Sprintf("m/cur/%d:2,S", i)] = take()
		s.files["m/new/"] = ""
	}
	return s
}

func (s source) write(t *rapid.T) {
	for name, content := range s.files {
		path := filepath.Join(s.root, name)
		dir := filepath.Dir(path)
		if name[len(name)-1] == '/' {
			dir = path
		}
		err := os.MkdirAll(dir, 0o755)
		if err == nil && dir != path {
			err = os.WriteFile(path, []byte(content), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// trouble is an archive that fails as it was drawn: each Accept is good (0),
// refused for now (1), stored with its answer lost (2), or is the moment at
// which the importer is killed (3).
func trouble(a *fakeArchive, plan []int, kill func()) {
	a.fail = func(n int, _ mail.Envelope) (bool, error) {
		if len(plan) == 0 {
			return false, nil
		}
		switch plan[n%len(plan)] {
		case 1:
			return false, mail.ErrRetry
		case 2:
			return true, errBoom
		case 3:
			kill()
			return n%2 == 0, context.Canceled
		}
		return false, nil
	}
}

// TestResumeProperty: whatever the archive does and however often the import
// is killed, in the end each message is there as often as in the source, no run
// claims what another stored, and one more run stores nothing.
func TestResumeProperty(t *testing.T) {
	base, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	runs := 0
	rapid.Check(t, func(rt *rapid.T) {
		runs++
		s := drawSource(rt, filepath.Join(base, fmt.Sprint(runs)))
		s.files["f/"] = ""
		s.write(rt)
		plan := rapid.SliceOfN(rapid.IntRange(0, 3), 0, 7).Draw(rt, "plan")
		inFlight := rapid.IntRange(1, 5).Draw(rt, "in flight")
		synctest.Test(t, func(*testing.T) {
			a := newFake()
			stored := 0
			for try := 0; ; try++ {
				ctx, cancel := context.WithCancel(context.Background())
				if trouble(a, plan, cancel); try == 20 {
					a.fail = nil // it is well again
				}
				sum, err := Run(ctx, a, Options{Paths: []string{s.root}, InFlight: inFlight, MaxWait: time.Hour})
				cancel()
				stored += sum.Stored
				if err == nil {
					break
				}
				if !errors.Is(err, context.Canceled) && !errors.Is(err, mail.ErrRetry) {
					rt.Fatalf("run %d: %v", try, err)
				}
			}
			s.check(rt, a, stored)
		})
	})
}

func (s source) check(t *rapid.T, a *fakeArchive, stored int) {
	got := a.digests()
	total := 0
	for d, n := range s.want {
		total += n
		if got[d] != n {
			t.Errorf("digest %v is there %d times, want %d", d, got[d], n)
		}
	}
	if len(a.byKey) != total || stored > total {
		t.Errorf("%d there, the runs claim %d stored; want %d", len(a.byKey), stored, total)
	}
	a.fail = nil
	if sum, err := Run(context.Background(), a, Options{Paths: []string{s.root}}); err != nil || sum.Stored != 0 || sum.Already != total {
		t.Errorf("one more run: %+v, %v, want %d already there", sum, err, total)
	}
}
