package inert

import (
	"errors"
	"io"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"

	"golang.org/x/net/html"
)

func clean(t testing.TB, source string, o Options) Page {
	t.Helper()
	page, err := Clean(strings.NewReader(source), o)
	if err != nil {
		t.Fatalf("Clean(%q): %v", source, err)
	}
	return page
}

func TestClean(t *testing.T) {
	inline := func(id string) string {
		if id == "logo@example.org" {
			return "inline/3"
		}
		return ""
	}
	for _, c := range []struct{ name, source, want string }{
		{"text", `a < b & "c"`, `a &lt; b &amp; &#34;c&#34;`},
		{"elements", `<p>Hello <b>you</b><br>there</p>`, `<p>Hello <b>you</b><br>there</p>`},
		{"upper case", `<P ALIGN=Center>x</P>`, `<p align="Center">x</p>`},
		{"not closed", `<table><tr><td><b>x`, `<table><tr><td><b>x</b></td></tr></table>`},
		{"stray end tags", `<table><tr><td>x</div></table></span>y`, `<table><tr><td>x</td></tr></table>y`},
		{"unknown element", `<o:p>x</o:p><form action=/x><button>send</button></form>`, `xsend`},
		{"document", `<html><head><title>t</title><meta http-equiv=refresh content="0;url=//evil"><base href=//evil></head><body>x</body></html>`, `x`},
		{"script", `a<script>alert(1)</script><style>p{}</style>b`, `ab`},
		{"handlers", `<p onclick="x()" onmouseover=x() id=a class=b name=c data-x=d>t</p>`, `<p>t</p>`},
		{"svg", `<svg onload=alert(1)><g><script>x</script></g><text>t</text></svg>after`, `after`},
		{"math", `<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph></table></mtext></math>after`, `after`},
		{"frames", `<iframe src=//evil></iframe><object data=//evil>text</object><embed src=//evil>`, `text`},
		{"link", `<a href="https://example.org/a?b=c&amp;d" target=_top>x</a>`, `<a href="https://example.org/a?b=c&amp;d" target="_blank" rel="noopener noreferrer nofollow">x</a>`},
		{"mailto", `<a href="mailto:ann@example.org">x</a>`, `<a href="mailto:ann@example.org" target="_blank" rel="noopener noreferrer nofollow">x</a>`},
		{"deceiving user", `<a href="https://bank.example@evil.example/">x</a>`, `<a href="https://evil.example/" target="_blank" rel="noopener noreferrer nofollow">x</a>`},
		{"script link", `<a href="javascript:alert(1)">x</a>`, `<a>x</a>`},
		{"script link in disguise", "<a href=\" java\tscript&colon;alert(1)\">x</a>", `<a>x</a>`},
		{"data link", `<a href="data:text/html,<script>x</script>">x</a>`, `<a>x</a>`},
		{"relative link", `<a href="/sign-out">x</a><a href=#top>y</a>`, `<a>x</a><a>y</a>`},
		{"inline image", `<img src="cid:logo@example.org" width=10 height=2000000 alt="a&quot;b">`,
			`<img src="inline/3" alt="a&#34;b" width="10" referrerpolicy="no-referrer">`},
		{"inline image that is not there", `<img src=cid:x alt=logo>`, `logo`},
		{"data image", `<img src="data:image/png;base64,iVBORw0KGgo=">`, `<img src="data:image/png;base64,iVBORw0KGgo=" alt="" referrerpolicy="no-referrer">`},
		{"data image of another kind", `<img src="data:image/svg+xml;base64,PHN2Zz4=" alt=x>`, `x`},
		{"local image", `<img src="/sign-out" alt=x><img src=file:///etc/passwd alt=y>`, `xy`},
		{"remote image", `<img src="https://evil.example/a.gif" srcset="https://evil.example/b.gif 2x">`, `<span class="blocked" title="evil.example">evil.example</span>`},
		{"remote image without scheme", `<img src="//evil.example/a.gif" alt="Our logo">`, `<span class="blocked" title="evil.example">Our logo</span>`},
		{"remote image with its size", `<img src="https://evil.example/a.gif" width=100 height=50px>`, `<span class="blocked m1" title="evil.example">evil.example</span>`},
		{"spacer", `a<img src="https://evil.example/a.gif" width=10 height=200>b`, `ab`},
		{"small image that says something", `<img src="https://evil.example/a.gif" width=10 alt="*">`, `<span class="blocked m1" title="evil.example">*</span>`},
		{"tracking pixel", `<img src="https://evil.example/a.gif" width=1 height=1>`, ``},
		{"class of a style", `<p style="color: red">a</p><b style="COLOR:red;">b</b>`, `<p class="m1">a</p><b class="m1">b</b>`},
		{"style that may not stay", `<p style="position:fixed;top:0">a</p>`, `<p>a</p>`},
		{"first of two attributes", `<a href="https://a.example/" href="javascript:x">x</a>`, `<a href="https://a.example/" target="_blank" rel="noopener noreferrer nofollow">x</a>`},
		{"quote in an attribute", `<p title='"><script>x</script>'>a</p>`, `<p title="&#34;&gt;&lt;script&gt;x&lt;/script&gt;">a</p>`},
		{"comment", `a<!-- <script>x</script> --><!DOCTYPE x><?php x ?>b<![CDATA[c]]>`, `ab`},
		{"not UTF-8", "a\xffb", "a\uFFFDb"},
	} {
		if got := clean(t, c.source, Options{Inline: inline}).Body; got != c.want {
			t.Errorf("%s: %s\n got %s\nwant %s", c.name, c.source, got, c.want)
		}
	}
}

