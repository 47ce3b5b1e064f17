package search

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// kind is what a piece of a query is.
type kind int

const (
	end kind = iota
	word
	quoted
	field // name with its colon
	open  // (
	shut  // )
	and
	or
	not // NOT or -
)

// piece is a lexeme. text is without quotes, colon and sign.
type piece struct {
	kind  kind
	text  string
	pos   int
	begun bool // a * stands behind it: the last word is the beginning of one
}

// lexer cuts a query into pieces.
type lexer struct {
	query string
	at    int
}

func (l *lexer) fail(pos int, msg, hint string) error {
	return &SyntaxError{Query: l.query, Pos: pos, Msg: msg, Hint: hint}
}

func (l *lexer) next() (piece, error) {
	rest := strings.TrimLeftFunc(l.query[l.at:], unicode.IsSpace)
	l.at = len(l.query) - len(rest)
	p := piece{pos: l.at}
	if rest == "" {
		return p, nil
	}
	if n := quote(rest); n > 0 {
		return l.quoted(p, rest, n)
	}
	switch rest[0] {
	case '(', ')':
		l.at++
		p.kind = map[byte]kind{'(': open, ')': shut}[rest[0]]
		return p, nil
	case '*':
		return p, l.fail(p.pos, "a * stands behind the beginning of a word", "as in rep*")
	case '-':
		if r, _ := utf8.DecodeRuneInString(rest[1:]); strings.ContainsRune(quotes, r) || r == '(' || unicode.IsLetter(r) || unicode.IsDigit(r) {
			l.at++
			p.kind = not
			return p, nil
		}
	}
	return l.word(p, rest)
}

// quotes are all that people's keyboards and programs write for one.
const quotes = "\"\u201c\u201d\u201e\u201f"

// quote returns the length of the quote that s begins with, 0 for none.
func quote(s string) int {
	r, n := utf8.DecodeRuneInString(s)
	if !strings.ContainsRune(quotes, r) {
		return 0
	}
	return n
}

// quoted reads up to the next quote of any kind, behind one of n bytes.
func (l *lexer) quoted(p piece, rest string, n int) (piece, error) {
	length := strings.IndexAny(rest[n:], quotes)
	if length < 0 {
		return p, l.fail(p.pos, "the quote is not closed", `put a " behind the phrase`)
	}
	p.kind, p.text = quoted, rest[n:n+length]
	l.at += n + length + quote(rest[n+length:])
	if strings.HasPrefix(l.query[l.at:], "*") {
		p.begun = true
		l.at++
	}
	return p, nil
}

// word reads up to white space, a parenthesis or a quote; a field ends behind
// its colon.
func (l *lexer) word(p piece, rest string) (piece, error) {
	n := strings.IndexFunc(rest, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`()`+quotes, r) })
	if n < 0 {
		n = len(rest)
	}
	name, value, colon := strings.Cut(rest[:n], ":")
	if colon && isName(name) && !strings.HasPrefix(value, "//") {
		known, err := l.fieldName(p.pos, name)
		if err != nil {
			return p, err
		}
		if known != "" {
			p.kind, p.text = field, known
			l.at += len(name) + 1
			return p, nil
		}
	}
	p.kind = word
	p.text, p.begun = strings.CutSuffix(rest[:n], "*")
	l.at += n
	switch rest[:n] {
	case "AND":
		p.kind = and
	case "OR":
		p.kind = or
	case "NOT":
		p.kind = not
	}
	return p, nil
}

func isName(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && r != '-' }) < 0
}

// fieldNames are all fields there are, in the order in which they are
// suggested.
func fieldNames() []string {
	return []string{
		"from", "to", "cc", "bcc", "subject", "delivered", "message-id", "id", "body", "attachment", "any",
		"keyword", "header", "after", "before", "date", "larger", "smaller", "has", "direction", "sort",
	}
}

// fieldName returns the field that a name stands for, "" for none. A name that
// comes close to a field is an error.
func (l *lexer) fieldName(pos int, name string) (string, error) {
	lower := strings.ToLower(name)
	for _, f := range fieldNames() {
		if f == lower {
			return f, nil
		}
	}
	for _, f := range fieldNames() {
		if near(lower, f) {
			return "", l.fail(pos, "there is no field \""+name+":\"", "did you mean "+f+": or the text \""+name+":\" in quotes?")
		}
	}
	return "", nil
}

// near reports whether a is likely to be meant for the field f: its beginning,
// or one letter wrong, missing, too many or changed with its neighbour.
func near(a, f string) bool {
	if len(a) < 3 {
		return false
	}
	if strings.HasPrefix(f, a) {
		return true
	}
	head := 0
	for head < min(len(a), len(f)) && a[head] == f[head] {
		head++
	}
	a, f = a[head:], f[head:]
	tail := 0
	for tail < min(len(a), len(f)) && a[len(a)-1-tail] == f[len(f)-1-tail] {
		tail++
	}
	a, f = a[:len(a)-tail], f[:len(f)-tail]
	return len(a) <= 1 && len(f) <= 1 || len(a) == 2 && len(f) == 2 && a[0] == f[1] && a[1] == f[0]
}
