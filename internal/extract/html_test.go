package extract

import (
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"
)

func visible(in string, limit int) string {
	out := text{limit: limit}
	h := htmlText{out: &out}
	h.read(strings.NewReader(in))
	return string(out.b)
}

func TestHTMLText(t *testing.T) {
	huge := strings.Repeat("A", 3*maxHTMLToken)
	tests := []struct{ name, in, want string }{
		{"plain", "Hello", "Hello"},
		{"inline elements are in the word", "<p><b>H</b>el<span class=x>lo</span></p>", "Hello"},
		{"blocks part words", "<p>one</p><div>two</div>three<br>four", "one two three four"},
		{"cells part words", "<table><tr><td>1</td><td>2</td></tr></table>", "1 2"},
		{"entities", "Gr&ouml;&szlig;e &amp; &#8364; &#x41; &nbsp;x", "Größe & € A x"},
		{"script, style", "a<script>var x='<b>no</b>'</script><style>p{no}</style>b", "ab"},
		{"title and head", "<head><title>Title</title><meta charset=x></head><body>Body</body>", "Title Body"},
		{"alternative text", `<img src=x alt="A logo">text<a title="more" href="https://hidden.example">link</a>`, "A logo text more link"},
		{"hidden text stays", `<div style="display:none">preheader</div>x`, "preheader x"},
		{"comment", "a<!-- no -->b<!-- no", "ab"},
		{"not closed", "<p>one<p>two <b", "one two <b"},
		{"ends within a tag", `one <a href="http://x.example>two</a>`, `one <a href="http://x.example>two</a>`},
		{"ends within a long tag", `one <img src="` + strings.Repeat("A", 2000), "one"},
		{"less-than in text", "1 < 2 and 3<4", "1 < 2 and 3<4"},
		{"image in an attribute", `a <img src="data:image/png;base64,` + huge + `"> b`, "a b"},
		{"long text", "a " + huge + " b", "a " + huge + " b"},
		{"textarea", "<textarea>typed &amp; sent</textarea>", "typed & sent"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := strings.Join(strings.Fields(strings.ReplaceAll(visible(tt.in, 10<<20), "\u00a0", " ")), " ")
			if got != tt.want {
				t.Errorf("text of %.80q is %.80q, want %.80q", tt.in, got, tt.want)
			}
		})
	}
}

func TestHTMLTextStopsAtTheLimit(t *testing.T) {
	if got := visible("<p>"+strings.Repeat("word ", 1000), 100); len(got) > 100 {
		t.Errorf("%d bytes of text, limit 100", len(got))
	}
}

func FuzzHTML(f *testing.F) {
	for _, s := range []string{"<p>a</p>", "<script>x</script>y", "&#0;&#xd800;&bogus;", "<img alt=\"", "<!--", "<![CDATA[x]]>", "<plaintext>x", "\xff<\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		s = strings.ToValidUTF8(s, "?")
		got := visible(s, 1<<20)
		if !utf8.ValidString(got) || strings.ContainsRune(got, 0) {
			t.Errorf("text of %q is %q", s, got)
		}
		out := text{limit: 1 << 20}
		h := htmlText{out: &out}
		h.read(iotest.OneByteReader(strings.NewReader(s)))
		if string(out.b) != got {
			t.Errorf("text of %q is %q byte by byte, %q at once", s, out.b, got)
		}
	})
}
