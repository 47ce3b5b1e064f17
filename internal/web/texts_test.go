package web

import (
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"mailarchive/internal/control"
	"mailarchive/internal/search"
)

func (l *lab) visit(name string) *visit {
	l.t.Helper()
	return l.server.visit(nopWriter{}, l.request(http.MethodGet, "/search?q=x", l.signIn(name), nil))
}

// nopWriter is where a visit answers that nobody reads.
type nopWriter struct{}

func (nopWriter) Header() http.Header         { return http.Header{} }
func (nopWriter) Write(p []byte) (int, error) { return len(p), nil }
func (nopWriter) WriteHeader(int)             {}

// Every query that the pages offer is one, and finds what its row says it does.
func TestQueriesThatPagesOffer(t *testing.T) {
	v := newLab(t).visit("root")
	n := 0
	check := func(e example) {
		n++
		if _, err := labLanguage.Parse(e.Query); err != nil {
			t.Errorf("%q: %v", e.Query, err)
		}
		if v.T(e.Key) == e.Key {
			t.Errorf("%q: there is no text %q", e.Query, e.Key)
		}
	}
	for _, e := range v.Examples() {
		check(e)
	}
	for _, g := range v.HelpGroups() {
		if v.T(g.Key) == g.Key {
			t.Errorf("there is no text %q", g.Key)
		}
		for _, e := range g.Rows {
			check(e)
		}
	}
	if n < 25 {
		t.Errorf("%d queries", n)
	}
	for _, g := range v.narrow(searchForm{Query: "x", Asked: true, Simple: true}) {
		for _, link := range g.Links {
			u, err := url.Parse(link.Path)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := labLanguage.Parse(u.Query().Get("q")); err != nil {
				t.Errorf("%s leads to %q: %v", link.Key, u.Query().Get("q"), err)
			}
		}
	}
}

func TestMenu(t *testing.T) {
	l := newLab(t)
	for name, want := range map[string][]string{"": {"/search"}, "ann": {"/search"}, "audit": {"/search", "/overview"}, "root": {"/search", "/overview"}} {
		var paths []string
		for _, e := range l.visit(name).Menu() {
			paths = append(paths, e.Path)
			if e.Here != (e.Path == "/search") {
				t.Errorf("%q at /search: %+v", name, e)
			}
		}
		if !reflect.DeepEqual(paths, want) {
			t.Errorf("%q sees %v, want %v", name, paths, want)
		}
	}
}

func TestLive(t *testing.T) {
	l := newLab(t)
	if got := l.visit("root").Live(); got != "Last message 4 s ago" {
		t.Errorf("an administrator reads %q", got)
	}
	if got := l.visit("ann").Live(); got != "" {
		t.Errorf("a user reads %q", got)
	}
	l.now = l.now.Add(time.Minute)
	l.archive.err = errTest
	if got := l.visit("root").Live(); got != "" {
		t.Errorf("when counts fail: %q", got)
	}
}

