package extract

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// part reads the lines up to the next boundary.
func (s *source) part() (lines []string) {
	for {
		piece, _, ok := s.line()
		if !ok {
			return lines
		}
		lines = append(lines, string(piece))
	}
}

func TestSourceEndsAtBoundaries(t *testing.T) {
	var s source
	s.reset(strings.NewReader("a\r\n--out\r\nb\n--in \t\nc\n--in--x\n--in--\nd\n--out--\ne"))
	s.bounds = []string{"--out", "--in"}
	steps := []struct {
		lines []string
		hit   int
		last  bool
	}{
		{[]string{"a\r\n"}, 0, false},
		{[]string{"b\n"}, 1, false},
		{[]string{"c\n", "--in--x\n"}, 1, true},
		{[]string{"d\n"}, 0, true},
		{[]string{"e"}, -1, true},
	}
	for i, want := range steps {
		lines := s.part()
		if diff := cmp.Diff(want.lines, lines); diff != "" || s.hit != want.hit || want.hit >= 0 && s.last != want.last {
			t.Errorf("part %d: %q, boundary %d, last %v; want %+v", i, lines, s.hit, s.last, want)
		}
		if again := s.part(); want.hit >= 0 && len(again) > 0 {
			t.Errorf("part %d goes on behind its boundary: %q", i, again)
		}
		s.hit = -1
	}
}

func TestSourcePiecesOfLongLines(t *testing.T) {
	long := strings.Repeat("x", 2*lineBuffer+10)
	var s source
	s.reset(strings.NewReader(long + "\n--b\n"))
	s.bounds = []string{"--b"}
	var got strings.Builder
	begun := 0
	for {
		piece, begins, ok := s.line()
		if !ok {
			break
		}
		if begins {
			begun++
		}
		got.Write(piece)
	}
	if got.String() != long+"\n" || begun != 1 || s.hit != 0 {
		t.Errorf("%d bytes in %d lines, boundary %d", got.Len(), begun, s.hit)
	}
}

// A boundary counts only where a line begins, not where a piece does.
func TestSourceNoBoundaryInsideALine(t *testing.T) {
	var s source
	s.reset(strings.NewReader(strings.Repeat("x", lineBuffer) + "--b\nrest\n"))
	s.bounds = []string{"--b"}
	if lines := s.part(); len(lines) != 3 || s.hit != -1 {
		t.Errorf("%d pieces, boundary %d", len(lines), s.hit)
	}
}

func TestSourcePush(t *testing.T) {
	var s source
	s.reset(strings.NewReader("c\n--b\n"))
	s.bounds = []string{"--b"}
	s.push([]byte("a\nb\n"))
	if diff := cmp.Diff([]string{"a\n", "b\n", "c\n"}, s.part()); diff != "" || s.hit != 0 {
		t.Errorf("boundary %d (-want +got):\n%s", s.hit, diff)
	}
}

func TestReadHeader(t *testing.T) {
	type fields = map[kind]string
	tests := []struct {
		name, in   string
		want       fields
		junk, rest string
		known      bool
	}{
		{"folded", "Subject: a\r\n b\r\n\tc\r\n\r\nrest", fields{kindSubject: " a b\tc"}, "", "rest", true},
		{"case and space", "SUBJECT \t:a\n\nrest", fields{kindSubject: "a"}, "", "rest", true},
		{"others are kept", "X-A: b\n c\nSubject: d\n\n", fields{other: " b c", kindSubject: " d"}, "", "", true},
		{"none known", "X-A: b\n\nrest", fields{other: " b"}, "", "rest", false},
		{"signatures are passed over", "DKIM-Signature: b\n c\nSubject: d\n\n", fields{kindSubject: " d"}, "", "", true},
		{"colon first", ": x\nSubject: a\n\nrest", fields{}, "", ": x\nSubject: a\n\nrest", false},
		{"8-bit in the name", "Subj\xe9ct: x\n\nrest", fields{}, "", "Subj\xe9ct: x\n\nrest", false},
		{"junk", "Subject: a\njunk\n more\nTo: b\n\nrest", fields{kindSubject: " a"}, "", "junk\n more\nTo: b\n\nrest", true},
		{"one line of junk", "Subject: a\njunk\nTo: b\n\nrest", fields{kindSubject: " a", kindTo: " b"}, "junk\nTo: b\n", "rest", true},
		{"folded behind junk", "Subject: a\njunk\nX-A: b\n c\n\nrest", fields{kindSubject: " a", other: " b c"}, "junk\nX-A: b\n c\n", "rest", true},
		{"mbox line", "Subject: a\n>From x\nTo: b\n\nrest", fields{kindSubject: " a", kindTo: " b"}, ">From x\n", "rest", true},
		{"junk at the end", "Subject: a\njunk\n\nrest", fields{kindSubject: " a"}, "junk\n", "rest", true},
		{"like a boundary", "Subject: a\n--x\nTo: b\n", fields{kindSubject: " a"}, "", "--x\nTo: b\n", true},
		{"CR CR LF", "Subject: a\r\r\n\r\r\nrest", fields{kindSubject: " a"}, "", "rest", true},
		{"nothing", "", fields{}, "", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var s source
			s.reset(strings.NewReader(tt.in))
			h := readHeader(&s, 1<<20)
			got := fields{}
			for _, f := range h.fields {
				got[f.kind] = string(f.value)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || string(h.junk) != tt.junk || h.known != tt.known {
				t.Errorf("junk %q, known %v, fields (-want +got):\n%s", h.junk, h.known, diff)
			}
			if rest := strings.Join(s.part(), ""); rest != tt.rest {
				t.Errorf("rest %q, want %q", rest, tt.rest)
			}
		})
	}
}

func TestGuessBoundary(t *testing.T) {
	tests := []struct{ in, want string }{
		{"--a\nContent-Type: x\n", "a"},
		{"text\n--no\n--a \r\ncontent-disposition: x\n", "a"},
		{"--a\nno field\n", ""},
		{"--\nContent-Type: x\n", ""},
		{"--" + strings.Repeat("x", 300) + "\nContent-Type: x\n", ""},
		{"", ""},
	}
	for _, tt := range tests {
		if got := guessBoundary([]byte(tt.in)); got != tt.want {
			t.Errorf("guessBoundary(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}
