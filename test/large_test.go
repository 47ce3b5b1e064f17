package test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// peakRSS returns the largest resident set of a process so far, in MiB
// (VmHWM of proc(5)).
func peakRSS(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	if m == nil {
		t.Fatal("no VmHWM")
	}
	kB, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kB >> 10
}

// TestHundredMegabytes sends a message of 100 MB through the server, which
// must hold neither it nor its attachment in memory.
func TestHundredMegabytes(t *testing.T) {
	var b bytes.Buffer
	b.WriteString("From: a@local.example\r\nSubject: the large one\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n" +
		"--x\r\nContent-Type: text/plain\r\n\r\nHolzspielzeug\r\n--x\r\nContent-Type: application/octet-stream\r\n" +
		"Content-Disposition: attachment; filename=large.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n")
	rng := rand.NewChaCha8([32]byte{1})
	line := make([]byte, 57)
	for b.Len() < 100<<20 {
		rng.Read(line)
		b.WriteString(base64.StdEncoding.EncodeToString(line))
		b.WriteString("\r\n")
	}
	b.WriteString("--x--\r\n")
	content := b.Bytes()

	s := serve(t, t.TempDir())
	c := greeted(t, s.smtp)
	reply, err := c.send("a@local.example", []string{"b@local.example"}, content)
	if err != nil || reply[:3] != "250" {
		t.Fatalf("reply %q, %v", reply, err)
	}
	h := s.found("Holzspielzeug", 1, time.Minute)[0]
	got := s.raw(h.ID)
	if sha256.Sum256(got) != sha256.Sum256(content) {
		t.Errorf("%d bytes came out, %d went in", len(got), len(content))
	}
	rss := peakRSS(t, s.cmd.Process.Pid)
	t.Logf("peak RSS of the server: %d MiB", rss)
	if rss > 150 {
		t.Errorf("the server took %d MiB", rss)
	}
}
