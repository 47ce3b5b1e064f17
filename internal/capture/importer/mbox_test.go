package importer

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const fromA = "From a@example.org Thu Jun 10 10:00:00 2010"

// part is a member as a test sees it.
type part struct {
	Offset   int64
	From     string
	Content  string
	Preamble bool
}

func splitAll(t testing.TB, r io.Reader, d Dialect) []part {
	t.Helper()
	var parts []part
	m := NewMboxReader(r, d)
	for {
		c, err := m.Next()
		if errors.Is(err, io.EOF) {
			return parts
		}
		if err != nil {
			t.Fatalf("Next: %v", err)
		}
		b, err := io.ReadAll(c)
		if err != nil {
			t.Fatalf("read member at %d: %v", c.Offset, err)
		}
		parts = append(parts, part{c.Offset, c.FromLine, string(b), c.Preamble})
	}
}

func contents(parts []part) []string {
	var s []string
	for _, p := range parts {
		s = append(s, p.Content)
	}
	return s
}

func TestMboxSplitsAndUnquotes(t *testing.T) {
	const f = fromA + "\n"
	for _, c := range []struct {
		name    string
		dialect Dialect
		in      string
		want    []string
	}{
		{"empty", Mboxrd, "", nil},
		{"only empty lines", Mboxrd, "\n\r\n\n", nil},
		{"one", Mboxrd, f + "A: b\n\nc\n\n", []string{"A: b\n\nc\n"}},
		{"separator missing at the end", Mboxrd, f + "A: b\n\nc\n", []string{"A: b\n\nc\n"}},
		{"line end missing at the end", Mboxrd, f + "A: b\n\nc", []string{"A: b\n\nc"}},
		{"only one empty line is the separator", Mboxrd, f + "a\n\n\n\n" + f + "b\n\n\n", []string{"a\n\n\n", "b\n\n"}},
		{"empty messages", Mboxrd, f + "\n" + f + "\n" + f, []string{"", "", ""}},
		{"message of one empty line", Mboxrd, f + "\n\n" + f + "\n\n", []string{"\n", "\n"}},
		{"CRLF", Mboxrd, fromA + "\r\nA: b\r\n\r\nc\r\n\r\n" + fromA + "\r\nd\r\n\r\n", []string{"A: b\r\n\r\nc\r\n", "d\r\n"}},
		{"LF separator behind CRLF text", Mboxrd, f + "a\r\n\r\n\n" + f + "b\r\n\n", []string{"a\r\n\r\n", "b\r\n"}},
		{"bare CR is text", Mboxrd, f + "a\r\rb\n\r\n\r", []string{"a\r\rb\n\r\n\r"}},
		{"no empty line before", Mboxrd, f + "a\n" + f + "b\n\n", []string{"a\n" + f + "b\n"}},
		{"no date", Mboxrd, f + "a\n\nFrom here on it is uphill\n\n", []string{"a\n\nFrom here on it is uphill\n"}},
		{"first line needs no date", Mboxrd, "From nobody\na\n\n" + f + "b\n\n", []string{"a\n", "b\n"}},
		{"header directly behind From_", Mboxrd, f + "\n" + "text\n\n", []string{"\ntext\n"}},
		{"text before the first", Mboxrd, "oh\n\n" + f + "a\n\n", []string{"oh\n", "a\n"}},
		{"rd takes one of any", Mboxrd, f + ">From a\n>>From b\n>>>From c\n>Fro\n> From\n>", []string{"From a\n>From b\n>>From c\n>Fro\n> From\n>"}},
		{"o takes one of one", Mboxo, f + ">From a\n>>From b\n>>>From c\n", []string{"From a\n>>From b\n>>>From c\n"}},
		{"cl is o", Mboxcl, f + "Content-Length: 1\n\n>From a\n>>From b\n\n", []string{"Content-Length: 1\n\nFrom a\n>>From b\n"}},
		{"cl2 takes none, length rules", Mboxcl2, f + "Content-Length: 59\n\nx\n\n" + f + ">From y\n\nzz\n\n" + f + "b\n\n",
			[]string{"Content-Length: 59\n\nx\n\n" + f + ">From y\n\nzz\n", "b\n"}},
		{"cl2 to the end of the file", Mboxcl2, f + "content-length:\t47\r\n\r\nx\n\n" + f, []string{"content-length:\t47\r\n\r\nx\n\n" + f}},
		{"cl2 with a wrong length", Mboxcl2, f + "Content-Length: 7\n\nx\n\n" + f + "b\n\n", []string{"Content-Length: 7\n\nx\n", "b\n"}},
		{"cl2 beyond the file", Mboxcl2, f + "Content-Length: 9223372036854775807\n\nx\n\n", []string{"Content-Length: 9223372036854775807\n\nx\n"}},
		{"cl2 without a length", Mboxcl2, f + "A: b\n\nx\n\n" + f + "Content-Length: 0\n\n\n", []string{"A: b\n\nx\n", "Content-Length: 0\n\n"}},
		{"NUL", Mboxrd, f + "a\x00b\n\x00\n\n", []string{"a\x00b\n\x00\n"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := contents(splitAll(t, strings.NewReader(c.in), c.dialect))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%q (-want +got):\n%s", c.in, diff)
			}
			if c.dialect == Mboxcl2 {
				return // needs an io.ReaderAt
			}
			slow := contents(splitAll(t, iotest.OneByteReader(strings.NewReader(c.in)), c.dialect))
			if diff := cmp.Diff(c.want, slow); diff != "" {
				t.Errorf("byte by byte, %q (-want +got):\n%s", c.in, diff)
			}
		})
	}
}

