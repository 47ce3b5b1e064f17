package smtp

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// TestEndOfData gives what stands behind DATA, and the message that it makes.
// Whatever does not end the message must not be taken for commands either.
func TestEndOfData(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"empty", ".\r\n", ""},
		{"one line", "a\r\n.\r\n", "a\r\n"},
		{"only a line end", "\r\n.\r\n", "\r\n"},
		{"stuffed dots", "..\r\n...\r\n.a\r\n.\r\n", ".\r\n..\r\na\r\n"},
		{"stuffed first line", "..a\r\n.\r\n", ".a\r\n"},
		{"LF . LF", "a\n.\nb\r\n.\r\n", "a\n.\nb\r\n"},
		{"LF . CRLF", "a\n.\r\nb\r\n.\r\n", "a\n.\r\nb\r\n"},
		{"CRLF . LF", "a\r\n.\nb\r\n.\r\n", "a\r\n\nb\r\n"},
		{"CRLF . CR", "a\r\n.\rb\r\n.\r\n", "a\r\n\rb\r\n"},
		{"CR . CR", "a\r.\rb\r\n.\r\n", "a\r.\rb\r\n"},
		{"CR . LF", "a\r.\nb\r\n.\r\n", "a\r.\nb\r\n"},
		{"CR . CRLF", "a\r.\r\nb\r\n.\r\n", "a\r.\r\nb\r\n"},
		{"LF . CR", "a\n.\rb\r\n.\r\n", "a\n.\rb\r\n"},
		{"CRLF . CR CRLF", "a\r\n.\r\r\nb\r\n.\r\n", "a\r\n\r\r\nb\r\n"},
		{"CR CRLF . CRLF", "a\r\r\n.\r\n", "a\r\r\n"},
		{"LF CRLF . CRLF", "a\n\r\n.\r\n", "a\n\r\n"},
		{"CRLF NUL . CRLF", "a\r\n\x00.\r\nb\r\n.\r\n", "a\r\n\x00.\r\nb\r\n"},
		{"CRLF . NUL CRLF", "a\r\n.\x00\r\nb\r\n.\r\n", "a\r\n\x00\r\nb\r\n"},
		{"CRLF . space CRLF", "a\r\n. \r\nb\r\n.\r\n", "a\r\n \r\nb\r\n"},
		{"LF at once", "\n.\r\nb\r\n.\r\n", "\n.\r\nb\r\n"},
		{"stuffed dot then LF . CRLF", "..\n.\r\n\r\n.\r\n", ".\n.\r\n\r\n"},
		{"dot LF dot CRLF", ".\n.\r\nb\r\n.\r\n", "\n.\r\nb\r\n"},
		{"bare CR and LF kept", "a\rb\nc\r\n.\r\n", "a\rb\nc\r\n"},
		{"eight bits", "\xff\xfe\x00\x80\r\n.\r\n", "\xff\xfe\x00\x80\r\n"},
		{"smuggled envelope", "a\r\n\n.\nMAIL FROM:<x@y>\r\nRCPT TO:<z@z>\r\nDATA\r\nevil\r\n.\r\n",
			"a\r\n\n.\nMAIL FROM:<x@y>\r\nRCPT TO:<z@z>\r\nDATA\r\nevil\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := helo + envelope + "DATA\r\n" + tt.in + "QUIT\r\n"
			for i := len(helo); i < len(in); i++ {
				r := &recorder{}
				said := talk(t, testServer(r), in[:i], in[i:])
				if want := hi + accepted + goOn + taken + bye; said != want {
					t.Fatalf("cut at %d: %s", i, cmp.Diff(want, said))
				}
				if len(r.messages) != 1 || r.messages[0] != tt.want {
					t.Fatalf("cut at %d: got %q, want %q", i, r.messages, tt.want)
				}
			}
			if got := undot([]byte(tt.in)); string(got) != tt.want {
				t.Errorf("the slow reference: got %q, want %q", got, tt.want)
			}
		})
	}
}

