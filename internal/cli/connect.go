package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"mailarchive/internal/access"
	"mailarchive/internal/config"
	"mailarchive/internal/control"
	"mailarchive/internal/durable"
)

const (
	// lockPatience is how long a server may take to start or stop before we
	// call the archive taken.
	lockPatience = 10 * time.Second
	lockPause    = 100 * time.Millisecond
	// helloPatience is how long a running server may take to answer.
	helloPatience = 10 * time.Second
)

// withArchive connects to the server of the data folder, or else opens the
// archive, for the time of use. Only a command that makes data may make the
// folder.
func (p *program) withArchive(c *cobra.Command, makes bool, use func(context.Context, control.Archive) error) error {
	loaded, err := p.load(c)
	if err != nil {
		return err
	}
	if !makes {
		if err := checkFolder(loaded.Data); err != nil {
			return err
		}
	}
	ctx := c.Context()
	archive, err := p.connect(ctx, loaded.Config)
	if err != nil {
		return err
	}
	err = use(ctx, archive)
	if cerr := archive.Close(); err == nil {
		err = cerr
	}
	return err
}

func checkFolder(folder string) error {
	if _, err := os.Stat(folder); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return &advised{
		fmt.Errorf("there is no archive in %s", folder),
		`"mail-archive serve" or "mail-archive import" makes one there; --data names another folder.`,
	}
}

// connect tries the socket, then the lock, until one of them works or the
// patience ends: in between is a server that starts or stops.
func (p *program) connect(ctx context.Context, c config.Config) (Archive, error) {
	patience := p.deps.Patience
	if patience == 0 {
		patience = lockPatience
	}
	for end := p.clock().Add(patience); ; {
		client, err := dial(ctx, c.Data)
		if err == nil {
			return client, nil
		}
		if !errors.Is(err, control.ErrNoServer) {
			return nil, err
		}
		archive, err := p.open(ctx, c)
		if err == nil {
			return archive, nil
		}
		if !errors.Is(err, durable.ErrLocked) || p.clock().After(end) {
			return nil, err
		}
		if err := pause(ctx, lockPause); err != nil {
			return nil, err
		}
	}
}

// open opens the archive, which may mean to make the catalog again.
func (p *program) open(ctx context.Context, c config.Config) (Archive, error) {
	m := p.meter("making the catalog again")
	defer m.clear()
	return p.deps.Open(ctx, c, m.update)
}

func dial(ctx context.Context, folder string) (*control.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, helloPatience)
	defer cancel()
	client, err := control.Dial(ctx, folder)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, &advised{err, "The running archive does not answer; its log should say why."}
	}
	return client, err
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// scope is what this user may see. Whoever may open the data folder is the
// administrator; a running server asks the kernel who we are.
func scope() access.Scope {
	return access.Everything(fmt.Sprintf("uid %d", os.Getuid()))
}

// lockHolder says which process holds a lock (flock(2)) on a file of the
// folder, empty when that cannot be told.
func lockHolder(folder string) string {
	locks, err := os.ReadFile("/proc/locks")
	if err != nil {
		return ""
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return ""
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			continue
		}
		stat, ok := info.Sys().(*syscall.Stat_t)
		if !ok {
			continue
		}
		if pid := holderOf(locks, stat.Dev, stat.Ino); pid != "" {
			return describeProcess(pid)
		}
	}
	return ""
}

// holderOf finds the process in the text of /proc/locks (proc_locks(5)):
// number, FLOCK, ADVISORY, WRITE, PID, major:minor:inode, …
func holderOf(locks []byte, device, inode uint64) string {
	file := fmt.Sprintf("%02x:%02x:%d", unix.Major(device), unix.Minor(device), inode)
	for line := range bytes.Lines(locks) {
		fields := strings.Fields(string(line))
		if len(fields) > 5 && fields[1] == "FLOCK" && fields[5] == file {
			return fields[4]
		}
	}
	return ""
}

func describeProcess(pid string) string {
	name, err := os.ReadFile(filepath.Join("/proc", pid, "comm"))
	if err != nil {
		return "process " + pid
	}
	return fmt.Sprintf("process %s (%s)", pid, strings.TrimSpace(string(name)))
}
