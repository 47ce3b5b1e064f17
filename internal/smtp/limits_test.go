package smtp

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// endless sends a beginning, then the same bytes for ever. It counts them.
type endless struct {
	script
	again string
	sends int
}

func (e *endless) Read(p []byte) (int, error) {
	if len(e.pieces) > 0 {
		return e.script.Read(p)
	}
	for i := range p {
		p[i] = e.again[(e.sends+i)%len(e.again)]
	}
	e.sends += len(p)
	return len(p), nil
}

func TestEndless(t *testing.T) {
	for _, tt := range []struct {
		name, begin, again string
		end                string // of what the server said
		most               int    // bytes it may have read
	}{
		{"command line", "", "x", "500 5.5.2 Command line too long\r\n", 400 << 10},
		{"command line of spaces", "", " ", "500 5.5.2 Command line too long\r\n", 400 << 10},
		{"long lines", "", strings.Repeat("x", 12_289) + "\r\n", "421 4.7.0 archive.test Too many errors, closing\r\n", 1 << 20},
		{"nonsense", "", "foo\r\n", "421 4.7.0 archive.test Too many errors, closing\r\n", 64 << 10},
		{"empty lines", "", "\n", "421 4.7.0 archive.test Too many errors, closing\r\n", 64 << 10},
		{"small talk", "", "NOOP\r\n", "421 4.7.0 archive.test Too many commands without a message, closing\r\n", 64 << 10},
		{"small talk between chunks", helo + envelope + "BDAT 0\r\n", "NOOP\r\n", "421 4.7.0 archive.test Too many commands without a message, closing\r\n", 64 << 10},
		{"hello", "", helo, "421 4.7.0 archive.test Too many commands without a message, closing\r\n", 64 << 10},
		{"message", helo + envelope + "DATA\r\n", "no line end", tooBig, 3 << 20},
		{"message of dots", helo + envelope + "DATA\r\n", "..\r\n", tooBig, 4 << 20},
		{"message of line feeds", helo + envelope + "DATA\r\n", "\n.\r\r\n", tooBig, 3 << 20},
		{"chunk", helo + envelope + "BDAT 9999999999\r\n", "x", tooBig, 64 << 10},
		{"chunks", helo + envelope, "BDAT 9\r\nDATA\r\n.\r\nRSET\r\n" + envelope, "Too many commands without a message, closing\r\n", 256 << 10},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := testServer(&recorder{})
			s.Limits = Limits{Size: 1 << 20, Drain: 1 << 20}
			s.prepare()
			e := &endless{script: script{pieces: []string{tt.begin}}, again: tt.again}
			if tt.begin == "" {
				e.pieces = nil
			}
			newConn(s, e, false).serve()
			if said := e.sent.String(); !strings.HasSuffix(said, tt.end) {
				t.Errorf("said at last %q, want %q", said[max(0, len(said)-200):], tt.end)
			}
			if !e.closed || e.sends > tt.most {
				t.Errorf("closed %v after %d bytes, want at most %d", e.closed, e.sends, tt.most)
			}
		})
	}
}

func TestLineLimit(t *testing.T) {
	noop := func(n int) string { return "NOOP " + strings.Repeat("x", n-5) + "\r\n" }
	got := talk(t, testServer(&recorder{}), noop(12_288)+noop(12_289)+noop(300_000)+noop(100))
	want := ok250 + "500 5.5.2 Command line too long\r\n" + "500 5.5.2 Command line too long\r\n"
	if got != want {
		t.Errorf("at the limit, over it, far over it: %s", cmp.Diff(want, got))
	}
	long := "EHLO me\r\n" + "MAIL FROM:<a@b> X=" + strings.Repeat("x", 12_000) + "\r\n"
	r := &recorder{}
	if got := talk(t, testServer(r), pieces(long, 1000)...); !strings.HasSuffix(got, sender) {
		t.Errorf("long parameter: %q", got)
	}
}

