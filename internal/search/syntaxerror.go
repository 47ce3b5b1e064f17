package search

import (
	"fmt"
	"unicode/utf8"

	"mailarchive/internal/mail"
)

// SyntaxError says where a query cannot be understood, and what to do.
type SyntaxError struct {
	Query string
	Pos   int    // byte at which the trouble begins
	Msg   string // what is wrong
	Hint  string // what to write instead; may be empty
}

// Error gives place, trouble and hint in a line.
func (e *SyntaxError) Error() string {
	s := fmt.Sprintf("query, character %d: %s", utf8.RuneCountInString(e.Query[:e.Pos])+1, e.Msg)
	if e.Hint != "" {
		s += "; " + e.Hint
	}
	return s
}

// Unwrap makes it a mail.ErrBadInput.
func (e *SyntaxError) Unwrap() error { return mail.ErrBadInput }
