package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"mailarchive/internal/control"
	"mailarchive/internal/mail"
	"mailarchive/internal/search"
)

func TestSearchPage(t *testing.T) {
	l := newLab(t)
	l.archive.end = control.SearchEnd{Total: 100_000, TotalMore: true, More: true, Next: "place+1", Notice: "Being made again."}
	body := l.get("/search?q=report", l.signIn("ann")).Body.String()
	want(t, "page", body,
		"<mark>Report</mark> &lt;b&gt;&amp; more", "!<b>& more",
		"the <mark>annual</mark> &lt;report&gt; is here",
		`aria-label="Outgoing"`, `aria-label="1 attachment"`, ">pump<", ">report<", `!class="tag">third`,
		"Bob", "!Bob &#43;", "More than 100,000 messages", "Being made again.", "13:32",
		`/search?from=place%2B1&amp;q=report&amp;shown=1`, `hx-select-oob="#rows:beforeend"`,
		"You see mail sent by you or to you",
	)
	if l.archive.query != (control.SearchRequest{Query: "report", Limit: pageSize}) {
		t.Errorf("asked for %+v", l.archive.query)
	}
	body = l.get("/search?from=place%2B1&q=report&shown=50", l.signIn("ann")).Body.String()
	want(t, "next page", body, "Older messages", "51 messages shown")
	if l.archive.query.After != "place+1" {
		t.Errorf("asked for %+v", l.archive.query)
	}
}

func TestSearchWithoutHits(t *testing.T) {
	l := newLab(t)
	l.archive.hits, l.archive.end = nil, control.SearchEnd{}
	want(t, "page", l.get("/search?q=report+from:bob", l.signIn("root")).Body.String(),
		"No message matches", "12,345 messages were searched", "without report", "without from:bob", `href="/search?q=from%3Abob"`)
	want(t, "page of a user", l.get("/search?q=report", l.signIn("ann")).Body.String(), "No message matches", "!12,345", "Messages of other people do not count")
}

func TestSearchForNothing(t *testing.T) {
	l := newLab(t)
	for _, path := range []string{"/search", "/search?q=", "/search?q=&draft=from.not"} {
		want(t, path, l.get(path, l.signIn("root")).Body.String(), "Search 12,345 messages", "!<table")
	}
	if l.archive.query != (control.SearchRequest{}) {
		t.Errorf("asked for %+v", l.archive.query)
	}
	want(t, "newest", l.get("/search?q=&all", l.signIn("root")).Body.String(), "<table")
}

func TestSearchForWhatCannotBeRead(t *testing.T) {
	l := newLab(t)
	w := l.get("/search?q="+url.QueryEscape(`from:bob form:alice "x"`), l.signIn("ann"))
	if w.Code != http.StatusBadRequest {
		t.Errorf("status %d", w.Code)
	}
	want(t, "page", w.Body.String(), `from:bob <mark>form:alice</mark>`, "There is no field", `/search?q=from%3Abob%20from%3Aalice%20%22x%22`, `aria-invalid="true"`)
	if len(l.archive.scopes) > 0 {
		t.Error("something was searched")
	}
	for _, query := range []string{`"`, "<script>", "a OR", "*", strings.Repeat("(", 100), "date:x", "\xff form:x", "form:\x00"} {
		body := l.get("/search?q="+url.QueryEscape(query), l.signIn("ann")).Body.String()
		want(t, query, body, "</html>", "!<script>alert", "!value=\"<script>")
	}
}

// A change of the form leads to an address that can be shared.
func TestSearchFormLeadsToItsQuery(t *testing.T) {
	l := newLab(t)
	ann := l.signIn("ann")
	values := form("", "", "add", filter{"subject", opContains, "q3 report", ""})
	if got := l.get("/search?"+values.Encode(), ann).Header().Get("Location"); got != "/search?draft=any.contains&q=subject%3A%22q3%20report%22" {
		t.Errorf("leads to %q", got)
	}
	body := l.get("/search?draft=date.between&draft=direction.is&q=subject%3Ax", ann).Body.String()
	want(t, "page", body, `<option value="subject" selected>`, `<option value="between" selected>`, `name="until" value=""`, "2 left", `<option value=""></option>`)
	body = l.get("/search?q=a+b+c+d+e", ann).Body.String()
	want(t, "five filters", body, `id="f5-field"`, `!value="add"`)
	body = l.get("/search?q=a+OR+b", ann).Body.String()
	want(t, "a query beyond filters", body, "more than filters can", `!name="filters"`)
}

