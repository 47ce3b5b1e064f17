package smtp

import (
	"errors"
	"strings"

	"mailarchive/internal/mail"
)

var (
	errNoPath   = errors.New("no address")
	errUnclosed = errors.New("< without >")
	errControl  = errors.New("control character in argument")
	errKeyword  = errors.New("malformed parameter")
)

// ParsePath reads what stands behind "FROM:" or "TO:": a path and parameters
// (RFC 5321 4.1.2). The address comes back as it came, without its angle
// brackets and source route (RFC 5321 4.1.1.3 and appendix C).
//
// It takes more than the RFC allows, since refusing would only lose mail:
// white space before and behind the path, a path without angle brackets, any
// local part without a domain, bytes that are not ASCII or not even UTF-8, any
// length, parameters that are unknown or come twice. It refuses control
// characters, an angle bracket that is never closed, no path at all, and a
// parameter that does not begin with a letter or digit.
func ParsePath(arg string) (mail.Address, []string, error) {
	if strings.IndexFunc(arg, isControl) >= 0 {
		return "", nil, errControl
	}
	path, rest, err := cutPath(strings.Trim(arg, " \t"))
	if err != nil {
		return "", nil, err
	}
	params, err := parseParams(rest)
	if err != nil {
		return "", nil, err
	}
	return mail.Address(withoutRoute(path)), params, nil
}

// isControl sees invalid UTF-8 as U+FFFD, which is none.
func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

func cutPath(s string) (path, rest string, err error) {
	if s == "" {
		return "", "", errNoPath
	}
	if s[0] != '<' {
		end := unquotedIndex(s, " \t")
		if end < 0 {
			return s, "", nil
		}
		return s[:end], s[end:], nil
	}
	end := unquotedIndex(s, ">")
	if end < 0 {
		end = strings.IndexByte(s, '>') // a lone quotation mark: <o"brien@example.org>
	}
	if end < 0 {
		return "", "", errUnclosed
	}
	return s[1:end], s[end+1:], nil
}

// unquotedIndex finds the first of chars that is not within a quoted string
// (RFC 5321 4.1.2, Quoted-string); -1 when there is none.
func unquotedIndex(s, chars string) int {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++ // the next one is quoted by it
		case c == '"':
			quoted = !quoted
		case !quoted && strings.IndexByte(chars, c) >= 0:
			return i
		}
	}
	return -1
}

// withoutRoute strips "@a,@[IPv6:::1]:" from the front of a path. Anything
// that only looks like a route stays.
func withoutRoute(path string) string {
	rest := path
	for strings.HasPrefix(rest, "@") {
		end := strings.IndexAny(rest, ",:")
		if strings.HasPrefix(rest, "@[") {
			end = strings.IndexByte(rest, ']') + 1 // the colons of a literal are its own
		}
		if end <= 0 || end >= len(rest) {
			return path
		}
		if rest[end] == ':' {
			return rest[end+1:]
		}
		if rest[end] != ',' {
			return path
		}
		rest = strings.TrimLeft(rest[end+1:], " ")
	}
	return path
}

func parseParams(s string) ([]string, error) {
	s = strings.Trim(s, " \t")
	if s == "" {
		return nil, nil
	}
	params := strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '\t' })
	for _, p := range params {
		if !isAlphanumeric(p[0]) {
			return nil, errKeyword
		}
	}
	return params, nil
}

func isAlphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z'
}