// undot is the slow reference: byte by byte, by the book. It returns nil when
// the message does not end.
func undot(in []byte) []byte {
	out := make([]byte, 0, len(in))
	for i := 0; i < len(in); i++ {
		lineStart := i == 0 || i >= 2 && in[i-2] == '\r' && in[i-1] == '\n'
		if lineStart && in[i] == '.' {
			if bytes.HasPrefix(in[i:], []byte(".\r\n")) {
				return out
			}
			continue
		}
		out = append(out, in[i])
	}
	return nil
}

// FuzzDataReader compares the reader, fed in pieces of any size, with the
// reference.
func FuzzDataReader(f *testing.F) {
	for _, seed := range []string{".\r\n", "a\r\n.\r\n", "..\r\n.\r\nMAIL", "a\n.\n\r\n.\n.\r\r\n.\r\n", "\r\n.\r\n.\r\n", "a"} {
		f.Add([]byte(seed), uint8(1))
		f.Add([]byte(seed), uint8(4))
	}
	f.Fuzz(func(t *testing.T, in []byte, step uint8) {
		want := undot(in)
		input := newInput(stepReader{bytes.NewReader(in), int(step)%7 + 1}, &buffers{})
		var d dotReader
		d.reset(&input)
		var b body
		b.reset(&d, 1<<20)
		got, err := io.ReadAll(readOnly{&b})
		if want == nil {
			if err == nil {
				t.Fatalf("%q: ended with %q, has no end", in, got)
			}
			return
		}
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%q: got %q, %v, want %q", in, got, err, want)
		}
		rest, _ := io.ReadAll(io.MultiReader(bytes.NewReader(input.buffered()), input.src))
		if !bytes.HasSuffix(in, append([]byte(".\r\n"), rest...)) {
			t.Fatalf("%q: left %q for commands", in, rest)
		}
	})
}

type stepReader struct {
	r    io.Reader
	step int
}

func (s stepReader) Read(p []byte) (int, error) { return s.r.Read(p[:min(len(p), s.step)]) }

// readOnly hides WriteTo.
type readOnly struct{ io.Reader }

func TestBodyReaders(t *testing.T) {
	message := strings.Repeat("0123456789\r\n..\r\n", 5000)
	want := strings.Repeat("0123456789\r\n.\r\n", 5000)
	open := func() *body {
		in := newInput(iotest.HalfReader(strings.NewReader(message+".\r\n")), &buffers{})
		d, b := new(dotReader), new(body)
		d.reset(&in)
		b.reset(d, int64(len(want)))
		return b
	}
	var written strings.Builder
	if n, err := open().WriteTo(&written); err != nil || n != int64(len(want)) || written.String() != want {
		t.Errorf("WriteTo: %d bytes, %v, want %d", n, err, len(want))
	}
	if got, err := io.ReadAll(iotest.OneByteReader(open())); err != nil || string(got) != want {
		t.Errorf("Read: %d bytes, %v, want %d", len(got), err, len(want))
	}
	if n, err := open().Read(nil); n != 0 || err != nil {
		t.Errorf("Read into nothing: %d, %v", n, err)
	}
}

// TestWriteToKeepsTheRest: bytes that a writer did not take are drained with
// the others.
func TestWriteToKeepsTheRest(t *testing.T) {
	r := &recorder{data: func(body io.Reader) []Reply {
		body.(io.WriterTo).WriteTo(iotest.TruncateWriter(fullWriter{}, 2))
		return []Reply{{452, "4.3.1", "Full"}}
	}}
	got := talk(t, testServer(r), helo+envelope+"DATA\r\na\r\n", "b\r\n..\r\n", ".\r\nNOOP\r\n")
	if want := hi + accepted + goOn + "452 4.3.1 Full\r\n" + ok250; got != want {
		t.Error(cmp.Diff(want, got))
	}
}

type fullWriter struct{}

func (fullWriter) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func BenchmarkDotReader(b *testing.B) {
	message := []byte(strings.Repeat(strings.Repeat("x", 76)+"\r\n", 131) + ".\r\n")
	lend := &buffers{}
	b.SetBytes(int64(len(message)))
	for b.Loop() {
		in := newInput(bytes.NewReader(message), lend)
		in.resize(largeBuffer)
		var d dotReader
		d.reset(&in)
		var m body
		m.reset(&d, 1<<20)
		m.WriteTo(io.Discard)
		in.release()
	}
}
