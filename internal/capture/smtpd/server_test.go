package smtpd

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"mailarchive/internal/mail"
	"mailarchive/internal/smtp"
)

// archive keeps what it accepts.
type archive struct {
	mu        sync.Mutex
	envelopes []mail.Envelope
	contents  []string
	err       error
}

func (a *archive) Accept(_ context.Context, env mail.Envelope, content io.Reader) (mail.Arrival, error) {
	b, err := io.ReadAll(content)
	a.mu.Lock()
	defer a.mu.Unlock()
	if err = errors.Join(err, a.err); err != nil {
		return mail.Arrival{}, fmt.Errorf("accept: %w", err)
	}
	a.envelopes = append(a.envelopes, env)
	a.contents = append(a.contents, string(b))
	return mail.Arrival{ID: mail.ID{15: byte(len(a.contents))}, Size: int64(len(b))}, nil
}

// start serves until the test ends.
func start(t *testing.T, s *Server) []net.Addr {
	t.Helper()
	s.Hostname = "archive.test"
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	if err := s.Listen(context.Background()); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- s.Serve() }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := errors.Join(s.Shutdown(ctx), <-done); err != nil {
			t.Errorf("Shutdown and Serve: %v", err)
		}
	})
	return s.Addrs()
}

// talk sends all of in and returns all that the server says until it closes.
func talk(t *testing.T, addr net.Addr, in string) string {
	t.Helper()
	nc, err := net.Dial(addr.Network(), addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(20 * time.Second)) // a hang fails the test
	io.WriteString(nc, in)
	said, err := io.ReadAll(nc)
	if err != nil {
		t.Fatalf("after %q: %v", said, err)
	}
	return string(said)
}

// counted reads a counter with the given label values, in the order of the
// labels' names.
func counted(t *testing.T, registry *prometheus.Registry, name string, values ...string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			var got []string
			for _, label := range metric.GetLabel() {
				got = append(got, label.GetValue())
			}
			if family.GetName() == name && slices.Equal(got, values) {
				return metric.GetCounter().GetValue()
			}
		}
	}
	return 0
}

const twoMessages = "MAIL FROM:<a@b> SIZE=3 RET=HDRS\r\nRCPT TO:<c@d> NOTIFY=NEVER\r\nRCPT TO:<e@f>\r\nDATA\r\nx\r\n.\r\n" +
	"MAIL FROM:<>\r\nRCPT TO:<g@h>\r\nDATA\r\n.\r\nQUIT\r\n"

func TestEnvelopes(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "lmtp")
	a := &archive{}
	addrs := start(t, &Server{Archive: a, SMTP: []string{"127.0.0.1:0"}, LMTP: []string{"127.0.0.1:0", "unix:" + socket}})
	clients := []string{"127.0.0.1:", "127.0.0.1:", "unix:" + socket}
	for i, hello := range []string{"HELO client\r\n", "LHLO client\r\n", "LHLO client\r\n"} {
		said := talk(t, addrs[i], hello+twoMessages)
		source, answers := "smtp", 2
		if i > 0 {
			source, answers = "lmtp", 3 // one for each recipient
		}
		if got := strings.Count(said, "\r\n250 2.0.0 Archived as 0000000000000000000000000"); got != answers {
			t.Errorf("%s: %d answers, want %d: %q", source, got, answers, said)
		}
		want := []mail.Envelope{
			{Source: source, From: "a@b", FromParams: []string{"SIZE=3", "RET=HDRS"}, Helo: "client",
				To: []mail.Recipient{{Address: "c@d", Params: []string{"NOTIFY=NEVER"}}, {Address: "e@f"}}},
			{Source: source, To: []mail.Recipient{{Address: "g@h"}}, Helo: "client"},
		}
		got := a.envelopes[2*i:]
		for j := range got {
			if !strings.HasPrefix(got[j].Client, clients[i]) {
				t.Errorf("client %q, want %q and a port", got[j].Client, clients[i])
			}
			want[j].Client = got[j].Client
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", source, diff)
		}
	}
	if diff := cmp.Diff([]string{"x\r\n", "", "x\r\n", "", "x\r\n", ""}, a.contents); diff != "" {
		t.Error(diff)
	}
}

