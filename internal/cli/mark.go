package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"mailarchive/internal/mail"
	"mailarchive/internal/search"
)

// shining reports whether standard output shows text in bold: a terminal that
// can, unless NO_COLOR asks for plain text (https://no-color.org).
func (p *program) shining() bool {
	if _, is := terminal(p.std.Out); !is || slices.Contains(p.std.Environment, "TERM=dumb") {
		return false
	}
	return !slices.ContainsFunc(p.std.Environment, func(pair string) bool {
		value, found := strings.CutPrefix(pair, "NO_COLOR=")
		return found && value != ""
	})
}

// safeMarked is safe for text with marks (byte ranges, rising), which move
// with it. Marks that do not fit the text are left out.
func safeMarked(s string, marks [][2]int) (string, [][2]int) {
	var b strings.Builder
	var moved [][2]int
	at := 0
	for _, m := range marks {
		if m[0] < at || m[1] < m[0] || m[1] > len(s) {
			continue
		}
		b.WriteString(safe(s[at:m[0]]))
		from := b.Len()
		b.WriteString(safe(s[m[0]:m[1]]))
		moved = append(moved, [2]int{from, b.Len()})
		at = m[1]
	}
	b.WriteString(safe(s[at:]))
	return b.String(), moved
}

// embolden makes marks bold (ECMA-48 8.3.117, SGR 1 and 0). Those that were cut
// off or into are left out.
func embolden(s string, marks [][2]int) string {
	const bold, plain = "\x1b[1m", "\x1b[0m"
	var b strings.Builder
	at := 0
	uncut := len(strings.TrimSuffix(s, "…"))
	for _, m := range marks {
		if m[1] > uncut {
			break
		}
		b.WriteString(s[at:m[0]] + bold + s[m[0]:m[1]] + plain)
		at = m[1]
	}
	return b.String() + s[at:]
}

// point shows where in the query an error of its syntax is. The error may have
// come over the socket as text, so the query is parsed here once more.
func (p *program) point(err error, query string) {
	if !errors.Is(err, mail.ErrBadInput) {
		return
	}
	for _, directions := range []bool{true, false} {
		_, again := search.Language{Directions: directions}.Parse(query)
		var syntax *search.SyntaxError
		if errors.As(again, &syntax) && strings.Contains(err.Error(), syntax.Error()) {
			margin := strings.Repeat(" ", columns().StringWidth(safe(query[:syntax.Pos])))
			fmt.Fprintf(p.std.Err, "  %s\n  %s^\n", safe(query), margin)
			return
		}
	}
}
