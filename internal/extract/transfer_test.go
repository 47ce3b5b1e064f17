package extract

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime/quotedprintable"
	"strings"
	"testing"
)

// decoded reads a whole body in a transfer encoding, in a message or before a
// boundary.
func decoded(t testing.TB, in, encoding string, footer bool) string {
	t.Helper()
	var s source
	s.reset(strings.NewReader(in))
	s.bounds = append(s.bounds, "--b")
	b := &body{}
	b.reset(&s, transferFor(encoding, footer))
	out, err := io.ReadAll(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestTransfer(t *testing.T) {
	long := strings.Repeat("x", 3*lineBuffer)
	tests := []struct {
		name, encoding, in, want string
		footer                   bool
	}{
		{"as it stands", "8bit", "a\r\nb\n\n", "a\r\nb\n\n", false},
		{"line end belongs to the boundary", "7bit", "a\r\n\r\n--b--\r\nmore", "a\r\n", false},
		{"boundary at once", "", "--b\r\nmore", "", false},
		{"long line", "", long + "\nz\n--b", long + "\nz", false},
		{"unknown encoding", "x-secret", "a=20\n", "a=20\n", false},
		{"quoted-printable", "Quoted-Printable", "a=3D=\r\nb=c3=A4 \t\r\nc", "a=b\xc3\xa4\r\nc", false},
		{"broken quoted-printable", "quoted-printable", "100=%=\n=4=4a=", "100=%=4J=", false},
		{"quoted-printable cut by the buffer", "quoted-printable", strings.Repeat("=61", lineBuffer) + "\n", strings.Repeat("a", lineBuffer) + "\n", false},
		{"base64", "base64", "SGVs\r\nbG8=\r\n", "Hello", false},
		{"base64 on one long line", "base64", base64.StdEncoding.EncodeToString([]byte(long)), long, false},
		{"base64 in odd lines", "BASE64", "S\nGVsb\nG8\n", "Hello", false},
		{"base64 with junk", "base64", "SG*Vs\r\n b G8=!\r\n", "Hello", false},
		{"base64 joined", "base64", "SGVsbG8=\nSGVsbG8=\n", "HelloHello", false},
		{"base64 with a footer", "base64", "SGVsbG8gd29ybGQK\n\n_____\nlist mailing list\n", "Hello world\n_____\nlist mailing list\n", true},
		{"no base64 at all", "base64", "This is plain.\nReally\n", "This is plain.\n\x45\xe6\xa5\x97", true},
		{"uuencode", "x-uuencode", "begin 644 a.txt\n%2&5L;&\\\n`\nend\nmore\n", "Hello", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := decoded(t, tt.in, tt.encoding, tt.footer)
			if got != tt.want {
				t.Errorf("%.60q as %s = %.60q, want %.60q", tt.in, tt.encoding, got, tt.want)
			}
		})
	}
}

// FuzzTransfer checks that what the standard library encodes is read back.
func FuzzTransfer(f *testing.F) {
	f.Add([]byte("Hello, Gr\xc3\xb6\xc3\x9fe\r\n\r\n==\x00"))
	f.Fuzz(func(t *testing.T, content []byte) {
		encoded := base64.StdEncoding.EncodeToString(content)
		if got := decoded(t, encoded, "base64", false); got != string(content) {
			t.Errorf("base64 of %q read as %q", content, got)
		}
		if bytes.Contains(content, []byte("--")) {
			return // might be the boundary
		}
		var qp bytes.Buffer
		w := quotedprintable.NewWriter(&qp)
		w.Binary = true
		w.Write(content)
		w.Close()
		if got := decoded(t, qp.String(), "quoted-printable", false); got != string(content) {
			t.Errorf("quoted-printable of %q (%q) read as %q", content, qp.Bytes(), got)
		}
		decoded(t, string(content), "uuencode", false)
		decoded(t, string(content), "base64", true)
		decoded(t, string(content), "quoted-printable", false)
	})
}