func TestTLS(t *testing.T) {
	certificate, err := SelfSigned("archive.test")
	if err != nil {
		t.Fatal(err)
	}
	a := &archive{}
	addr := start(t, &Server{Archive: a, SMTP: []string{"127.0.0.1:0"}, TLS: &tls.Config{Certificates: []tls.Certificate{certificate}}})[0]
	nc, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	io.WriteString(nc, "EHLO client\r\nSTARTTLS\r\n")
	for in := bufio.NewReader(nc); ; {
		line, err := in.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if line == "220 2.0.0 Go ahead\r\n" {
			break
		}
	}
	secured := tls.Client(nc, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13})
	io.WriteString(secured, "EHLO secured\r\n"+twoMessages)
	if _, err := io.ReadAll(secured); err != nil {
		t.Fatal(err)
	}
	if len(a.envelopes) != 2 || !strings.HasPrefix(a.envelopes[0].TLS, "TLSv1.3 TLS_") || a.envelopes[0].Helo != "secured" {
		t.Errorf("envelopes %+v", a.envelopes)
	}
}

// TestReplies is the table from kinds of error to what the peer hears.
func TestReplies(t *testing.T) {
	wrapped := func(err error) error { return fmt.Errorf("append: commit: %w", err) }
	for _, tt := range []struct {
		err  error
		want string
	}{
		{wrapped(mail.ErrTooLarge), "552 5.3.4 Message is larger than this archive takes (refusal "},
		{wrapped(mail.ErrFull), "452 4.3.1 Not enough space, try again later (refusal "},
		{wrapped(mail.ErrNotAllowed), "550 5.7.1 Not allowed here (refusal "},
		{wrapped(mail.ErrRetry), "451 4.3.0 Message could not be stored, try again later (refusal "},
		{wrapped(mail.ErrDamaged), "451 4.3.0 "},
		{wrapped(mail.ErrBadInput), "451 4.3.0 "},
		{errors.New("sync segment: input/output error"), "451 4.3.0 "},
		{context.Canceled, "451 4.3.0 "},
		{wrapped(smtp.Reply{Code: 552, Status: "5.3.4", Text: "Over"}), "552 5.3.4 Over (refusal "},
	} {
		var log bytes.Buffer
		registry := prometheus.NewRegistry()
		addr := start(t, &Server{Archive: &archive{err: tt.err}, SMTP: []string{"127.0.0.1:0"}, Metrics: registry,
			Log: slog.New(slog.NewTextHandler(&log, nil))})[0]
		said := talk(t, addr, "HELO me\r\nMAIL FROM:<secret@b>\r\nRCPT TO:<hidden@d>\r\nDATA\r\nSubject: private\r\n.\r\nQUIT\r\n")
		_, answer, _ := strings.Cut(said, "354 End with <CRLF>.<CRLF>\r\n")
		if !strings.HasPrefix(answer, tt.want) {
			t.Errorf("%v: got %q, want %q", tt.err, answer, tt.want)
		}
		if strings.Contains(answer, "segment") || strings.Contains(answer, "append") {
			t.Errorf("%v: the peer learns of our insides: %q", tt.err, answer)
		}
		checkRefusalLog(t, log.String(), answer, tt.err)
		class := answer[:1] + "xx"
		if got := counted(t, registry, "capture_messages_total", class, "smtp"); got != 1 {
			t.Errorf("%v: counted %v of class %s, want 1", tt.err, got, class)
		}
	}
}

// checkRefusalLog wants the detail in the log, under the name that the peer was
// told, and nothing of the mail.
func checkRefusalLog(t *testing.T, log, answer string, cause error) {
	t.Helper()
	_, name, _ := strings.Cut(answer, "(refusal ")
	name, _, _ = strings.Cut(name, ")")
	if name == "" || !strings.Contains(log, "refusal="+name) || !strings.Contains(log, cause.Error()) {
		t.Errorf("log lacks refusal %q or %q: %s", name, cause, log)
	}
	for _, private := range []string{"secret", "hidden", "private"} {
		if strings.Contains(log, private) {
			t.Errorf("log has %q: %s", private, log)
		}
	}
}

func TestOversized(t *testing.T) {
	a := &archive{}
	addr := start(t, &Server{Archive: a, SMTP: []string{"127.0.0.1:0"}, Limits: smtp.Limits{Size: 10}})[0]
	said := talk(t, addr, "HELO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n0123456789\r\n.\r\nQUIT\r\n")
	if !strings.Contains(said, "\r\n552 5.3.4 Message is larger than this server takes\r\n") || len(a.contents) != 0 {
		t.Errorf("said %q, archived %q", said, a.contents)
	}
}

