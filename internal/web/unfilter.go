package web

import (
	"reflect"
	"strconv"
	"time"

	"mailarchive/internal/catalog"
	"mailarchive/internal/mail"
	"mailarchive/internal/search"
)

// parseFilters reads a query as filters. ok is false for a query that filters
// cannot say: with OR, parentheses, other fields, or too many terms. order is
// what sort: says, "" for nothing. The error is that of Language.Parse.
func parseFilters(l search.Language, query string) (filters []filter, order string, ok bool, err error) {
	q, err := l.Parse(query)
	if err != nil {
		return nil, "", false, err
	}
	if q.Ordered {
		order = orderDate
		if q.Order == catalog.LastArrivedFirst {
			order = orderArrival
		}
	}
	if q.Where == nil {
		return nil, order, true, nil
	}
	nodes, both := q.Where.(catalog.And)
	if !both {
		nodes = catalog.And{q.Where}
	}
	if len(nodes) > maxFilters {
		return nil, order, false, nil
	}
	for _, n := range nodes {
		f, known := filterOf(n, l.Zone)
		if !known {
			return nil, order, false, nil
		}
		filters = append(filters, f)
	}
	return filters, order, sameQuery(l, q, filters), nil
}

// The values of sort:.
const (
	orderDate    = "date"
	orderArrival = "arrival"
)

// sameQuery reports whether the filters say what the query says.
func sameQuery(l search.Language, q search.Query, filters []filter) bool {
	again, err := l.Parse(queryOf(filters))
	return err == nil && reflect.DeepEqual(again.Where, q.Where)
}

// filterOf is the filter that says what a node says.
func filterOf(n catalog.Node, zone *time.Location) (filter, bool) {
	not, negated := n.(catalog.Not)
	if negated {
		n = not.Node
	}
	f, ok := plainFilter(n, zone)
	if !ok || !negated {
		return f, ok
	}
	switch f.Op {
	case opContains, opIs:
		f.Op = opNot
	case opAny:
		f.Op = opNone
	default:
		return f, false
	}
	return f, true
}

func plainFilter(n catalog.Node, zone *time.Location) (filter, bool) {
	switch n := n.(type) {
	case catalog.Text:
		return textFilter(n)
	case catalog.Between:
		return dateFilter(n, zone)
	case catalog.Sized:
		if n.Below > 0 {
			return filter{Field: "larger", Op: opSmaller, Value: sizeValue(n.Below)}, n.AtLeast == 0
		}
		return filter{Field: "larger", Op: opLarger, Value: sizeValue(n.AtLeast)}, true
	case catalog.Attached:
		return filter{Field: "attachment", Op: opAny}, true
	case catalog.Directed:
		return filter{Field: "direction", Op: opIs, Value: string(n.Way)}, true
	}
	return filter{}, false
}

func textFilter(n catalog.Text) (filter, bool) {
	f := filter{Field: string(n.Field), Value: n.Value}
	ops := opsOf(f.Field)
	if ops == nil {
		return f, false
	}
	f.Op = ops[0]
	if n.Prefix {
		f.Op = opBegins
	}
	return f, true
}

const dateOnly = "2006-01-02"

// dateFilter says a stretch of whole days.
func dateFilter(n catalog.Between, zone *time.Location) (filter, bool) {
	if zone == nil {
		zone = time.Local
	}
	day := func(t time.Time, back int) string {
		if t.IsZero() {
			return ""
		}
		return t.In(zone).AddDate(0, 0, -back).Format(dateOnly)
	}
	f := filter{Field: "date", Value: day(n.Since, 0)}
	switch {
	case n.Before.IsZero():
		f.Op = opAfter
	case n.Since.IsZero():
		f.Op, f.Value = opBefore, day(n.Before, 0)
	default:
		if f.Op, f.Until = opBetween, day(n.Before, 1); f.Until == f.Value {
			f.Op, f.Until = opOn, ""
		}
	}
	return f, true
}

// sizeValue writes a size as the query language reads it, in the largest unit
// in which it is whole.
func sizeValue(bytes int64) string {
	units := []string{"", "k", "M", "G"}
	n := 0
	for bytes > 0 && bytes%1024 == 0 && n < len(units)-1 {
		bytes, n = bytes/1024, n+1
	}
	return strconv.FormatInt(bytes, 10) + units[n]
}

// ways are the values of direction:.
func ways() []string { return []string{string(mail.In), string(mail.Out), string(mail.Internal)} }
