package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestSignIn(t *testing.T) {
	l := newLab(t)
	for _, c := range []struct {
		name   string
		form   url.Values
		status int
		leads  string
	}{
		{"right", url.Values{"name": {"ann"}, "password": {password}}, 303, "/"},
		{"and on", url.Values{"name": {"Ann"}, "password": {password}, "next": {"/search?q=x"}}, 303, "/search?q=x"},
		{"elsewhere", url.Values{"name": {"ann"}, "password": {password}, "next": {"https://evil.example/"}}, 303, "/"},
		{"elsewhere by two slashes", url.Values{"name": {"ann"}, "password": {password}, "next": {"//evil.example/"}}, 303, "/"},
		{"elsewhere by a backslash", url.Values{"name": {"ann"}, "password": {password}, "next": {`/\evil.example/`}}, 303, "/"},
		{"elsewhere by a tab", url.Values{"name": {"ann"}, "password": {password}, "next": {"/\t/evil.example/"}}, 303, "/"},
		{"wrong", url.Values{"name": {"ann"}, "password": {"x"}}, 401, ""},
		{"unknown", url.Values{"name": {"nobody"}, "password": {"x"}}, 401, ""},
		{"nothing", url.Values{}, 401, ""},
	} {
		w := l.post("/sign-in", "", c.form)
		if w.Code != c.status || w.Header().Get("Location") != c.leads {
			t.Errorf("%s: status %d, leads to %q; want %d, %q", c.name, w.Code, w.Header().Get("Location"), c.status, c.leads)
		}
		if c.status == 401 {
			want(t, c.name, w.Body.String(), "Name, password or code is wrong", "!"+password)
			if len(w.Result().Cookies()) > 0 {
				t.Errorf("%s: a cookie", c.name)
			}
		}
	}
}

func TestSessionCookie(t *testing.T) {
	for _, c := range []struct {
		name, remote, proto, cookie string
		secure                      bool
	}{
		{"plain", "198.51.100.7:1", "", sessionCookie, false},
		{"by a proxy", "192.0.2.1:1", "https", secureSessionCookie, true},
		{"by who says it is one", "198.51.100.7:1", "https", sessionCookie, false},
	} {
		l := newLab(t)
		r := l.request(http.MethodPost, "/sign-in", "", url.Values{"name": {"ann"}, "password": {password}})
		r.RemoteAddr = c.remote
		r.Header.Set("X-Forwarded-Proto", c.proto)
		cookies := l.do(r).Result().Cookies()
		if len(cookies) != 1 {
			t.Fatalf("%s: cookies %v", c.name, cookies)
		}
		k := cookies[0]
		if k.Name != c.cookie || k.Secure != c.secure || !k.HttpOnly || k.SameSite != http.SameSiteLaxMode || k.Path != "/" || k.Domain != "" || k.MaxAge != 0 {
			t.Errorf("%s: %+v", c.name, k)
		}
	}
}

func TestSessionIsNewAtEachSignIn(t *testing.T) {
	l := newLab(t)
	planted := l.signIn("bob")
	w := l.post("/sign-in", planted, url.Values{"name": {"ann"}, "password": {password}})
	now := w.Result().Cookies()[0].Value
	if now == planted {
		t.Error("the session of before goes on")
	}
	if w := l.get("/search", planted); w.Code != http.StatusSeeOther {
		t.Errorf("the session of before still works: %d", w.Code)
	}
	if w := l.get("/search", now); w.Code != http.StatusOK {
		t.Errorf("the new one does not: %d", w.Code)
	}
}

func TestSignOut(t *testing.T) {
	l := newLab(t)
	ann := l.signIn("ann")
	w := l.post("/sign-out", ann, url.Values{})
	if w.Code != http.StatusSeeOther || w.Result().Cookies()[0].MaxAge >= 0 {
		t.Errorf("status %d, cookies %v", w.Code, w.Result().Cookies())
	}
	if w := l.get("/search", ann); w.Code != http.StatusSeeOther {
		t.Errorf("the session still works: %d", w.Code)
	}
	want(t, "page", l.get(w.Header().Get("Location"), "").Body.String(), "You are signed out")
	if w := l.post("/sign-out", "not-a-session", url.Values{}); w.Code != http.StatusSeeOther {
		t.Errorf("signing out of nothing: %d", w.Code)
	}
}

