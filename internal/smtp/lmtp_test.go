package smtp

import (
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/mail"
)

const (
	lhlo   = "LHLO me\r\n"
	lmtpHi = "250-archive.test\r\n250-PIPELINING\r\n250-SIZE 157286400\r\n250-ENHANCEDSTATUSCODES\r\n" +
		"250-8BITMIME\r\n250-DSN\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n250 BINARYMIME\r\n"
)

// TestLMTP: one answer for each recipient that was accepted, in order (RFC
// 2033 4.2).
func TestLMTP(t *testing.T) {
	const three = "MAIL FROM:<>\r\nRCPT TO:<a@b>\r\nRCPT TO:<c@d>\r\nRCPT TO:<e@f>\r\n"
	const threeOK = lmtpHi + sender + rcptOK + rcptOK + rcptOK
	each := []Reply{{250, "2.1.5", "One"}, {450, "4.2.0", "Two"}, {552, "5.2.2", "Three"}}
	const eachSaid = "250 2.1.5 One\r\n450 4.2.0 Two\r\n552 5.2.2 Three\r\n"
	for _, tt := range []struct {
		name     string
		r        *recorder
		in, want string
	}{
		{"ehlo", &recorder{}, "EHLO me\r\n", unknown},
		{"helo", &recorder{}, "HELO me\r\n", unknown},
		{"help", &recorder{}, "HELP\r\n", "214 2.0.0 Commands: LHLO MAIL RCPT DATA BDAT RSET NOOP VRFY HELP STARTTLS QUIT\r\n"},
		{"one answer for all", &recorder{}, lhlo + three + "DATA\r\nx\r\n.\r\nNOOP\r\n", threeOK + goOn + taken + taken + taken + ok250},
		{"an answer each", &recorder{answers: each}, lhlo + three + "DATA\r\nx\r\n.\r\n", threeOK + goOn + eachSaid},
		{"an answer each after chunks", &recorder{answers: each}, lhlo + three + "BDAT 1\r\nxBDAT 1 LAST\r\nyNOOP\r\n",
			threeOK + bytesTaken(1) + eachSaid + ok250},
		{"too few answers", &recorder{answers: each[:2]}, lhlo + three + "DATA\r\nx\r\n.\r\n", threeOK + goOn + trouble + trouble + trouble},
		{"refused recipients get none", &recorder{refuseRcpt: map[mail.Address]error{"c@d": Reply{503, "5.1.1", "No"}}},
			lhlo + three + "DATA\r\nx\r\n.\r\n", lmtpHi + sender + rcptOK + "503 5.1.1 No\r\n" + rcptOK + goOn + taken + taken},
		{"no recipients", &recorder{}, lhlo + "MAIL FROM:<>\r\nDATA\r\nBDAT 1 LAST\r\nx", lmtpHi + sender + nobody + nobody},
		{"chunk refused", &recorder{data: func(io.Reader) []Reply { return each[1:2] }}, lhlo + three + "BDAT 1\r\nxBDAT 1 LAST\r\nyNOOP\r\n",
			threeOK + "450 4.2.0 Two\r\n450 4.2.0 Two\r\n450 4.2.0 Two\r\n450 4.2.0 Two\r\n" + ok250},
		{"chunk that is never read", &recorder{}, lhlo + three + "BDAT 99999999999 LAST\r\n", threeOK + tooBig + tooBig + tooBig},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := testServer(tt.r)
			if diff := cmp.Diff(tt.want, talkLMTP(t, s, tt.in)); diff != "" {
				t.Errorf("sent %q: (-want +got)\n%s", tt.in, diff)
			}
		})
	}
}