func TestInitials(t *testing.T) {
	for name, want := range map[string]string{"": "", "ann": "A", "ann.lee": "AL", "hannelore brückner-weidenfeld": "HB", "élan": "É", "...": "", "a@b": "AB"} {
		v := &visit{}
		v.who.Account.Name = name
		if got := v.Initials(); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestSourceName(t *testing.T) {
	v := newLab(t).visit("root")
	for source, want := range map[string]string{"smtp": "SMTP", "import:mbox": "Import (mbox)", "import": "Import", "pigeon": "pigeon", "pigeon:x": "pigeon:x", "": ""} {
		if got := v.SourceName(source); got != want {
			t.Errorf("%q: %q, want %q", source, got, want)
		}
	}
}

func TestLocalPaths(t *testing.T) {
	for path, want := range map[string]string{
		"/": "/", "/search?q=x": "/search?q=x", "": "/", "search": "/", "https://evil.example": "/", "//evil.example": "/",
		`/\evil.example`: "/", `\\evil.example`: "/", "/\nSet-Cookie: x": "/", "/\r\n": "/", "javascript:x": "/",
	} {
		if got := local(path); got != want {
			t.Errorf("%q leads to %q, want %q", path, got, want)
		}
	}
}

func TestSplitPerson(t *testing.T) {
	for _, c := range []struct{ person, name, address string }{
		{"Ann <ann@example.org>", "Ann", "ann@example.org"}, {"ann@example.org", "", "ann@example.org"}, {"Ann", "Ann", ""}, {"", "", ""},
		{"A <b> <c@d>", "A <b>", "c@d"}, {"<a@b>", "", "<a@b>"}, {"A <b", "A <b", ""},
	} {
		if name, address := splitPerson(c.person); name != c.name || address != c.address {
			t.Errorf("%q is %q and %q, want %q and %q", c.person, name, address, c.name, c.address)
		}
	}
}

func TestNewHit(t *testing.T) {
	v := newLab(t).visit("root")
	for _, c := range []struct {
		name         string
		hit          control.Hit
		sender, rest string
	}{
		{"names", control.Hit{From: []string{"Ann <a@x>"}, To: []string{"Bob <b@x>"}}, "Ann", "Bob"},
		{"addresses", control.Hit{From: []string{"a@x"}, To: []string{"b@x"}, Cc: []string{"c@x", "d@x"}}, "a@x", "b@x +2"},
		{"only copies", control.Hit{Cc: []string{"Cee <c@x>"}}, "", "Cee"},
		{"no header", control.Hit{DeliveredTo: []string{"e@x", "f@x"}}, "", "e@x +1"},
		{"nothing", control.Hit{}, "", ""},
	} {
		h := v.newHit(c.hit, `a "b" & c`, search.Marker{})
		sender := ""
		for _, p := range h.Sender {
			sender += p.Text
		}
		if sender != c.sender || h.Rest != c.rest {
			t.Errorf("%s: %q to %q, want %q to %q", c.name, sender, h.Rest, c.sender, c.rest)
		}
		if !strings.HasSuffix(h.Path, "?q=a%20%22b%22%20%26%20c") || !strings.Contains(h.Pane, "/pane?q=") {
			t.Errorf("%s: %s, %s", c.name, h.Path, h.Pane)
		}
	}
}

func TestRecipients(t *testing.T) {
	m := control.Shown{Hit: control.Hit{
		To: []string{"Bob <BOB@example.net>"}, Cc: []string{"cee@example.net"},
		DeliveredTo: []string{"bob@example.net", "cee@example.net", "dee@example.net", "eve@example.net"},
	}, Bcc: []string{"Dee <dee@example.net>"}}
	want := []delivered{{"bob@example.net", "to"}, {"cee@example.net", "cc"}, {"dee@example.net", "bcc"}, {"eve@example.net", "hidden"}}
	got := recipients(m)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if n := (messagePage{Delivered: got}).Hidden(); n != 1 {
		t.Errorf("%d hidden", n)
	}
}

func TestLooser(t *testing.T) {
	p := searchPage{Form: formOf(labLanguage, "a from:b date:2026-01", nil)}
	var queries []string
	for _, l := range p.Looser() {
		queries = append(queries, l.Query)
	}
	if want := []string{"from:b date:2026-01-01..2026-01-31", "a date:2026-01-01..2026-01-31", "a from:b"}; !reflect.DeepEqual(queries, want) {
		t.Errorf("got %q, want %q", queries, want)
	}
	for _, query := range []string{"a", "a OR b", ""} {
		if got := (searchPage{Form: formOf(labLanguage, query, nil)}).Looser(); len(got) > 0 {
			t.Errorf("%q: %v", query, got)
		}
	}
}

func TestFrameSize(t *testing.T) {
	for text, want := range map[string]string{"": "is-short", "Hello": "is-short", strings.Repeat("x\n", 20): "is-usual", strings.Repeat("x", 5000): "is-long"} {
		if got := (messagePage{ShownText: text}).FrameSize(); got != want {
			t.Errorf("a text of %d bytes is %s, want %s", len(text), got, want)
		}
	}
}

// What an administrator's page counts, other roles do not even ask for.
func TestCountsWithinScope(t *testing.T) {
	l := newLab(t)
	for _, name := range []string{"ann", "bob"} {
		l.archive.scopes = nil
		for _, path := range []string{"/search", "/help", "/search?q=x"} {
			want(t, path+" of "+name, l.get(path, l.signIn(name)).Body.String(), "!12,345", "!Last message")
		}
		for _, scope := range l.archive.scopes {
			if scope.All() || scope.Actor() != name {
				t.Errorf("%s reads in the scope of %q", name, scope.Actor())
			}
		}
	}
}

func TestUnknownPageFails(t *testing.T) {
	if err := newLab(t).visit("root").show("no such page", 200, nil); err == nil {
		t.Error("it is shown")
	}
	a := loadAssets()
	if _, err := a.path("no such file"); err == nil {
		t.Error("it has an address")
	}
	if icon, err := a.icon(`x"><script>`, `y"><script>`, `z"><script>`); err != nil || strings.Contains(string(icon), "<script") {
		t.Errorf("icon %s, %v", icon, err)
	}
}
