package smtp

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// client is a peer that reads reply lines and fails the test on others than
// it expects.
type client struct {
	t testing.TB
	net.Conn
	in *bufio.Reader
}

func dial(t testing.TB, address string) *client {
	t.Helper()
	nc, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(20 * time.Second)) // a hang fails the test
	return &client{t, nc, bufio.NewReaderSize(nc, 512)}
}

func (c *client) send(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c.Conn, s); err != nil {
		c.t.Fatalf("send %q: %v", s, err)
	}
}

// expect reads one line for each prefix.
func (c *client) expect(prefixes ...string) {
	c.t.Helper()
	for _, want := range prefixes {
		line, err := c.in.ReadString('\n')
		if err != nil || !strings.HasPrefix(line, want) {
			c.t.Fatalf("got %q, %v, want %q", line, err, want)
		}
	}
}

func (c *client) expectEnd() {
	c.t.Helper()
	if rest, err := io.ReadAll(c.in); err != nil || len(rest) > 0 {
		c.t.Fatalf("got %q, %v, want the end", rest, err)
	}
}

func (c *client) sendMessage() {
	c.t.Helper()
	c.send(helo + envelope + "DATA\r\nx\r\n.\r\n")
	c.expect("250", "250", "250", "354", "250 2.0.0 Taken")
}

// TestIdleConnections: two thousand peers that say nothing are cheap and in
// nobody's way.
func TestIdleConnections(t *testing.T) {
	const n = 2000
	address := serve(t, testServer(&recorder{}))
	before := memory()
	idle := make([]*client, n)
	for i := range idle {
		idle[i] = dial(t, address)
	}
	for _, c := range idle {
		c.expect("220")
	}
	each := (memory() - before) / n
	t.Logf("%d bytes for each idle connection, both ends together", each)
	if each > 20<<10 {
		t.Errorf("an idle connection costs %d bytes, both ends together, want at most 20 KiB", each)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				c := dial(t, address)
				c.expect("220")
				c.sendMessage()
				c.Close()
			}
		})
	}
	wg.Wait()
	idle[n-1].sendMessage() // they are all still welcome
	for _, c := range idle {
		c.Close()
	}
}

func memory() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}

func TestTooManyConnections(t *testing.T) {
	var turned atomic.Int32
	s := testServer(&recorder{})
	s.Limits.Connections = 2
	s.TurnedAway = func(net.Addr) { turned.Add(1) }
	address := serve(t, s)
	first, second := dial(t, address), dial(t, address)
	first.expect("220")
	second.expect("220")
	third := dial(t, address)
	third.expect("421 4.7.0 archive.test Too many connections")
	third.expectEnd()
	first.send("QUIT\r\n")
	first.expect("221")
	first.expectEnd()
	second.sendMessage()
	if turned.Load() != 1 {
		t.Errorf("TurnedAway was called %d times, want once", turned.Load())
	}
	eventually(t, func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.conns) == 1 })
	dial(t, address).expect("220")
}

// eventually waits for a fact that has no event of its own.
func eventually(t *testing.T, fact func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !fact(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain")
		}
	}
}

func TestTooManyConnectionsOfOneClient(t *testing.T) {
	s := testServer(&recorder{})
	s.Limits.PerClient = 2
	s.prepare()
	from := func(ip string) *conn {
		return newConn(s, &addressed{remote: &net.TCPAddr{IP: net.ParseIP(ip), Port: 1}}, false)
	}
	first := from("192.0.2.1")
	for i, tt := range []struct {
		c    *conn
		want bool
	}{
		{first, true}, {from("::ffff:192.0.2.1"), true}, {from("192.0.2.1"), false}, {from("192.0.2.2"), true},
		{from("127.0.0.1"), true}, {from("127.0.0.1"), true}, {from("::1"), true}, {from("127.0.0.1"), true},
	} {
		if got := s.admit(tt.c); got != tt.want {
			t.Errorf("%d: %v: admitted %v, want %v", i, tt.c.raw.RemoteAddr(), got, tt.want)
		}
	}
	s.dismiss(first)
	if !s.admit(from("192.0.2.1")) {
		t.Error("not admitted after another had gone")
	}
	if got := limitedClient(&net.UnixAddr{Name: "/x"}); got.IsValid() {
		t.Errorf("a Unix socket counts as %v", got)
	}
}

type addressed struct {
	script
	remote net.Addr
}

func (a *addressed) RemoteAddr() net.Addr { return a.remote }

// TestTimeouts runs in a bubble of false time.
func TestTimeouts(t *testing.T) {
	const late = "421 4.4.2 archive.test Took too long, closing\r\n"
	for _, tt := range []struct {
		name string
		talk func(c *client)
		took time.Duration
	}{
		{"nothing", func(c *client) {}, time.Minute},
		{"half a command", func(c *client) { c.send("NOO") }, time.Minute},
		{"a command byte by byte", func(c *client) { c.drip("NOOP", 25*time.Second) }, time.Minute},
		{"small talk to the end of the session", func(c *client) {
			for range 12 {
				io.WriteString(c.Conn, "NOOP\r\n")
				<-time.After(59 * time.Second)
			}
		}, 10 * time.Minute},
		{"nothing in DATA", func(c *client) { c.send(helo + envelope + "DATA\r\n") }, time.Minute},
		{"a message byte by byte", func(c *client) {
			c.send(helo + envelope + "DATA\r\n")
			c.drip(strings.Repeat("x", 100), 50*time.Second)
		}, 20 * time.Minute},
		{"nothing between chunks", func(c *client) { c.send(helo + envelope + "BDAT 1\r\nx") }, time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := testServer(&recorder{})
				s.Limits = Limits{Idle: time.Minute, Message: 20 * time.Minute, Session: 10 * time.Minute}
				s.prepare()
				ours, theirs := net.Pipe()
				start := time.Now()
				go newConn(s, ours, false).serve()
				c := &client{t, theirs, bufio.NewReader(theirs)}
				talked := make(chan struct{})
				c.expect("220")
				go func() {
					defer close(talked)
					tt.talk(c)
				}()
				rest, _ := io.ReadAll(c.in)
				if !strings.HasSuffix(string(rest), late) {
					t.Errorf("said %q, want %q", rest, late)
				}
				if took := time.Since(start); took != tt.took {
					t.Errorf("took %v, want %v", took, tt.took)
				}
				<-talked
			})
		})
	}
}

