package extract

import (
	"strings"
	"testing"
)

func TestTextWrite(t *testing.T) {
	tests := []struct {
		pieces []string
		want   string
	}{
		{[]string{"a\r\nb\n"}, "a\nb\n"},
		{[]string{"a\r", "\nb"}, "a\nb"},
		{[]string{"a\r", "b\rc"}, "a\nb\nc"},
		{[]string{"a\r", "", "\nb"}, "a\nb"},
		{[]string{"a\r\r\nb"}, "a\n\nb"},
		{[]string{"a\x00b\x00"}, "ab"},
	}
	for _, tt := range tests {
		out := text{limit: 100}
		for _, p := range tt.pieces {
			out.write([]byte(p))
		}
		if string(out.b) != tt.want {
			t.Errorf("%q written as %q, want %q", tt.pieces, out.b, tt.want)
		}
	}
}

func TestTextIsCutAtAWholeCharacter(t *testing.T) {
	for limit := range 8 {
		out := text{limit: limit}
		out.write([]byte("aüb漢"))
		if got := string(out.b); !strings.HasPrefix("aüb漢", got) || strings.ToValidUTF8(got, "") != got || out.cut != (limit < 7) {
			t.Errorf("limit %d gives %q, cut %v", limit, got, out.cut)
		}
		out.write([]byte("more"))
		if out.cut && strings.Contains(string(out.b), "more") {
			t.Errorf("limit %d: written behind the cut", limit)
		}
	}
}

func TestTextSeparates(t *testing.T) {
	out := text{limit: 100}
	out.space('\n')
	out.write([]byte("a"))
	out.space(' ')
	out.space(' ')
	out.space('\n')
	out.write([]byte("b"))
	out.aside([]byte("c"))
	out.write([]byte("d"))
	out.paragraph()
	out.paragraph()
	out.line("e")
	out.line("")
	out.line("f")
	if got, want := string(out.b), "a\nb c d\n\ne\nf\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