func TestNarrow(t *testing.T) {
	l := newLab(t)
	ann := l.signIn("ann")
	want(t, "page", l.get("/search?q=report", ann).Body.String(),
		`href="/search?q=report%20direction%3Ain"`, `href="/search?q=report%20has%3Aattachment"`, `href="/search?q=report%20from%3Aann%40example.org"`, `href="/search?q=report%20keyword%3Apump"`)
	want(t, "page", l.get("/search?q=has:attachment+report", ann).Body.String(), `href="/search?q=report&amp;all" aria-current="true"`)
	want(t, "page", l.get("/search?q=cat+OR+dog", ann).Body.String(), `href="/search?q=%28cat%20OR%20dog%29%20direction%3Ain"`)
	want(t, "page", l.get("/search?q=cat+OR+dog+sort:arrival", ann).Body.String(), "!direction%3Ain")
}

func TestPieces(t *testing.T) {
	for _, c := range []struct {
		text  string
		marks [][2]int
		want  string
	}{
		{"", nil, ""}, {"abc", nil, "abc"}, {"abc", [][2]int{{1, 2}}, "a[b]c"}, {"abc", [][2]int{{0, 3}}, "[abc]"},
		{"abcd", [][2]int{{0, 1}, {1, 2}, {3, 4}}, "[a][b]c[d]"},
		{"abc", [][2]int{{2, 9}, {-1, 2}, {2, 1}}, "abc"}, // what is none is passed over
	} {
		got := ""
		for _, p := range pieces(c.text, c.marks) {
			if p.Mark {
				got += "[" + p.Text + "]"
			} else {
				got += p.Text
			}
		}
		if got != c.want {
			t.Errorf("%q with %v: %q, want %q", c.text, c.marks, got, c.want)
		}
	}
}

func TestDirection(t *testing.T) {
	l := newLab(t)
	v := &visit{s: l.server}
	in, out := "Eve <eve@example.com>", "ann@example.org"
	for _, c := range []struct {
		from, to, delivered []string
		want                mail.Direction
	}{
		{[]string{in}, []string{out}, nil, mail.In},
		{[]string{in}, []string{in}, nil, mail.In},
		{[]string{out}, []string{in}, nil, mail.Out},
		{[]string{out}, []string{out}, nil, mail.Internal},
		{[]string{out}, []string{out, in}, nil, mail.Out},
		{[]string{out}, []string{out}, []string{"eve@example.com"}, mail.Out}, // by blind copy
		{[]string{out}, []string{"undisclosed recipients"}, nil, mail.Internal},
		{nil, []string{in}, nil, ""},
	} {
		if got := v.direction(control.Hit{From: c.from, To: c.to, DeliveredTo: c.delivered}); got != c.want {
			t.Errorf("%v: %q, want %q", c, got, c.want)
		}
	}
	l.server.Local = nil
	if got := v.direction(control.Hit{From: []string{in}}); got != "" {
		t.Errorf("without domains of our own: %q", got)
	}
}

func TestWrong(t *testing.T) {
	w := newWrong(&search.SyntaxError{Query: "a " + strings.Repeat("x", 1000), Pos: 2, Msg: "no", Hint: "really?"})
	if w.At != "" || w.Text != "No; really?" {
		t.Errorf("%+v", w)
	}
}

// Without domains of our own nothing is said of directions.
func TestWithoutDirections(t *testing.T) {
	l := newLab(t)
	l.server.Language.Directions, l.server.Local = false, nil
	root := l.signIn("root")
	for _, path := range []string{"/search?q=report&draft=any.contains", messagePath(""), "/overview"} {
		want(t, path, l.get(path, root).Body.String(), "!Incoming", "!Outgoing", `!value="direction"`, "!direction%3Ain", "!bar-out")
	}
	if w := l.get("/search?q=direction:in", root); w.Code != http.StatusBadRequest {
		t.Errorf("status %d", w.Code)
	}
}