// drip sends s a byte at a time until the connection is closed.
func (c *client) drip(s string, pause time.Duration) {
	for i := range s {
		if _, err := io.WriteString(c.Conn, s[i:i+1]); err != nil {
			return
		}
		<-time.After(pause) // of false time: nobody waits
	}
}

// TestPeerThatDoesNotRead holds the server up no longer than Idle.
func TestPeerThatDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := testServer(&recorder{})
		s.prepare()
		ours, theirs := net.Pipe()
		defer theirs.Close()
		start := time.Now()
		newConn(s, ours, false).serve()
		if took := time.Since(start); took != s.Limits.Idle {
			t.Errorf("gave up after %v, want %v", took, s.Limits.Idle)
		}
	})
}

func TestShutdown(t *testing.T) {
	inData, goAhead := make(chan struct{}), make(chan struct{})
	letGo := sync.OnceFunc(func() { close(goAhead) })
	defer letGo()
	s := testServer(&recorder{data: func(body io.Reader) []Reply {
		close(inData)
		<-goAhead
		if _, err := io.Copy(io.Discard, body); err != nil {
			return []Reply{ReplyTo(err)}
		}
		return []Reply{{250, "2.0.0", "Taken"}}
	}})
	address := serve(t, s)
	idle, between, busy := dial(t, address), dial(t, address), dial(t, address)
	idle.expect("220")
	between.expect("220")
	between.send(helo + envelope)
	between.expect("250", "250", "250")
	busy.expect("220")
	busy.send(helo + envelope + "DATA\r\nhello\r\n")
	busy.expect("250", "250", "250", "354")
	<-inData
	done := make(chan error)
	go func() { done <- s.Shutdown(context.Background()) }()
	for _, c := range []*client{idle, between} {
		c.expect("421 4.3.2 archive.test Shutting down")
		c.expectEnd()
	}
	if _, err := net.Dial("tcp", address); err == nil {
		t.Error("still listening")
	}
	select {
	case err := <-done:
		t.Fatalf("Shutdown returned %v within a message", err)
	default:
	}
	letGo()
	busy.send("world\r\n.\r\n")
	busy.expect("250 2.0.0 Taken", "421 4.3.2")
	busy.expectEnd()
	if err := <-done; err != nil {
		t.Errorf("Shutdown: %v", err)
	}
	if err := s.Serve(closedListener(t)); err != nil {
		t.Errorf("Serve after Shutdown: %v", err)
	}
}

func closedListener(t *testing.T) net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestShutdownByForce: a peer that stops in the middle of a message is cut off
// when the time is up, and the session is told.
func TestShutdownByForce(t *testing.T) {
	inData, broken := make(chan struct{}), make(chan error, 1)
	s := testServer(&recorder{data: func(body io.Reader) []Reply {
		close(inData)
		_, err := io.Copy(io.Discard, body)
		broken <- err
		return []Reply{{250, "2.0.0", "Taken"}}
	}})
	address := serve(t, s)
	c := dial(t, address)
	c.expect("220")
	c.send(helo + envelope + "DATA\r\nhello\r\n")
	c.expect("250", "250", "250", "354")
	<-inData
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown: %v, want %v", err, context.Canceled)
	}
	if err := <-broken; err == nil {
		t.Error("the session saw a whole message")
	}
	c.expectEnd()
}

// failing is a listener whose first Accepts fail.
type failing struct {
	net.Listener
	failures atomic.Int32
}

func (f *failing) Accept() (net.Conn, error) {
	if f.failures.Add(-1) >= 0 {
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	return f.Listener.Accept()
}

func TestAcceptErrors(t *testing.T) {
	var log bytes.Buffer
	s := testServer(&recorder{})
	s.Log = slog.New(slog.NewTextHandler(&log, nil))
	l := &failing{Listener: closedListener(t)}
	l.failures.Store(3)
	done := make(chan error)
	go func() { done <- s.Serve(l) }()
	c := dial(t, l.Addr().String())
	c.expect("220")
	c.sendMessage()
	c.Close()
	s.Shutdown(context.Background())
	if err := <-done; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if got := strings.Count(log.String(), "too many open files"); got != 3 {
		t.Errorf("logged %d of 3 failures:\n%s", got, &log)
	}
}

func TestListenerClosedByOthers(t *testing.T) {
	l := closedListener(t)
	l.Close()
	if err := testServer(&recorder{}).Serve(l); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve: %v, want %v", err, net.ErrClosed)
	}
}

// TestLastWordsArrive though the peer is still sending: a reset would drop
// them.
func TestLastWordsArrive(t *testing.T) {
	s := testServer(&recorder{})
	s.Limits = Limits{Size: 1000, Drain: 1000}
	address := serve(t, s)
	for range 20 {
		c := dial(t, address)
		c.send(helo + envelope + "DATA\r\n" + strings.Repeat("x", 200_000))
		c.expect("220", "250", "250", "250", "354", "552 5.3.4")
		c.Close()
	}
}
