package access

import "strings"

// WithoutFor returns the value of a Received field without its "for" clause
// (RFC 5321 4.4: "for" and a path or mailbox, before the date). Comments and the
// date stay; a value without the clause comes back as it is.
func WithoutFor(received string) string {
	clauses, date := received, ""
	if i := strings.LastIndexByte(received, ';'); i >= 0 {
		clauses, date = received[:i], received[i:]
	}
	start, end := findFor(clauses)
	if start < 0 {
		return received
	}
	return clauses[:start] + strings.TrimLeft(clauses[end:], " \t") + date
}

// findFor returns where the word "for" begins and the word behind it ends,
// outside of comments; -1 when there is none.
func findFor(s string) (start, end int) {
	start = -1
	for i := 0; i < len(s); {
		word, next := nextWord(s, i)
		switch {
		case start >= 0 && word != "":
			return start, next
		case strings.EqualFold(word, "for"):
			start = next - len(word)
		}
		i = next
	}
	if start >= 0 { // "for" and nothing behind it
		return start, len(s)
	}
	return -1, -1
}

// nextWord returns the next word from i on and where it ends; "" for white
// space and comments. Angle brackets and quotes are part of a word.
func nextWord(s string, i int) (string, int) {
	isSpace := func(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }
	if isSpace(s[i]) {
		return "", i + 1
	}
	if s[i] == '(' {
		return "", commentEnd(s, i)
	}
	from, bracket, quoted := i, false, false
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '<':
			bracket = true
		case c == '>':
			bracket = false
		case isSpace(c) && !bracket, c == '(' && !bracket:
			return s[from:i], i
		}
	}
	return s[from:], len(s)
}

// commentEnd returns where the comment that begins at i ends (RFC 5322 3.2.2:
// they nest).
func commentEnd(s string, i int) int {
	for depth := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(s)
}
