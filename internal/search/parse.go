package search

import (
	"fmt"
	"time"

	"mailarchive/internal/catalog"
)

// Limits of a query: what a person types stays far below.
const (
	maxQuery = 8 << 10 // bytes
	maxDepth = 12      // parentheses and negations in each other
)

// Query is what Parse reads.
type Query struct {
	Where catalog.Node // nil matches everything
	Order catalog.Order
	// Ordered says that the order was asked for (sort:).
	Ordered bool
}

// Language is what the meaning of a query depends on. The zero value works.
type Language struct {
	Zone *time.Location // where days begin; nil is the machine's
	Now  time.Time      // what today is; zero is now
	// Directions says that mail has directions: the organisation's domains
	// are known. Without it direction: is an error.
	Directions bool
}

// Parse reads a query. Errors are *SyntaxError.
func (l Language) Parse(query string) (Query, error) {
	p := &parser{lexer: lexer{query: query}, language: l.withDefaults()}
	if len(query) > maxQuery {
		return Query{}, p.fail(0, fmt.Sprintf("the query is longer than %d bytes", maxQuery), "")
	}
	if err := p.advance(); err != nil {
		return Query{}, err
	}
	if p.now.kind == end {
		return Query{}, nil
	}
	n, err := p.or(0)
	if err != nil {
		return Query{}, err
	}
	if p.now.kind == shut {
		return Query{}, p.fail(p.now.pos, "no parenthesis is open here", `take the ")" away`)
	}
	p.result.Where = n
	return p.result, nil
}

func (l Language) withDefaults() Language {
	if l.Zone == nil {
		l.Zone = time.Local
	}
	if l.Now.IsZero() {
		l.Now = time.Now()
	}
	return l
}

// parser reads by recursive descent; now is the piece that it looks at.
type parser struct {
	lexer
	language Language
	result   Query
	now      piece
}

func (p *parser) advance() (err error) {
	p.now, err = p.next()
	return err
}

// or = and { OR and }
func (p *parser) or(depth int) (catalog.Node, error) {
	var list catalog.Or
	for {
		at := p.now
		n, err := p.and(depth)
		if err != nil {
			return nil, err
		}
		if n == nil && (len(list) > 0 || p.now.kind == or) {
			return nil, p.fail(at.pos, "sort: is no term to choose from", "put it at the end of the query")
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
		if n != nil {
			list = append(list, n)
		}
		if p.now.kind == end || p.now.kind == shut || p.now.kind == or {
			break
		}
		if p.now.kind == and {
			if err := p.advance(); err != nil {
				return nil, err
			}
		}
	}
	switch len(list) {
	case 0: // sort: alone
		return nil, nil
	case 1:
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
		return p.term(depth)
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
func (p *parser) term(depth int) (catalog.Node, error) {
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
	case "larger", "smaller":
		return p.size(name, value)
	case "has":
		return p.has(value)
	case "direction":
		return p.direction(value)
	case "header":
		return p.header(value)
	case "sort":
		return nil, p.sort(value, depth)
	case "id":
		return p.id(value)
	}
	return p.text(catalog.Field(name), value)
}

func valueHint(name string) string {
	switch name {
	case "after", "before", "date":
		return "as in " + name + ":2026-03-01"
	case "from", "to", "cc", "bcc", "delivered":
		return "as in " + name + ":alice@example.org"
	case "larger", "smaller":
		return "as in " + name + ":10k or " + name + ":5M"
	case "has":
		return "as in has:attachment"
	case "direction":
		return "as in direction:in, out or internal"
	case "sort":
		return "as in sort:arrival or sort:date"
	case "header":
		return `as in header:list-id=announce`
	case "id":
		return "as in id:01K3"
	}
	return "as in " + name + `:word or ` + name + `:"some words"`
}
