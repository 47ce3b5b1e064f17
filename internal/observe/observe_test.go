package observe

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/mail"
)

func TestLogFormats(t *testing.T) {
	tests := []struct {
		format   string
		terminal bool
		json     bool
	}{{Text, false, false}, {Text, true, false}, {JSON, true, true}, {Auto, true, false}, {Auto, false, true}}
	for _, test := range tests {
		var b bytes.Buffer
		log := NewLogger(&b, slog.LevelInfo, test.format, test.terminal)
		log.Debug("not this")
		log.Info("stored", Step("vault"), ID(mail.ID{1}), Err(errors.New("boom")))
		if got := json.Valid(b.Bytes()); got != test.json {
			t.Errorf("%s, terminal %v: JSON %v: %s", test.format, test.terminal, got, b.String())
		}
		for _, want := range []string{"stored", "vault", mail.ID{1}.String(), "boom"} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s: lacks %q: %s", test.format, want, b.String())
			}
		}
		if strings.Contains(b.String(), "not this") {
			t.Errorf("%s: logs below its level", test.format)
		}
	}
}

func get(t *testing.T, h http.Handler, path string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w.Code, w.Body.String()
}

func TestReadiness(t *testing.T) {
	var checks Checks
	mux := NewMux(NewRegistry(BuildVersion()), &checks)
	if code, body := get(t, mux, "/readyz"); code != 200 || !strings.Contains(body, `"ready":true`) {
		t.Errorf("no checks: %d %s", code, body)
	}
	var broken atomic.Bool
	checks.Register("vault", func(context.Context) (string, error) { return "3 segments", nil })
	checks.Register("disk", func(context.Context) (string, error) {
		if broken.Load() {
			return "", errors.New("disk is full")
		}
		return "", nil
	})
	if code, body := get(t, mux, "/readyz"); code != 200 {
		t.Errorf("all well: %d %s", code, body)
	}
	broken.Store(true)
	code, body := get(t, mux, "/readyz")
	var got readiness
	if err := json.Unmarshal([]byte(body), &got); err != nil {
		t.Fatal(err)
	}
	want := readiness{Checks: []Result{{"vault", true, "3 segments"}, {"disk", false, "disk is full"}}}
	if diff := cmp.Diff(want, got); diff != "" || code != 503 {
		t.Errorf("disk full: %d (-want +got):\n%s", code, diff)
	}
	if code, _ := get(t, mux, "/healthz"); code != 200 {
		t.Errorf("/healthz: %d while the process lives", code)
	}
}

// A check that hangs fails in time, and asking again does not pile up.
func TestReadinessOfAHangingCheck(t *testing.T) {
	checks := Checks{Patience: time.Millisecond}
	release := make(chan struct{})
	var runs atomic.Int32
	checks.Register("stuck", func(context.Context) (string, error) {
		runs.Add(1)
		<-release
		return "back", nil
	})
	for range 5 {
		results, ready := checks.Run(t.Context())
		if ready || results[0].OK || !strings.Contains(results[0].Detail, "no answer") {
			t.Fatalf("hanging: %v %v", results, ready)
		}
	}
	if n := runs.Load(); n != 1 {
		t.Errorf("the hanging check was started %d times", n)
	}
	checks.mu.Lock()
	done := checks.parts[0].running
	checks.mu.Unlock()
	close(release)
	<-done
	checks.mu.Lock()
	last := checks.parts[0].last
	checks.mu.Unlock()
	if !last.OK || last.Detail != "back" {
		t.Errorf("afterwards: %v", last)
	}
}

func TestChecksAtOnce(t *testing.T) {
	var checks Checks
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			checks.Register("x", func(context.Context) (string, error) { return "", nil })
			if _, ready := checks.Run(t.Context()); !ready {
				t.Error("not ready")
			}
		})
	}
	wg.Wait()
}

func TestMetrics(t *testing.T) {
	mux := NewMux(NewRegistry(Version{Version: "1.2", Commit: "abc", Go: "go1"}), &Checks{})
	code, body := get(t, mux, "/metrics")
	for _, want := range []string{`mailarchive_build_info{commit="abc",go="go1",version="1.2"} 1`, "go_goroutines", "process_open_fds"} {
		if code != 200 || !strings.Contains(body, want) {
			t.Errorf("%d, lacks %s", code, want)
		}
	}
}

func TestVersion(t *testing.T) {
	info := &debug.BuildInfo{GoVersion: "go1.26", Main: debug.Module{Version: "v1.2.3"}, Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "abcdef"}, {Key: "vcs.modified", Value: "true"},
	}}
	if got, want := versionOf(info).String(), "Mail Archive v1.2.3 (commit abcdef, changed), go1.26, formats: vault 1"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := versionOf(&debug.BuildInfo{GoVersion: "go1"}).String(), "Mail Archive development, go1, formats: vault 1"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if v := BuildVersion(); v.Go == "" || v.Version == "" {
		t.Errorf("this build: %+v", v)
	}
}

func TestServeStopsGracefully(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	entered := make(chan struct{})
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-ctx.Done() // the stop has begun; this request is let finish
		io.WriteString(w, "whole")
	})
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, listener, handler) }()
	go func() { <-entered; cancel() }()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get("http://" + listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); string(body) != "whole" {
		t.Errorf("body %q, %v", body, err)
	}
	if err := <-done; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if _, err := net.Dial("tcp", listener.Addr().String()); err == nil {
		t.Error("still listening")
	}
}

func TestServeReportsABrokenListener(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	if err := Serve(t.Context(), listener, http.NotFoundHandler()); err == nil {
		t.Error("no error")
	}
}