func TestMboxLinesLongerThanTheBuffer(t *testing.T) {
	long := strings.Repeat("x", 3*mboxBuffer)
	quotes := strings.Repeat(">", 2*mboxBuffer+7)
	in := fromA + "\n" + long + "\n\nFrom " + long + "\n" + quotes + "From y\n" + quotes + "no\n\n" + fromA + "\nend\n\n"
	want := []string{long + "\n\nFrom " + long + "\n" + quotes[1:] + "From y\n" + quotes + "no\n", "end\n"}
	if got := contents(splitAll(t, strings.NewReader(in), Mboxrd)); !cmp.Equal(got, want) {
		t.Errorf("got %d members of lengths %v, want the two that went in", len(got), lengths(got))
	}
}

func lengths(s []string) (n []int) {
	for _, x := range s {
		n = append(n, len(x))
	}
	return n
}

func TestMboxMemberKnowsItsPlace(t *testing.T) {
	in := "\n" + fromA + " +0200\r\na\n\nFrom - Tue Jan 05 00:00:01 2021\nb\n"
	m := NewMboxReader(strings.NewReader(in), Mboxrd)
	first, err := m.Next()
	if err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2010, 6, 10, 8, 0, 0, 0, time.UTC); !first.Delivered.Equal(want) || first.Offset != 1 || first.FromLine != fromA+" +0200" {
		t.Errorf("first: offset %d, line %q, delivered %v, want 1, the line, %v", first.Offset, first.FromLine, first.Delivered, want)
	}
	second, err := m.Next() // the first was not read: Next passes over it
	if err != nil {
		t.Fatal(err)
	}
	if want := int64(strings.Index(in, "From -")); second.Offset != want {
		t.Errorf("second at %d, want %d", second.Offset, want)
	}
	if b, err := io.ReadAll(first); len(b) > 0 || err != nil {
		t.Errorf("the first after Next gives %q, %v, want nothing", b, err)
	}
	if _, err := m.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("behind the last: %v, want io.EOF", err)
	}
	if m.Offset() != int64(len(in)) {
		t.Errorf("consumed %d of %d bytes", m.Offset(), len(in))
	}
}

func TestMboxSourceErrorIsNoEnd(t *testing.T) {
	broken := errors.New("disk is broken")
	in := fromA + "\na\n\n" + fromA + "\nhalf a mess"
	for cut := range len(in) {
		m := NewMboxReader(io.MultiReader(strings.NewReader(in[:cut]), iotest.ErrReader(broken)), Mboxrd)
		var err error
		for err == nil {
			var c *Member
			if c, err = m.Next(); err == nil {
				_, err = io.ReadAll(c)
			}
		}
		if !errors.Is(err, broken) {
			t.Fatalf("cut at %d: ended with %v, want the source's error", cut, err)
		}
	}
}

