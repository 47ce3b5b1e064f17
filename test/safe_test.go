package test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// sender hands in messages over one connection until it is told to stop or
// the archive is gone, and notes those that were acknowledged.
type sender struct {
	mu    sync.Mutex
	acked map[string]string // token -> SHA-256 of the exact bytes
	codes map[string]int    // of all other replies
}

func newSender() *sender { return &sender{acked: map[string]string{}, codes: map[string]int{}} }

func (s *sender) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.acked)
}

// message returns a message that a search for its token finds.
func message(rng *rand.Rand) (token string, content []byte) {
	token = fmt.Sprintf("tok%016x", rng.Uint64())
	var b strings.Builder
	fmt.Fprintf(&b, "From: a@local.example\r\nTo: b@local.example\r\nSubject: load %s\r\n\r\n", token)
	for range rng.IntN(60) {
		fmt.Fprintf(&b, ".line with a dot and %x\r\n", rng.Uint64())
	}
	if rng.IntN(40) == 0 {
		b.WriteString(strings.Repeat("a longer one "+token+"\r\n", 12_000))
	}
	return token, []byte(b.String())
}

// work sends until stop is closed; a broken connection ends it.
func (s *sender) work(address string, seed uint64, stop <-chan struct{}) {
	rng := rand.New(rand.NewPCG(seed, 7))
	c, err := dial(address)
	if err != nil {
		return
	}
	defer c.conn.Close()
	if _, err := c.ask("EHLO load.example"); err != nil {
		return
	}
	for {
		select {
		case <-stop:
			return
		default:
		}
		token, content := message(rng)
		reply, err := c.send("a@local.example", []string{"b@local.example"}, content)
		if err != nil {
			return
		}
		s.mu.Lock()
		if strings.HasPrefix(reply, "250") {
			sum := sha256.Sum256(content)
			s.acked[token] = hex.EncodeToString(sum[:])
		} else {
			s.codes[reply[:3]]++
		}
		s.mu.Unlock()
		if !strings.HasPrefix(reply, "250") {
			if _, err := c.ask("RSET"); err != nil {
				return
			}
		}
	}
}

// allThere checks that each acknowledged message is found and exact, and that
// the vault is sound.
func (s *sender) allThere(t *testing.T, archive *server) {
	t.Helper()
	archive.until("all that is stored is indexed", time.Minute, func() bool {
		n := archive.stats()
		return n.Stored == n.Indexed && int(n.Arrivals) >= s.count()
	})
	found := map[string]string{}
	for _, h := range archive.search("from:a@local.example", "--limit", "0") {
		found[strings.TrimPrefix(h.Subject, "load ")] = h.SHA256
	}
	for token, sum := range s.acked {
		if found[token] != sum {
			t.Fatalf("message %s was acknowledged with digest %s, the archive has %q", token, sum, found[token])
		}
	}
	if out, code := archive.run("verify"); code != 0 {
		t.Fatalf("verify: exit %d\n%s", code, out)
	}
}

// TestKillUnderLoad ends the archive with kill -9 while many connections hand
// in mail, starts it again, and looks.
func TestKillUnderLoad(t *testing.T) {
	rounds := 24
	if testing.Short() {
		rounds = 4
	}
	if soak() {
		rounds = 300
	}
	s := serve(t, t.TempDir(), "--segment-size", "1MiB")
	load := newSender()
	rng := rand.New(rand.NewPCG(1, 2))
	for round := range rounds {
		stop := make(chan struct{})
		var wg sync.WaitGroup
		for c := range 24 {
			wg.Go(func() { load.work(s.smtp, uint64(round*100+c), stop) })
		}
		want := load.count() + 20 + rng.IntN(300)
		s.until("some are acknowledged", time.Minute, func() bool { return load.count() >= want })
		s.kill()
		close(stop)
		wg.Wait()
		begun := time.Now()
		s.start()
		if took := time.Since(begun); took > 5*time.Second {
			t.Errorf("round %d: the start took %s", round, took)
		}
	}
	t.Logf("%d rounds, %d messages acknowledged", rounds, load.count())
	load.allThere(t, s)
}

// TestFullFileSystem fills a small file system under load: 452, nothing lost,
// and intake that goes on by itself when there is space again.
func TestFullFileSystem(t *testing.T) {
	asRoot(t, "mount a small file system")
	folder := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=128m", "tmpfs", folder).CombinedOutput(); err != nil {
		t.Skipf("NOT RUN: no tmpfs can be mounted here: %s", out)
	}
	t.Cleanup(func() { exec.Command("umount", "-l", folder).Run() })
	ballast := filepath.Join(folder, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 104<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	s := serve(t, filepath.Join(folder, "data"), "--min-free", "8MiB")
	load := newSender()
	work := func(until func() bool) {
		t.Helper()
		stop := make(chan struct{})
		var wg sync.WaitGroup
		for c := range 8 {
			wg.Go(func() { load.work(s.smtp, uint64(load.count()*10+c), stop) })
		}
		s.until("the load meets what it should", 2*time.Minute, until)
		close(stop)
		wg.Wait()
	}
	refused := func() int {
		load.mu.Lock()
		defer load.mu.Unlock()
		return load.codes["452"]
	}
	work(func() bool { return refused() >= 50 })
	full := load.count()
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	work(func() bool { return load.count() > full+100 })
	t.Logf("%d acknowledged, replies besides: %v", load.count(), load.codes)
	for code := range load.codes {
		if code != "452" {
			t.Errorf("the full archive answered %s", code)
		}
	}
	load.allThere(t, s)
}
