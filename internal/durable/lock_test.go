package durable_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"mailarchive/internal/durable"
)

// lockFile names the lock that this binary, run again, takes and holds until
// its standard input ends.
const lockFile = "DURABLE_TEST_LOCK"

func TestMain(m *testing.M) {
	if name := os.Getenv(lockFile); name != "" {
		os.Exit(holdLock(name))
	}
	os.Exit(m.Run())
}

func holdLock(name string) int {
	lock, err := durable.TakeLock(name)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("held")
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return 1
	}
	if err := lock.Release(); err != nil {
		return 1
	}
	return 0
}

// holder starts the other process; end closes its standard input. It is killed
// with the test.
func holder(t *testing.T, name string) (cmd *exec.Cmd, says string, end io.Closer) {
	t.Helper()
	cmd = exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), lockFile+"="+name)
	in, err := cmd.StdinPipe()
	must(t, err)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() {
		cmd.Process.Kill() // may have ended: no matter
		cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	must(t, err)
	return cmd, line[:len(line)-1], in
}

func wantLocked(t *testing.T, name string) {
	t.Helper()
	lock, err := durable.TakeLock(name)
	if !errors.Is(err, durable.ErrLocked) || lock != nil {
		t.Fatalf("TakeLock: %v, want ErrLocked", err)
	}
}

func wantFree(t *testing.T, name string) {
	t.Helper()
	lock, err := durable.TakeLock(name)
	must(t, err)
	must(t, lock.Release())
}

func TestLockBetweenProcesses(t *testing.T) {
	name := filepath.Join(t.TempDir(), "lock")
	cmd, says, end := holder(t, name)
	if says != "held" {
		t.Fatalf("the other process says %q", says)
	}
	wantLocked(t, name)
	must(t, end.Close())
	must(t, cmd.Wait())
	wantFree(t, name)
}

func TestLockGoesWithAKilledProcess(t *testing.T) {
	name := filepath.Join(t.TempDir(), "lock")
	cmd, _, _ := holder(t, name)
	wantLocked(t, name)
	must(t, cmd.Process.Kill())
	if err := cmd.Wait(); err == nil {
		t.Fatal("the killed process says it ended well")
	}
	wantFree(t, name)
}

func TestOtherProcessIsRefused(t *testing.T) {
	name := filepath.Join(t.TempDir(), "lock")
	lock, err := durable.TakeLock(name)
	must(t, err)
	if _, says, _ := holder(t, name); says != name+": "+durable.ErrLocked.Error() {
		t.Errorf("the other process says %q", says)
	}
	must(t, lock.Release())
	if _, says, _ := holder(t, name); says != "held" {
		t.Errorf("after the release the other process says %q", says)
	}
}

func TestLockWithinAProcess(t *testing.T) {
	name := filepath.Join(t.TempDir(), "lock")
	lock, err := durable.TakeLock(name)
	must(t, err)
	wantLocked(t, name)
	must(t, lock.Release())
	wantFree(t, name)
	if _, err := os.Stat(name); err != nil {
		t.Errorf("the file went with the lock: %v", err)
	}
}

func TestLockInNoFolder(t *testing.T) {
	_, err := durable.TakeLock(filepath.Join(t.TempDir(), "no", "lock"))
	if !errors.Is(err, fs.ErrNotExist) || errors.Is(err, durable.ErrLocked) {
		t.Errorf("%v, want fs.ErrNotExist", err)
	}
}
