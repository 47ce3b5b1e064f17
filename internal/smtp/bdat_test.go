package smtp

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/mail"
)

const (
	order   = "503 5.5.1 "
	nobody  = order + "No recipients yet\r\n"
	noChunk = "501 5.5.4 Syntax: BDAT size [LAST]\r\n"
)

func bytesTaken(n int) string { return fmt.Sprintf("250 2.0.0 %d bytes taken\r\n", n) }

func TestChunks(t *testing.T) {
	noRecipient := &recorder{refuseRcpt: map[mail.Address]error{"c@d": Reply{550, "5.1.1", "No"}}}
	for _, tt := range []struct {
		name     string
		r        *recorder
		in, want string
		messages []string
	}{
		{"one", nil, "BDAT 3 LAST\r\nabcNOOP\r\n", taken + ok250, []string{"abc"}},
		{"lower case", nil, "bdat 3 last\r\nabc", taken, []string{"abc"}},
		{"three", nil, "BDAT 2\r\n.\rBDAT 3\r\n\n.\rBDAT 1 LAST\r\n\n", bytesTaken(2) + bytesTaken(3) + taken, []string{".\r\n.\r\n"}},
		{"nothing last", nil, "BDAT 4\r\nQUITBDAT 0 LAST\r\n", bytesTaken(4) + taken, []string{"QUIT"}},
		{"nothing at all", nil, "BDAT 0 LAST\r\n", taken, []string{""}},
		{"nothing in between", nil, "BDAT 0\r\nBDAT 0\r\nBDAT 1 LAST\r\nx", bytesTaken(0) + bytesTaken(0) + taken, []string{"x"}},
		{"binary", nil, "BDAT 7 LAST\r\n\x00\r\n.\r\n\xff", taken, []string{"\x00\r\n.\r\n\xff"}},
		{"noop in between", nil, "BDAT 1\r\naNOOP\r\nBDAT 1 LAST\r\nb", bytesTaken(1) + ok250 + taken, []string{"ab"}},
		{"data in between", nil, "BDAT 1\r\naDATA\r\nBDAT 1 LAST\r\nb",
			bytesTaken(1) + order + "The message came by BDAT\r\n" + taken, []string{"ab"}},
		{"rcpt in between", nil, "BDAT 1\r\naRCPT TO:<e@f>\r\nBDAT 1 LAST\r\nb",
			bytesTaken(1) + order + "The message has begun\r\n" + taken, []string{"ab"}},
		{"mail in between", nil, "BDAT 1\r\naMAIL FROM:<e@f>\r\nBDAT 1 LAST\r\nb",
			bytesTaken(1) + order + "There is a sender already\r\n" + taken, []string{"ab"}},
		{"long line in between", nil, "BDAT 1\r\na" + strings.Repeat("x", 13000) + "\r\nBDAT 1 LAST\r\nb",
			bytesTaken(1) + "500 5.5.2 Command line too long\r\n" + taken, []string{"ab"}},
		{"rset in between", nil, "BDAT 1\r\naRSET\r\nBDAT 4 LAST\r\nNOOP", bytesTaken(1) + ok250 + nobody, nil},
		{"hello in between", nil, "BDAT 1\r\naHELO me\r\nDATA\r\n", bytesTaken(1) + hi + nobody, nil},
		{"quit in between", nil, "BDAT 1\r\naQUIT\r\n", bytesTaken(1) + bye, nil},
		{"peer gone in between", nil, "BDAT 1\r\na", bytesTaken(1), nil},
		{"peer gone within", nil, "BDAT 2 LAST\r\na", "", nil},
		{"no size", nil, "BDAT\r\nNOOP\r\n", noChunk, nil},
		{"bad size", nil, "BDAT -1\r\nNOOP\r\n", noChunk, nil},
		{"bad last", nil, "BDAT 1 FIRST\r\nNOOP\r\n", noChunk, nil},
		{"bad size in between", nil, "BDAT 1\r\naBDAT x\r\nNOOP\r\n", bytesTaken(1) + noChunk, nil},
		{"no recipients", noRecipient, "BDAT 6\r\nNOOP\r\nBDAT 6 LAST\r\nNOOP\r\nNOOP\r\n", nobody + nobody + ok250, nil},
		{"over the limit at once", nil, "BDAT 101 LAST\r\n" + strings.Repeat("x", 101) + "NOOP\r\n", tooBig + ok250, nil},
		{"over the limit later", nil, "BDAT 60\r\n" + strings.Repeat("x", 60) + "BDAT 60\r\n" + strings.Repeat("x", 60) +
			"BDAT 1\r\nxRCPT TO:<a@b>\r\nDATA\r\nBDAT 1 LAST\r\nxNOOP\r\n",
			bytesTaken(60) + tooBig + tooBig + order + "The message has begun\r\n" + order + "The message came by BDAT\r\n" + tooBig + ok250, nil},
		{"over the limit, all pipelined, then again", nil, "BDAT 101\r\n" + strings.Repeat("x", 101) + "RSET\r\n" + envelope + "BDAT 1 LAST\r\nx",
			tooBig + ok250 + accepted + taken, []string{"x"}},
		{"more than is ever read", nil, "BDAT 99999999999999999999 LAST\r\nNOOP\r\n", tooBig, nil},
		{"full disk", &recorder{data: full}, "BDAT 6\r\nNOOP\r\nBDAT 6 LAST\r\nNOOP\r\nNOOP\r\n",
			"452 4.3.1 Full\r\n452 4.3.1 Full\r\n" + ok250, nil},
		{"yes to half of it", &recorder{data: readSome}, "BDAT 6\r\nNOOP\r\nBDAT 0 LAST\r\nNOOP\r\n", trouble + trouble + ok250, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := helo + envelope + tt.in
			greeted := hi + accepted
			for i := len(helo); i < len(in); i += max(1, len(in)/200) {
				r := &recorder{}
				if tt.r != nil {
					r = &recorder{refuseRcpt: tt.r.refuseRcpt, data: tt.r.data}
				}
				if r.refuseRcpt != nil {
					greeted = hi + sender + "550 5.1.1 No\r\n"
				}
				s := testServer(r)
				s.Limits = Limits{Size: 100, Drain: 1000}
				if diff := cmp.Diff(greeted+tt.want, talk(t, s, in[:i], in[i:])); diff != "" {
					t.Fatalf("cut at %d of %q: (-want +got)\n%s", i, tt.in, diff)
				}
				if diff := cmp.Diff(tt.messages, r.messages); diff != "" {
					t.Fatalf("cut at %d of %q: messages (-want +got)\n%s", i, tt.in, diff)
				}
			}
		})
	}
}

