package export

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/mail"
)

// TestBrokenMessages: a message that cannot be had is listed, with the reason,
// and those around it are written.
func TestBrokenMessages(t *testing.T) {
	for _, way := range []string{"open", "digest", "late digest", "read"} {
		first, last := message(1, []byte("first\n")), message(3, []byte("last\n"))
		var box, manifest bytes.Buffer
		sum, err := ToStream(t.Context(), sequence(first, broken(2, way), last), &box, &manifest, Options{Format: Mbox})
		if err != nil || sum.Written != 2 || sum.Failed != 1 || len(sum.Failures) != 1 || sum.Failures[0].ID != numberedID(2) {
			t.Fatalf("%s: %+v, %v", way, sum, err)
		}
		if way == "late digest" && !errors.Is(sum.Failures[0].Err, mail.ErrDamaged) {
			t.Errorf("%s: %v is not ErrDamaged", way, sum.Failures[0].Err)
		}
		readsBack(t, box.Bytes(), []Message{first, last})
		entries := readManifest(t, manifest.Bytes())
		if len(entries) != 3 || entries[1].Error == "" || entries[1].File != "" || entries[0].Error+entries[2].Error != "" {
			t.Errorf("%s: manifest %+v", way, entries)
		}
	}
}

// TestFailuresAreBounded: the summary names some, and counts all.
func TestFailuresAreBounded(t *testing.T) {
	messages := func(yield func(Message, error) bool) {
		for i := range maxFailures + 5 {
			if !yield(broken(i+1, "open"), nil) {
				return
			}
		}
	}
	sum, err := ToStream(t.Context(), messages, io.Discard, nil, Options{Format: TGZ})
	if err != nil || sum.Failed != maxFailures+5 || len(sum.Failures) != maxFailures {
		t.Errorf("%d failed, %d named, %v", sum.Failed, len(sum.Failures), err)
	}
}

// TestStops: however an export ends early, its error says why and what was
// written cannot be taken for the whole.
func TestStops(t *testing.T) {
	for _, format := range []Format{TGZ, Zip, Mbox} {
		for name, stop := range map[string]func(cancel func()) func(func(Message, error) bool){
			"sequence fails": func(func()) func(func(Message, error) bool) {
				return func(yield func(Message, error) bool) {
					_ = yield(message(1, []byte("x")), nil) && yield(Message{}, errBoom)
				}
			},
			"cancelled between": func(cancel func()) func(func(Message, error) bool) {
				return func(yield func(Message, error) bool) {
					_ = yield(message(1, []byte("x")), nil)
					cancel()
					_ = yield(message(2, []byte("y")), nil)
				}
			},
			"cancelled, and the sequence just ends": func(cancel func()) func(func(Message, error) bool) {
				return func(yield func(Message, error) bool) {
					_ = yield(message(1, []byte("x")), nil)
					cancel()
				}
			},
			"cancelled while reading": func(cancel func()) func(func(Message, error) bool) {
				return func(yield func(Message, error) bool) {
					m := message(2, []byte("y"))
					m.Open = func(context.Context) (io.ReadCloser, error) { cancel(); return nil, context.Canceled }
					_ = yield(message(1, []byte("x")), nil) && yield(m, nil)
				}
			},
		} {
			ctx, cancel := context.WithCancelCause(t.Context())
			var out bytes.Buffer
			sum, err := ToStream(ctx, stop(func() { cancel(errBoom) }), &out, nil, Options{Format: format})
			if !errors.Is(err, errBoom) || sum.Written != 1 || sum.Failed != 0 {
				t.Errorf("%s, %s: %+v, %v", format, name, sum, err)
			}
			if reader := map[Format]string{TGZ: "tar", Zip: "unzip"}[format]; reader != "" {
				looksCut(t, reader, out.Bytes())
			}
			cancel(nil)
		}
	}
}

