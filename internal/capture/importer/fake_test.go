package importer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"mailarchive/internal/mail"
)

// kept is what the fake archive has of one message.
type kept struct {
	envelope mail.Envelope
	digest   mail.Digest
	size     int64
}

// fakeArchive keeps digests and envelopes in memory. fail may refuse: before
// anything is stored, or, with after, when it is stored and the answer is lost.
type fakeArchive struct {
	mu        sync.Mutex
	byKey     map[mail.Digest]kept
	accepts   int
	inFlight  int
	most      int // inFlight at its highest
	fail      func(n int, e mail.Envelope) (after bool, err error)
	asked     func(n int) error // for Imported
	questions int
	id        mail.ID
}

func newFake() *fakeArchive { return &fakeArchive{byKey: map[mail.Digest]kept{}} }

func (a *fakeArchive) Imported(_ context.Context, key mail.Digest) (bool, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.questions++
	if a.asked != nil {
		if err := a.asked(a.questions); err != nil {
			return false, err
		}
	}
	_, ok := a.byKey[key]
	return ok, nil
}

func (a *fakeArchive) Accept(ctx context.Context, e mail.Envelope, r io.Reader) (mail.Arrival, error) {
	n := a.enter(1)
	defer a.enter(-1)
	h := sha256.New()
	size, err := io.Copy(h, r)
	if err != nil {
		return mail.Arrival{}, fmt.Errorf("accept: %w", err)
	}
	if ctx.Err() != nil {
		return mail.Arrival{}, ctx.Err()
	}
	var after bool
	if a.fail != nil {
		if after, err = a.fail(n, e); err != nil && !after {
			return mail.Arrival{}, err
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, ok := a.byKey[e.Origin.Key]; ok {
		return mail.Arrival{}, fmt.Errorf("key %v twice: %s", e.Origin.Key, e.Origin.Path)
	}
	k := kept{e, mail.Digest(h.Sum(nil)), size}
	a.byKey[e.Origin.Key] = k
	a.id = mail.NextID(a.id, time.Unix(1e9, 0))
	return mail.Arrival{ID: a.id, Digest: k.digest, Size: size, Envelope: e}, err
}

func (a *fakeArchive) enter(d int) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.inFlight += d
	a.most = max(a.most, a.inFlight)
	if d > 0 {
		a.accepts++
	}
	return a.accepts
}

// digests returns how often each content is there.
func (a *fakeArchive) digests() map[mail.Digest]int {
	m := map[mail.Digest]int{}
	for _, k := range a.byKey {
		m[k.digest]++
	}
	return m
}

// one returns the message whose path ends so.
func (a *fakeArchive) one(t *testing.T, suffix string) kept {
	t.Helper()
	for _, k := range a.byKey {
		if filepath.Base(k.envelope.Origin.Path) == filepath.Base(suffix) {
			return k
		}
	}
	t.Fatalf("nothing imported from %s", suffix)
	return kept{}
}

// importAll runs an import that must end well and returns its outcomes.
func importAll(t *testing.T, a Archive, o Options) (Summary, []Outcome) {
	t.Helper()
	var outcomes []Outcome
	o.Report = func(out Outcome) { outcomes = append(outcomes, out) }
	sum, err := Run(t.Context(), a, o)
	if err != nil {
		t.Fatalf("Run: %v", err)
	}
	if n := sum.Stored + sum.Already + sum.Skipped + sum.Failed; n != len(outcomes) {
		t.Errorf("summary counts %d items, %d were reported", n, len(outcomes))
	}
	return sum, outcomes
}

// tree writes files, by path below a new folder, and returns the folder. A
// path that ends in a slash is a folder.
func tree(t testing.TB, files map[string]string) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		path := filepath.Join(root, name)
		dir := filepath.Dir(path)
		if name[len(name)-1] == '/' {
			dir = path
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if dir != path {
			if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return root
}

// told is the part of an outcome that tables compare.
type told struct{ Path, Folder, Outcome, Reason string }

// tell shortens outcomes: paths below root, sorted.
func tell(root string, outcomes []Outcome) []told {
	var all []told
	for _, o := range outcomes {
		rel, err := filepath.Rel(root, o.Path)
		if err != nil {
			rel = o.Path
		}
		if o.Index > 0 {
			rel = fmt.Sprintf("%s#%d", rel, o.Index)
		}
		all = append(all, told{rel, o.Folder, string(o.Outcome), o.Reason})
	}
	slices.SortFunc(all, func(a, b told) int { return bytes.Compare([]byte(a.Path), []byte(b.Path)) })
	return all
}

var errBoom = errors.New("boom")
