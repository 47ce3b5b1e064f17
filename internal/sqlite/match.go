package sqlite

import (
	"fmt"
	"slices"
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
	columnsCc   = "{cc_name}"
	columnsBcc  = "{bcc_name}"

	columnsHeader = "{header}" // is in no other set: its tokens are terms
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

// match turns a node into an expression; ok is false when a date, a size
// or an ID in it keeps the index from answering.
func match(n catalog.Node) (e expr, ok bool, err error) {
	switch n := n.(type) {
	case catalog.Text:
		if n.Field == catalog.ID {
			return "", false, nil
		}
		e, err = matchText(n)
		return e, true, err
	case catalog.Header:
		return matchHeader(n), true, nil
	case catalog.Attached:
		return phrase("", termAttached), true, nil
	case catalog.Directed:
		return matchWay(n.Way), true, nil
	case catalog.And:
		return matchAnd(n)
	case catalog.Or:
		list, ok, err := matchEach(n)
		return join("OR", list, termNone), ok, err
	case catalog.Not:
		return matchAnd([]catalog.Node{n})
	case catalog.Between, catalog.Sized:
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
	v := sought{strings.TrimSpace(t.Value), t.Prefix}
	var list []expr
	switch t.Field {
	case catalog.AnyText:
		list = append(matchWords(columnsAll, v), matchAddress(v, searchedRoles()...)...)
		list = append(list, matchMessageID(v.value)...)
	case catalog.From:
		list = matchPerson(columnsFrom, v, roleFrom, roleEnvelope)
	case catalog.To:
		list = matchPerson(columnsTo, v, roleTo, roleCc, roleBcc)
	case catalog.Cc:
		list = matchPerson(columnsCc, v, roleCc)
	case catalog.Bcc:
		list = matchPerson(columnsBcc, v, roleBcc)
	case catalog.Delivered:
		list = matchAddress(v, roleDelivered)
	case catalog.Subject, catalog.Body, catalog.Attachments:
		list = matchWords("{"+string(t.Field)+"}", v) // columns of the same names
	case catalog.Keyword:
		list = matchKeyword(v)
	case catalog.MessageID:
		list = matchMessageID(v.value)
	default:
		return "", fmt.Errorf("query field %q: %w", t.Field, mail.ErrBadInput)
	}
	return join("OR", list, termNone), nil
}

// sought is a value to look for; with prefix it is a beginning.
type sought struct {
	value  string
	prefix bool
}

// term looks for a term of the column address.
func (v sought) term(term string) expr { return beginning(phrase("", term), v.prefix) }

// beginning lets the last token of a phrase be the beginning of one.
func beginning(e expr, prefix bool) expr {
	if prefix {
		return e + " *"
	}
	return e
}

func matchWords(columns string, v sought) []expr {
	words, prefix := token.Phrase(v.value, v.prefix)
	if len(words) == 0 {
		return nil
	}
	return []expr{beginning(phrase(columns, words...), prefix)}
}

// matchPerson is for the fields that hold names and addresses.
func matchPerson(columns string, v sought, roles ...string) []expr {
	list := matchAddress(v, roles...)
	if strings.Contains(v.value, "@") || strings.HasPrefix(v.value, ".") {
		return list
	}
	return append(matchWords(columns, v), list...)
}

// matchAddress looks for addresses as [catalog.Text] has it.
func matchAddress(v sought, roles ...string) (list []expr) {
	if v.value == "" || strings.ContainsFunc(v.value, isSpace) {
		return nil
	}
	for _, role := range roles {
		list = append(list, matchRole(v, role)...)
	}
	return list
}

func matchRole(v sought, role string) []expr {
	term := func(part, value string) []expr {
		if value == "" && v.prefix {
			return nil // would be the beginning of all
		}
		return []expr{v.term(addressTerm(role+part, value))}
	}
	switch {
	case v.value == "@" || v.value == ".":
		return nil
	case v.value[0] == '@':
		return term("d", token.Address(v.value).Domain)
	case v.value[0] == '.':
		domain := token.Address("@" + v.value[1:]).Domain
		return append(term("d", domain), term("p", domain)...)
	case strings.Contains(v.value, "@"):
		return term("", token.Address(v.value).Whole)
	}
	return append(term("l", token.Address(v.value).Local), term("d", token.Address("@"+v.value).Domain)...)
}

func matchKeyword(v sought) []expr {
	if len(token.Words(v.value)) == 0 {
		return nil
	}
	return []expr{v.term(keywordTerm(v.value))}
}

// matchHeader looks for words in the fields of that name, without words for
// the fields.
func matchHeader(n catalog.Header) expr {
	if slices.Contains(catalog.IdentifierFields(), strings.ToLower(n.Name)) {
		word := ""
		if catalog.FoldMessageID(n.Value) != "" {
			word = identifier(n.Value)
		}
		return phrase(columnsHeader, headerTerm(n.Name, word))
	}
	words, prefix := token.Phrase(n.Value, n.Prefix)
	if len(words) == 0 {
		return phrase(columnsHeader, headerTerm(n.Name, ""))
	}
	for i, word := range words {
		words[i] = headerTerm(n.Name, word)
	}
	return beginning(phrase(columnsHeader, words...), prefix)
}

func matchWay(way mail.Direction) expr {
	if way == "" {
		return phrase("", termNone)
	}
	return phrase("", wayTerm(way))
}

func matchMessageID(value string) []expr {
	if catalog.FoldMessageID(value) == "" {
		return nil
	}
	return []expr{phrase("", messageIDTerm(value))}
}

func isSpace(r rune) bool { return strings.ContainsRune(" \t\r\n\v\f", r) }