// quoteMbox writes one message as the dialect's writers do (mbox(5)).
func quoteMbox(d Dialect, eol, from, content string) string {
	var out strings.Builder
	out.WriteString(from + eol)
	for rest := content; rest != ""; {
		line, behind, found := strings.Cut(rest, "\n")
		rest = behind
		if bare := strings.TrimLeft(line, ">"); strings.HasPrefix(bare, "From ") && (d == Mboxrd || bare == line) {
			out.WriteByte('>')
		}
		out.WriteString(line)
		if found {
			out.WriteByte('\n')
		}
	}
	if content != "" && !strings.HasSuffix(content, "\n") {
		out.WriteString(eol) // "if the last line was a partial line, it writes two newlines"
	}
	return out.String() + eol
}

// afterRoundTrip is what the dialect cannot keep: a last line without its end,
// and for mboxo a ">From " that was there before.
func afterRoundTrip(d Dialect, eol, content string) string {
	if content != "" && !strings.HasSuffix(content, "\n") {
		content += eol
	}
	if d == Mboxrd {
		return content
	}
	lines := strings.SplitAfter(content, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ">From ") {
			lines[i] = l[1:]
		}
	}
	return strings.Join(lines, "")
}

func drawContent(t *rapid.T) string {
	line := rapid.SampledFrom([]string{
		"", "", "A: b", "From x", ">From x", ">>From x", "From the start", fromA, ">" + fromA, ">>" + fromA,
		"\r", "\x00", "From", "From \x00", "\xff\xfe", ">", strings.Repeat("y", 100), strings.Repeat("z", mboxBuffer-3),
	})
	lines := rapid.SliceOfN(line, 0, 12).Draw(t, "lines")
	eol := rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "eol")
	return strings.Join(lines, eol) + rapid.SampledFrom([]string{"", eol, eol + eol}).Draw(t, "tail")
}

func TestMboxRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := rapid.SampledFrom([]Dialect{Mboxrd, Mboxo, Mboxcl}).Draw(t, "dialect")
		eol := rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "separator")
		var in strings.Builder
		var want []string
		for _, c := range rapid.SliceOfN(rapid.Custom(drawContent), 0, 5).Draw(t, "messages") {
			in.WriteString(quoteMbox(d, eol, fromA, c))
			want = append(want, afterRoundTrip(d, eol, c))
		}
		var parts []part
		m := NewMboxReader(strings.NewReader(in.String()), d)
		for c, err := m.Next(); err == nil; c, err = m.Next() {
			b, _ := io.ReadAll(c)
			parts = append(parts, part{Content: string(b)})
		}
		if diff := cmp.Diff(want, contents(parts)); diff != "" {
			t.Fatalf("%s of %q (-want +got):\n%s", d, in.String(), diff)
		}
	})
}

// splitSlowly is another way to the same parts: the whole file in memory, line
// by line, no dialect.
func splitSlowly(in string) (parts []part) {
	lines := strings.SplitAfter(in, "\n")
	offset := int64(0)
	for len(lines) > 1 && (lines[0] == "\n" || lines[0] == "\r\n") {
		offset += int64(len(lines[0]))
		lines = lines[1:]
	}
	empty := func(l string) bool { return l == "\n" || l == "\r\n" }
	chomp := func(l string) string { return strings.TrimSuffix(strings.TrimSuffix(l, "\n"), "\r") }
	var texts []*strings.Builder // one for each part
	before := ""
	for _, l := range lines {
		if l == "" {
			break
		}
		_, dated := postmark([]byte(chomp(l)))
		fits := strings.HasPrefix(l, "From ") && (len(l) < maxFromLine || len(l) == maxFromLine && strings.HasSuffix(l, "\n"))
		begins := fits && (len(parts) == 0 || dated && empty(before))
		switch {
		case begins:
			parts = append(parts, part{Offset: offset, From: chomp(l)})
		case len(parts) == 0:
			parts = append(parts, part{Offset: offset, Preamble: true})
		}
		if len(texts) < len(parts) {
			texts = append(texts, &strings.Builder{})
		}
		before = ""
		if !begins {
			texts[len(texts)-1].WriteString(l)
			before = l
		}
		offset += int64(len(l))
	}
	for i := range parts {
		parts[i].Content = trimSeparator(texts[i].String())
	}
	return parts
}

