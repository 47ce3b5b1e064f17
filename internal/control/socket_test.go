package control_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mailarchive/internal/control"
	"mailarchive/internal/mail"
)

func TestForeignUsersAreRefused(t *testing.T) {
	tests := []struct {
		uid     int
		err     error
		allowed bool
	}{{0, nil, true}, {4242, nil, true}, {4243, nil, false}, {0, errors.New("no credentials"), false}}
	for _, test := range tests {
		folder := t.TempDir()
		l, err := control.Listen(folder)
		if err != nil {
			t.Fatal(err)
		}
		server := &control.Server{Archive: sample(), UID: 4242, PeerUID: func(net.Conn) (int, error) { return test.uid, test.err }}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- server.Serve(ctx, l) }()
		client, err := control.Dial(t.Context(), folder)
		if test.allowed != (err == nil) || !test.allowed && !errors.Is(err, mail.ErrNotAllowed) {
			t.Errorf("uid %d, %v: %v", test.uid, test.err, err)
		}
		if client != nil {
			client.Close()
		}
		stop()
		<-done
	}
}

func TestSocketIsForItsOwnerOnly(t *testing.T) {
	_, folder := start(t, sample(), nil)
	info, err := os.Stat(filepath.Join(folder, control.SocketName))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestFolderWithALongName(t *testing.T) {
	folder := filepath.Join(t.TempDir(), strings.Repeat("x", 200), strings.Repeat("y", 200))
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	client := startIn(t, folder, sample(), nil)
	if s, err := client.Stats(t.Context(), everything()); err != nil || s.Stored != 3 {
		t.Errorf("Stats: %+v, %v", s, err)
	}
}

func TestNoServer(t *testing.T) {
	folder := t.TempDir()
	check := func(when, folder string) {
		t.Helper()
		if _, err := control.Dial(t.Context(), folder); !errors.Is(err, control.ErrNoServer) {
			t.Errorf("%s: error %v", when, err)
		}
	}
	check("no socket", folder)
	check("no folder", filepath.Join(folder, "none"))
	check("no folder with a long name", filepath.Join(folder, strings.Repeat("x", 200)))
	// A socket that a killed server left.
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(folder, control.SocketName), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	check("dead socket", folder)
	startIn(t, folder, sample(), nil) // takes its place
}
