package extract

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
)

// repeated reads head, then body n times, then tail.
func repeated(head, body string, n int, tail string) io.Reader {
	readers := []io.Reader{strings.NewReader(head)}
	block := strings.Repeat(body, 1+(64<<10)/len(body))
	for size := n * len(body); size > 0; size -= len(block) {
		readers = append(readers, strings.NewReader(block[:min(size, len(block))]))
	}
	return io.MultiReader(append(readers, strings.NewReader(tail))...)
}

// TestLargeMessagesCostLittle reads messages of 100 MB in every shape and
// looks at all that was allocated.
func TestLargeMessagesCostLittle(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates too: make test runs this test again without it")
	}
	const size = 100 << 20
	const mixed = "Subject: a\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
	tests := []struct {
		name, head, body, tail string
		ends                   string // what must be found behind it all
	}{
		{"base64", mixed + "Content-Type: a/b\r\nContent-Transfer-Encoding: base64\r\n\r\n", strings.Repeat("QUJD", 19) + "\r\n", "--b\r\n\r\nneedle\r\n--b--\r\n", "needle"},
		{"one line of base64", mixed + "Content-Type: a/b\r\nContent-Transfer-Encoding: base64\r\n\r\n", "QUJD", "\r\n--b\r\n\r\nneedle\r\n--b--\r\n", "needle"},
		{"quoted-printable", mixed + "Content-Type: a/b\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n", "=41=42=43=\r\n", "\r\n--b\r\n\r\nneedle\r\n--b--\r\n", "needle"},
		{"message inside", mixed + "Content-Type: message/rfc822\r\n\r\nSubject: in\r\nContent-Type: a/b\r\n\r\n", "some bytes\r\n", "--b\r\n\r\nneedle\r\n--b--\r\n", "needle"},
		{"image in HTML", "Subject: a\r\nContent-Type: text/html\r\n\r\n<img src=\"data:", "abcdefgh", "\"><p>needle", "needle"},
		{"text", "Subject: a\r\n\r\n", "words and words\r\n", "", ""},
		{"one field", "Subject: a\r\nTo: ", "a@b.example, ", "\r\n\r\nneedle", "needle"},
		{"many fields", "Subject: a\r\n", "To: a@b.example\r\n", "\r\nneedle", "needle"},
		{"parts", mixed, "Content-Disposition: attachment\r\n\r\nx\r\n--b\r\n", "", ""},
		{"boundaries", mixed, "--b\r\n", "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := repeated(tt.head, tt.body, size/len(tt.body), tt.tail)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			m, err := Extract(r, Limits{})
			runtime.ReadMemStats(&after)
			if err != nil || m.Subject != "a" || !strings.Contains(m.Text, tt.ends) {
				t.Errorf("subject %q, text ends %.40q, %v", m.Subject, m.Text[max(0, len(m.Text)-40):], err)
			}
			if used := (after.TotalAlloc - before.TotalAlloc) >> 20; used > 64 {
				t.Errorf("%d MiB allocated in all", used)
			} else {
				t.Logf("%d MiB allocated in all; problems %q", used, m.Problems)
			}
		})
	}
}

func TestAllRecipientsAreFound(t *testing.T) {
	const n = 12_000
	var to strings.Builder
	for i := range n {
		fmt.Fprintf(&to, "\r\n =?utf-8?Q?Empf=C3=A4nger_mit_langem_Namen_%d?= <recipient%d@corp.example>,", i, i)
	}
	m := read(t, "To:"+to.String()+"\r\n\r\n")
	if len(m.To) != n || m.To[n-1] != (Participant{fmt.Sprintf("Empfänger mit langem Namen %d", n-1), fmt.Sprintf("recipient%d@corp.example", n-1)}) {
		t.Errorf("%d recipients, problems %q", len(m.To), m.Problems)
	}
}

func TestLimits(t *testing.T) {
	parts := "Content-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--b\nContent-Disposition: attachment\n\nword\n", 30)
	nested := strings.Repeat("Content-Type: message/rfc822\n\n", 30) + "Subject: deep\n\nword\n"
	multiparts := ""
	for i := range 30 {
		multiparts += fmt.Sprintf("Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i)
	}
	tests := []struct {
		name, message string
		limits        Limits
		want          string
	}{
		{"text", "\n" + strings.Repeat("word ", 100), Limits{Text: 101}, "text cut at 101 bytes"},
		{"text within", "\n" + strings.Repeat("word ", 10), Limits{Text: 101}, ""},
		{"headers", "To: " + strings.Repeat("a@b, ", 100) + "\nSubject: a\n\n", Limits{Headers: 300}, "header fields beyond 300 bytes left out"},
		{"participants", "To: " + strings.Repeat("a@b, ", 20) + "\n\n", Limits{Participants: 7}, "participants beyond 7 left out"},
		{"participants within", "To: " + strings.Repeat("a@b, ", 7) + "\n\n", Limits{Participants: 7}, ""},
		{"parts", parts, Limits{Parts: 10}, "parts beyond 10 left out"},
		{"attachments", parts, Limits{Attachments: 10}, "attachments beyond 10 left out"},
		{"depth of messages", nested, Limits{Depth: 10}, "parts nested deeper than 10 not taken apart"},
		{"depth of multiparts", multiparts + "\nword", Limits{Depth: 10}, "parts nested deeper than 10 not taken apart"},
		{"depth within", nested, Limits{}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := Extract(strings.NewReader(tt.message), tt.limits)
			if got := strings.Join(m.Problems, "; "); got != tt.want || err != nil {
				t.Errorf("problems %q, %v, want %q", got, err, tt.want)
			}
			if tt.limits.Depth > 0 && !strings.Contains(m.Text, "word") {
				t.Errorf("what is too deep is not read as text: %q", m.Text)
			}
		})
	}
}

// TestWorkIsBounded nests a large message as deep as goes: without the limit
// each depth reads all of it again.
func TestWorkIsBounded(t *testing.T) {
	head := strings.Repeat("Content-Type: message/rfc822\n\n", 40)
	m, err := Extract(repeated(head, "some words that are read again and again\n", 1<<19, ""), Limits{Work: 2})
	if err != nil || len(m.Problems) == 0 || !strings.Contains(strings.Join(m.Problems, ";"), "nested too deep and large") {
		t.Errorf("problems %q, %v", m.Problems, err)
	}
}

// TestHostileHeadersAreReadInTime reads headers of 1 MiB that would take a
// quadratic reader hours.
func TestHostileHeadersAreReadInTime(t *testing.T) {
	for _, field := range []string{"Subject", "To", "Content-Type: multipart/mixed", "References", "Received", "Message-ID", "Content-Disposition"} {
		for _, s := range []string{"=?a?q? ", "=?utf-8?b?QQ", "=?", "?=", "\"", "\\\"", "(", ")", "<", "<\"", "@:", ";a=\"", ";a*0*=%", "<a@b>", "\xff", "\x1b$B", ";", "a ", "=?utf-8?q?a?="} {
			if m := read(t, field+": "+strings.Repeat(s, 1<<20/len(s))+"\n\nneedle"); !strings.Contains(m.Text, "needle") {
				t.Errorf("%s of %q: body not found, problems %q", field, s, m.Problems)
			}
		}
	}
}
