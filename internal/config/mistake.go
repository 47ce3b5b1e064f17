package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"mailarchive/internal/mail"
)

// Mistake is one thing that is wrong in what the archive was told.
type Mistake struct {
	// Origin is where it stands: file, environment variable or flag.
	Origin Origin
	Key    string // empty when it is not about one key
	Value  string // as it was written; empty when it is not about a value
	What   string // what is wrong
	// Instead is what to write; empty when nobody can know.
	Instead string
}

// String is one line for a person.
func (m Mistake) String() string {
	var b strings.Builder
	b.WriteString(m.Origin.String() + ": ")
	if m.Key != "" && m.Value != "" {
		fmt.Fprintf(&b, "%s = %s ", m.Key, m.Value)
	} else if m.Key != "" {
		b.WriteString(m.Key + " ")
	}
	b.WriteString(m.What)
	if m.Instead != "" {
		b.WriteString("; write " + m.Instead)
	}
	return b.String()
}

// Mistakes are all that were found, in the order of their sources. As an error
// it wraps mail.ErrBadInput.
type Mistakes []Mistake

// Error lists all mistakes, a line each.
func (m Mistakes) Error() string {
	lines := make([]string, len(m))
	for i := range m {
		lines[i] = m[i].String()
	}
	return strings.Join(lines, "\n")
}

// Unwrap tells the kind.
func (m Mistakes) Unwrap() error { return mail.ErrBadInput }

// valueError says why a value cannot be used.
type valueError struct{ what, instead string }

func (e *valueError) Error() string { return e.what + "; write " + e.instead }

// quote writes a TOML basic string. JSON's notation is a part of TOML's but
// for the delete character, which TOML wants escaped.
func quote(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		panic("config: " + err.Error()) // a string always encodes
	}
	return strings.ReplaceAll(strings.TrimSuffix(b.String(), "\n"), "\x7f", `\u007F`)
}

func quoteAll(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = quote(w)
	}
	return strings.Join(quoted, ", ")
}

// nearest returns the word that differs least from s, if it is near enough to
// have been meant.
func nearest(s string, words []string) (best string, ok bool) {
	least := 1 + len(s)/3
	for _, w := range words {
		if d := distance(s, w); d <= least {
			best, least, ok = w, d-1, true
		}
	}
	return best, ok
}

// distance counts the characters to insert, delete or replace between a and b
// (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
