package web

import (
	"errors"
	"net/http"
	"net/url"

	"mailarchive/internal/access"
	"mailarchive/internal/mail"
)

// The session's cookie. With an encrypted connection its name binds it to this
// host and the whole of it (RFC 6265bis 4.1.3.2), so that nobody who has a
// neighbouring name can plant one.
const (
	sessionCookie       = "session"
	secureSessionCookie = "__Host-session"
	maxSessionToken     = 512
)

func (s *Server) cookieName(r *http.Request) string {
	if s.secure(r) {
		return secureSessionCookie
	}
	return sessionCookie
}

// token is what the browser shows for its session; "" for nothing.
func (s *Server) token(r *http.Request) string {
	c, err := r.Cookie(s.cookieName(r))
	if err != nil || len(c.Value) > maxSessionToken {
		return ""
	}
	return c.Value
}

// keepSession hands the token to the browser, until it closes; "" takes it
// away.
func (v *visit) keepSession(token string) {
	c := &http.Cookie{
		Name: v.s.cookieName(v.r), Value: token, Path: "/",
		HttpOnly: true, Secure: v.s.secure(v.r), SameSite: http.SameSiteLaxMode,
	}
	if token == "" {
		c.MaxAge = -1
	}
	http.SetCookie(v.w, c)
}

// signInForm is the sign-in page.
type signInForm struct {
	Name, Next string
	Pending    string // stands for a password that was right; the code is missing
	Problem    string // key of a sentence; "" for none
	Wait       string // how long, for the sentence
	Left       bool   // just signed out
}

func (s *Server) signInPage(v *visit) error {
	next := local(v.r.URL.Query().Get("next"))
	if v.role() != anybody {
		return v.redirect(next)
	}
	return v.show("sign-in", http.StatusOK, signInForm{Next: next, Left: v.r.URL.Query().Has("left")})
}

// maxCredential is the longest name or password that is looked at, in bytes.
const maxCredential = 1 << 10

// attempt reads the form of signing in. A session that the browser had before
// ends with the new one, so that nobody who knew it has the new one's rights.
func (v *visit) attempt() (access.Attempt, error) {
	if err := v.r.ParseForm(); err != nil {
		return access.Attempt{}, badForm(err)
	}
	f := v.r.PostForm
	a := access.Attempt{
		Name: f.Get("name"), Password: f.Get("password"), Code: f.Get("code"),
		Client: v.s.client(v.r), Agent: v.r.UserAgent(), Replaces: v.s.token(v.r),
	}
	for _, field := range []string{a.Name, a.Password, a.Code, f.Get("pending"), f.Get("link")} {
		if len(field) > maxCredential {
			return access.Attempt{}, access.ErrSignIn
		}
	}
	return a, nil
}

func (s *Server) signIn(v *visit) error {
	a, err := v.attempt()
	form := signInForm{Name: a.Name, Next: local(v.r.PostForm.Get("next"))}
	var entry access.Entry
	if pending := v.r.PostForm.Get("pending"); err == nil && pending != "" {
		entry, err = s.Accounts.Continue(v.ctx(), pending, a)
		form.Pending = pending
	} else if err == nil {
		entry, err = s.Accounts.SignIn(v.ctx(), a)
	}
	if err == nil {
		v.keepSession(entry.Secret)
		return v.redirect(form.Next)
	}
	return v.signInFailed(form, err)
}

// signInFailed shows the form again, with what to do.
func (v *visit) signInFailed(form signInForm, err error) error {
	if code, ok := errors.AsType[*access.CodeError](err); ok {
		form.Pending, form.Problem = code.Secret, "sign-in.code-needed"
		return v.show("sign-in", http.StatusUnauthorized, form)
	}
	if wait, ok := errors.AsType[*access.WaitError](err); ok {
		form.Problem, form.Wait = "sign-in.wait", v.Span(wait.Wait)
		return v.show("sign-in", http.StatusTooManyRequests, form)
	}
	if errors.Is(err, mail.ErrNotAllowed) {
		form.Problem, form.Pending = "sign-in.wrong", ""
		return v.show("sign-in", http.StatusUnauthorized, form)
	}
	return err
}

func (s *Server) signOut(v *visit) error {
	if token := s.token(v.r); token != "" {
		if err := s.Accounts.SignOut(token); err != nil {
			return err
		}
	}
	v.keepSession("")
	v.w.Header().Set("Clear-Site-Data", `"cache"`)
	return v.redirect("/sign-in?left")
}

// setupForm is the page that makes the first account.
type setupForm struct {
	Link, Name string
	Good       bool   // the link is
	Problem    string // key of a sentence; "" for none
	Rule       string // which rule is broken, in the words of the accounts
}

func (s *Server) setupPage(v *visit) error {
	link := v.r.URL.Query().Get("link")
	form := setupForm{Link: link, Good: s.Accounts.SetupOpen(link)}
	status := http.StatusOK
	if !form.Good {
		status = http.StatusNotFound
	}
	return v.show("setup", status, form)
}

func (s *Server) setup(v *visit) error {
	a, err := v.attempt()
	if err != nil {
		return err
	}
	form := setupForm{Link: v.r.PostForm.Get("link"), Name: a.Name, Good: true}
	if a.Password != v.r.PostForm.Get("again") {
		form.Problem = "setup.differ"
		return v.show("setup", http.StatusBadRequest, form)
	}
	_, err = s.Accounts.First(v.ctx(), form.Link, access.New{Name: a.Name, Role: access.Administrator, Password: a.Password})
	switch {
	case errors.Is(err, mail.ErrBadInput):
		form.Problem, form.Rule = "setup.rule", err.Error()
		return v.show("setup", http.StatusBadRequest, form)
	case errors.Is(err, mail.ErrNotAllowed):
		form.Good = false
		return v.show("setup", http.StatusNotFound, form)
	case err != nil:
		return err
	}
	entry, err := s.Accounts.SignIn(v.ctx(), a)
	if err != nil {
		return v.signInFailed(signInForm{Name: a.Name, Next: "/"}, err)
	}
	v.keepSession(entry.Secret)
	return v.redirect("/")
}

// SetupPath is the address of the page that makes the first account.
func SetupPath(link string) string { return "/setup?link=" + url.QueryEscape(link) }
