package durable

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// ErrLocked says that another process holds the lock.
var ErrLocked = errors.New("in use by another process")

// Lock is held by the one process that owns a data folder. The kernel lets it
// go when the process ends, however it ends.
type Lock struct{ f *os.File }

// TakeLock makes the file if need be and locks it (flock(2)) without waiting.
// The error wraps [ErrLocked] when somebody else has it.
func TakeLock(name string) (*Lock, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return &Lock{f}, nil
	}
	f.Close()
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, fmt.Errorf("%s: %w", name, ErrLocked)
	}
	return nil, fmt.Errorf("lock %s: %w", name, err)
}

// Release lets the lock go. The file stays: taking it away would let two
// processes hold two files of one name.
func (l *Lock) Release() error { return l.f.Close() }
