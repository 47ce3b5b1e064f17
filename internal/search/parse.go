package search

import (
	"fmt"
	"strings"
	"time"

	"mailarchive/internal/catalog"
	"mailarchive/internal/catalog/token"
)

// Limits of a query: what a person types stays far below.
const (
	maxQuery = 8 << 10 // bytes
	maxDepth = 12      // parentheses and negations in each other
)

// Parse reads a query. Dates in it are days, months and years in zone. An
// empty query is nil, which matches everything. Errors are *SyntaxError.
func Parse(query string, zone *time.Location) (catalog.Node, error) {
	p := &parser{lexer: lexer{query: query}, zone: zone}
	if len(query) > maxQuery {
		return nil, p.fail(0, fmt.Sprintf("the query is longer than %d bytes", maxQuery), "")
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	if p.now.kind == end {
		return nil, nil
	}
	n, err := p.or(0)
	if err != nil {
		return nil, err
	}
	if p.now.kind == shut {
		return nil, p.fail(p.now.pos, "no parenthesis is open here", `take the ")" away`)
	}
	return n, nil
}

// parser reads by recursive descent; now is the piece that it looks at.
type parser struct {
	lexer
	zone *time.Location
	now  piece
}

func (p *parser) advance() (err error) {
	p.now, err = p.next()
	return err
}

// or = and { OR and }
func (p *parser) or(depth int) (catalog.Node, error) {
	var list catalog.Or
	for {
		n, err := p.and(depth)
		if err != nil {
			return nil, err
		}
		list = append(list, n)
		if p.now.kind != or {
			break
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
	}
	if len(list) == 1 {
		return list[0], nil
	}
	return list, nil
}

// and = not { [AND] not }
func (p *parser) and(depth int) (catalog.Node, error) {
	var list catalog.And
	for {
		n, err := p.not(depth)
		if err != nil {
			return nil, err
		}
		list = append(list, n)
		if p.now.kind == end || p.now.kind == shut || p.now.kind == or {
			break
		}
		if p.now.kind == and {
			if err := p.advance(); err != nil {
				return nil, err
			}
		}
	}
	if len(list) == 1 {
		return list[0], nil
	}
	return list, nil
}

// not = ( NOT | "-" ) not | "(" or ")" | term
func (p *parser) not(depth int) (catalog.Node, error) {
	if depth > maxDepth {
		return nil, p.fail(p.now.pos, "too many parentheses and negations in each other", "")
	}
	at := p.now
	switch at.kind {
	case not:
		if err := p.advance(); err != nil {
			return nil, err
		}
		n, err := p.not(depth + 1)
		return catalog.Not{Node: n}, err
	case open:
		return p.parentheses(depth)
	case word, quoted, field:
		return p.term()
	case and, or:
		return nil, p.fail(at.pos, "an operator needs a term on each side", `to find the word itself put it in quotes`)
	case shut:
		return nil, p.fail(at.pos, "a term is missing in front of this", "")
	}
	return nil, p.fail(at.pos, "a term is missing here", "")
}

func (p *parser) parentheses(depth int) (catalog.Node, error) {
	at := p.now
	if err := p.advance(); err != nil {
		return nil, err
	}
	n, err := p.or(depth + 1)
	if err != nil {
		return nil, err
	}
	if p.now.kind != shut {
		return nil, p.fail(at.pos, "the parenthesis is not closed", `put a ")" behind its terms`)
	}
	return n, p.advance()
}

// term = [ field ] ( word | phrase )
func (p *parser) term() (catalog.Node, error) {
	name, at := "any", p.now
	if at.kind == field {
		name = at.text
		if err := p.advance(); err != nil {
			return nil, err
		}
		if p.now.kind != word && p.now.kind != quoted {
			return nil, p.fail(at.pos, name+": needs a value", valueHint(name))
		}
	}
	value := p.now
	if err := p.advance(); err != nil {
		return nil, err
	}
	switch name {
	case "after", "before", "date":
		return p.dates(name, value)
	}
	return p.text(catalog.Field(name), value)
}

func valueHint(name string) string {
	switch name {
	case "after", "before", "date":
		return "as in " + name + ":2026-03-01"
	case "from", "to", "delivered":
		return "as in " + name + ":alice@example.org"
	}
	return "as in " + name + `:word or ` + name + `:"some words"`
}

func (p *parser) text(f catalog.Field, value piece) (catalog.Node, error) {
	n := catalog.Text{Field: f, Value: strings.TrimSpace(value.text)}
	if !strings.Contains(n.Value, "@") && len(token.Words(n.Value)) == 0 {
		return nil, p.fail(value.pos, fmt.Sprintf("there is no word in %q", value.text), "")
	}
	return n, nil
}

// dates reads a year, a month or a day. before: ends where it begins, after:
// begins there, date: is all of it.
func (p *parser) dates(name string, value piece) (catalog.Node, error) {
	for _, form := range []struct {
		layout              string
		years, months, days int
	}{{"2006", 1, 0, 0}, {"2006-01", 0, 1, 0}, {"2006-01-02", 0, 0, 1}} {
		since, err := time.ParseInLocation(form.layout, value.text, p.zone)
		if err != nil {
			continue
		}
		switch name {
		case "after":
			return catalog.Between{Since: since}, nil
		case "before":
			return catalog.Between{Before: since}, nil
		}
		return catalog.Between{Since: since, Before: since.AddDate(form.years, form.months, form.days)}, nil
	}
	return nil, p.fail(value.pos, fmt.Sprintf("%q is no date", value.text), "write 2026-03-01, 2026-03 or 2026")
}
