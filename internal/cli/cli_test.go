package cli_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"mailarchive/internal/cli"
	"mailarchive/internal/config"
	"mailarchive/internal/control"
	"mailarchive/internal/control/controltest"
	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
	"mailarchive/internal/observe"
	"mailarchive/internal/search"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"mail-archive": func() { os.Exit(cli.Main(os.Args, cli.System(), testDeps())) },
	})
}

// TestScripts runs the commands as a person would, over an archive in memory.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		// UPDATE_SCRIPTS=1 writes what came out into the scripts; read the
		// difference before keeping it.
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(env *testscript.Env) error {
			env.Setenv("MAIL_ARCHIVE_DATA", filepath.Join(env.WorkDir, "data"))
			env.Setenv("MAIL_ARCHIVE_TIMEZONE", "UTC")
			env.Setenv("HOME", env.WorkDir)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"await": await, "exec-code": execCode},
	})
}

// await waits until a file is there, or with ! until it is not.
func await(ts *testscript.TestScript, gone bool, args []string) {
	name := ts.MkAbs(args[0])
	for deadline := time.Now().Add(20 * time.Second); ; runtime.Gosched() {
		_, err := os.Lstat(name)
		if errors.Is(err, fs.ErrNotExist) == gone {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s: still %v", args[0], err)
		}
	}
}

// execCode runs a command and wants exactly that exit code: "exec-code 2 prog …".
func execCode(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// testDeps have an archive in memory behind a real lock and a real socket. The
// environment tells them what to do wrong: FAKE_FAIL is "call:kind".
func testDeps() cli.Deps {
	return cli.Deps{
		Open:     openFake,
		Serve:    serveFake,
		Version:  observe.Version{Version: "v1.2.3", Commit: "abc", Go: "go1", Formats: []string{"vault 1"}},
		Sources:  config.Sources{Default: os.Getenv("WORK") + "/etc.toml"},
		Patience: 50 * time.Millisecond,
	}
}

type fakeArchive struct {
	*controltest.Archive
	lock *durable.Lock
}

func (f fakeArchive) Close() error { return f.lock.Release() }

func openFake(_ context.Context, c config.Config, _ func(control.Progress)) (cli.Archive, error) {

	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return nil, err
	}
	lock, err := durable.TakeLock(filepath.Join(c.Data, "lock"))
	if err != nil {
		return nil, fmt.Errorf("open archive: %w", err)
	}
	return fakeArchive{fakeMail(), lock}, nil
}

func serveFake(ctx context.Context, c config.Config, ready func(cli.Addresses)) error {
	a, err := openFake(ctx, c, nil)
	if err != nil {
		return err
	}
	defer a.Close()
	l, err := control.Listen(c.Data)
	if err != nil {
		return err
	}
	if name := os.Getenv("FAKE_STUCK"); name != "" {
		<-ctx.Done()
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			return err
		}
		select {} // only a second signal helps
	}
	ready(cli.Addresses{SMTP: string(c.SMTP), HTTP: string(c.HTTP)})
	server := &control.Server{Archive: a, Version: "v1.2.3", UID: os.Geteuid()}
	return server.Serve(ctx, l)
}

func fakeMail() *controltest.Archive {
	a := &controltest.Archive{Fail: fail, Notice: func(control.SearchRequest) string { return os.Getenv("FAKE_NOTICE") }}
	if os.Getenv("FAKE_FINDINGS") != "" {
		a.Findings = []control.Finding{
			{Segment: 3, Offset: 123456, Length: 5000, Seqs: []uint64{8, 9}, IDs: []mail.ID{fakeID(8)}, What: "frame is damaged", Hint: "Restore it from the backup."},
			{What: "catalog is damaged", Hint: "mail-archive reindex makes it again."},
			{Segment: 4, What: "evil \x1b[31m words"},
		}
	}
	day := time.Date(2026, 11, 24, 13, 5, 0, 0, time.UTC)
	for i, subject := range []string{"Rental contract", "Invoice RE-2026/00417", "\x1b]0;evil\x07 \u202egnp.exe", "Größe 寸法 👩‍👧"} {
		m := controltest.Message{Raw: fmt.Appendf(nil, "Subject: %s\r\n\r\nHello\x00\xff\r\n.\r\n", subject)}
		m.ID, m.Date, m.Received = fakeID(i), day.AddDate(0, 0, i), day.AddDate(0, 0, i)
		m.Subject, m.MessageID = subject, fmt.Sprintf("%d@example.org", i)
		m.Size, m.SHA256 = int64(len(m.Raw)), mail.Sum(m.Raw)
		m.From = []string{"Ann Example <ann@example.org>"}
		m.To = []string{"bob@example.org", "Carl <carl@example.net>"}
		m.DeliveredTo, m.Keywords, m.Snippet = []string{"bob@example.org"}, []string{"rental"}, "Hello\r\nthere,\x1b[2J friend"
		m.Attachments = []search.Attachment{{Name: "a.pdf", Type: "application/pdf", Size: 12345}}
		m.Text = "Hello\x1b[2J\r\n\tthere\n\n"
		m.Arrivals = []control.ArrivalShown{{ID: m.ID, Seq: uint64(i + 1), Received: m.Received, Source: "smtp", From: "ann@example.org", To: []string{"bob@example.org"}, Client: "127.0.0.1:5"}}
		a.Add(m)
	}
	return a
}

func fakeID(i int) mail.ID {
	return mail.ID{1, 0x9a, 0xb0, 0, byte(i), 0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, byte(i)}
}

func fail(call string) error {
	name, kind, ok := strings.Cut(os.Getenv("FAKE_FAIL"), ":")
	if !ok || name != call {
		return nil
	}
	for text, err := range map[string]error{
		"damaged": mail.ErrDamaged, "full": mail.ErrFull, "retry": mail.ErrRetry, "large": mail.ErrTooLarge,
		"ambiguous": mail.ErrAmbiguous, "bad": mail.ErrBadInput, "not-allowed": mail.ErrNotAllowed,
	} {
		if text == kind {
			return fmt.Errorf("%s: %w", call, err)
		}
	}
	return errors.New(call + ": " + kind)
}