func trimSeparator(s string) string {
	for _, eol := range []string{"\r\n", "\n"} {
		if s == eol || strings.HasSuffix(s, "\n"+eol) {
			return s[:len(s)-len(eol)]
		}
	}
	return s
}

func unquoteSlowly(s string, d Dialect) string {
	lines := strings.SplitAfter(s, "\n")
	for i, l := range lines {
		bare := strings.TrimLeft(l, ">")
		n := len(l) - len(bare)
		if strings.HasPrefix(bare, "From ") && (n == 1 || n > 1 && d == Mboxrd) {
			lines[i] = l[1:]
		}
	}
	return strings.Join(lines, "")
}

func FuzzMbox(f *testing.F) {
	for _, s := range []string{
		"", "\n", "From ", "From a\n", "x\n\n" + fromA + "\n", fromA + "\n>From a\n>>From b\n\n" + fromA + "\r\nc\r\n\r\n",
		"From " + strings.Repeat("a", maxFromLine) + "\n\n" + fromA, fromA + "\nContent-Length: 4\n\nabc\n\n" + fromA + "\n\n",
		fromA + "\n\n" + strings.Repeat("From a Jan 1 00:00 2000\n\n", 3), "\r\n\r" + fromA,
	} {
		f.Add([]byte(s), true)
		f.Add([]byte(s), false)
	}
	f.Fuzz(func(t *testing.T, in []byte, rd bool) {
		d := Mboxo
		if rd {
			d = Mboxrd
		}
		want := splitSlowly(string(in))
		for i := range want {
			want[i].Content = unquoteSlowly(want[i].Content, d)
		}
		got := splitAll(t, bytes.NewReader(in), d)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s, %q (-want +got):\n%s", d, in, diff)
		}
		// With no quoting to undo, parts and what stands between them are
		// all of the input; and Content-Length never loses a byte of it.
		covered := 0
		for _, p := range splitAll(t, bytes.NewReader(in), Mboxcl2) {
			covered += len(p.Content)
			if !bytes.HasPrefix(in[p.Offset:], []byte(p.From)) {
				t.Fatalf("%q: no %q at %d", in, p.From, p.Offset)
			}
		}
		if covered > len(in) {
			t.Fatalf("%q: members hold %d bytes, more than the %d there are", in, covered, len(in))
		}
	})
}

// TestMboxJoined puts the parts together again: nothing is lost between them.
func TestMboxJoined(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.Custom(drawContent).Draw(t, "mbox")
		var out strings.Builder
		m := NewMboxReader(strings.NewReader(in), Mboxcl2)
		pos := int64(0)
		for c, err := m.Next(); err == nil; c, err = m.Next() {
			if skipped := in[pos:c.Offset]; strings.Trim(skipped, "\r\n") != "" || strings.Count(skipped, "\n") > 1 && pos > 0 {
				t.Fatalf("%q: %q stands between two members", in, skipped)
			}
			out.WriteString(in[pos:c.Offset])
			b, _ := io.ReadAll(c)
			begin := c.Offset
			if !c.Preamble {
				begin += int64(strings.IndexByte(in[c.Offset:]+"\n", '\n') + 1)
			}
			begin = min(begin, int64(len(in)))
			pos = begin + int64(len(b))
			out.WriteString(in[c.Offset:begin] + string(b))
		}
		if rest := in[min(pos, int64(len(in))):]; strings.Trim(rest, "\r\n") != "" {
			t.Fatalf("%q: %q is in no member", in, rest)
		} else {
			out.WriteString(rest)
		}
		if out.String() != in {
			t.Fatalf("joined %q, want %q", out.String(), in)
		}
	})
}

func TestMboxMemoryIsBounded(t *testing.T) {
	f, err := os.Create(t.TempDir() + "/big.mbox")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(fromA + "\nA: b\n\n"); err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(200 << 20); err != nil { // NULs without a line end
		t.Fatal(err)
	}
	var n int64
	allocs := testing.AllocsPerRun(1, func() {
		c, err := NewMboxReader(io.NewSectionReader(f, 0, 200<<20), Mboxrd).Next()
		if err != nil {
			t.Fatal(err)
		}
		n, _ = io.Copy(io.Discard, c)
	})
	if want := int64(200<<20 - len(fromA) - 1); n != want || allocs > 100 {
		t.Errorf("read %d bytes with %v allocations, want %d with a few", n, allocs, want)
	}
}
