package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// exampleOf is a request for each route, and what each role gets: nobody,
// a user whose mail it is, another user, an auditor, an administrator.
var exampleOf = map[string]struct {
	path   string
	status [5]int
}{
	"GET /{$}":                {"/", [5]int{303, 303, 303, 303, 303}},
	"GET /static/{name}":      {"/static/app.css", [5]int{200, 200, 200, 200, 200}},
	"GET /favicon.ico":        {"/favicon.ico", [5]int{200, 200, 200, 200, 200}},
	"POST /display":           {"/display", [5]int{303, 303, 303, 303, 303}},
	"GET /sign-in":            {"/sign-in", [5]int{200, 303, 303, 303, 303}},
	"POST /sign-in":           {"/sign-in", [5]int{401, 401, 401, 401, 401}},
	"POST /sign-out":          {"/sign-out", [5]int{303, 303, 303, 303, 303}},
	"GET /setup":              {"/setup?link=x", [5]int{404, 404, 404, 404, 404}},
	"POST /setup":             {"/setup", [5]int{404, 404, 404, 404, 404}},
	"GET /search":             {"/search?q=report", [5]int{303, 200, 200, 200, 200}},
	"GET /help":               {"/help", [5]int{303, 200, 200, 200, 200}},
	"GET /message/{id}":       {"/message/ID", [5]int{303, 200, 404, 200, 200}},
	"GET /message/{id}/pane":  {"/message/ID/pane", [5]int{303, 200, 404, 200, 200}},
	"GET /message/{id}/frame": {"/message/ID/frame", [5]int{303, 200, 404, 200, 200}},
	// What it leads to is answered within the scope.
	"POST /message/{id}/remote":     {"/message/ID/remote", [5]int{303, 303, 303, 303, 303}},
	"GET /message/{id}/file/{part}": {"/message/ID/file/3", [5]int{303, 200, 404, 200, 200}},
	"GET /message/{id}/look/{part}": {"/message/ID/look/2", [5]int{303, 200, 404, 200, 200}},
	"GET /message/{id}/source":      {"/message/ID/source", [5]int{303, 200, 404, 200, 200}},
	"GET /message/{id}/eml":         {"/message/ID/eml", [5]int{303, 200, 404, 200, 200}},
	"GET /overview":                 {"/overview", [5]int{303, 403, 403, 200, 200}},
	"/":                             {"/nothing", [5]int{404, 404, 404, 404, 404}},
}

// Every route is in the table, and gives each role what it may have.
func TestEveryRouteForEveryRole(t *testing.T) {
	l := newLab(t)
	names := []string{"", "ann", "bob", "audit", "root"}
	for _, rt := range l.server.routes() {
		example, ok := exampleOf[rt.pattern]
		if !ok {
			t.Errorf("route %q is not in the table of this test", rt.pattern)
			continue
		}
		for i, name := range names {
			session := l.signIn(name)
			l.archive.scopes, l.archive.opened = nil, nil
			w := l.ask(rt.pattern, example.path, session)
			if w.Code != example.status[i] {
				t.Errorf("%s as %q: status %d, want %d", rt.pattern, name, w.Code, example.status[i])
			}
			if leads := w.Header().Get("Location"); name == "" && rt.least != anybody && !strings.HasPrefix(leads, "/sign-in?next=") {
				t.Errorf("%s without a session leads to %q", rt.pattern, leads)
			}
			for _, scope := range l.archive.scopes {
				if scope.Actor() != name || name == "" {
					t.Errorf("%s as %q reads in the scope of %q", rt.pattern, name, scope.Actor())
				}
			}
			if example.status[i] >= 300 && len(l.archive.opened) > 0 {
				t.Errorf("%s as %q opened a message", rt.pattern, name)
			}
		}
	}
}

func (l *lab) ask(pattern, path, session string) *httptest.ResponseRecorder {
	path = strings.ReplaceAll(path, "ID", testID.String())
	if method, _, ok := strings.Cut(pattern, " "); ok && method == http.MethodPost {
		return l.post(path, session, url.Values{})
	}
	return l.get(path, session)
}

// No page has anything that its policy forbids, and every page says its
// language and has one heading of the first rank.
func TestPagesKeepTheirPolicy(t *testing.T) {
	l := newLab(t)
	root := l.signIn("root")
	for _, path := range []string{
		"/sign-in", "/setup?link=x", "/search", "/search?q=report", "/search?q=form:x", "/search?q=report&draft=date.between", "/help",
		"/message/" + testID.String(), "/overview", "/nothing",
	} {
		session := root
		if path == "/sign-in" {
			session = ""
		}
		w := l.get(path, session)
		page, err := html.Parse(w.Body)
		if err != nil {
			t.Fatal(err)
		}
		checkPage(t, path, page)
	}
}

func checkPage(t *testing.T, path string, page *html.Node) {
	t.Helper()
	headings, ids := 0, map[string]bool{}
	for n := range page.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		switch {
		case n.Data == "h1":
			headings++
		case n.Data == "style", n.Data == "script" && n.FirstChild != nil:
			t.Errorf("%s has an inline %s", path, n.Data)
		}
		for _, a := range n.Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") || strings.HasPrefix(a.Val, "javascript:") {
				t.Errorf("%s: %s has %s=%q", path, n.Data, a.Key, a.Val)
			}
			if (a.Key == "src" || a.Key == "action" || a.Key == "href" && n.Data != "a") && !strings.HasPrefix(a.Val, "/") {
				t.Errorf("%s loads %q", path, a.Val)
			}
			if a.Key == "id" {
				if ids[a.Val] {
					t.Errorf("%s has the id %q twice", path, a.Val)
				}
				ids[a.Val] = true
			}
		}
	}
	if headings != 1 {
		t.Errorf("%s has %d headings of the first rank", path, headings)
	}
}
