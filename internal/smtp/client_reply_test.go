package smtp

import (
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"
)

func replyFrom(in string) (Reply, error) {
	source := newInput(strings.NewReader(in), &buffers{})
	return readReply(&source)
}

func TestReadReply(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want Reply
		err  error
	}{
		{"250 2.1.5 ok\r\n", Reply{250, "2.1.5", "ok"}, nil},
		{"250 ok\n", Reply{250, "", "ok"}, nil},
		{"250\r\n", Reply{250, "", ""}, nil},
		{"250 \r\n", Reply{250, "", ""}, nil},
		{"250-\r\n250\r\n", Reply{250, "", "\n"}, nil},
		{"550-5.7.1 No,\r\n550-5.7.1 not\r\n550 5.7.1 you\r\n", Reply{550, "5.7.1", "No,\nnot\nyou"}, nil},
		{"550-5.7.1 No,\r\n550 see there\r\n", Reply{550, "5.7.1", "No,\nsee there"}, nil},
		{"550 5.7.1\r\n", Reply{550, "5.7.1", ""}, nil},
		{"550 4.7.1 of another class\r\n", Reply{550, "", "4.7.1 of another class"}, nil},
		{"550 5.7.1234 x\r\n", Reply{550, "", "5.7.1234 x"}, nil},
		{"550 5.7 x\r\n", Reply{550, "", "5.7 x"}, nil},
		{"550 5.7.x x\r\n", Reply{550, "", "5.7.x x"}, nil},
		{"550 Größe \x1b[31m\t\xff\x00\r\n", Reply{550, "", "Größe ?[31m ??"}, nil},
		{"250-a\r\n251 b\r\n", Reply{}, errReplyForm},
		{"hello\r\n", Reply{}, errReplyForm},
		{"25\r\n", Reply{}, errReplyForm},
		{"150 x\r\n", Reply{}, errReplyForm},
		{"650 x\r\n", Reply{}, errReplyForm},
		{"2500 x\r\n", Reply{}, errReplyForm},
		{"250_x\r\n", Reply{}, errReplyForm},
		{"\r\n", Reply{}, errReplyForm},
		{"250-a\r\n\r\n", Reply{}, errReplyForm},
		{"250 a", Reply{}, io.ErrUnexpectedEOF},
		{"250-a\r\n", Reply{}, io.ErrUnexpectedEOF},
		{"250 " + strings.Repeat("x", 5000) + "\r\n", Reply{}, errReplyLong},
		{strings.Repeat("250-x\r\n", 500), Reply{}, errReplyLong},
	} {
		got, err := replyFrom(tt.in)
		if got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%.60q: %+v, %v, want %+v, %v", tt.in, got, err, tt.want, tt.err)
		}
	}
}

func TestReplyTextIsBounded(t *testing.T) {
	got, err := replyFrom(strings.Repeat("250-"+strings.Repeat("é", 1000)+"\r\n", 150) + "250 end\r\n")
	if err != nil || len(got.Text) > maxReplyText+2 || !utf8.ValidString(got.Text) {
		t.Errorf("%d bytes, %v", len(got.Text), err)
	}
}

// FuzzReadReply: whatever a server says, the result is bounded and safe to
// show, and reading stops; our own replies come back as they were.
func FuzzReadReply(f *testing.F) {
	f.Add("250-2.1.5 a\r\n250 2.1.5 b\r\n")
	f.Add("421")
	f.Add("354 go\n")
	f.Add("550 5.7.1 \xff\xfe\r\n")
	f.Add(strings.Repeat("250-SIZE 1\r\n", 300))
	f.Fuzz(func(t *testing.T, in string) {
		r, err := replyFrom(in)
		if err != nil {
			if r != (Reply{}) {
				t.Fatalf("%q: %+v with %v", in, r, err)
			}
			return
		}
		if r.Code < 200 || r.Code > 599 || len(r.Text) > maxReplyText+4 {
			t.Fatalf("%q: %+v", in, r)
		}
		if strings.ContainsFunc(r.Text, func(c rune) bool { return c != '\n' && c < ' ' || c == 0x7f }) {
			t.Fatalf("%q: control character in %q", in, r.Text)
		}
		readOffers(r)
		again, err := replyFrom(string(r.appendTo(nil)))
		if err != nil && !errors.Is(err, errReplyLong) || err == nil && again.Code != r.Code {
			t.Fatalf("%q: %+v comes back as %+v, %v", in, r, again, err)
		}
	})
}

// FuzzDataWriter writes a message in two pieces and takes the dots away again
// by the book.
func FuzzDataWriter(f *testing.F) {
	f.Add([]byte("a\r\n.\r\n..b\r\n"), 3)
	f.Add([]byte(".\n.\r.\r\n"), 7)
	f.Add([]byte(""), 0)
	f.Fuzz(func(t *testing.T, message []byte, cut int) {
		sc := &script{}
		c := newClient(t.Context(), (&Dialer{}).withDefaults(), sc, "x")
		defer c.Close()
		w := &DataWriter{c: c, due: 1}
		w.lines.reset(nil)
		cut = min(max(cut, 0), len(message))
		for _, p := range [][]byte{message[:cut], message[cut:]} {
			if n, err := w.Write(p); n != len(p) || err != nil {
				t.Fatalf("wrote %d of %d: %v", n, len(p), err)
			}
		}
		if err := w.End(); err != nil {
			t.Fatal(err)
		}
		sent := sc.sent.String()
		want := string(message)
		if want != "" && !strings.HasSuffix(want, "\r\n") {
			want += "\r\n"
		}
		if got := undot([]byte(sent)); string(got) != want {
			t.Fatalf("%q cut at %d went out as %q, which is %q", message, cut, sent, got)
		}
		if !strings.HasSuffix(sent, ".\r\n") || len(undotRest(sent)) > 0 {
			t.Fatalf("%q: %q goes on behind the final dot", message, sent)
		}
	})
}

// undotRest is what stands behind the final dot.
func undotRest(sent string) string {
	if strings.HasPrefix(sent, finalDot) {
		return sent[len(finalDot):]
	}
	_, rest, _ := strings.Cut(sent, "\r\n"+finalDot)
	return rest
}
