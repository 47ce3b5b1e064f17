package smtp

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"mailarchive/internal/mail"
)

// discarding is a backend that stores nothing.
type discarding struct{}

func (discarding) Connect(context.Context, Peer) (Session, error)     { return discarding{}, nil }
func (discarding) Hello(context.Context, Hello) (Extensions, error)   { return AllExtensions(), nil }
func (discarding) Mail(context.Context, mail.Address, []string) error { return nil }
func (discarding) Rcpt(context.Context, mail.Recipient) error         { return nil }
func (discarding) Reset()                                             {}
func (discarding) Close()                                             {}
func (discarding) Data(_ context.Context, body io.Reader) (r []Reply) {
	if _, err := io.Copy(io.Discard, body); err != nil {
		return []Reply{ReplyTo(err)}
	}
	return discarded[:]
}

var discarded = [1]Reply{{250, "2.0.0", "Taken"}}

// serve runs a server on a port of its own until the test ends.
func serve(t testing.TB, s *Server) (address string) {
	t.Helper()
	config := net.ListenConfig{KeepAlive: -1} // as smtpd listens
	l, err := config.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		if err := s.Serve(l); err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
		running.Wait()
	})
	return l.Addr().String()
}

// BenchmarkData10k sends pipelined 10 kB messages over kept connections.
func BenchmarkData10k(b *testing.B) {
	message := envelope + "DATA\r\n" + strings.Repeat(strings.Repeat("x", 76)+"\r\n", 131) + ".\r\n"
	for _, conns := range []int{1, 8, 32} {
		b.Run(fmt.Sprintf("conns=%d", conns), func(b *testing.B) {
			address := serve(b, &Server{Backend: discarding{}, Log: quiet()})
			b.SetBytes(int64(len(message)))
			b.ReportAllocs()
			b.SetParallelism(conns)
			var wg sync.WaitGroup
			for i := range conns {
				n := b.N / conns
				if i == 0 {
					n += b.N % conns
				}
				wg.Go(func() { sendMany(b, address, message, n) })
			}
			wg.Wait()
		})
	}
}

func sendMany(b *testing.B, address, message string, n int) {
	nc, err := net.Dial("tcp", address)
	if err != nil {
		b.Error(err)
		return
	}
	defer nc.Close()
	in := bufio.NewReader(nc)
	io.WriteString(nc, helo)
	for range 2 {
		in.ReadString('\n')
	}
	for range n {
		io.WriteString(nc, message)
		for _, want := range []string{"250 2.1.0", "250 2.1.5", "354", "250 2.0.0"} {
			if line, err := in.ReadString('\n'); err != nil || !strings.HasPrefix(line, want) {
				b.Errorf("got %q, %v, want %s", line, err, want)
				return
			}
		}
	}
}

// BenchmarkSource lets Postfix's smtp-source send 10 kB messages, each over a
// connection of its own, to this server and to Postfix's smtp-sink.
func BenchmarkSource(b *testing.B) {
	source, err := exec.LookPath("smtp-source")
	if err != nil {
		b.Skip("smtp-source is not installed")
	}
	send := func(b *testing.B, address string, conns int, options ...string) {
		args := append(options, "-l", "10240", "-s", fmt.Sprint(conns), "-m", fmt.Sprint(max(b.N, conns)), address)
		if out, err := exec.Command(source, args...).CombinedOutput(); err != nil {
			b.Fatalf("smtp-source: %v: %s", err, out)
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
	}
	for _, conns := range []int{1, 8, 32} {
		b.Run(fmt.Sprintf("ours/conns=%d", conns), func(b *testing.B) {
			address := serve(b, &Server{Backend: discarding{}, Log: quiet()})
			b.ResetTimer()
			send(b, address, conns)
		})
		b.Run(fmt.Sprintf("smtp-sink/conns=%d", conns), func(b *testing.B) {
			address := startSink(b)
			b.ResetTimer()
			send(b, address, conns)
		})
		b.Run(fmt.Sprintf("ours/kept/conns=%d", conns), func(b *testing.B) {
			address := serve(b, &Server{Backend: discarding{}, Log: quiet()})
			b.ResetTimer()
			send(b, address, conns, "-d")
		})
		b.Run(fmt.Sprintf("smtp-sink/kept/conns=%d", conns), func(b *testing.B) {
			address := startSink(b)
			b.ResetTimer()
			send(b, address, conns, "-d")
		})
	}
}

func startSink(b *testing.B) (address string) {
	sink, err := exec.LookPath("smtp-sink")
	if err != nil {
		b.Skip("smtp-sink is not installed")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	address = l.Addr().String()
	l.Close()
	args := []string{address, "256"}
	if os.Getuid() == 0 {
		args = append([]string{"-u", "nobody"}, args...) // it insists
	}
	cmd := exec.Command(sink, args...)
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); {
		if nc, err := net.Dial("tcp", address); err == nil {
			nc.Close()
			return address
		}
	}
	b.Fatal("smtp-sink does not listen")
	return ""
}