func TestDeclarations(t *testing.T) {
	for _, c := range []struct{ style, want string }{
		{"color:#ff0000; background: #eee", "color:#ff0000;background-color:#eee;"},
		{"color:rgb(1, 2,3) !important", "color:rgb(1, 2,3);"},
		{"FONT-FAMILY: 'Segoe UI', Arial; font-size:12pt", "font-family:'Segoe UI', Arial;font-size:12pt;"},
		{"border:1px solid #ccc;margin:0 auto;padding:4px 8px", "border:1px solid #ccc;margin:0 auto;padding:4px 8px;"},
		{"margin-left:-9999px;text-indent:-1px", ""},
		{"background:url(https://evil.example/x)", ""},
		{"background-image:url(x);color:red", "color:red;"},
		{"color:red;back\\67round:url(x)", ""},
		{"color:/*x*/red", ""},
		{"color:red}body{background:url(//evil)", ""},
		{"width:expression(alert(1))", ""},
		{"behavior:url(x);-moz-binding:url(x)", ""},
		{"position:absolute;z-index:99;transform:scale(9);content:'x'", ""},
		{"color:red</style><script>", ""},
		{"font-family:'a", ""},
		{`font-family:'a"b'c"`, ""},
		{"color:var(--x);width:calc(1px + 1px)", ""},
		{"color", ""},
		{"", ""},
	} {
		if got := declarations(c.style); got != c.want {
			t.Errorf("%q gives %q, want %q", c.style, got, c.want)
		}
	}
}

func TestRemote(t *testing.T) {
	source := `<img src=http://a.example/1.png><img src=https://a.example/2.png width=1>
		<td background="https://a.example/3.png">x</td><p style="background:url(https://a.example/4.png)">y</p>`
	page := clean(t, source, Options{Placeholder: func(host string) string { return "blocked: " + host }})
	if page.Remote != 4 || !strings.Contains(page.Body, `title="blocked: a.example">a.example<`) || strings.Contains(page.Body, ".png") {
		t.Errorf("%d remote, %s", page.Remote, page.Body)
	}
	page = clean(t, source, Options{Remote: true})
	if !strings.Contains(page.Body, `<img src="http://a.example/1.png"`) || strings.Contains(page.Body, "4.png") {
		t.Errorf("shown on request: %s", page.Body)
	}
}

