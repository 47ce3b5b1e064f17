package smtp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/mail"
)

// step is what a played server expects and then says. An empty reply closes.
type step struct{ expect, reply string }

// played returns a Dialer whose server plays the steps; the first only speaks.
func played(t testing.TB, steps ...step) *Dialer {
	t.Helper()
	var running sync.WaitGroup
	t.Cleanup(running.Wait)
	return &Dialer{Name: "client.test", Connect: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		running.Go(func() {
			defer theirs.Close()
			play(t, theirs, steps)
		})
		return ours, nil
	}}
}

func play(t testing.TB, nc net.Conn, steps []step) {
	in := bufio.NewReader(nc)
	for _, s := range steps {
		if s.expect != "" {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			if got := strings.TrimSuffix(line, "\r\n"); got != s.expect {
				t.Errorf("the server got %q, want %q", got, s.expect)
				return
			}
		}
		if s.reply == "" {
			return
		}
		if _, err := io.WriteString(nc, s.reply); err != nil {
			return
		}
	}
	io.Copy(io.Discard, in)
}

func connect(t testing.TB, d *Dialer, address string) *Client {
	t.Helper()
	c, err := d.Dial(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// sendOne sends a message to recipients and returns the answers.
func sendOne(t testing.TB, c *Client, content string, to ...mail.Address) []Reply {
	t.Helper()
	var recipients []mail.Recipient
	for _, a := range to {
		recipients = append(recipients, mail.Recipient{Address: a})
	}
	sender, replies, err := c.Envelope("a@b", nil, recipients)
	if err != nil || !sender.Positive() || len(replies) != len(to) {
		t.Fatalf("envelope: %v, %v, %v", sender, replies, err)
	}
	w, reply, err := c.Data()
	if err != nil || w == nil {
		t.Fatalf("data: %v, %v", reply, err)
	}
	if _, err := io.WriteString(w, content); err != nil {
		t.Fatal(err)
	}
	answers, err := w.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return answers
}

// TestClientAndServer sends through our own server and compares each byte.
func TestClientAndServer(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"plain", "Subject: x\r\n\r\nhello\r\n", ""},
		{"empty", "", ""},
		{"dots", ".\r\n..\r\n...\r\n.a\r\n\r\n.\r\n", ""},
		{"bare line ends", "a\n.\nb\r.\rc\n.\r\nd\r\n", ""},
		{"eight bits and NUL", "\xff\x00\xfe\r\n", ""},
		{"no line end", "hello", "hello\r\n"},
		{"ends in CR", "hello\r", "hello\r\r\n"},
		{"ends in LF", "hello\n", "hello\n\r\n"},
		{"lone dot", ".", ".\r\n"},
		{"long", strings.Repeat(strings.Repeat("x", 997)+"\r\n.", 300) + "\r\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &recorder{}
			c := connect(t, &Dialer{}, serve(t, testServer(r)))
			if got := sendOne(t, c, tt.in, "c@d"); len(got) != 1 || got[0] != (Reply{250, "2.0.0", "Taken"}) {
				t.Errorf("answers %v", got)
			}
			c.Quit()
			if tt.want == "" {
				tt.want = tt.in
			}
			_, messages := r.seen()
			if diff := cmp.Diff([]string{tt.want}, messages); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestClientPieces cuts a message at every place.
func TestClientPieces(t *testing.T) {
	const message = "a\r\n.b\r\n..\r\n\r\n.\r\r\n.\n.\r\n"
	r := &recorder{}
	c := connect(t, &Dialer{}, serve(t, testServer(r)))
	for i := 1; i < len(message); i++ {
		if _, _, err := c.Envelope("a@b", nil, []mail.Recipient{{Address: "c@d"}}); err != nil {
			t.Fatal(err)
		}
		w, _, err := c.Data()
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, message[:i])
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, message[i:])
		if _, err := w.Finish(); err != nil {
			t.Fatal(err)
		}
		_, messages := r.seen()
		if got := messages[len(messages)-1]; got != message {
			t.Fatalf("cut at %d: got %q, want %q", i, got, message)
		}
	}
}

func TestClientEnvelope(t *testing.T) {
	refusal := Reply{550, "5.1.1", "No such user"}
	for _, pipelining := range []bool{true, false} {
		offers := AllExtensions()
		offers.Pipelining = pipelining
		r := &recorder{refuseRcpt: map[mail.Address]error{"no@d": refusal}, offers: &offers}
		c := connect(t, &Dialer{}, serve(t, testServer(r)))
		to := []mail.Recipient{{Address: "c@d", Params: []string{"NOTIFY=NEVER"}}, {Address: "no@d"}}
		for i := range 200 {
			to = append(to, mail.Recipient{Address: mail.Address(fmt.Sprintf("user%d@example.org", i))})
		}
		sender, got, err := c.Envelope("", []string{"SIZE=12", "BODY=8BITMIME"}, to)
		if err != nil || sender.Code != 250 || len(got) != len(to) {
			t.Fatalf("%v, %d replies, %v", sender, len(got), err)
		}
		for i, reply := range got {
			want := Reply{250, "2.1.5", "Recipient ok"}
			if i == 1 {
				want = refusal
			}
			if reply != want {
				t.Errorf("recipient %d: %v, want %v", i, reply, want)
			}
		}
		if reply, err := c.Reset(); err != nil || !reply.Positive() {
			t.Errorf("reset: %v, %v", reply, err)
		}
		c.Quit()
		events, _ := r.seen()
		want := []string{`from  ["SIZE=12" "BODY=8BITMIME"]`, `to c@d ["NOTIFY=NEVER"]`, `to no@d []`}
		if diff := cmp.Diff(want, events[1:4]); diff != "" {
			t.Error(diff)
		}
	}
}

// seen is what the backend was asked and given so far.
func (r *recorder) seen() (events, messages []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events), slices.Clone(r.messages)
}