func TestNetworks(t *testing.T) {
	for _, tt := range []struct {
		ip   string
		want bool
	}{
		{"127.0.0.1", true}, {"127.9.9.9", true}, {"::1", true}, {"10.1.2.3", true}, {"172.16.0.1", true}, {"172.32.0.1", false},
		{"192.168.1.1", true}, {"192.169.1.1", false}, {"169.254.1.1", true}, {"fd00::1", true}, {"fe80::1", true},
		{"::ffff:10.0.0.1", true}, {"::ffff:8.8.8.8", false}, {"8.8.8.8", false}, {"2001:db8::1", false}, {"100.64.0.1", false},
	} {
		if got := admitted(DefaultNetworks(), &net.TCPAddr{IP: net.ParseIP(tt.ip), Port: 1}); got != tt.want {
			t.Errorf("%s: admitted %v, want %v", tt.ip, got, tt.want)
		}
	}
	if !admitted(DefaultNetworks(), &net.TCPAddr{IP: net.ParseIP("fe80::1"), Zone: "eth0"}) {
		t.Error("a link-local address with its zone was refused")
	}
	if !admitted(nil, &net.UnixAddr{Net: "unix"}) || admitted(DefaultNetworks(), &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}) {
		t.Error("Unix sockets may connect, other kinds may not")
	}
}

func TestForeignNetworkIsRefused(t *testing.T) {
	registry := prometheus.NewRegistry()
	elsewhere := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	addr := start(t, &Server{Archive: &archive{}, SMTP: []string{"127.0.0.1:0"}, Networks: elsewhere, Metrics: registry})[0]
	if got, want := talk(t, addr, ""), "554 5.7.1 Your network may not hand in mail here\r\n"; got != want {
		t.Errorf("said %q, want %q", got, want)
	}
	if got := counted(t, registry, "capture_connections_total", "refused"); got != 1 {
		t.Errorf("counted %v refused, want 1", got)
	}
}

func TestTooManyConnections(t *testing.T) {
	registry := prometheus.NewRegistry()
	s := &Server{Archive: &archive{}, SMTP: []string{"127.0.0.1:0"}, LMTP: []string{"127.0.0.1:0"}, Limits: smtp.Limits{Connections: 1}, Metrics: registry}
	addrs := start(t, s)
	first, err := net.Dial("tcp", addrs[0].String())
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	bufio.NewReader(first).ReadString('\n')
	if got := talk(t, addrs[1], ""); !strings.HasPrefix(got, "421 4.7.0 ") {
		t.Errorf("said %q, want 421", got)
	}
	if got := counted(t, registry, "capture_connections_total", "turned_away"); got != 1 {
		t.Errorf("counted %v, want 1", got)
	}
}

func TestUnixSocket(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "lmtp")
	stale, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := listen(context.Background(), "unix:"+path); err == nil {
		t.Error("a socket in use was taken over")
	}
	stale.(*net.UnixListener).SetUnlinkOnClose(false)
	stale.Close()
	l, err := listen(context.Background(), "unix:"+path)
	if err != nil {
		t.Fatalf("a stale socket is in the way: %v", err)
	}
	defer l.Close()
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != socketMode {
		t.Errorf("socket: %v, %v, want mode %v", info, err, socketMode)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := listen(context.Background(), "unix:"+file); err == nil {
		t.Error("a file was taken for a socket")
	}
	if _, err := os.Stat(file); err != nil {
		t.Errorf("the file is gone: %v", err)
	}
}

func TestListenAllOrNone(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	path := filepath.Join(t.TempDir(), "lmtp")
	s := &Server{Archive: &archive{}, SMTP: []string{"127.0.0.1:0"}, LMTP: []string{"unix:" + path, taken.Addr().String()}}
	if err := s.Listen(context.Background()); err == nil {
		t.Fatal("no error though an address is in use")
	}
	if _, err := os.Stat(path); err == nil || len(s.Addrs()) != 0 {
		t.Errorf("still listening on %v", s.Addrs())
	}
}

// TestShutdownBeforeServe: the listeners close and Serve returns.
func TestShutdownBeforeServe(t *testing.T) {
	s := &Server{Archive: &archive{}, SMTP: []string{"127.0.0.1:0"}}
	if err := s.Listen(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := s.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	if err := s.Serve(); err != nil {
		t.Errorf("Serve: %v", err)
	}
	if _, err := net.Dial("tcp", s.Addrs()[0].String()); err == nil {
		t.Error("still listening")
	}
}

func TestRegisterTwice(t *testing.T) {
	registry := prometheus.NewRegistry()
	for i, want := range []bool{true, false} {
		s := &Server{Archive: &archive{}, SMTP: []string{"127.0.0.1:0"}, Metrics: registry}
		err := s.Listen(context.Background())
		if (err == nil) != want {
			t.Errorf("Listen %d: %v", i, err)
		}
		s.closeListeners()
	}
}
