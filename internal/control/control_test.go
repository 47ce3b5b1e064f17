package control_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/access"
	"mailarchive/internal/control"
	"mailarchive/internal/control/controltest"
	"mailarchive/internal/mail"
)

// start runs a server for the archive in a fresh folder and returns a client
// of it. At the end both must be gone without a trace.
func start(t testing.TB, archive control.Archive, change func(*control.Server)) (*control.Client, string) {
	t.Helper()
	folder := t.TempDir()
	return startIn(t, folder, archive, change), folder
}

func startIn(t testing.TB, folder string, archive control.Archive, change func(*control.Server)) *control.Client {
	t.Helper()
	before := runtime.NumGoroutine()
	l, err := control.Listen(folder)
	if err != nil {
		t.Fatal(err)
	}
	server := &control.Server{Archive: archive, Version: "test", UID: os.Geteuid()}
	if change != nil {
		change(server)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, l) }()
	client, err := control.Dial(t.Context(), folder)
	t.Cleanup(func() {
		if client != nil {
			client.Close()
		}
		stop()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
		if _, err := os.Lstat(filepath.Join(folder, control.SocketName)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the socket is still there: %v", err)
		}
		awaitGoroutines(t, before)
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// awaitGoroutines waits until no more goroutines run than before.
func awaitGoroutines(t testing.TB, before int) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<20)
			t.Errorf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
			return
		}
	}
}

func everything() access.Scope { return access.Everything("test") }

func sample() *controltest.Archive {
	a := &controltest.Archive{}
	for i := range 3 {
		m := controltest.Message{Raw: fmt.Appendf(nil, "Subject: mail %d\n\nbody\x00\xff\n", i)}
		m.ID = mail.NextID(mail.ID{}, time.UnixMilli(int64(1000*i+1000)))
		m.SHA256, m.Size = mail.Sum(m.Raw), int64(len(m.Raw))
		m.Subject, m.MessageID, m.Text = fmt.Sprintf("mail %d", i), fmt.Sprintf("%d@example", i), "body"
		m.Date = time.UnixMilli(int64(1000 * i)).UTC()
		m.From = []string{"Ann <&> Ünï <ann@example>"}
		a.Add(m)
	}
	return a
}

func TestSearchPagesJoinToTheWhole(t *testing.T) {
	archive := &controltest.Archive{}
	for i := range 1234 {
		m := controltest.Message{}
		m.ID, m.Subject = mail.NextID(mail.ID{}, time.UnixMilli(int64(i+1))), fmt.Sprintf("n%d", i)
		m.Marks = [][2]int{{0, i}}
		archive.Add(m)
	}
	client, _ := start(t, archive, nil)
	for _, test := range []struct{ limit, want int }{{0, 1234}, {1, 1}, {50, 50}, {500, 500}, {501, 501}, {1233, 1233}, {5000, 1234}} {
		var got []string
		var marks [][][2]int
		end, err := client.Search(t.Context(), everything(), control.SearchRequest{Query: "n", Limit: test.limit}, func(h control.Hit) error {
			got, marks = append(got, h.Subject), append(marks, h.Marks)
			return nil
		})
		if err != nil || len(got) != test.want || end.Total != 1234 || end.More != (test.want < 1234) {
			t.Errorf("limit %d: %d hits, end %+v, %v", test.limit, len(got), end, err)
		}
		for i, m := range marks {
			if want := [][2]int{{0, 1233 - i}}; !cmp.Equal(m, want) {
				t.Fatalf("limit %d: hit %d has marks %v, want %v", test.limit, i, m, want)
			}
		}
		for i, subject := range got {
			if subject != fmt.Sprintf("n%d", 1233-i) {
				t.Fatalf("limit %d: hit %d is %s", test.limit, i, subject)
			}
		}
	}
	for _, s := range archive.Scopes() {
		if !s.All() || s.Actor() == "" {
			t.Errorf("scope %+v reached the archive", s)
		}
	}
}

// TestNoticeOfAnyPage: what is to be known of one page is to be known of all.
func TestNoticeOfAnyPage(t *testing.T) {
	for name, noticed := range map[string]func(after string) bool{
		"first":  func(after string) bool { return after == "" },
		"second": func(after string) bool { return after == "500" },
		"last":   func(after string) bool { return after == "1000" },
		"none":   func(string) bool { return false },
	} {
		archive := sample()
		for range 1200 {
			archive.Add(controltest.Message{})
		}
		archive.Notice = func(q control.SearchRequest) string {
			if noticed(q.After) {
				return "made again"
			}
			return ""
		}
		client, _ := start(t, archive, nil)
		end, err := client.Search(t.Context(), everything(), control.SearchRequest{}, func(control.Hit) error { return nil })
		if err != nil || (end.Notice == "made again") != (name != "none") {
			t.Errorf("notice of the %s page: %q, %v", name, end.Notice, err)
		}
	}
}

func TestSearchStopsWhenAsked(t *testing.T) {
	client, _ := start(t, sample(), nil)
	enough, n := errors.New("enough"), 0
	_, err := client.Search(t.Context(), everything(), control.SearchRequest{}, func(control.Hit) error { n++; return enough })
	if err != enough || n != 1 {
		t.Errorf("error %v after %d hits", err, n)
	}
}