// TestClientRefusesInjection: no argument can write a command of its own.
func TestClientRefusesInjection(t *testing.T) {
	r := &recorder{}
	c := connect(t, &Dialer{}, serve(t, testServer(r)))
	for _, a := range []mail.Address{"a@b\r\nDATA", "a@b\nx", "a@b\x00", "a@b> SIZE=1", "a b@c", `"a@b`, "<a@b", "a\tb@c", mail.Address(strings.Repeat("x", 3000))} {
		if Sendable(a) && len(a) < 100 {
			t.Errorf("Sendable(%q)", a)
		}
		if _, err := c.Mail(a); !errors.Is(err, mail.ErrBadInput) {
			t.Errorf("MAIL %q: %v", a, err)
		}
		if _, err := c.Rcpt(mail.Recipient{Address: a}); !errors.Is(err, mail.ErrBadInput) {
			t.Errorf("RCPT %q: %v", a, err)
		}
		if _, _, err := c.Envelope("a@b", nil, []mail.Recipient{{Address: "ok@d"}, {Address: a}}); !errors.Is(err, mail.ErrBadInput) {
			t.Errorf("envelope with %q: %v", a, err)
		}
	}
	for _, p := range []string{"", "X=\r\nRSET", "A B", "SIZE=1\x00"} {
		if _, err := c.Mail("a@b", p); !errors.Is(err, mail.ErrBadInput) {
			t.Errorf("parameter %q: %v", p, err)
		}
	}
	if _, err := c.Command("NOOP\r\nDATA"); !errors.Is(err, mail.ErrBadInput) {
		t.Errorf("command: %v", err)
	}
	for _, a := range []mail.Address{"", "root", `"a b"@c`, `"<>\" "@c`, "用户@例子.广告", "a@[IPv6:::1]"} {
		if !Sendable(a) {
			t.Errorf("%q is not sendable", a)
		}
	}
	if got := sendOne(t, c, "x\r\n", "c@d"); len(got) != 1 || !got[0].Positive() { // nothing was sent and the connection is good
		t.Errorf("afterwards: %v", got)
	}
	events, _ := r.seen()
	if diff := cmp.Diff([]string{`EHLO ` + ownName(), `from a@b []`, `to c@d []`, "data"}, events); diff != "" {
		t.Error(diff)
	}
}