func TestTooManyAttempts(t *testing.T) {
	l := newLab(t)
	form := url.Values{"name": {"ann"}, "password": {"wrong"}}
	for range 20 {
		if w := l.post("/sign-in", "", form); w.Code == http.StatusTooManyRequests {
			want(t, "page", w.Body.String(), "Too many attempts failed. Wait ")
			return
		}
	}
	t.Error("twenty attempts and no end")
}

func TestCodeIsAskedForSecond(t *testing.T) {
	l := newLab(t)
	if _, err := l.accounts.NewFactor("ann"); err != nil {
		t.Fatal(err)
	}
	// Without a code of it the factor does not count yet: the password alone is enough.
	if w := l.post("/sign-in", "", url.Values{"name": {"ann"}, "password": {password}}); w.Code != http.StatusSeeOther {
		t.Errorf("a factor that nobody confirmed is asked for: %d", w.Code)
	}
	w := l.post("/sign-in", "", url.Values{"pending": {"made-up"}, "code": {"123456"}, "name": {"ann"}})
	if w.Code != http.StatusUnauthorized {
		t.Errorf("a made-up second step: %d", w.Code)
	}
	want(t, "page", w.Body.String(), `name="password"`)
}

func TestEndedSession(t *testing.T) {
	l := newLab(t)
	ann := l.signIn("ann")
	l.now = l.now.Add(90 * 24 * time.Hour)
	w := l.get("/search?q=a+b", ann)
	if got := w.Header().Get("Location"); got != "/sign-in?next=%2Fsearch%3Fq%3Da%2Bb" {
		t.Errorf("leads to %q", got)
	}
	r := l.request(http.MethodGet, "/message/"+testID.String()+"/pane", ann, nil)
	r.Header.Set("HX-Request", "true")
	r.Header.Set("HX-Current-URL", "http://localhost:8080/search?q=x")
	if got := l.do(r).Header().Get("HX-Redirect"); got != "/sign-in?next=%2Fsearch%3Fq%3Dx" {
		t.Errorf("a script is led to %q", got)
	}
}

func TestSetup(t *testing.T) {
	l := bareLab(t)
	secret, _, ok, err := l.accounts.Setup()
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	w := l.get(SetupPath(secret), "")
	want(t, "page", w.Body.String(), "Make the first account", secret)
	if w.Code != http.StatusOK {
		t.Errorf("status %d", w.Code)
	}
	form := func(link, name, password, again string) url.Values {
		return url.Values{"link": {link}, "name": {name}, "password": {password}, "again": {again}}
	}
	for _, c := range []struct {
		form   url.Values
		status int
		piece  string
	}{
		{form(secret, "root", password, "other"), 400, "not the same"},
		{form(secret, "root", "short", "short"), 400, "could not be made"},
		{form(secret, "", password, password), 400, "could not be made"},
		{form("guessed", "root", password, password), 404, "does not work any more"},
		{form(secret, "root", password, password), 303, ""},
		{form(secret, "other", password, password), 404, "does not work any more"},
	} {
		w := l.post("/setup", "", c.form)
		if w.Code != c.status {
			t.Errorf("%v: status %d, want %d", c.form, w.Code, c.status)
		}
		want(t, "page", w.Body.String(), c.piece)
		if c.status == 303 {
			if got := l.get("/overview", w.Result().Cookies()[0].Value); got.Code != http.StatusOK {
				t.Errorf("the first account is no administrator: %d", got.Code)
			}
		}
	}
	if w := l.get(SetupPath(secret), ""); w.Code != http.StatusNotFound {
		t.Errorf("the used link: %d", w.Code)
	}
}

func TestDisplay(t *testing.T) {
	l := newLab(t)
	ann := l.signIn("ann")
	w := l.post("/display", ann, url.Values{"lang": {"de"}, "theme": {"dark"}, "density": {"compact"}, "back": {"/help"}})
	if w.Header().Get("Location") != "/help" {
		t.Errorf("leads to %q", w.Header().Get("Location"))
	}
	r := l.request(http.MethodGet, "/help", ann, nil)
	r.AddCookie(w.Result().Cookies()[0])
	want(t, "page", l.do(r).Body.String(), `<html lang="de" data-theme="dark" data-density="compact">`, "Suchhilfe")

	w = l.post("/display", ann, url.Values{"lang": {`"><script>`}, "theme": {`"><script>`}, "back": {"//evil.example"}})
	r = l.request(http.MethodGet, w.Header().Get("Location"), ann, nil)
	r.AddCookie(w.Result().Cookies()[0])
	if strings.Contains(w.Header().Get("Set-Cookie"), "script") || w.Header().Get("Location") != "/" {
		t.Errorf("%v", w.Header())
	}
}
