package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"mailarchive/internal/config"
	"mailarchive/internal/control"
	"mailarchive/internal/control/controltest"
	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
)

type closing struct{ *controltest.Archive }

func (closing) Close() error { return nil }

// run runs a command over what open gives.
func run(t *testing.T, ctx context.Context, folder string, open func() (Archive, error), args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	deps := Deps{
		Open:     func(context.Context, config.Config, func(control.Progress)) (Archive, error) { return open() },
		Sources:  config.Sources{Default: filepath.Join(folder, "none.toml")},
		Patience: time.Second,
	}
	code = Run(ctx, append([]string{"mail-archive", "--data", folder}, args...), Stdio{Out: &o, Err: &e}, deps)
	return code, o.String(), e.String()
}

// Between the end of one process and the start of another a command tries on.
func TestCommandWaitsForTheLock(t *testing.T) {
	tries := 0
	code, out, errs := run(t, t.Context(), t.TempDir(), func() (Archive, error) {
		if tries++; tries < 3 {
			return nil, fmt.Errorf("open: %w", durable.ErrLocked)
		}
		return closing{&controltest.Archive{}}, nil
	}, "stats")
	if code != ExitDone || tries != 3 || !strings.Contains(out, "Messages") || errs != "" {
		t.Errorf("code %d after %d tries: %s%s", code, tries, out, errs)
	}
}

// TestOpeningShowsProgress: to make the catalog again takes its time.
func TestOpeningShowsProgress(t *testing.T) {
	now := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)
	var errs bytes.Buffer
	p := &program{std: Stdio{Err: &errs}, clock: func() time.Time { return now }}
	p.deps.Open = func(_ context.Context, _ config.Config, progress func(control.Progress)) (Archive, error) {
		now = now.Add(time.Minute)
		progress(control.Progress{Done: 400, Total: 1000, Unit: "messages"})
		return closing{&controltest.Archive{}}, nil
	}
	if _, err := p.open(t.Context(), config.Config{}); err != nil || !strings.HasPrefix(errs.String(), "making the catalog again 40%  400 of 1,000 messages") {
		t.Errorf("%q, %v", &errs, err)
	}
}

// A server that comes up meanwhile is used.
func TestCommandFindsTheServerThatStarts(t *testing.T) {
	folder := t.TempDir()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	code, out, errs := run(t, t.Context(), folder, func() (Archive, error) {
		l, err := control.Listen(folder)
		if err != nil {
			t.Fatal(err)
		}
		server := &control.Server{Archive: &controltest.Archive{}, UID: os.Geteuid()}
		go func() { done <- server.Serve(ctx, l) }()
		return nil, durable.ErrLocked
	}, "stats")
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if code != ExitDone || !strings.Contains(out, "Messages") || errs != "" {
		t.Errorf("code %d: %s%s", code, out, errs)
	}
}

func TestCommandGivesUpOnTheLock(t *testing.T) {
	folder := t.TempDir()
	lock, err := durable.TakeLock(filepath.Join(folder, "lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	code, out, errs := run(t, t.Context(), folder, func() (Archive, error) {
		l, err := durable.TakeLock(filepath.Join(folder, "lock"))
		if err == nil {
			l.Release()
		}
		return nil, err
	}, "search", "x")
	if code != ExitFailed || out != "" || !strings.Contains(errs, fmt.Sprintf("held by process %d (", os.Getpid())) {
		t.Errorf("code %d: %s%s", code, out, errs)
	}
}

func TestCommandStopsWaitingWhenStopped(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	code, _, errs := run(t, ctx, t.TempDir(), func() (Archive, error) {
		stop()
		return nil, durable.ErrLocked
	}, "stats")
	if code != ExitFailed || !strings.Contains(errs, "stopped by a signal") {
		t.Errorf("code %d: %s", code, errs)
	}
}

func TestErrorsOfOpeningAreTold(t *testing.T) {
	for _, test := range []struct {
		err  error
		want string
	}{
		{errors.New("disk is gone"), "mail-archive: disk is gone\n"},
		{&os.PathError{Op: "open", Path: "/x", Err: syscall.EACCES}, "as root or as the user"},
		{fmt.Errorf("recover: %w", mail.ErrDamaged), "mail-archive verify"},
	} {
		code, _, errs := run(t, t.Context(), t.TempDir(), func() (Archive, error) { return nil, test.err }, "stats")
		if code != ExitFailed || !strings.Contains(errs, test.want) {
			t.Errorf("%v: code %d: %s", test.err, code, errs)
		}
	}
}

// Another user's server says no, and the command does not go behind it.
func TestRefusalOfTheServerIsTheEnd(t *testing.T) {
	folder := t.TempDir()
	l, err := control.Listen(folder)
	if err != nil {
		t.Fatal(err)
	}
	server := &control.Server{Archive: &controltest.Archive{}, UID: 0, PeerUID: func(net.Conn) (int, error) { return 65432, nil }}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- server.Serve(ctx, l) }()
	code, _, errs := run(t, t.Context(), folder, func() (Archive, error) {
		t.Error("opened behind the server's back")
		return nil, errors.New("no")
	}, "stats")
	stop()
	<-done
	if code != ExitFailed || !strings.Contains(errs, "uid 65432 may not use this archive") || !strings.Contains(errs, "as root") {
		t.Errorf("code %d: %s", code, errs)
	}
}

// What answers on the socket but is no archive of this version is named.
func TestServerOfAnotherKind(t *testing.T) {
	folder := t.TempDir()
	l, err := control.Listen(folder)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.NotFoundHandler()}
	done := make(chan struct{})
	go func() { defer close(done); server.Serve(l) }()
	defer func() { server.Close(); <-done }()
	code, _, errs := run(t, t.Context(), folder, func() (Archive, error) { return nil, errors.New("no") }, "stats")
	if code != ExitFailed || !strings.Contains(errs, "restart it") {
		t.Errorf("code %d: %s", code, errs)
	}
}

// A standard output that fails is a failure, unless its reader has gone.
func TestOutputThatFails(t *testing.T) {
	archive := &controltest.Archive{}
	m := controltest.Message{Raw: []byte("x")}
	m.Subject, m.ID = "x", mail.NextID(mail.ID{}, time.UnixMilli(1))
	archive.Add(m)
	for _, test := range []struct {
		err  error
		want int
	}{{syscall.ENOSPC, ExitFailed}, {syscall.EPIPE, ExitDone}} {
		for _, args := range [][]string{
			{"search", "x"}, {"search", "--json", "x"}, {"show", m.ID.String()}, {"raw", m.ID.String()}, {"stats"}, {"stats", "--json"},
			{"verify"}, {"reindex"}, {"config", "print"}, {"config", "check"}, {"version"},
		} {
			var errs bytes.Buffer
			folder := t.TempDir()
			deps := Deps{
				Open: func(context.Context, config.Config, func(control.Progress)) (Archive, error) {
					return closing{archive}, nil
				},
				Sources: config.Sources{Default: filepath.Join(folder, "none.toml")},
			}
			code := Run(t.Context(), append([]string{"mail-archive", "--data", folder}, args...), Stdio{Out: failing{test.err}, Err: &errs}, deps)
			if code != test.want || (errs.Len() == 0) != (test.want == ExitDone) {
				t.Errorf("%v, %v: code %d, want %d: %s", args, test.err, code, test.want, &errs)
			}
		}
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) {
	return 0, &os.PathError{Op: "write", Path: "/dev/stdout", Err: f.err}
}
