package web

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// What templates ask a visit for, besides words and numbers.

// Begun is when the request came.
func (v *visit) Begun() time.Time { return v.begun }

// Live says when the last message came, for who sees all mail; "" for others.
func (v *visit) Live() string {
	if !v.who.Scope.All() {
		return ""
	}
	stats, err := v.s.stats(v)
	if err != nil || stats.LastReceived.IsZero() {
		return ""
	}
	return v.T("live", v.Ago(stats.LastReceived))
}

// SearchPath is the address of a search.
func (v *visit) SearchPath(query string) string { return searchPath(query, nil) }

// KeywordPath is the address of the search for a keyword.
func (v *visit) KeywordPath(keyword string) string {
	return searchPath(filter{Field: "keyword", Op: opContains, Value: keyword}.term(), nil)
}

// SourceName is what a source of mail is called: "import:mbox" is an import.
func (v *visit) SourceName(source string) string {
	kind, _, _ := strings.Cut(source, ":")
	name := v.T("source." + kind)
	if name == "source."+kind {
		return source
	}
	if kind != source {
		return name + " (" + strings.TrimPrefix(source, kind+":") + ")"
	}
	return name
}

// Bytes writes a number of bytes in full.
func (v *visit) Bytes(n int64) string { return v.T("bytes", v.words.number(n)) }

// Plain writes a number.
func (v *visit) Plain(n int) string { return v.words.number(int64(n)) }

// Decimal writes a number with one digit behind the point.
func (v *visit) Decimal(f float64) string { return v.words.decimal(f) }

// Int is a number that Count takes.
func (v *visit) Int(n uint64) int { return int(min(n, math.MaxInt)) }

// Int64 is a number that Size takes.
func (v *visit) Int64(n uint64) int64 { return int64(min(n, math.MaxInt64)) }

// example is a query with the key of what it finds.
type example struct{ Query, Key string }

// Examples are queries for who has asked for nothing yet.
func (v *visit) Examples() []example {
	year := strconv.Itoa(v.begun.In(v.zone).Year())
	return []example{
		{`from:alice subject:"annual report"`, "examples.people"},
		{"invoice -from:@example.net has:attachment", "examples.without"},
		{"delivered:legal@example.org after:" + year + "-01-01", "examples.delivered"},
		{"larger:5M date:" + year, "examples.large"},
	}
}

// helpGroup is a table of the page that explains queries.
type helpGroup struct {
	Key  string
	Rows []example
}

// HelpGroups are all of them (doc/search.md).
func (v *visit) HelpGroups() []helpGroup {
	return []helpGroup{
		{"help.words", []example{
			{"invoice march", "help.both"}, {`"annual report"`, "help.phrase"}, {"repo*", "help.begins"},
			{"cat OR dog", "help.or"}, {"report -draft", "help.not"}, {"(cat OR dog) -bird", "help.group"},
		}},
		{"help.people", []example{
			{"from:ann", "help.from"}, {"to:ann@example.org", "help.to"}, {"from:@example.org", "help.domain"},
			{"from:.example.org", "help.below"}, {"cc:ann", "help.cc"}, {"delivered:ann@example.org", "help.delivered"},
		}},
		{"help.parts", []example{
			{"subject:report", "help.subject"}, {"body:report", "help.body"}, {"attachment:invoice*", "help.attachment"},
			{"keyword:pump", "help.keyword"}, {"header:list-id=announce", "help.header"}, {"has:attachment", "help.has"},
			{"larger:1M", "help.larger"}, {"smaller:10k", "help.smaller"}, {"direction:in", "help.direction"},
		}},
		{"help.time", []example{
			{"date:2026-03", "help.date"}, {"after:2026-03-01 before:2026-04", "help.between"}, {"date:2025..2026-03", "help.range"},
			{"date:yesterday", "help.yesterday"}, {"after:7d", "help.ago"}, {"sort:arrival", "help.sort"},
		}},
	}
}

// looser is a query without one of its filters, for when nothing was found.
type looser struct{ Query, Text string }

// Looser are such queries.
func (p searchPage) Looser() (list []looser) {
	if !p.Form.Simple || len(p.Form.Filters) < 2 {
		return nil
	}
	for i, f := range p.Form.Filters {
		if f.empty() {
			continue
		}
		rest := append(append([]filter{}, p.Form.Filters[:i]...), p.Form.Filters[i+1:]...)
		list = append(list, looser{queryOf(rest), f.term()})
	}
	return list
}
