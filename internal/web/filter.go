package web

import (
	"fmt"
	"strings"
	"unicode"
)

// maxFilters is how many filters the form has. Who needs more writes them.
const maxFilters = 5

// filter is a row of the form: a field of the query language, an operator and
// a value, for "between" two.
type filter struct {
	Field, Op, Value, Until string
}

// The operators.
const (
	opContains = "contains"
	opNot      = "not" // does not contain, is not
	opBegins   = "begins"
	opIs       = "is"
	opOn       = "on"
	opAfter    = "after"
	opBefore   = "before"
	opBetween  = "between"
	opLarger   = "larger"
	opSmaller  = "smaller"
	opAny      = "present"
	opNone     = "absent"
)

// filterField is a field that filters know, with its operators; the first is
// the usual one.
type filterField struct {
	Name string
	Ops  []string
}

// filterFields are all, in the order of the menu.
func filterFields() []filterField {
	text := []string{opContains, opNot, opBegins}
	return []filterField{
		{"any", text}, {"from", text}, {"to", text}, {"cc", text}, {"delivered", text},
		{"subject", text}, {"body", text}, {"keyword", text},
		{"attachment", append(text[:3:3], opAny, opNone)},
		{"date", []string{opAfter, opBefore, opOn, opBetween}},
		{"larger", []string{opLarger, opSmaller}},
		{"direction", []string{opIs, opNot}},
		{"message-id", []string{opIs, opNot}},
	}
}

// opsOf are the operators of a field; none for one that there is not.
func opsOf(field string) []string {
	for _, f := range filterFields() {
		if f.Name == field {
			return f.Ops
		}
	}
	return nil
}

// normal returns the filter with an operator that its field has.
func (f filter) normal() filter {
	ops := opsOf(f.Field)
	if ops == nil {
		f.Field, ops = "any", opsOf("any")
	}
	for _, op := range ops {
		if op == f.Op {
			return f
		}
	}
	f.Op = ops[0]
	return f
}

// wantsValue reports whether the filter says something only with a value.
func (f filter) wantsValue() bool { return f.Op != opAny && f.Op != opNone }

// empty reports whether the filter says nothing yet.
func (f filter) empty() bool {
	return f.wantsValue() && strings.TrimSpace(f.Value) == "" && (f.Op != opBetween || strings.TrimSpace(f.Until) == "")
}

// queryOf writes filters, all of which must match, as a query; those that say
// nothing are left out. parseFilters reads it back.
func queryOf(filters []filter) string {
	var terms []string
	for _, f := range filters {
		if f = f.normal(); !f.empty() {
			terms = append(terms, f.term())
		}
	}
	return strings.Join(terms, " ")
}

// term writes one filter as a term of the query language (doc/search.md).
func (f filter) term() string {
	value := strings.TrimSpace(f.Value)
	switch f.Field {
	case "date":
		return f.dateTerm(value, strings.TrimSpace(f.Until))
	case "larger":
		if f.Op == opSmaller {
			return "smaller:" + quoted(value, false)
		}
		return "larger:" + quoted(value, false)
	case "attachment":
		switch f.Op {
		case opAny:
			return "has:attachment"
		case opNone:
			return "-has:attachment"
		}
	}
	term := quoted(value, f.Field == "any")
	if f.Op == opBegins {
		term += "*"
	}
	if f.Field != "any" {
		term = f.Field + ":" + term
	}
	if f.Op == opNot {
		term = "-" + term
	}
	return term
}

func (f filter) dateTerm(from, until string) string {
	switch f.Op {
	case opAfter, opBefore:
		return f.Op + ":" + quoted(from, false)
	case opBetween:
		return fmt.Sprintf("date:%s", quoted(from+".."+until, false))
	}
	return "date:" + quoted(from, false)
}

// quoted writes a value so that the query language takes it for one. There is
// no quote in quotes: it separates words, as a space does.
func quoted(value string, bare bool) string {
	value = strings.TrimRight(strings.Join(strings.Fields(strings.ReplaceAll(value, `"`, " ")), " "), "*")
	if value != "" && !strings.ContainsFunc(value, needsQuotes) && !bare {
		return value
	}
	if bare && isPlainWord(value) {
		return value
	}
	return `"` + value + `"`
}

func needsQuotes(r rune) bool {
	return unicode.IsSpace(r) || r == '(' || r == ')' || r == '*'
}

// isPlainWord reports whether a value is read as a word without its quotes: no
// field, operator or sign.
func isPlainWord(value string) bool {
	switch value {
	case "", "AND", "OR", "NOT":
		return false
	}
	return !strings.HasPrefix(value, "-") && !strings.ContainsFunc(value, func(r rune) bool { return needsQuotes(r) || r == ':' })
}
