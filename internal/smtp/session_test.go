package smtp

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/mail"
)

const (
	helo     = "HELO me\r\n"
	ok250    = "250 2.0.0 Ok\r\n"
	hi       = "250 archive.test\r\n"
	sender   = "250 2.1.0 Sender ok\r\n"
	rcptOK   = "250 2.1.5 Recipient ok\r\n"
	goOn     = "354 End with <CRLF>.<CRLF>\r\n"
	taken    = "250 2.0.0 Taken\r\n"
	bye      = "221 2.0.0 archive.test Bye\r\n"
	unknown  = "500 5.5.2 Command not recognized\r\n"
	tooBig   = "552 5.3.4 Message is larger than this server takes\r\n"
	trouble  = "451 4.3.0 Something went wrong here, try again later\r\n"
	envelope = "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n"
	accepted = sender + rcptOK
)

// TestReplies gives bytes in and the exact bytes out.
func TestReplies(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"ehlo", "EHLO me\r\n", "250-archive.test\r\n250-PIPELINING\r\n250-SIZE 157286400\r\n250-ENHANCEDSTATUSCODES\r\n" +
			"250-8BITMIME\r\n250-DSN\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n250 BINARYMIME\r\n"},
		{"helo lower case", "helo me\r\n", hi},
		{"bare LF ends a command line", "HELO me\nNOOP\n", hi + ok250},
		{"white space around", " \tHELO \t me \r\n", hi},
		{"helo without name", "HELO\r\n", "501 5.5.4 Syntax: HELO name\r\n"},
		{"lhlo to smtp", "LHLO me\r\n", unknown},
		{"noop with argument", "NOOP what ever\r\n", ok250},
		{"vrfy", "VRFY root\r\n", "252 2.5.0 Cannot verify, but will take mail\r\n"},
		{"expn", "EXPN staff\r\n", "502 5.5.1 Command not implemented\r\n"},
		{"auth is not offered", "AUTH PLAIN AGEAYg==\r\n", "502 5.5.1 Command not implemented\r\n"},
		{"help", "HELP\r\n", "214 2.0.0 Commands: EHLO HELO MAIL RCPT DATA BDAT RSET NOOP VRFY HELP STARTTLS QUIT\r\n"},
		{"empty line", "\r\n", unknown},
		{"long verb", "ABCDEFGHI\r\n", unknown},
		{"quit", "QUIT\r\nNOOP\r\n", bye},
		{"web browser", "POST / HTTP/1.1\r\nHELO me\r\n", "421 4.7.0 archive.test This is not a web server\r\n"},
		{"mail before hello", "MAIL FROM:<a@b>\r\n", "503 5.5.1 Introduce yourself first\r\n"},
		{"second mail", helo + "MAIL FROM:<a@b>\r\nMAIL FROM:<a@b>\r\n", hi + sender + "503 5.5.1 There is a sender already\r\n"},
		{"rcpt first", helo + "RCPT TO:<a@b>\r\n", hi + "503 5.5.1 MAIL comes first\r\n"},
		{"data without recipients", helo + "MAIL FROM:<a@b>\r\nDATA\r\n", hi + sender + "503 5.5.1 No recipients yet\r\n"},
		{"mail syntax", helo + "MAIL a@b\r\n", hi + "501 5.5.4 Syntax: MAIL FROM:<address>\r\n"},
		{"rcpt syntax", helo + "MAIL FROM:<a@b>\r\nRCPT a@b\r\n", hi + sender + "501 5.5.4 Syntax: RCPT TO:<address>\r\n"},
		{"no sender at all", helo + "MAIL FROM:\r\n", hi + "501 5.1.7 Bad sender: no address\r\n"},
		{"null recipient", helo + "MAIL FROM:<>\r\nRCPT TO:<>\r\n", hi + sender + "501 5.1.3 Bad recipient: no address\r\n"},
		{"bad parameter", helo + "MAIL FROM:<a@b> =x\r\n", hi + "501 5.5.4 Bad sender: malformed parameter\r\n"},
		{"body value", helo + "MAIL FROM:<a@b> BODY=9BIT\r\n", hi + "501 5.5.4 Bad parameter: BODY is 7BIT, 8BITMIME or BINARYMIME\r\n"},
		{"size value", helo + "MAIL FROM:<a@b> SIZE=-1\r\n", hi + "501 5.5.4 Bad parameter: SIZE is a number of bytes\r\n"},
		{"size over the limit", helo + "MAIL FROM:<a@b> SIZE=157286401\r\n", hi + tooBig},
		{"size beyond counting", helo + "MAIL FROM:<a@b> SIZE=99999999999999999999999999\r\n", hi + tooBig},
		{"size at the limit", helo + "MAIL FROM:<a@b> size=157286400\r\n", hi + sender},
		{"starttls without certificate", "EHLO me\r\nSTARTTLS\r\n", "250-archive.test\r\n250-PIPELINING\r\n250-SIZE 157286400\r\n250-ENHANCEDSTATUSCODES\r\n" +
			"250-8BITMIME\r\n250-DSN\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n250 BINARYMIME\r\n503 5.5.1 STARTTLS is not offered here\r\n"},
		{"rset forgets the sender", helo + "MAIL FROM:<a@b>\r\nRSET\r\nRCPT TO:<a@b>\r\n", hi + sender + ok250 + "503 5.5.1 MAIL comes first\r\n"},
		{"hello forgets the sender", helo + "MAIL FROM:<a@b>\r\nHELO me\r\nRCPT TO:<a@b>\r\n", hi + sender + hi + "503 5.5.1 MAIL comes first\r\n"},
		{"cut off in a command", "HELO m", ""},
		{"binary mime needs bdat", helo + "MAIL FROM:<a@b> BODY=BINARYMIME\r\nRCPT TO:<c@d>\r\nDATA\r\n",
			hi + accepted + "503 5.5.1 BINARYMIME needs BDAT\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, talk(t, testServer(&recorder{}), tt.in)); diff != "" {
				t.Errorf("sent %q: (-want +got)\n%s", tt.in, diff)
			}
		})
	}
}