func TestLimits(t *testing.T) {
	for _, c := range []struct {
		name, source string
		cut          bool
	}{
		{"deep", strings.Repeat("<div>", 100_000), false},
		{"long", strings.Repeat("<p>hello</p>\n", maxInput/10), true},
		{"one tag", "<p title='" + strings.Repeat("x", 2*maxToken), true},
		{"all escapes", strings.Repeat(`"`, maxInput-1), true},
		{"attributes", "<p " + strings.Repeat("a b c d ", 10_000) + ">", false},
		{"styles", func() string {
			var b strings.Builder
			for i := range 20_000 {
				b.WriteString("<p style='width:" + strings.Repeat("1", i%5+1) + "px;height:" + string(rune('0'+i%10)) + "px;font-family:f" + strings.Repeat("x", i%300) + "'>")
			}
			return b.String()
		}(), false},
	} {
		page := clean(t, c.source, Options{})
		if page.Cut != c.cut {
			t.Errorf("%s: cut is %v, want %v", c.name, page.Cut, c.cut)
		}
		if len(page.Body) > maxOutput+maxToken*6 || len(page.Style) > maxSheet+maxStyle {
			t.Errorf("%s: %d bytes of HTML, %d of style", c.name, len(page.Body), len(page.Style))
		}
	}
}

func TestReadErrors(t *testing.T) {
	broken := errors.New("disk gone")
	if _, err := Clean(io.MultiReader(strings.NewReader("<p>"), iotest.ErrReader(broken)), Options{}); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

// check reads a page with a parser that follows the HTML standard and fails on
// anything that a browser would act on.
func check(t *testing.T, source string, page Page) {
	t.Helper()
	root, err := html.Parse(strings.NewReader("<!doctype html><html><head></head><body>" + page.Body + "</body></html>"))
	if err != nil {
		t.Fatalf("%q: %v", source, err)
	}
	for n := range root.Descendants() {
		if n.Type == html.CommentNode {
			t.Errorf("%q: comment %q", source, n.Data)
		}
		if n.Type == html.ElementNode {
			checkElement(t, source, n)
		}
	}
	if strings.ContainsAny(page.Style, "<\\@") || strings.Contains(strings.ToLower(page.Style), "url(") || strings.Contains(page.Style, "/*") {
		t.Errorf("%q: style %q", source, page.Style)
	}
	if strings.Count(page.Style, "{") != strings.Count(page.Style, "\n") || strings.Count(page.Style, "}") != strings.Count(page.Style, "\n") {
		t.Errorf("%q: style has a rule too many: %q", source, page.Style)
	}
}

func checkElement(t *testing.T, source string, n *html.Node) {
	t.Helper()
	switch n.Data {
	case "html", "head", "body", "img":
	default:
		if !allowed[n.Data] {
			t.Errorf("%q: element %s", source, n.Data)
		}
	}
	for _, a := range n.Attr {
		switch a.Key {
		case "href":
			u, err := url.Parse(a.Val)
			if err != nil || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "mailto" {
				t.Errorf("%q: leads to %q", source, a.Val)
			}
		case "src":
			if a.Val != "inline/1" && !rasterImage.MatchString(a.Val) {
				t.Errorf("%q: loads %q", source, a.Val)
			}
		case "class", "title", "target", "rel", "alt", "referrerpolicy":
		default:
			known := false
			for _, k := range attributes {
				known = known || k.name == a.Key && k.form.MatchString(a.Val)
			}
			if !known {
				t.Errorf("%q: attribute %s=%q", source, a.Key, a.Val)
			}
		}
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{
		`<p style="color:red">x<img src=cid:a@b><img src=https://e/x>`,
		`<svg><style><!--</style><img src=x onerror=alert(1)>`,
		`<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>`,
		`<noscript><p title="</noscript><img src=x onerror=alert(1)>">`,
		`<a href="&#106;avascript:alert(1)">`, `<table><td background=//x><a><table><a>`,
		`<p style="a:b;color:red;font-family:'x',&quot;y&quot;">`, "<plaintext><b>", "<textarea><b></textarea><title></title>",
		`<select><option><script>x</script></select>`, `<template><img src=x onerror=x></template>`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		page, err := Clean(strings.NewReader(s), Options{Inline: func(string) string { return "inline/1" }})
		if err != nil {
			t.Fatal(err)
		}
		check(t, s, page)
	})
}