func TestReadingCalls(t *testing.T) {
	archive := sample()
	client, _ := start(t, archive, nil)
	want := archive.Messages()[1]
	for _, ref := range []string{want.ID.String(), "1@example"} {
		got, err := client.Show(t.Context(), everything(), ref)
		if diff := cmp.Diff(want.Shown, got); diff != "" || err != nil {
			t.Errorf("Show(%s): %v (-want +got):\n%s", ref, err, diff)
		}
		r, err := client.Raw(t.Context(), everything(), ref)
		if err != nil {
			t.Fatal(err)
		}
		if err := iotest.TestReader(r, want.Raw); err != nil {
			t.Errorf("Raw(%s): %v", ref, err)
		}
		r.Close()
	}
	direct, _ := archive.Stats(t.Context(), everything())
	stats, err := client.Stats(t.Context(), everything())
	if diff := cmp.Diff(direct, stats); diff != "" || err != nil {
		t.Errorf("Stats: %v %s", err, diff)
	}
	if version, pid := client.Server(); version != "test" || pid != os.Getpid() {
		t.Errorf("Server() = %s, %d", version, pid)
	}
}

func TestScopeIsNotWidened(t *testing.T) {
	archive := sample()
	client, _ := start(t, archive, nil)
	nobody := access.Scope{}
	_, showErr := client.Show(t.Context(), nobody, "1@example")
	_, rawErr := client.Raw(t.Context(), nobody, "1@example")
	_, statsErr := client.Stats(t.Context(), nobody)
	_, searchErr := client.Search(t.Context(), nobody, control.SearchRequest{}, nil)
	for _, err := range []error{showErr, rawErr, statsErr, searchErr} {
		if !errors.Is(err, mail.ErrNotAllowed) {
			t.Errorf("error %v, want not allowed", err)
		}
	}
	if n := len(archive.Scopes()); n != 0 {
		t.Errorf("%d calls reached the archive", n)
	}
}

func TestVerifyAndReindex(t *testing.T) {
	archive := sample()
	archive.Findings = []control.Finding{
		{Segment: 3, Offset: 77, Length: 5, Seqs: []uint64{8, 9}, IDs: []mail.ID{{1}}, What: "frame is damaged", Hint: "restore it"},
		{Segment: 4, What: "chain is broken"},
	}
	client, _ := start(t, archive, nil)
	var findings []control.Finding
	var last control.Progress
	progress := func(p control.Progress) { last = p }
	got, err := client.Verify(t.Context(), progress, func(f control.Finding) { findings = append(findings, f) })
	if want := (control.Verified{Segments: 1, Arrivals: 3, Findings: 2}); err != nil || got != want {
		t.Errorf("Verify: %+v, %v", got, err)
	}
	if diff := cmp.Diff(archive.Findings, findings); diff != "" {
		t.Errorf("findings: %s", diff)
	}
	if want := (control.Progress{Done: 3, Total: 3, Unit: "messages"}); last != want {
		t.Errorf("last progress %+v", last)
	}
	last = control.Progress{}
	if err := client.Reindex(t.Context(), progress); err != nil || last.Done != 3 {
		t.Errorf("Reindex: %v, %+v", err, last)
	}
}

// Each kind of error survives the wire at each call, wrapped and joined.
func TestErrorKinds(t *testing.T) {
	var failure error
	var mu sync.Mutex
	archive := sample()
	archive.Fail = func(string) error { mu.Lock(); defer mu.Unlock(); return failure }
	client, _ := start(t, archive, nil)
	calls := map[string]func() error{
		"accept": func() error {
			_, err := client.Accept(t.Context(), mail.Envelope{}, strings.NewReader("x"))
			return err
		},
		"imported": func() error { _, err := client.Imported(t.Context(), mail.Digest{}); return err },
		"search": func() error {
			_, err := client.Search(t.Context(), everything(), control.SearchRequest{}, func(control.Hit) error { return nil })
			return err
		},
		"show":  func() error { _, err := client.Show(t.Context(), everything(), "1@example"); return err },
		"raw":   func() error { _, err := client.Raw(t.Context(), everything(), "1@example"); return err },
		"stats": func() error { _, err := client.Stats(t.Context(), everything()); return err },
		"verify": func() error {
			_, err := client.Verify(t.Context(), func(control.Progress) {}, func(control.Finding) {})
			return err
		},
		"reindex": func() error { return client.Reindex(t.Context(), func(control.Progress) {}) },
	}
	kinds := []error{mail.ErrNotFound, mail.ErrAmbiguous, mail.ErrNotAllowed, mail.ErrDamaged, mail.ErrRetry, mail.ErrFull,
		mail.ErrTooLarge, mail.ErrBadInput, context.Canceled, context.DeadlineExceeded, errors.Join(mail.ErrRetry, mail.ErrFull), io.ErrClosedPipe}
	for name, call := range calls {
		for _, kind := range kinds {
			mu.Lock()
			failure = fmt.Errorf("%s: ö\n\"in vain\": %w", name, kind)
			mu.Unlock()
			err := call()
			if err == nil || err.Error() != failure.Error() {
				t.Errorf("%s: error %q, want %q", name, err, failure)
			}
			for _, k := range kinds[:10] {
				if errors.Is(err, k) != errors.Is(failure, k) {
					t.Errorf("%s: %v is %v: %v", name, failure, k, errors.Is(err, k))
				}
			}
		}
	}
}
