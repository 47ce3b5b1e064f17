// Command fresh measures how soon mail that was accepted by SMTP is found: it
// sends at a steady rate, each message with a word of its own, and asks the
// server for every tenth from the moment of its 250 until a search has it.
//
//	go run ./bench/fresh -archive ./mail-archive [-rate 500] [-seconds 20]
//
// The searches go over the control socket, one after the other in the order of
// the 250s, so the times printed are on the long side by a few searches.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"mailarchive/internal/control"
)

const (
	goal        = time.Second // p99
	everyNth    = 10          // message is searched for
	connections = 8
)

func main() {
	log.SetFlags(0)
	archive := flag.String("archive", "./mail-archive", "the binary to measure")
	rate := flag.Int("rate", 500, "messages a second")
	seconds := flag.Int("seconds", 20, "how long to send")
	size := flag.Int("size", 10240, "bytes of a message, about")
	flag.Parse()
	if err := run(context.Background(), *archive, *rate, *rate**seconds, *size); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, binary string, rate, messages, size int) error {
	folder, err := os.MkdirTemp("/var/tmp", "bench-fresh-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	server, err := start(ctx, binary, folder)
	if err != nil {
		return err
	}
	defer server.stop()

	accepted := make(chan sample, messages)
	found := make(chan result, 1)
	go func() { found <- look(ctx, server.client, accepted) }()
	s := &sender{address: server.smtp, rate: rate, messages: messages, size: size, accepted: accepted}
	took, late, err := s.send()
	close(accepted)
	r := <-found
	if err != nil {
		return err
	}
	if r.err != nil {
		return r.err
	}
	fmt.Println("| messages | sent/s | sent late by at most ms | searched for | found after p50 ms | p95 | p99 | longest |")
	fmt.Println("|---|---|---|---|---|---|---|---|")
	fmt.Printf("| %d | %.0f | %.0f | %d | %.0f | %.0f | %.0f | %.0f |\n", messages, float64(messages)/took.Seconds(), ms(late), len(r.took),
		ms(percentile(r.took, 50)), ms(percentile(r.took, 95)), ms(percentile(r.took, 99)), ms(percentile(r.took, 100)))
	fmt.Printf("\nGoal at %d messages/s: p99 under %s.\n", rate, goal)
	return nil
}

// running is the server under test.
type running struct {
	smtp   string
	client *control.Client
	cmd    *exec.Cmd
}

// start returns when the server answers.
func start(ctx context.Context, binary, folder string) (*running, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &running{smtp: l.Addr().String()}
	l.Close()
	logFile, err := os.Create(filepath.Join(folder, "log"))
	if err != nil {
		return nil, err
	}
	defer logFile.Close()
	data := filepath.Join(folder, "archive")
	r.cmd = exec.Command(binary, "serve", "--data", data, "--smtp", r.smtp, "--lmtp", "", "--http", "")
	r.cmd.Stderr = logFile
	if err := r.cmd.Start(); err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if r.client, err = control.Dial(ctx, data); err == nil {
			return r, nil
		}
	}
	r.stop()
	return nil, fmt.Errorf("the server does not answer: %w", err)
}

func (r *running) stop() {
	if r.client != nil {
		r.client.Close()
	}
	r.cmd.Process.Signal(syscall.SIGTERM)
	r.cmd.Wait()
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// percentile is the least time that so many in a hundred do not exceed.
func percentile(times []time.Duration, p int) time.Duration {
	if len(times) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(times))
	return s[(len(s)*p+99)/100-1]
}
