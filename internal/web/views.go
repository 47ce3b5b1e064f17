package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strings"
)

//go:embed page
var pageFiles embed.FS

// views are the templates by the name of their page.
type views map[string]*template.Template

// pages are the templates that are shown on their own; each file has the name
// of its page. Those of the second list have no frame around them.
func pageNames() (whole, pieces []string) {
	return []string{"search", "message", "overview", "help", "failure"},
		[]string{"sign-in", "setup", "failure-pane", "pane"}
}

// loadViews reads the templates. They are part of the program: one that cannot
// be read is a bug.
func loadViews(a assets) views {
	funcs := template.FuncMap{"icon": a.icon, "asset": a.path, "join": strings.Join}
	base := template.Must(template.New("").Funcs(funcs).ParseFS(pageFiles, "page/part-*.html"))
	list := views{}
	whole, pieces := pageNames()
	for _, name := range append(whole, pieces...) {
		list[name] = template.Must(template.Must(base.Clone()).ParseFS(pageFiles, "page/"+name+".html"))
	}
	return list
}

// view is what a template sees: the visit with its methods, and the data of
// the page.
type view struct {
	*visit
	Data any
}

// With is the view of a piece of the page.
func (p view) With(data any) view { return view{p.visit, data} }

// show answers with a page. Nothing was answered yet when it returns an error.
func (v *visit) show(name string, status int, data any) error {
	t, ok := v.s.views[name]
	if !ok {
		return fmt.Errorf("there is no page %q", name)
	}
	var page bytes.Buffer
	if err := t.ExecuteTemplate(&page, "page", view{v, data}); err != nil {
		return fmt.Errorf("page %s: %w", name, err)
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", v.words.tag)
	v.w.WriteHeader(status)
	_, _ = v.w.Write(page.Bytes()) // a client that went away is no concern of ours
	return nil
}

// Path is the address of the page, to come back to.
func (v *visit) Path() string {
	if v.r.Method != http.MethodGet {
		return "/"
	}
	return v.r.URL.RequestURI()
}

// Name is that of who asks, "" when nobody is signed in.
func (v *visit) Name() string { return v.who.Account.Name }

// Role is what they are.
func (v *visit) Role() string { return string(v.role()) }

// Display is how they want to see it.
func (v *visit) Display() display { return v.look }

// Organisation is whose archive it is.
func (v *visit) Organisation() string { return v.s.Organisation }

// Initials stand for who asks.
func (v *visit) Initials() string {
	var letters []rune
	words := strings.FieldsFunc(v.who.Account.Name, func(r rune) bool { return strings.ContainsRune(" .-_@", r) })
	for _, w := range words {
		if len(letters) < 2 {
			letters = append(letters, []rune(strings.ToUpper(w))[0])
		}
	}
	return string(letters)
}