// looksCut fails if a stock program takes the bytes for a whole file.
func looksCut(t *testing.T, reader string, b []byte) {
	t.Helper()
	name := t.TempDir() + "/x"
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	args := map[string][]string{"tar": {"tzf", name}, "unzip": {"-tqq", name}}[reader]
	if err := command(t, reader, args...).Run(); err == nil {
		t.Errorf("%s takes a cut file for a whole one", reader)
	}
}

// fullAfter is a place that takes n bytes.
type fullAfter struct{ n int }

func (f *fullAfter) Write(p []byte) (int, error) {
	if f.n -= len(p); f.n < 0 {
		return 0, errBoom
	}
	return len(p), nil
}

// TestWriteErrors: a place that takes no more ends the export, wherever that is.
func TestWriteErrors(t *testing.T) {
	messages := oddMessages()
	for _, format := range []Format{TGZ, Zip, Mbox} {
		for _, n := range []int{0, 1, 100, 5000, 100_000} {
			sum, err := ToStream(t.Context(), sequence(messages...), &fullAfter{n}, nil, Options{Format: format})
			if format != Mbox && n == 100_000 {
				continue // compressed, all of it may fit
			}
			if !errors.Is(err, errBoom) || sum.Failed > 0 {
				t.Errorf("%s, %d bytes: %+v, %v", format, n, sum, err)
			}
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for _, c := range []struct {
		name string
		call func() (Summary, error)
	}{
		{"no format", func() (Summary, error) { return ToStream(t.Context(), sequence(), io.Discard, nil, Options{}) }},
		{"folder as stream", func() (Summary, error) {
			return ToStream(t.Context(), sequence(), io.Discard, nil, Options{Format: EML})
		}},
		{"folder as file", func() (Summary, error) { return ToFile(t.Context(), sequence(), "x", Options{Format: Maildir}) }},
		{"file as folder", func() (Summary, error) { return ToFolder(t.Context(), sequence(), "x", Options{Format: Zip}) }},
	} {
		if _, err := c.call(); !errors.Is(err, mail.ErrBadInput) {
			t.Errorf("%s: %v is not ErrBadInput", c.name, err)
		}
	}
}

func TestProgress(t *testing.T) {
	now := clock()
	var shown []Progress
	o := Options{
		Format: Mbox, Total: 3, Clock: func() time.Time { now = now.Add(progressEvery * 2 / 3); return now },
		Progress: func(p Progress) { shown = append(shown, p) },
	}
	must(t, 3)(ToStream(t.Context(), sequence(message(1, []byte("1")), message(2, []byte("22")), message(3, []byte("333"))), io.Discard, nil, o))
	want := []Progress{{1, 3, 1}, {3, 3, 6}, {3, 3, 6}}
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Errorf("progress (-want +got):\n%s", diff)
	}
}

// TestLargeMessage: memory does not grow with a message.
func TestLargeMessage(t *testing.T) {
	const size = 100 << 20
	zeros := func() io.Reader { return io.LimitReader(endless{}, size) }
	digest := digestOf(t, zeros())
	for _, o := range []Options{{Format: Mbox}, {Format: TGZ}, {Format: Zip, Store: true, DeliveredTo: true}} {
		o.TempDir = t.TempDir()
		m := message(1, nil)
		m.Digest, m.Size = digest, size
		m.Open = func(context.Context) (io.ReadCloser, error) { return io.NopCloser(zeros()), nil }
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		must(t, 1)(ToStream(t.Context(), sequence(m), io.Discard, nil, o))
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 16<<20 {
			t.Errorf("%s: %d bytes were allocated for a message of %d", o.Format, used, size)
		}
		if left, err := os.ReadDir(o.TempDir); err != nil || len(left) > 0 {
			t.Errorf("%s: left behind: %v, %v", o.Format, left, err)
		}
	}
}

// endless gives lines for ever.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = "0123456789abcde\n"[i%16]
	}
	return len(p) - len(p)%16, nil
}
