package sqlite

import (
	"fmt"
	"math"
	"strings"

	"mailarchive/internal/access"
	"mailarchive/internal/catalog"
	"mailarchive/internal/mail"
)

// Limits of a query: far above what a person writes, far below what the
// parsers of FTS5 and SQLite bear.
const (
	maxDepth  = 32
	maxLeaves = 1000
)

// plan is how a query is evaluated: one expression for the index and one span
// of sort dates, which a walk can follow, and a condition in SQL for what
// neither can say.
type plan struct {
	nothing bool // no match is possible
	match   expr // "" for all documents
	span    span
	rest    condition
}

// span is a range of Unix milliseconds, since <= t < before.
type span struct{ since, before int64 }

var everyDate = span{math.MinInt64, math.MaxInt64}

func spanOf(b catalog.Between) span {
	s := everyDate
	if !b.Since.IsZero() {
		s.since = millisUp(b.Since)
	}
	if !b.Before.IsZero() {
		s.before = millisUp(b.Before)
	}
	return s
}

// condition is a piece of SQL about the tables of a walk with its values.
type condition struct {
	sql  string
	args []any
}

func (c *condition) and(sql string, args ...any) {
	if c.sql != "" {
		c.sql += " AND "
	}
	c.sql += "(" + sql + ")"
	c.args = append(c.args, args...)
}

// planFor joins scope and query. The scope comes first: what it does not
// cover is not there, whatever is asked.
func planFor(scope access.Scope, where catalog.Node) (plan, error) {
	leaves := 0
	if err := checkSize(where, 0, &leaves); err != nil {
		return plan{}, err
	}
	p := plan{span: everyDate, nothing: !scope.All()}
	var indexed []catalog.Node
	for _, n := range conjuncts(where) {
		if between, ok := n.(catalog.Between); ok {
			s := spanOf(between)
			p.span = span{max(p.span.since, s.since), min(p.span.before, s.before)}
			continue
		}
		if _, ok, err := match(n); err != nil {
			return plan{}, err
		} else if ok {
			indexed = append(indexed, n)
			continue
		}
		c, err := inSQL(n)
		if err != nil {
			return plan{}, err
		}
		p.rest.and(c.sql, c.args...)
	}
	if len(indexed) > 0 {
		p.match, _, _ = matchAnd(indexed) // each of them was tried
	}
	p.nothing = p.nothing || p.span.since >= p.span.before
	return p, nil
}

// conjuncts are the nodes that all must match.
func conjuncts(n catalog.Node) []catalog.Node {
	and, ok := n.(catalog.And)
	if !ok {
		if n == nil {
			return nil
		}
		return []catalog.Node{n}
	}
	var list []catalog.Node
	for _, n := range and {
		list = append(list, conjuncts(n)...)
	}
	return list
}

func checkSize(n catalog.Node, depth int, leaves *int) error {
	var below []catalog.Node
	switch n := n.(type) {
	case catalog.And:
		below = n
	case catalog.Or:
		below = n
	case catalog.Not:
		below = []catalog.Node{n.Node}
	}
	*leaves++
	if depth > maxDepth || *leaves > maxLeaves {
		return fmt.Errorf("query too large (%d parts, %d deep at most): %w", maxLeaves, maxDepth, mail.ErrBadInput)
	}
	for _, n := range below {
		if err := checkSize(n, depth+1, leaves); err != nil {
			return err
		}
	}
	return nil
}

// inSQL evaluates a node in which words and what stands in rows mix.
func inSQL(n catalog.Node) (condition, error) {
	if e, ok, err := match(n); ok || err != nil {
		return condition{`m.docid IN (SELECT rowid FROM fts WHERE fts MATCH ?)`, []any{string(e)}}, err
	}
	switch n := n.(type) {
	case catalog.And:
		return inSQLEach(n, " AND ")
	case catalog.Or:
		return inSQLEach(n, " OR ")
	case catalog.Not:
		c, err := inSQL(n.Node)
		return condition{"NOT (" + c.sql + ")", c.args}, err
	case catalog.Sized:
		c := condition{`m.size >= ?`, []any{n.AtLeast}}
		if n.Below > 0 {
			c.and(`m.size < ?`, n.Below)
		}
		return c, nil
	case catalog.Text:
		return inSQLByID(n.Value), nil
	case catalog.Between:
		s := spanOf(n)
		return condition{`m.sort_date >= ? AND m.sort_date < ?`, []any{s.since, s.before}}, nil
	}
	return condition{}, fmt.Errorf("query node %T: %w", n, mail.ErrBadInput)
}

// inSQLByID takes the value for an ID or the beginning of one.
func inSQLByID(value string) condition {
	value = strings.TrimSpace(value)
	first, last, err := mail.IDRange(value)
	if err != nil || len(value) < shortestPrefix {
		return condition{`0`, nil}
	}
	return condition{`m.docid IN (SELECT docid FROM arrival WHERE id BETWEEN ? AND ?)`, []any{first[:], last[:]}}
}

// inSQLEach joins nodes, of which at least one is there: an empty list is
// something that match can say.
func inSQLEach(nodes []catalog.Node, operator string) (joined condition, err error) {
	parts := make([]string, len(nodes))
	for i, n := range nodes {
		c, err := inSQL(n)
		if err != nil {
			return c, err
		}
		parts[i] = "(" + c.sql + ")"
		joined.args = append(joined.args, c.args...)
	}
	joined.sql = strings.Join(parts, operator)
	return joined, nil
}