func TestClientLMTP(t *testing.T) {
	each := []Reply{{250, "2.1.5", "One"}, {450, "4.2.0", "Two"}, {552, "5.2.2", "Three"}}
	s := testServer(&recorder{answers: each, refuseRcpt: map[mail.Address]error{"no@d": Reply{550, "5.1.1", "No"}}})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() { s.ServeLMTP(l) })
	t.Cleanup(func() { s.Shutdown(context.Background()); running.Wait() })
	c := connect(t, &Dialer{LMTP: true}, l.Addr().String())
	if diff := cmp.Diff(each, sendOne(t, c, "x\r\n", "a@d", "no@d", "b@d", "c@d")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(each, sendOne(t, c, "y\r\n", "a@d", "b@d", "c@d")); diff != "" { // counted anew
		t.Error(diff)
	}
	c.Quit()
}

// TestClientAnswersCutShort: those that came before the connection broke count.
func TestClientAnswersCutShort(t *testing.T) {
	d := played(t, []step{{"", "220 x\r\n"}, {"LHLO client.test", "250 x\r\n"}, {"MAIL FROM:<a@b>", "250 ok\r\n"},
		{"RCPT TO:<c@d>", "250 ok\r\n"}, {"RCPT TO:<e@f>", "250 ok\r\n"}, {"DATA", "354 go\r\n"}, {".", "250 2.0.0 one\r\n"}, {"never", ""}}...)
	d.LMTP = true
	c := connect(t, d, "x:24")
	if _, _, err := c.Envelope("a@b", nil, []mail.Recipient{{Address: "c@d"}, {Address: "e@f"}}); err != nil {
		t.Fatal(err)
	}
	w, _, err := c.Data()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.End(); err != nil {
		t.Fatal(err)
	}
	if got, err := w.Answer(); err != nil || got != (Reply{250, "2.0.0", "one"}) {
		t.Errorf("%v, %v", got, err)
	}
	c.raw.Close()
	if got, err := w.Answer(); err == nil {
		t.Errorf("an answer out of nowhere: %v", got)
	}
	if _, err := c.Reset(); err == nil {
		t.Error("a broken connection works")
	}
}

// TestClientServerCloses: after 421 nothing is sent any more, and the reason
// stays known.
func TestClientServerCloses(t *testing.T) {
	d := played(t, step{"", "220 x\r\n"}, step{"EHLO client.test", "250 x\r\n"}, step{"MAIL FROM:<a@b>", "421 4.3.2 Bye\r\n"}, step{"never", ""})
	c := connect(t, d, "mx.test:25")
	closing := Reply{421, "4.3.2", "Bye"}
	if got, err := c.Mail("a@b"); err != nil || got != closing {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := c.Rcpt(mail.Recipient{Address: "c@d"}); !errors.Is(err, closing) {
		t.Errorf("%v, want %v", err, closing)
	}
}

// TestClientHungUpOn: a server that refuses in mid-message says why.
func TestClientHungUpOn(t *testing.T) {
	s := testServer(&recorder{})
	s.Limits = Limits{Size: 1 << 20, Drain: 1}
	c := connect(t, &Dialer{}, serve(t, s))
	if _, _, err := c.Envelope("a@b", nil, []mail.Recipient{{Address: "c@d"}}); err != nil {
		t.Fatal(err)
	}
	w, _, err := c.Data()
	if err != nil {
		t.Fatal(err)
	}
	block := []byte(strings.Repeat("x", 998) + "\r\n")
	for err == nil {
		_, err = w.Write(block)
	}
	if got, ok := errors.AsType[Reply](err); ok && got != tooLarge { // the reset may have overtaken it
		t.Errorf("%v, want %v", got, tooLarge)
	}
	if _, err := w.Finish(); err == nil {
		t.Error("the rest was sent")
	}
}