// FuzzBdat sends a message in chunks cut anywhere, with commands between them
// that change nothing, and wants the very bytes.
func FuzzBdat(f *testing.F) {
	f.Add([]byte("Subject: x\r\n\r\n.\r\n"), []byte{3, 0, 200}, uint8(1))
	f.Add([]byte("\r\n.\r\nQUIT\r\n"), []byte{}, uint8(0))
	f.Fuzz(func(t *testing.T, message, cuts []byte, step uint8) {
		if len(message) > 4096 {
			t.Skip("slow, and no longer way through the code")
		}
		var in strings.Builder
		in.WriteString(helo + envelope)
		want := hi + accepted
		rest := message
		for _, cut := range cuts[:min(len(cuts), 50)] {
			n := min(int(cut), len(rest))
			fmt.Fprintf(&in, "BDAT %d\r\n%sNOOP\r\n", n, rest[:n])
			want += bytesTaken(n) + ok250
			rest = rest[n:]
		}
		fmt.Fprintf(&in, "BDAT %d LAST\r\n%sQUIT\r\n", len(rest), rest)
		want += taken + bye
		r := &recorder{}
		if got := talk(t, testServer(r), pieces(in.String(), int(step))...); got != want {
			t.Fatal(cmp.Diff(want, got))
		}
		if len(r.messages) != 1 || r.messages[0] != string(message) {
			t.Fatalf("got %q, want %q", r.messages, message)
		}
	})
}

// pieces cuts s every n bytes.
func pieces(s string, n int) (out []string) {
	n = max(n, 1)
	for len(s) > n {
		out, s = append(out, s[:n]), s[n:]
	}
	return append(out, s)
}

// FuzzServer sends anything. The server must end, close, answer with
// well-formed replies, and take a message only with its end seen.
func FuzzServer(f *testing.F) {
	for _, seed := range []string{
		"EHLO a\r\n" + envelope + "DATA\r\nx\r\n.\r\nQUIT\r\n",
		helo + envelope + "BDAT 3\r\nabcBDAT 0 LAST\r\n",
		helo + "MAIL FROM: <a@b>\nRCPT TO:root\nDATA\n.\n\r\n.\r\n",
		"LHLO a\r\n" + envelope + "RCPT TO:<@x,@[1:2]:y@z>\r\nDATA\r\n..\r\n.\r\n",
		"GET / HTTP/1.0\r\n", "\x16\x03\x01\x02\x00", "\r\n\r\n\n\n",
	} {
		f.Add([]byte(seed), uint8(255), false)
		f.Add([]byte(seed), uint8(1), true)
	}
	f.Fuzz(func(t *testing.T, in []byte, step uint8, lmtp bool) {
		if len(in) > 8192 {
			t.Skip("slow, and no longer way through the code")
		}
		s := testServer(&recorder{data: checkedCopy(t)})
		s.Limits = Limits{Size: 1000, Drain: 100, Recipients: 3}
		said := converse(t, s, lmtp, pieces(string(in), int(step)))
		for line := range strings.Lines(said) {
			if len(line) < 6 || len(line) > maxReplyLine || !strings.HasSuffix(line, "\r\n") || line[0] < '2' || line[0] > '5' || !strings.ContainsRune(" -", rune(line[3])) {
				t.Fatalf("malformed reply line %q", line)
			}
		}
	})
}

func checkedCopy(t *testing.T) func(io.Reader) []Reply {
	return func(body io.Reader) []Reply {
		n, err := io.Copy(io.Discard, body)
		if n > 1000 {
			t.Errorf("%d bytes passed a limit of 1000", n)
		}
		if err != nil {
			return []Reply{ReplyTo(err)}
		}
		return []Reply{{250, "", "Taken"}}
	}
}
