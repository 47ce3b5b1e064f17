package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"mailarchive/internal/mail"
)

func TestEveryAnswerBearsTheHeaders(t *testing.T) {
	l := newLab(t)
	root := l.signIn("root")
	for _, rt := range l.server.routes() {
		w := l.ask(rt.pattern, exampleOf[rt.pattern].path, root)
		for name, value := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := w.Header().Get(name); got != value && rt.least != "" {
				t.Errorf("%s: %s is %q, want %q", rt.pattern, name, got, value)
			}
		}
		csp := w.Header().Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none'") || strings.Contains(csp, "unsafe-") {
			t.Errorf("%s: policy %q", rt.pattern, csp)
		}
		if cache := w.Header().Get("Cache-Control"); cache != "no-store" && !strings.HasPrefix(rt.pattern, "GET /static") && !strings.HasPrefix(rt.pattern, "GET /favicon") {
			t.Errorf("%s may be cached: %q", rt.pattern, cache)
		}
	}
}

func TestHost(t *testing.T) {
	l := newLab(t)
	for _, c := range []struct {
		host string
		ok   bool
	}{
		{"localhost", true}, {"localhost:8025", true}, {"127.0.0.1:8025", true}, {"[::1]:8025", true}, {"[::1]", true},
		{"192.168.1.7:8025", true}, {"archive.example.org", true}, {"ARCHIVE.example.org:443", true}, {"archive.example.org.", true},
		{"evil.example", false}, {"localhost.evil.example", false}, {"archive.example.org.evil.example", false}, {"127.0.0.1.evil.example", false}, {"", false},
	} {
		r := l.request(http.MethodGet, "/sign-in", "", nil)
		r.Host = c.host
		w := l.do(r)
		if ok := w.Code == http.StatusOK; ok != c.ok || !ok && w.Code != http.StatusMisdirectedRequest {
			t.Errorf("host %q: status %d, want it known: %v", c.host, w.Code, c.ok)
		}
	}
}

