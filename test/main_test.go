// Package test runs the built binary against real servers and real disks, as a
// user would. Nothing in it imports the archive's own packages, test support
// excepted: what it knows, it knows from the outside.
package test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// binary is the archive, built once for all tests, without the race detector:
// memory and speed are looked at here.
var binary string

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "mail-archive-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	binary = filepath.Join(folder, "mail-archive")
	build := exec.Command("go", "build", "-o", binary, "../cmd/mail-archive")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(folder)
	os.Exit(code)
}

// soak says that tests may take long.
func soak() bool { return os.Getenv("MAIL_SOAK") != "" }

// needs skips the test, and says so, when a program is not installed.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	t.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin")
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("NOT RUN: %s is not installed (as root, make packages installs it)", p)
		}
	}
}

// asRoot skips the test, and says so, for anybody else.
func asRoot(t *testing.T, why string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skipf("NOT RUN: needs root to %s", why)
	}
}

// port returns a TCP address of this machine that nobody listens on.
func port(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// server is a running archive.
type server struct {
	t                      *testing.T
	data, smtp, lmtp, http string
	extra                  []string
	cmd                    *exec.Cmd
	log                    *logBuffer
	ended                  chan struct{}
}

// logBuffer takes a process's log while the test reads it.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// serve starts an archive in the folder and waits until it answers.
func serve(t *testing.T, data string, extra ...string) *server {
	t.Helper()
	s := &server{t: t, data: data, smtp: port(t), lmtp: port(t), http: port(t), extra: extra}
	t.Cleanup(s.stop)
	s.start()
	return s
}

func (s *server) start() {
	s.t.Helper()
	args := append([]string{"serve", "--data", s.data, "--smtp", s.smtp, "--lmtp", s.lmtp, "--http", s.http}, s.extra...)
	s.cmd = exec.Command(binary, args...)
	s.log = &logBuffer{}
	s.cmd.Stderr = s.log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.ended = make(chan struct{})
	go func(cmd *exec.Cmd, ended chan struct{}) {
		cmd.Wait()
		close(ended)
	}(s.cmd, s.ended)
	s.until("the archive answers", 30*time.Second, func() bool {
		select {
		case <-s.ended:
			s.t.Fatalf("archive ended:\n%s", s.log)
		default:
		}
		c, err := net.Dial("tcp", s.smtp)
		if err != nil {
			return false
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(10 * time.Second))
		line, err := bufio.NewReader(c).ReadString('\n')
		return err == nil && strings.HasPrefix(line, "220")
	})
}

// stop ends the archive in order; it may have ended already.
func (s *server) stop() {
	if s.cmd == nil {
		return
	}
	s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-s.ended:
	case <-time.After(30 * time.Second):
		s.cmd.Process.Kill()
		s.t.Errorf("archive did not stop within 30 seconds of SIGTERM:\n%s", s.log)
	}
	s.cmd = nil
}

// kill ends it as kill -9 does.
func (s *server) kill() {
	s.cmd.Process.Kill()
	<-s.ended
}

// until waits for a fact, looking every few milliseconds.
func (s *server) until(what string, patience time.Duration, is func() bool) {
	s.t.Helper()
	await(s.t, what, patience, is)
}

func await(t *testing.T, what string, patience time.Duration, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited %s in vain until %s", patience, what)
		}
	}
}

// run calls the archive's command line on the server's folder and returns what
// it printed and its exit code.
func (s *server) run(args ...string) (string, int) {
	s.t.Helper()
	return command(s.t, append([]string{args[0], "--data", s.data}, args[1:]...)...)
}

func command(t *testing.T, args ...string) (string, int) {
	t.Helper()
	cmd := exec.Command(binary, args...)
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%v: %v", args, err)
	}
	if complaints.Len() > 0 && cmd.ProcessState.ExitCode() != 3 { // 3 is nothing found
		t.Logf("%s: %s", args[0], bytes.TrimSpace(complaints.Bytes()))
	}
	return out.String(), cmd.ProcessState.ExitCode()
}

// stats reads the counts.
func (s *server) stats() (n struct{ Arrivals, Stored, Indexed, Unparseable uint64 }) {
	s.t.Helper()
	out, code := s.run("stats", "--json")
	if code != 0 || json.Unmarshal([]byte(out), &n) != nil {
		s.t.Fatalf("stats: exit %d, %q\n%s", code, out, s.log)
	}
	return n
}

// hit is what search --json prints, as far as the tests look at it.
type hit struct {
	ID          string
	Subject     string
	SHA256      string
	Size        int64
	DeliveredTo []string `json:"delivered_to"`
}

func (s *server) search(query string, args ...string) []hit {
	s.t.Helper()
	out, code := s.run(append(append([]string{"search"}, args...), "--json", query)...)
	if code != 0 && code != 3 {
		s.t.Fatalf("search %q: exit %d\n%s", query, code, s.log)
	}
	var hits []hit
	for d := json.NewDecoder(strings.NewReader(out)); d.More(); {
		var h hit
		if err := d.Decode(&h); err != nil {
			s.t.Fatalf("search %q: %v in %q", query, err, out)
		}
		hits = append(hits, h)
	}
	return hits
}

// found waits for the query to find n messages.
func (s *server) found(query string, n int, patience time.Duration) []hit {
	s.t.Helper()
	var hits []hit
	s.until(fmt.Sprintf("%q finds %d (log: %s)", query, n, s.log), patience, func() bool {
		hits = s.search(query)
		return len(hits) == n
	})
	return hits
}

// raw returns the exact bytes of a message.
func (s *server) raw(id string) []byte {
	s.t.Helper()
	out, code := s.run("raw", id)
	if code != 0 {
		s.t.Fatalf("raw %s: exit %d", id, code)
	}
	return []byte(out)
}
