package extract

import (
	"errors"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/mail"
)

// read extracts a message written with LF line ends, which go out as CRLF.
func read(t testing.TB, message string) Message {
	t.Helper()
	m, err := Extract(strings.NewReader(strings.ReplaceAll(message, "\n", "\r\n")), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestExtractWhole(t *testing.T) {
	const message = `Received: from a by b; Sat, 12 Jun 2021 08:31:00 +0000
Received: from c by d
 with SMTP; Sat, 12 Jun 2021 10:30:30 +0200 (CEST)
From: =?utf-8?Q?J=C3=BCrgen?= <j@corp.example>
Sender: secretary@corp.example
To: a@b.example
To: C <c@d.example>
Cc: Team: e@f.example;
Bcc: g@h.example
Reply-To: r@corp.example
Subject: =?iso-8859-1?Q?Gr=FC=DFe?=
Date: Sat, 12 Jun 2021 10:30:00 +0200
Message-ID: <1@corp.example>
In-Reply-To: <0@corp.example>
References: <a@x> <b@y>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

This is a multi-part message in MIME format.
--b
Content-Type: multipart/alternative; boundary="b2"

--b2
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

Sch=F6n
--b2
Content-Type: text/html

<p>Sch&ouml;n, in <b>HT</b>ML</p>
--b2--
--b
Content-Type: application/pdf; name=a.pdf
Content-Disposition: attachment; filename*=utf-8''%C3%A4.pdf
Content-Transfer-Encoding: base64

SGVsbG8=
--b--
`
	want := Message{
		MessageID: "1@corp.example",
		Date:      time.Date(2021, 6, 12, 8, 30, 0, 0, time.UTC),
		ReceivedDates: []time.Time{
			time.Date(2021, 6, 12, 8, 31, 0, 0, time.UTC), time.Date(2021, 6, 12, 8, 30, 30, 0, time.UTC),
		},
		Subject:    "Grüße",
		From:       []Participant{{"Jürgen", "j@corp.example"}},
		Sender:     []Participant{{"", "secretary@corp.example"}},
		ReplyTo:    []Participant{{"", "r@corp.example"}},
		To:         []Participant{{"", "a@b.example"}, {"C", "c@d.example"}},
		Cc:         []Participant{{"", "e@f.example"}},
		Bcc:        []Participant{{"", "g@h.example"}},
		InReplyTo:  []string{"0@corp.example"},
		References: []string{"a@x", "b@y"},
		Headers: []Header{
			{"reply-to", "r@corp.example"},
		},
		Text: "Schön\n\nSchön, in HTML\n\nr@corp.example",
		Attachments: []Attachment{
			{Name: "ä.pdf", Type: "application/pdf", Size: 5, Digest: mail.Sum([]byte("Hello"))},
		},
	}
	if diff := cmp.Diff(want, read(t, message)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	slow, err := Extract(iotest.OneByteReader(strings.NewReader(message)), Limits{})
	if diff := cmp.Diff(want, slow); diff != "" || err != nil {
		t.Errorf("with LF, byte by byte: %v (-want +got):\n%s", err, diff)
	}
}

func TestExtractShapes(t *testing.T) {
	tests := []struct{ name, message, subject, text string }{
		{"empty", "", "", ""},
		{"no header", "Just some words.\nAnd more.\n", "", "Just some words.\nAnd more."},
		{"no header, looks like one", "Note: buy milk\n\nand bread\n", "", "Note: buy milk\n\nand bread"},
		{"no body", "Subject: a\n", "a", ""},
		{"header not ended", "Subject: a\nTo: b", "a", ""},
		{"empty header", "\nbody\n", "", "body"},
		{"mbox line", "From x@y Sat Jun 12 08:30:05 2021\nSubject: a\n\nbody\n", "a", "body"},
		{"quoted mbox line", ">From x@y Sat Jun 12 08:30:05 2021\nSubject: a\n\nbody\n", "a", "body"},
		{"byte order mark", "\ufeffSubject: a\n\nbody\n", "a", "body"},
		{"space before the header", " \n\nSubject: a\n\nbody\n", "a", "body"},
		{"junk in the header", "Subject: a\nwhat is this\nTo: b\n\nbody\n", "a", "what is this\nTo: b\n\nbody"},
		{"mbox line in the header", "Subject: a\n>From x@y Sat Jun 12 08:30:05 2021\nTo: b\n\nbody\n", "a", ">From x@y Sat Jun 12 08:30:05 2021\n\nbody"},
		{"reply to somebody else", "From: X <x@y>\nTo: z@y\nReply-To: Q <q@y>, z@y, X <X@y>\n\nbody\n", "", "body\n\nQ q@y"},
		{"reply to another name", "From: x@y\nReply-To: Help Desk <x@y>\n\nbody\n", "", "body\n\nHelp Desk x@y"},
		{"no empty line", "Subject: a\nHello there,\nhow are you\n\nbye\n", "a", "Hello there,\nhow are you\n\nbye"},
		{"space before the colon", "Subject : a\n\nbody\n", "a", "body"},
		{"folding with an empty-looking line", "Subject: a\n \n\tb\n\nbody\n", "a b", "body"},
		{"two subjects", "Subject: a\nSubject: b\n\nbody\n", "a", "body\n\nb"},
		{"other text fields", "Subject: a\nComments: c\nResent-To: x@y\n\nbody\n", "a", "body\n\nc\nx@y"},
		{"preamble and epilogue", "Subject: a\nContent-Type: multipart/mixed; boundary=b\n\nbefore\n--b\n\nin\n--b--\nafter\n", "a", "before\n\nin\n\nafter"},
		{"no closing boundary", "Subject: a\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\none\n--b\n\ntwo", "a", "one\n\ntwo"},
		{"inner closing boundary missing", "Subject: a\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\none\n--b\n\ntwo\n--b--\n", "a", "one\n\ntwo"},
		{"boundary that never comes", "Subject: a\nContent-Type: multipart/mixed; boundary=b\n\nall\nthat is\n", "a", "all\nthat is"},
		{"boundary not declared", "Subject: a\nContent-Type: multipart/mixed\n\n--b\nContent-Transfer-Encoding: base64\n\nSGVsbG8=\n--b--\n", "a", "Hello"},
		{"another boundary than declared", "Subject: a\nContent-Type: multipart/mixed; boundary=x\n\n--b\nContent-Transfer-Encoding: base64\n\nSGVsbG8=\n--b--\n", "a", "Hello"},
		{"no boundary at all", "Subject: a\nContent-Type: multipart/mixed\n\nwords\n", "a", "words"},
		{"space behind boundary", "Subject: a\nContent-Type: multipart/mixed; boundary=b\n\n--b \t\n\none\n--b-- \n", "a", "one"},
		{"longer boundary is another", "Subject: a\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n--bc\none\n--b--\n", "a", "--bc\none"},
		{"part without empty line", "Subject: a\nContent-Type: multipart/mixed; boundary=b\n\n--b\nwords at once\n--b--\n", "a", "words at once"},
		{"nested message", "Subject: a\nContent-Type: message/rfc822\n\nSubject: in\nFrom: X <x@y>\n\nbody\n", "a", "in\nX x@y\n\nbody"},
		{"nested message in base64", "Subject: a\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogaW4KCmJvZHkK\n", "a", "in\n\nbody"},
		{"nested message, base64 only said", "Subject: a\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nSubject: in\n\nthe body.\n", "a", "in\n\nthe body."},
		{"digest", "Subject: a\nContent-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: in\n\nbody\n--b--\n", "a", "in\n\nbody"},
		{"header of a message", "Subject: a\nContent-Type: text/rfc822-headers\n\nSubject: =?utf-8?Q?=C3=A4?=\nX-A: b\n", "a", "Subject: =?utf-8?Q?=C3=A4?=\nX-A: b\n\nä"},
		{"delivery status", "Subject: a\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822;x@y\n", "a", "Final-Recipient: rfc822;x@y"},
		{"calendar", "Subject: a\nContent-Type: text/calendar; method=REQUEST\n\nSUMMARY:Lunch\n", "a", "SUMMARY:Lunch"},
		{"old content type", "Subject: a\nContent-Type: text\n\nbody\n", "a", "body"},
		{"broken content type", "Subject: a\nContent-Type: ///;;charset\n\nbody\n", "a", "body"},
		{"description", "Subject: a\nContent-Type: text/plain\nContent-Description: about\n\nbody\n", "a", "about\n\nbody"},
		{"charset of HTML in its head", "Subject: a\nContent-Type: text/html\n\n<meta http-equiv=x content=\"text/html; charset=koi8-r\"><p>\xc1\xc2", "a", "аб"},
		{"raw subject in the charset of the text", "Subject: \xc1\xc2\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain; charset=koi8-r\n\n\xc1\xc2\n--b--\n", "аб", "аб"},
		{"UTF-16 by its mark", "Subject: a\n\n\xff\xfea\x00b\x00", "a", "ab"},
		{"bare CR in the text", "Subject: a\n\none\rtwo\n", "a", "one\ntwo"},
		{"NUL", "Subject: a\x00b\n\nc\x00d\n", "a b", "cd"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := Extract(strings.NewReader(tt.message), Limits{})
			if err != nil || m.Subject != tt.subject || m.Text != tt.text {
				t.Errorf("%q: subject %q, text %q, %v; want %q, %q", tt.message, m.Subject, m.Text, err, tt.subject, tt.text)
			}
		})
	}
}

func TestExtractCROnly(t *testing.T) {
	m, err := Extract(strings.NewReader("Subject: a\rTo: b@c\r\rone\rtwo\r"), Limits{})
	if err != nil || m.Subject != "a" || m.Text != "one\ntwo" || len(m.To) != 1 {
		t.Errorf("got %+v, %v", m, err)
	}
}

func TestExtractAttachments(t *testing.T) {
	part := func(header, body string) string {
		return "Content-Type: multipart/mixed; boundary=b\n\n--b\n" + header + "\n\n" + body + "\n--b--\n"
	}
	tests := []struct {
		name, message string
		want          []Attachment
		text          string
	}{
		{"own text is none", part("Content-Type: text/plain", "x"), nil, "x"},
		{"named text is both", part("Content-Type: text/plain; name=a.txt", "x"), []Attachment{{"a.txt", "text/plain", 1, mail.Sum([]byte("x"))}}, "x"},
		{"attached text", part("Content-Disposition: attachment", "x"), []Attachment{{"", "text/plain", 1, mail.Sum([]byte("x"))}}, "x"},
		{"no name", part("Content-Type: image/png", "x"), []Attachment{{"", "image/png", 1, mail.Sum([]byte("x"))}}, ""},
		{"exact bytes", part("Content-Type: a/b", "x\r\n\r\r"), []Attachment{{"", "a/b", 4, mail.Sum([]byte("x\r\n\r"))}}, ""},
		{"binary called text", part("Content-Type: text/plain", strings.Repeat("\x00\x01", 9)), []Attachment{{"", "text/plain", 18, mail.Sum([]byte(strings.Repeat("\x00\x01", 9)))}}, ""},
		{"message", part("Content-Type: message/rfc822; name=m.eml", "Subject: in\n\nbody"), []Attachment{{"m.eml", "message/rfc822", 17, mail.Sum([]byte("Subject: in\n\nbody"))}}, "in\n\nbody"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := Extract(strings.NewReader(tt.message), Limits{})
			if diff := cmp.Diff(tt.want, m.Attachments); diff != "" || m.Text != tt.text || err != nil {
				t.Errorf("text %q, %v, attachments (-want +got):\n%s", m.Text, err, diff)
			}
		})
	}
}

func TestExtractProblems(t *testing.T) {
	tests := []struct{ name, message, want string }{
		{"none", "Subject: a\nDate: Sat, 12 Jun 2021 08:30:05 +0000\n\nx", ""},
		{"date", "Subject: a\nDate: soon\n\nx", "the Date header is no date"},
		{"charset", "Subject: a\nContent-Type: text/plain; charset=klingon\n\nx", `unknown charset "klingon" read as UTF-8 or Windows-1252`},
		{"boundary", "Subject: a\nContent-Type: multipart/mixed\n\nx", "multipart without boundary read as text"},
	}
	for _, tt := range tests {
		m := read(t, tt.message)
		if got := strings.Join(m.Problems, "; "); got != tt.want {
			t.Errorf("%s: problems %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestExtractReturnsTheReadersError(t *testing.T) {
	broken := errors.New("disk on fire")
	m, err := Extract(&failing{"Subject: a\n\nbo", broken}, Limits{})
	if !errors.Is(err, broken) || m.Subject != "" {
		t.Errorf("got %+v, %v, want the reader's error", m, err)
	}
}

type failing struct {
	rest string
	err  error
}

func (f *failing) Read(p []byte) (int, error) {
	if f.rest == "" {
		return 0, f.err
	}
	n := copy(p, f.rest)
	f.rest = f.rest[n:]
	return n, nil
}

func TestExtractorForgets(t *testing.T) {
	x := New(Limits{})
	first := "Subject: =?utf-8?Q?unended\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain; charset=koi8-r\n\n\xc1"
	const second = "Subject: a\xe4\n\n--b\nbody\xe4"
	if _, err := x.Extract(strings.NewReader(first)); err != nil {
		t.Fatal(err)
	}
	used, err := x.Extract(strings.NewReader(second))
	fresh, _ := Extract(strings.NewReader(second), Limits{})
	if diff := cmp.Diff(fresh, used); diff != "" || err != nil {
		t.Errorf("an Extractor that was used reads otherwise: %v\n%s", err, diff)
	}
}

func TestGuardTurnsAPanicIntoAProblem(t *testing.T) {
	w := &walk{Extractor: New(Limits{})}
	w.guard(func() { panic("ouch") })
	if len(w.m.Problems) != 1 || !strings.Contains(w.m.Problems[0], "ouch") {
		t.Errorf("problems %q", w.m.Problems)
	}
}

func FuzzExtract(f *testing.F) {
	for _, s := range []string{
		"Subject: =?utf-8?Q?a?=\nFrom: a <b@c>\n\nbody\n",
		"Content-Type: multipart/mixed; boundary=b\n\npre\n--b\nContent-Type: text/html; charset=gb18030\n\n<p>\x81\x30\n--b\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogaW4K\n--b--\npost",
		"Content-Type: text/plain; charset=utf-7\nContent-Transfer-Encoding: quoted-printable\n\n+AGE-=\n=41",
		"Content-Type: text/plain; charset=iso-2022-kr\n\n\x1b$)C\x0e<9\x0f\n",
		"Content-Type: text/plain; charset=utf-16\n\n\xfe\xff\x00a\xd8\x00",
		"From x\n>From y\nSubject\n\n", "\r\r\r", "Content-Type: multipart/a; boundary*0=\"b\"\n\n--b\n--b--",
	} {
		f.Add([]byte(s))
	}
	x := New(Limits{Text: 4096, Parts: 20, Depth: 5, Attachments: 5, Participants: 20, Headers: 8192})
	f.Fuzz(func(t *testing.T, in []byte) {
		m, err := x.Extract(strings.NewReader(string(in)))
		if err != nil {
			t.Fatal(err)
		}
		checkHolds(t, "input", m)
		if len(m.Text) > 4096+3 || len(m.Attachments) > 5 {
			t.Errorf("%d bytes of text, %d attachments", len(m.Text), len(m.Attachments))
		}
		if strings.Contains(strings.Join(m.Problems, ""), "bug") {
			t.Errorf("problems %q", m.Problems)
		}
		again, err := x.Extract(iotest.OneByteReader(strings.NewReader(string(in))))
		if diff := cmp.Diff(m, again); diff != "" || err != nil {
			t.Errorf("byte by byte reads otherwise: %v\n%s", err, diff)
		}
	})
}