// TestPipelining sends whole sessions at once, then cut at every byte: the
// replies must not differ, nor what the backend gets.
func TestPipelining(t *testing.T) {
	const in = "EHLO client.test\r\nmail from: <a@b> SIZE=20 ENVID=x RET=FULL X-UNKNOWN=1\r\n" +
		"rcpt to: <c@d> NOTIFY=NEVER ORCPT=rfc822;c@d\r\nRCPT TO:postmaster\r\nDATA\r\n" +
		"Subject: x\r\n\r\n..\r\n.b\r\n.\r\nMAIL FROM:<root>\r\nRCPT TO:<e@f>\r\nBDAT 3\r\n.\r\nBDAT 0 LAST\r\nRSET\r\nNOOP\r\nQUIT\r\n"
	const want = "250-archive.test\r\n250-PIPELINING\r\n250-SIZE 157286400\r\n250-ENHANCEDSTATUSCODES\r\n" +
		"250-8BITMIME\r\n250-DSN\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n250 BINARYMIME\r\n" +
		sender + rcptOK + rcptOK + goOn + taken + sender + rcptOK + "250 2.0.0 3 bytes taken\r\n" + taken + ok250 + ok250 + bye
	events := []string{
		"EHLO client.test", `from a@b ["SIZE=20" "ENVID=x" "RET=FULL" "X-UNKNOWN=1"]`,
		`to c@d ["NOTIFY=NEVER" "ORCPT=rfc822;c@d"]`, `to postmaster []`, "data",
		`from root []`, `to e@f []`, "data", "close",
	}
	messages := []string{"Subject: x\r\n\r\n.\r\nb\r\n", ".\r\n"}
	check := func(pieces ...string) {
		t.Helper()
		r := &recorder{}
		if got := talk(t, testServer(r), pieces...); got != want {
			t.Fatalf("pieces %q:\n%s", pieces, cmp.Diff(want, got))
		}
		if diff := cmp.Diff(events, r.events) + cmp.Diff(messages, r.messages); diff != "" {
			t.Fatalf("pieces %q:\n%s", pieces, diff)
		}
	}
	check(in)
	check(strings.Split(in, "")...)
	for i := 1; i < len(in); i++ {
		check(in[:i], in[i:])
	}
}