func TestPostsFromOtherSites(t *testing.T) {
	l := newLab(t)
	for _, c := range []struct {
		name   string
		header map[string]string
		status int
	}{
		{"own page", map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost:8080"}, http.StatusSeeOther},
		{"own page of an old browser", map[string]string{"Origin": "http://localhost:8080"}, http.StatusSeeOther},
		{"no browser", nil, http.StatusSeeOther},
		{"behind a proxy that changes the host", map[string]string{"Origin": "https://archive.example.org"}, http.StatusSeeOther},
		{"another site", map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, http.StatusForbidden},
		{"a neighbour", map[string]string{"Sec-Fetch-Site": "same-site", "Origin": "https://evil.example.org"}, http.StatusForbidden},
		{"another port", map[string]string{"Origin": "http://localhost:9090"}, http.StatusForbidden},
		{"a sandboxed page", map[string]string{"Origin": "null"}, http.StatusForbidden},
		{"another site, old browser", map[string]string{"Origin": "https://evil.example"}, http.StatusForbidden},
	} {
		for _, path := range []string{"/sign-in", "/sign-out", "/message/" + testID.String() + "/remote", "/display"} {
			r := l.request(http.MethodPost, path, l.signIn("ann"), url.Values{"name": {"ann"}, "password": {password}})
			for name, value := range c.header {
				r.Header.Set(name, value)
			}
			if w := l.do(r); w.Code != c.status {
				t.Errorf("%s to %s: status %d, want %d", c.name, path, w.Code, c.status)
			}
		}
	}
}

func TestLargeRequests(t *testing.T) {
	l := newLab(t)
	ann := l.signIn("ann")
	long := strings.Repeat("x", maxTarget)
	for _, c := range []struct {
		name   string
		w      *httptest.ResponseRecorder
		status int
	}{
		{"query", l.get("/search?q="+long, ann), http.StatusRequestURITooLong},
		{"path", l.get("/message/"+long, ann), http.StatusRequestURITooLong},
		{"form", l.post("/display", ann, url.Values{"back": {strings.Repeat("x", maxBody)}}), http.StatusRequestEntityTooLarge},
		{"sign-in", l.post("/sign-in", "", url.Values{"name": {strings.Repeat("x", maxBody)}}), http.StatusRequestEntityTooLarge},
		{"password", l.post("/sign-in", "", url.Values{"name": {"ann"}, "password": {strings.Repeat("x", maxCredential+1)}}), http.StatusUnauthorized},
		{"query of the language's own limit", l.get("/search?q="+long[:9000], ann), http.StatusBadRequest},
		{"many filters", l.get("/search?q=&was=&"+strings.Repeat("field=any&op=not&value=x&", 500), ann), http.StatusSeeOther},
		{"deep query", l.get("/search?q="+strings.Repeat("(", 2000), ann), http.StatusBadRequest},
	} {
		if c.w.Code != c.status {
			t.Errorf("%s: status %d, want %d", c.name, c.w.Code, c.status)
		}
	}
}

func TestPathTricks(t *testing.T) {
	l := newLab(t)
	root := l.signIn("root")
	for _, path := range []string{
		"/static/..%2f..%2fserver.go", "/static/../server.go", "/static/", "/static/page", "/message/..%2f..", "/message/%00", "/message/x/eml",
		"/message/" + testID.String() + "/file/0", "/message/" + testID.String() + "/file/-1", "/message/" + testID.String() + "/file/99999999999999999999",
		"/message/" + testID.String() + "/file/1", // the text, which is no file
		"/message/" + testID.String() + "/look/3", // no picture
	} {
		if w := l.get(path, root); w.Code != http.StatusNotFound && w.Code/100 != 3 {
			t.Errorf("%s: status %d", path, w.Code)
		}
	}
}

func TestOtherMethods(t *testing.T) {
	l := newLab(t)
	root := l.signIn("root")
	for _, rt := range l.server.routes() {
		path := strings.ReplaceAll(exampleOf[rt.pattern].path, "ID", testID.String())
		r := l.request(http.MethodDelete, path, root, nil)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		if w := l.do(r); w.Code != http.StatusNotFound {
			t.Errorf("DELETE %s: status %d", path, w.Code)
		}
	}
	if w := l.do(l.request(http.MethodGet, "/sign-out", root, nil)); w.Code != http.StatusNotFound {
		t.Errorf("a link signs out: %d", w.Code)
	}
}

func TestClient(t *testing.T) {
	s := &Server{Proxies: newLab(t).server.Proxies}
	for _, c := range []struct{ remote, forwarded, want string }{
		{"198.51.100.7:1234", "", "198.51.100.7"},
		{"198.51.100.7:1234", "203.0.113.9", "198.51.100.7"}, // not a proxy: it may say what it likes
		{"192.0.2.1:1234", "203.0.113.9", "203.0.113.9"},
		{"192.0.2.1:1234", "10.0.0.1, 203.0.113.9", "203.0.113.9"}, // the first was written by the client
		{"192.0.2.1:1234", "203.0.113.9, 192.0.2.2", "203.0.113.9"},
		{"192.0.2.1:1234", "nonsense", "192.0.2.1"},
		{"192.0.2.1:1234", "", "192.0.2.1"},
		{"[::ffff:192.0.2.1]:1234", "2001:db8::1", "2001:db8::1"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.remote
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		if got := s.client(r).String(); got != c.want {
			t.Errorf("%s for %q is %s, want %s", c.remote, c.forwarded, got, c.want)
		}
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = "@"
	if got := s.client(r); got.IsValid() {
		t.Errorf("a Unix socket has the address %s", got)
	}
}

func TestFailures(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		piece  string
	}{
		{mail.ErrNotFound, 404, "There is nothing here"}, {mail.ErrAmbiguous, 409, "several"}, {mail.ErrDamaged, 500, "damaged"},
		{mail.ErrRetry, 503, "Try again"}, {mail.ErrFull, 503, "full"}, {errTest, 500, "Something went wrong"},
	} {
		l := newLab(t)
		root := l.signIn("root")
		l.archive.err = c.err
		w := l.get("/message/"+testID.String(), root)
		if w.Code != c.status {
			t.Errorf("%v: status %d, want %d", c.err, w.Code, c.status)
		}
		want(t, c.err.Error(), w.Body.String(), c.piece, "!secret detail")

		r := l.request(http.MethodGet, "/message/"+testID.String()+"/pane", root, nil)
		r.Header.Set("HX-Request", "true")
		r.Header.Set("HX-Target", "pane")
		want(t, "pane", l.do(r).Body.String(), c.piece, "!<html")

		r = l.request(http.MethodGet, "/search?q=x", root, nil)
		r.Header.Set("HX-Request", "true")
		if got := l.do(r).Header().Get("HX-Redirect"); got != "/search?q=x" {
			t.Errorf("a script's search that fails leads to %q", got)
		}
	}
}

type testError string

func (e testError) Error() string { return string(e) }

const errTest = testError("secret detail")
