package web

import (
	"cmp"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"mailarchive/internal/search"
)

// searchForm is the query bar and the filters under it: one thing written
// twice.
type searchForm struct {
	Query   string
	Filters []filter // with the rows that say nothing yet
	Order   string   // orderDate, orderArrival or ""
	// Simple says that the filters say all that the query says.
	Simple bool
	// Asked says that there is something to search for; without it the page
	// explains how.
	Asked bool
	Err   error // what is wrong with the query
}

// formOf reads the form of a query; drafts are rows that say nothing yet.
func formOf(l search.Language, query string, drafts []filter) searchForm {
	f := searchForm{Query: query}
	f.Filters, f.Order, f.Simple, f.Err = parseFilters(l, query)
	if f.Simple {
		f.Filters = append(f.Filters, drafts...)
		f.Filters = f.Filters[:min(len(f.Filters), maxFilters)]
	}
	return f
}

// change is what somebody did to the form, if anything: the query that comes of
// it, and the rows that say nothing yet. The bar counts when it was changed,
// else the filters.
func change(values url.Values, l search.Language) (query string, drafts []filter, changed bool) {
	query, order := values.Get("q"), values.Get("order")
	if order == cmp.Or(values.Get("was-order"), orderDate) {
		order = "" // nobody chose it
	}
	if query != values.Get("was") || !values.Has("filters") { // a query beyond filters comes without them
		return reorder(l, query, order), nil, values.Has("was")
	}
	filters := filtersOf(values)
	do := values.Get("do")
	if number, ok := strings.CutPrefix(do, "remove-"); ok {
		if i, err := strconv.Atoi(number); err == nil && i >= 0 && i < len(filters) {
			filters = slices.Delete(filters, i, i+1)
		}
	}
	if do == "add" {
		filters = append(filters, filter{}.normal())
	}
	for i, f := range filters {
		if _, err := l.Parse(queryOf([]filter{f})); err != nil { // the value was one of another field
			filters[i].Value, filters[i].Until = "", ""
		}
		if filters[i].empty() {
			drafts = append(drafts, filter{Field: f.Field, Op: f.Op})
		}
	}
	before, _, simple, err := parseFilters(l, query)
	if err != nil || !simple || !sameFilters(before, filters) { // else the words of who wrote it stay
		query = queryOf(filters)
	}
	return reorder(l, query, order), drafts, true
}

// draftsOf reads rows that say nothing yet from an address: field.operator.
func draftsOf(values url.Values) (drafts []filter) {
	for _, text := range values["draft"] {
		field, op, _ := strings.Cut(text, ".")
		if len(drafts) < maxFilters {
			drafts = append(drafts, filter{Field: field, Op: op}.normal())
		}
	}
	return drafts
}

// searchPath is the address of a search.
func searchPath(query string, drafts []filter) string {
	values := url.Values{"q": {query}}
	for _, d := range drafts {
		values.Add("draft", d.Field+"."+d.Op)
	}
	return "/search?" + encode(values)
}

// encode writes the query of an address; spaces as RFC 3986 has them, which
// also stand in HTML as they are.
func encode(values url.Values) string { return strings.ReplaceAll(values.Encode(), "+", "%20") }

// filtersOf reads the rows of the form.
func filtersOf(values url.Values) (filters []filter) {
	fields, ops := values["field"], values["op"]
	texts, ends := values["value"], values["until"]
	for i := range min(len(fields), maxFilters) {
		f := filter{Field: fields[i], Op: at(ops, i), Value: at(texts, i), Until: at(ends, i)}
		filters = append(filters, f.normal())
	}
	return filters
}

func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return ""
}

// sameFilters compares filters without those that say nothing.
func sameFilters(a, b []filter) bool {
	said := func(list []filter) []filter {
		return slices.DeleteFunc(slices.Clone(list), filter.empty)
	}
	return slices.Equal(said(a), said(b))
}

// reorder writes the order into a query, as the last term; one that the query
// has already is replaced. A query that cannot be read stays as it is.
func reorder(l search.Language, query, order string) string {
	if order != orderDate && order != orderArrival {
		return query
	}
	q, err := l.Parse(query)
	if err != nil {
		return query
	}
	var words []string
	for word := range strings.FieldsSeq(query) {
		if !strings.HasPrefix(strings.ToLower(word), "sort:") {
			words = append(words, word)
		}
	}
	if !q.Ordered {
		words = []string{query}
	}
	if order == orderArrival {
		words = append(words, "sort:arrival")
	}
	result := strings.TrimSpace(strings.Join(words, " "))
	if again, err := l.Parse(result); err != nil || !reflect.DeepEqual(again.Where, q.Where) {
		return query // a phrase has "sort:" in it
	}
	return result
}