// TestRepliesLeaveTogether: the answers to what was read at once are one write
// (RFC 2920 3.2), and none waits for more input.
func TestRepliesLeaveTogether(t *testing.T) {
	sc := &writes{script: script{pieces: []string{
		"EHLO me\r\n", "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nRCPT TO:<e@f>\r\nDATA\r\n", "x\r\n.\r\nQUIT\r\n"}}}
	s := testServer(&recorder{})
	s.prepare()
	newConn(s, sc, false).serve()
	want := []string{sender + rcptOK + rcptOK + goOn, taken + bye}
	if diff := cmp.Diff(want, sc.all[2:]); diff != "" {
		t.Error(diff)
	}
}

type writes struct {
	script
	all []string
}

func (w *writes) Write(p []byte) (int, error) {
	w.all = append(w.all, string(p))
	return len(p), nil
}

func TestBackendErrors(t *testing.T) {
	refusal := fmt.Errorf("session: %w", Reply{550, "5.7.1", "Not\nyou\r\x00é"})
	sent := "550-5.7.1 Not\r\n550 5.7.1 you????\r\n"
	for _, tt := range []struct {
		name string
		r    *recorder
		in   string
		want string
	}{
		{"hello", &recorder{refuseHello: refusal}, helo + "MAIL FROM:<a@b>\r\n", sent + "503 5.5.1 Introduce yourself first\r\n"},
		{"mail", &recorder{refuseMail: errors.New("no")}, helo + "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n", hi + trouble + "503 5.5.1 MAIL comes first\r\n"},
		{"one of two recipients", &recorder{refuseRcpt: map[mail.Address]error{"c@d": refusal}},
			helo + "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nRCPT TO:<e@f>\r\nDATA\r\n.\r\n", hi + sender + sent + rcptOK + goOn + taken},
		{"no answer", &recorder{answers: []Reply{}}, helo + envelope + "DATA\r\n.\r\n", hi + accepted + goOn + trouble},
		{"too many answers", &recorder{answers: make([]Reply, 2)}, helo + envelope + "DATA\r\n.\r\n", hi + accepted + goOn + trouble},
		{"yes without reading", &recorder{data: func(io.Reader) []Reply { return []Reply{{250, "", "Yes"}} }},
			helo + envelope + "DATA\r\nhello\r\n.\r\nNOOP\r\n", hi + accepted + goOn + trouble + ok250},
		{"yes to half of it", &recorder{data: readSome}, helo + envelope + "DATA\r\nhello\r\n.\r\nNOOP\r\n", hi + accepted + goOn + trouble + ok250},
		{"no without reading", &recorder{data: full}, helo + envelope + "DATA\r\nhello\r\n..\r\n.\r\nNOOP\r\n", hi + accepted + goOn + "452 4.3.1 Full\r\n" + ok250},
		{"peer gone in data", &recorder{}, helo + envelope + "DATA\r\nhello\r\n.\r", hi + accepted + goOn},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, talk(t, testServer(tt.r), tt.in)); diff != "" {
				t.Errorf("sent %q: (-want +got)\n%s", tt.in, diff)
			}
			if len(tt.r.messages) > 0 && tt.name == "peer gone in data" {
				t.Errorf("half a message was taken: %q", tt.r.messages)
			}
		})
	}
}

func full(io.Reader) []Reply { return []Reply{{452, "4.3.1", "Full"}} }

func readSome(body io.Reader) []Reply {
	io.ReadFull(body, make([]byte, 3))
	return []Reply{{250, "2.0.0", "Yes"}}
}

func TestRefusedConnection(t *testing.T) {
	s := testServer(&recorder{refuse: fmt.Errorf("peer: %w", Reply{554, "5.7.1", "Not from there"})})
	s.prepare()
	sc := &script{pieces: []string{"EHLO me\r\n"}}
	newConn(s, sc, false).serve()
	if got, want := sc.sent.String(), "554 5.7.1 Not from there\r\n"; got != want || !sc.closed {
		t.Errorf("got %q, closed %v, want %q and closed", got, sc.closed, want)
	}
}

func TestOffersPerSession(t *testing.T) {
	r := &recorder{offers: &Extensions{Size: true, MaxSize: 10, EightBitMIME: true}}
	got := talk(t, testServer(r), "EHLO me\r\nMAIL FROM:<a@b> SIZE=11\r\n"+envelope+"DATA\r\n0123456789\r\n.\r\n")
	want := "250-archive.test\r\n250-SIZE 10\r\n250 8BITMIME\r\n" + tooBig + accepted + goOn + tooBig
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
