package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"
	_ "time/tzdata" // the zones of viewers, on machines that have no list of them

	"mailarchive/internal/access"
)

// visit is one request: who asks, how they want to see it, and how to answer.
type visit struct {
	s     *Server
	w     http.ResponseWriter
	r     *http.Request
	who   access.Identity // zero when nobody is signed in
	begun time.Time
	look  display
	words *locale
	zone  *time.Location
}

// visit finds out who asks and how they want to see it.
func (s *Server) visit(w http.ResponseWriter, r *http.Request) *visit {
	v := &visit{s: s, w: w, r: r, begun: s.Now(), look: displayOf(r)}
	v.words = s.locales.choose(v.look.Language, r.Header.Get("Accept-Language"))
	v.zone = zoneOf(r, s.Language.Zone)
	w.Header().Add("Vary", "Cookie, Accept-Language, HX-Request")
	if token := s.token(r); token != "" && !strings.HasPrefix(r.URL.Path, "/static/") {
		who, err := s.Accounts.Session(token)
		if err == nil {
			v.who = who
		}
	}
	return v
}

// role is that of who asks, anybody when nobody is signed in.
func (v *visit) role() access.Role { return v.who.Scope.Role() }

func (v *visit) ctx() context.Context { return v.r.Context() }

// partial reports whether a script asks for a piece of a page.
func (v *visit) partial() bool { return v.r.Header.Get("HX-Request") == "true" }

// redirect leads to another page of ours.
func (v *visit) redirect(path string) error {
	http.Redirect(v.w, v.r, path, http.StatusSeeOther)
	return nil
}

// askToSignIn leads to the sign-in page and from there back.
func (v *visit) askToSignIn() {
	back := v.r.URL.RequestURI()
	if v.r.Method != http.MethodGet {
		back = "/"
	}
	if v.partial() {
		if u, err := url.Parse(v.r.Header.Get("HX-Current-URL")); err == nil && u.Path != "" {
			back = u.RequestURI()
		}
		v.w.Header().Set("HX-Redirect", "/sign-in?next="+url.QueryEscape(back))
		v.w.WriteHeader(http.StatusUnauthorized)
		return
	}
	_ = v.redirect("/sign-in?next=" + url.QueryEscape(back)) // always nil
}

// local returns the path when it is one of ours, else the way home. Browsers
// take a backslash for a slash, and two slashes for another host.
func local(path string) string {
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\r\n\t") {
		return "/"
	}
	return path
}

// display is how somebody wants to see the pages.
type display struct {
	Language string // of a catalog; "" follows the browser
	Theme    string // "light", "dark" or "" for what the machine has
	Density  string // "compact" or ""
}

const displayCookie = "display"

func displayOf(r *http.Request) display {
	c, err := r.Cookie(displayCookie)
	if err != nil || len(c.Value) > 200 {
		return display{}
	}
	values, err := url.ParseQuery(c.Value)
	if err != nil {
		return display{}
	}
	return newDisplay(values)
}

// newDisplay takes what is known of the values.
func newDisplay(values url.Values) display {
	d := display{Language: values.Get("lang")}
	if theme := values.Get("theme"); theme == "light" || theme == "dark" {
		d.Theme = theme
	}
	if values.Get("density") == "compact" {
		d.Density = "compact"
	}
	return d
}

// display keeps how somebody wants to see the pages, in their browser.
func (s *Server) display(v *visit) error {
	if err := v.r.ParseForm(); err != nil {
		return badForm(err)
	}
	d := newDisplay(v.r.PostForm)
	if !s.locales.has(d.Language) {
		d.Language = ""
	}
	value := url.Values{"lang": {d.Language}, "theme": {d.Theme}, "density": {d.Density}}.Encode()
	http.SetCookie(v.w, &http.Cookie{
		Name: displayCookie, Value: value, Path: "/", MaxAge: 365 * 24 * 3600,
		HttpOnly: true, Secure: s.secure(v.r), SameSite: http.SameSiteLaxMode,
	})
	return v.redirect(local(v.r.PostForm.Get("back")))
}

// zoneCookie holds the viewer's time zone, which our script sets.
const zoneCookie = "zone"

func zoneOf(r *http.Request, usual *time.Location) *time.Location {
	c, err := r.Cookie(zoneCookie)
	if err != nil || len(c.Value) > 64 {
		return usual
	}
	name, err := url.QueryUnescape(c.Value)
	if err != nil || name == "" || name == "Local" {
		return usual
	}
	zone, err := time.LoadLocation(name) // refuses what leads out of its folder
	if err != nil {
		return usual
	}
	return zone
}

// entry is a page in the main menu.
type entry struct {
	Path, Icon, Key string
	Here            bool
}

// Menu are the pages that who asks may see.
func (v *visit) Menu() []entry {
	list := []entry{{Path: "/search", Icon: "search", Key: "nav.search"}}
	if v.who.Scope.All() {
		list = append(list, entry{Path: "/overview", Icon: "gauge", Key: "nav.overview"})
	}
	for i := range list {
		list[i].Here = strings.HasPrefix(v.r.URL.Path, list[i].Path)
	}
	return list
}