func TestRecipientLimit(t *testing.T) {
	const tooMany = "452 4.5.3 Too many recipients, send the others with a message of their own\r\n"
	var in strings.Builder
	in.WriteString(helo + "MAIL FROM:<a@b>\r\n")
	for i := range 10_002 {
		fmt.Fprintf(&in, "RCPT TO:<r%d@example.org>\r\n", i)
	}
	in.WriteString("DATA\r\nx\r\n.\r\n")
	r := &recorder{}
	got := talk(t, testServer(r), in.String())
	want := hi + sender + strings.Repeat(rcptOK, 10_000) + tooMany + tooMany + goOn + taken
	if got != want {
		t.Errorf("10,002 recipients: %d bytes of replies, ending %q", len(got), got[len(got)-300:])
	}
	if n := len(r.events); r.events[n-3] != `to r9999@example.org []` {
		t.Errorf("the last recipient was %q", r.events[n-3])
	}
	s := testServer(&recorder{})
	s.Limits.Envelope = 40
	long := "RCPT TO:<" + strings.Repeat("x", 20) + ">\r\n"
	if got, want := talk(t, s, helo+"MAIL FROM:<a@b>\r\n"+long+long), hi+sender+rcptOK+tooMany; got != want {
		t.Error(cmp.Diff(want, got))
	}
}

// TestSize: what a client declares is checked, what it sends is counted, and
// the one says nothing about the other (RFC 1870 6.1, 6.3).
func TestSize(t *testing.T) {
	send := func(declared string, n int) string {
		return "MAIL FROM:<a@b>" + declared + "\r\nRCPT TO:<c@d>\r\nDATA\r\n" + strings.Repeat("x", n-2) + "\r\n.\r\n"
	}
	for _, tt := range []struct{ name, in, want string }{
		{"at the limit", send("", 1000), accepted + goOn + taken},
		{"one more", send("", 1001), accepted + goOn + tooBig},
		{"far more", send("", 100_000), accepted + goOn + tooBig},
		{"declared too small", send(" SIZE=1", 1000), accepted + goOn + taken},
		{"declared too small, over the limit", send(" SIZE=1", 1001), accepted + goOn + tooBig},
		{"declared too large", send(" SIZE=1000", 10), accepted + goOn + taken},
		{"declared nothing", send(" SIZE", 10), accepted + goOn + taken},
		{"dots do not count", "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n." + strings.Repeat("x", 998) + "\r\n.\r\n", accepted + goOn + taken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := testServer(&recorder{})
			s.Limits.Size = 1000
			if diff := cmp.Diff(hi+tt.want+ok250, talk(t, s, helo, tt.in, "NOOP\r\n")); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestErrorsAreForgiven: a message taken starts the count anew.
func TestErrorsAreForgiven(t *testing.T) {
	once := strings.Repeat("foo\r\n", 19) + envelope + "DATA\r\n.\r\n"
	got := talk(t, testServer(&recorder{}), helo+strings.Repeat(once, 5)+"QUIT\r\n")
	if !strings.HasSuffix(got, bye) || strings.Count(got, taken) != 5 {
		t.Errorf("five messages with 19 errors each: ended with %q", got[len(got)-100:])
	}
}

// TestEndlessMessageByLMTP: each recipient is answered before the connection is
// closed.
func TestEndlessMessageByLMTP(t *testing.T) {
	s := testServer(&recorder{})
	s.Limits = Limits{Size: 1000, Drain: 1000}
	got := talkLMTP(t, s, lhlo+envelope+"RCPT TO:<e@f>\r\nDATA\r\n"+strings.Repeat("x", 100_000))
	if want := rcptOK + goOn + tooBig + tooBig; !strings.HasSuffix(got, want) {
		t.Errorf("said %q, want %q", got, want)
	}
}

// TestTooLargeReachesTheSession: its reader fails, so that it lets go what it
// has.
func TestTooLargeReachesTheSession(t *testing.T) {
	var got error
	s := testServer(&recorder{data: func(body io.Reader) []Reply {
		_, got = io.Copy(io.Discard, readOnly{body})
		return []Reply{{250, "", "Yes"}}
	}})
	s.Limits.Size = 10
	if said := talk(t, s, helo+envelope+"DATA\r\n0123456789\r\n.\r\n"); !strings.HasSuffix(said, tooBig) {
		t.Errorf("said %q", said)
	}
	if ReplyTo(got).Code != 552 {
		t.Errorf("the session's reader failed with %v, want 552", got)
	}
}
