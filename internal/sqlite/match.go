package sqlite

import (
	"fmt"
	"strings"

	"mailarchive/internal/catalog"
	"mailarchive/internal/catalog/token"
	"mailarchive/internal/mail"
)

// expr is an FTS5 expression that stands by itself: a phrase or something in
// parentheses. Words reach it only through phrase, so that nothing an asker
// writes is read as an operator.
type expr string

// The column sets of the fields that hold words; address holds none.
const (
	columnsAll  = "{body subject attachment from_name to_name cc_name bcc_name}"
	columnsFrom = "{from_name}"
	columnsTo   = "{to_name cc_name bcc_name}"
)

// phrase matches the tokens next to each other. A column set narrows it.
func phrase(columns string, tokens ...string) expr {
	quoted := `"` + strings.ReplaceAll(strings.Join(tokens, " "), `"`, `""`) + `"`
	if columns == "" {
		return expr(quoted)
	}
	return expr(columns + " : " + quoted)
}

// join joins expressions by an operator; with none it is empty.
func join(operator string, list []expr, empty string) expr {
	switch len(list) {
	case 0:
		return phrase("", empty)
	case 1:
		return list[0]
	}
	parts := make([]string, len(list))
	for i, e := range list {
		parts[i] = string(e)
	}
	return expr("(" + strings.Join(parts, " "+operator+" ") + ")")
}

// match turns a node into an expression; ok is false when a date in it keeps
// the index from answering.
func match(n catalog.Node) (e expr, ok bool, err error) {
	switch n := n.(type) {
	case catalog.Text:
		e, err = matchText(n)
		return e, true, err
	case catalog.And:
		return matchAnd(n)
	case catalog.Or:
		list, ok, err := matchEach(n)
		return join("OR", list, termNone), ok, err
	case catalog.Not:
		return matchAnd([]catalog.Node{n})
	case catalog.Between:
		return "", false, nil
	}
	return "", false, fmt.Errorf("query node %T: %w", n, mail.ErrBadInput)
}

func matchEach(nodes []catalog.Node) (list []expr, ok bool, err error) {
	for _, n := range nodes {
		e, ok, err := match(n)
		if !ok || err != nil {
			return nil, false, err
		}
		list = append(list, e)
	}
	return list, true, nil
}

// matchAnd joins a conjunction. NOT takes two sides in FTS5, so all that is
// negated goes to the right of one NOT.
func matchAnd(nodes []catalog.Node) (expr, bool, error) {
	var with, without []catalog.Node
	for _, n := range nodes {
		if not, ok := n.(catalog.Not); ok {
			without = append(without, not.Node)
		} else {
			with = append(with, n)
		}
	}
	list, ok, err := matchEach(with)
	if !ok || err != nil {
		return "", false, err
	}
	e := join("AND", list, termAll)
	if len(without) == 0 {
		return e, true, nil
	}
	list, ok, err = matchEach(without)
	return expr("(" + string(e) + " NOT " + string(join("OR", list, termNone)) + ")"), ok, err
}

func matchText(t catalog.Text) (expr, error) {
	value := strings.TrimSpace(t.Value)
	var list []expr
	switch t.Field {
	case catalog.AnyText:
		list = append(matchWords(columnsAll, value), matchAddress(value, roleAny)...)
		list = append(list, matchMessageID(value)...)
	case catalog.From:
		list = matchPerson(columnsFrom, value, roleFrom, roleEnvelope)
	case catalog.To:
		list = matchPerson(columnsTo, value, roleTo, roleCc, roleBcc)
	case catalog.Delivered:
		list = matchAddress(value, roleDelivered)
	case catalog.Subject, catalog.Body, catalog.Attachments:
		list = matchWords("{"+string(t.Field)+"}", value) // columns of the same names
	case catalog.MessageID:
		list = matchMessageID(value)
	default:
		return "", fmt.Errorf("query field %q: %w", t.Field, mail.ErrBadInput)
	}
	return join("OR", list, termNone), nil
}

func matchWords(columns, value string) []expr {
	words, prefix := token.Phrase(value, false)
	if len(words) == 0 {
		return nil
	}
	e := phrase(columns, words...)
	if prefix {
		e += " *"
	}
	return []expr{e}
}

// matchPerson is for the fields that hold names and addresses.
func matchPerson(columns, value string, roles ...string) []expr {
	list := matchAddress(value, roles...)
	if strings.Contains(value, "@") || strings.HasPrefix(value, ".") {
		return list
	}
	return append(matchWords(columns, value), list...)
}

// matchAddress looks for addresses as [catalog.Text] has it.
func matchAddress(value string, roles ...string) (list []expr) {
	if value == "" || strings.ContainsFunc(value, isSpace) {
		return nil
	}
	for _, role := range roles {
		list = append(list, matchRole(value, role)...)
	}
	return list
}

func matchRole(value, role string) []expr {
	term := func(part, value string) expr { return phrase("", addressTerm(role+part, value)) }
	switch {
	case value == "@" || value == ".":
		return nil
	case value[0] == '@':
		return []expr{term("d", token.Address(value).Domain)}
	case value[0] == '.':
		domain := token.Address("@" + value[1:]).Domain
		return []expr{term("d", domain), term("p", domain)}
	case strings.Contains(value, "@"):
		return []expr{term("", token.Address(value).Whole)}
	}
	return []expr{term("l", token.Address(value).Local), term("d", token.Address("@"+value).Domain)}
}

func matchMessageID(value string) []expr {
	if catalog.FoldMessageID(value) == "" {
		return nil
	}
	return []expr{phrase("", messageIDTerm(value))}
}

func isSpace(r rune) bool { return strings.ContainsRune(" \t\r\n\v\f", r) }
