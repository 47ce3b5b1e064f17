package web

import (
	"cmp"
	"slices"
	"strings"
)

// narrowGroup is a group of ways to narrow a search.
type narrowGroup struct {
	Key   string // of its heading
	Links []narrowLink
}

// narrowLink adds a term to the query, or takes it out again when it is there.
type narrowLink struct {
	Key, Text string // the text is a key's or itself
	Icon      string
	Path      string
	Count     int // 0 for none
	On        bool
}

// narrow are the ways that need no counting.
func (v *visit) narrow(f searchForm) []narrowGroup {
	if f.Err != nil || !f.Asked {
		return nil
	}
	groups := []narrowGroup{{Key: "narrow.date", Links: []narrowLink{
		v.term(f, "date:today", narrowLink{Key: "narrow.today"}),
		v.term(f, "after:7d", narrowLink{Key: "narrow.week"}),
		v.term(f, "after:1m", narrowLink{Key: "narrow.month"}),
		v.term(f, "after:1y", narrowLink{Key: "narrow.year"}),
	}}}
	if v.s.Language.Directions {
		groups = append(groups, narrowGroup{Key: "field.direction", Links: []narrowLink{
			v.term(f, "direction:in", narrowLink{Key: "way.in", Icon: "dir-in"}),
			v.term(f, "direction:out", narrowLink{Key: "way.out", Icon: "dir-out"}),
			v.term(f, "direction:internal", narrowLink{Key: "way.internal", Icon: "dir-int"}),
		}})
	}
	return append(groups, narrowGroup{Key: "narrow.attachment", Links: []narrowLink{
		v.term(f, "has:attachment", narrowLink{Key: "narrow.with", Icon: "clip"}),
		v.term(f, "-has:attachment", narrowLink{Key: "narrow.without"}),
		v.term(f, "larger:1M", narrowLink{Key: "narrow.large"}),
	}})
}

// narrowed is how many senders and keywords are offered.
const narrowed = 6

// narrowByHits are the senders and keywords of the hits that are shown, with
// how many of these have them.
func (v *visit) narrowByHits(f searchForm, hits []hit) []narrowGroup {
	senders, keywords := map[string]int{}, map[string]int{}
	for _, h := range hits {
		if h.Address != "" {
			senders[strings.ToLower(h.Address)]++
		}
		for _, k := range h.Keywords {
			keywords[k]++
		}
	}
	return []narrowGroup{
		{"narrow.senders", v.most(f, "from", senders)},
		{"narrow.keywords", v.most(f, "keyword", keywords)},
	}
}

// most makes links of the most frequent values of a field.
func (v *visit) most(f searchForm, field string, counts map[string]int) (links []narrowLink) {
	values := make([]string, 0, len(counts))
	for value := range counts {
		values = append(values, value)
	}
	slices.SortFunc(values, func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	for _, value := range values[:min(len(values), narrowed)] {
		term := filter{Field: field, Op: opContains, Value: value}.term()
		links = append(links, v.term(f, term, narrowLink{Text: value, Count: counts[value]}))
	}
	return links
}

// term is a link that adds a term to the query, or takes it away.
func (v *visit) term(f searchForm, term string, link narrowLink) narrowLink {
	before, after, on := cutTerm(f.Query, term)
	if link.On = on; on {
		link.Path = searchPath(strings.TrimSpace(before+" "+after), nil) + "&all"
		return link
	}
	query := f.Query
	if !f.Simple && strings.Contains(query, "OR") {
		if f.Order != "" {
			return link // sort: may not stand in parentheses
		}
		query = "(" + query + ")" // OR binds less than what is added
	}
	link.Path = searchPath(strings.TrimSpace(query+" "+term), nil)
	return link
}

// cutTerm finds a term that stands in a query as it is.
func cutTerm(query, term string) (before, after string, found bool) {
	padded := " " + query + " "
	before, after, found = strings.Cut(padded, " "+term+" ")
	return strings.TrimSpace(before), strings.TrimSpace(after), found
}
