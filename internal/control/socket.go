package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// SocketName is the socket's name in the data folder.
const SocketName = "control.sock"

// maxPath is what fits into sun_path of unix(7) before its closing zero.
const maxPath = 107

// ErrNoServer says that no process answers in that data folder.
var ErrNoServer = errors.New("no server is running")

// Listen makes the socket in the data folder, in place of one that a crash
// left. The caller holds the folder's lock, so nobody else listens there.
// Closing the listener takes the socket away.
func Listen(folder string) (net.Listener, error) {
	name := filepath.Join(folder, SocketName)
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("replace control socket: %w", err)
	}
	var l *net.UnixListener
	err := withShortPath(folder, func(path string) (err error) {
		l, err = net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open control socket: %w", err)
	}
	l.SetUnlinkOnClose(false) // it would go by the short path
	// Between bind and here the umask rules; peers are asked who they are.
	if err := os.Chmod(name, 0o600); err != nil {
		return nil, errors.Join(fmt.Errorf("open control socket: %w", err), l.Close())
	}
	return &listener{l, name}, nil
}

// withShortPath calls use with a path of the socket that fits into a socket
// address. The path is valid during the call only.
func withShortPath(folder string, use func(path string) error) error {
	if path := filepath.Join(folder, SocketName); len(path) <= maxPath {
		return use(path)
	}
	handle, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer handle.Close()
	return use("/proc/self/fd/" + strconv.Itoa(int(handle.Fd())) + "/" + SocketName)
}

type listener struct {
	*net.UnixListener
	name string
}

// Close stops listening and takes the socket away.
func (l *listener) Close() error {
	err := l.UnixListener.Close()
	if rerr := os.Remove(l.name); err == nil && !errors.Is(rerr, fs.ErrNotExist) {
		err = rerr
	}
	return err
}

// dial connects to the socket. The error wraps ErrNoServer when nobody
// listens there.
func dial(ctx context.Context, folder string) (net.Conn, error) {
	var conn net.Conn
	err := withShortPath(folder, func(path string) (err error) {
		var d net.Dialer
		conn, err = d.DialContext(ctx, "unix", path)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return nil, fmt.Errorf("%s: %w", folder, ErrNoServer)
	}
	return conn, err
}

// peerUID asks the kernel who is at the other end (SO_PEERCRED of unix(7)).
func peerUID(conn net.Conn) (int, error) {
	u, ok := conn.(*net.UnixConn)
	if !ok {
		return 0, fmt.Errorf("%T has no peer credentials", conn)
	}
	raw, err := u.SyscallConn()
	if err != nil {
		return 0, err
	}
	var cred *unix.Ucred
	var credErr error
	err = raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err = errors.Join(err, credErr); err != nil {
		return 0, err
	}
	return int(cred.Uid), nil
}
