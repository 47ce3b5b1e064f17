package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"mailarchive/internal/control"
	"mailarchive/internal/mail"
	"mailarchive/internal/search"
)

// pageSize is how many hits a page has.
const pageSize = 50

// searchPage is the page of a search.
type searchPage struct {
	Form   searchForm
	Hits   []hit
	End    control.SearchEnd
	Narrow []narrowGroup
	Wrong  *wrong  // the query cannot be read
	Total  *uint64 // messages in the archive, when who asks sees all
	// Directions says that mail has directions.
	Directions bool
	// From is the place in the walk that the page begins at, "" for the first;
	// Shown is how many hits stand before it.
	From  string
	Shown int
}

// Older is the address of the next page; "" for none.
func (p searchPage) Older() string {
	if !p.End.More {
		return ""
	}
	values := url.Values{"q": {p.Form.Query}, "from": {p.End.Next}, "shown": {itoa(p.Shown + len(p.Hits))}}
	return "/search?" + encode(values)
}

// Sofar is how many hits are shown, those of the pages before included.
func (p searchPage) Sofar() int { return p.Shown + len(p.Hits) }

// Oldest is the date of the last hit.
func (p searchPage) Oldest() time.Time {
	if len(p.Hits) == 0 {
		return time.Time{}
	}
	return p.Hits[len(p.Hits)-1].Date
}

// FilterRows are the rows of the form.
func (p searchPage) FilterRows() []filterRow { return filterRows(p.Form.Filters, p.Directions) }

// FiltersLeft is how many rows may be added.
func (p searchPage) FiltersLeft() int { return maxFilters - len(p.Form.Filters) }

// search is the page of a search: the form, and the hits when something was
// asked for. A changed form leads to the address of its query, which can be
// shared.
func (s *Server) search(v *visit) error {
	values := v.r.URL.Query()
	if query, drafts, changed := change(values, s.Language); changed {
		return v.redirect(searchPath(query, drafts))
	}
	page := searchPage{Form: formOf(s.Language, values.Get("q"), draftsOf(values)), From: values.Get("from"), Directions: s.Language.Directions}
	page.Form.Asked = values.Has("q") && (page.Form.Query != "" || values.Has("all") || page.From != "")
	page.Shown = atoi(values.Get("shown"))
	page.Narrow = v.narrow(page.Form)
	if page.Form.Err == nil && page.Form.Asked {
		if err := v.find(&page); err != nil {
			return err
		}
	}
	status := http.StatusOK
	if page.Form.Err != nil {
		syntax, ok := errors.AsType[*search.SyntaxError](page.Form.Err)
		if !ok {
			return page.Form.Err
		}
		page.Wrong, status = newWrong(syntax), http.StatusBadRequest
	}
	if v.partial() {
		status = http.StatusOK // the script shows it in its place
	}
	v.total(&page)
	return v.show("search", status, page)
}

// total adds how many messages there are, when the page has room to say so.
func (v *visit) total(page *searchPage) {
	if !v.who.Scope.All() || page.Form.Asked && len(page.Hits) > 0 {
		return
	}
	if stats, err := v.s.stats(v); err == nil {
		page.Total = &stats.Stored
	}
}

// find fills in the hits.
func (v *visit) find(page *searchPage) error {
	request := control.SearchRequest{Query: page.Form.Query, Limit: pageSize, After: page.From}
	marker := v.s.Language.Marker(page.Form.Query)
	var err error
	page.End, err = v.s.Archive.Search(v.ctx(), v.who.Scope, request, func(h control.Hit) error {
		page.Hits = append(page.Hits, v.newHit(h, page.Form.Query, marker))
		return nil
	})
	if errors.Is(err, mail.ErrBadInput) {
		if _, ok := errors.AsType[*search.SyntaxError](err); ok {
			page.Form.Err = err
			return nil
		}
	}
	page.Narrow = append(page.Narrow, v.narrowByHits(page.Form, page.Hits)...)
	return err
}

// wrong is a query that cannot be read, with its place.
type wrong struct {
	Before, At, After string
	Text              string // as the search says it
	Instead           string // a query that was probably meant; "" for none
}

func newWrong(e *search.SyntaxError) *wrong {
	w := &wrong{Before: e.Query[:e.Pos], At: e.Query[e.Pos:], Text: sentence(e.Msg, e.Hint)}
	if i := strings.IndexAny(w.At, " \t"); i > 0 {
		w.At, w.After = w.At[:i], w.At[i:]
	}
	if meant, ok := strings.CutPrefix(e.Hint, "did you mean "); ok {
		meant, _, _ = strings.Cut(meant, ":")
		if _, rest, colon := strings.Cut(e.Query[e.Pos:], ":"); colon {
			w.Instead = w.Before + meant + ":" + rest
		}
	}
	const longest = 500
	if !utf8.ValidString(w.Before+w.At+w.After) || len(e.Query) > longest {
		w.Before, w.At, w.After = "", "", ""
	}
	return w
}

// sentence makes one of what is wrong and what to do.
func sentence(text, hint string) string {
	if hint != "" {
		text += "; " + hint
	}
	if first, size := utf8.DecodeRuneInString(text); size > 0 {
		text = string(unicode.ToUpper(first)) + text[size:]
	}
	if !strings.HasSuffix(text, "?") {
		text += "."
	}
	return text
}

// help explains the query language.
func (s *Server) help(v *visit) error { return v.show("help", http.StatusOK, nil) }
