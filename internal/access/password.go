package access

import (
	_ "embed"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"

	"mailarchive/internal/mail"
)

//go:embed common.txt
var common string // never changed; a word a line, see password_test.go

// maxPassword is the longest password in bytes. NIST SP 800-63B asks for 64
// characters at least; more than this is nobody's.
const maxPassword = 1024

// DefaultMinLength is the least number of characters of a password.
const DefaultMinLength = 10

// preparePassword gives the bytes that are hashed, the same on each keyboard
// and system (RFC 8265 4.2, OpaqueString). The error wraps ErrBadInput.
func preparePassword(password string) (string, error) {
	if len(password) > maxPassword {
		return "", fmt.Errorf("the password is longer than %d bytes: %w", maxPassword, mail.ErrBadInput)
	}
	prepared, err := precis.OpaqueString.String(password)
	if err != nil {
		return "", fmt.Errorf("the password is empty or has control characters in it: %w", mail.ErrBadInput)
	}
	return prepared, nil
}

// checkPassword holds a new password against the rules: long enough, not among
// the common ones nor one of them with digits and signs around it, not the
// account's own name or address. It asks for no mixture of characters, which
// makes passwords worse (NIST SP 800-63B 5.1.1.2). The error wraps ErrBadInput
// and never has the password in it.
func checkPassword(prepared string, minLength int, known []string) error {
	if utf8.RuneCountInString(prepared) < minLength {
		return fmt.Errorf("the password is too short, take at least %d characters: %w", minLength, mail.ErrBadInput)
	}
	core := coreOf(prepared)
	lower := strings.ToLower(prepared)
	bare := strings.TrimFunc(lower, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	if isRun(lower) || isCommon(bare) || isCommon(core) || isCommon(half(core)) {
		return fmt.Errorf("the password is among the first that anybody would try: %w", mail.ErrBadInput)
	}
	for _, word := range known {
		if core != "" && core == coreOf(word) {
			return fmt.Errorf("the password is the account's own name or address: %w", mail.ErrBadInput)
		}
	}
	return nil
}

func isCommon(word string) bool {
	return word != "" && strings.Contains("\n"+common, "\n"+word+"\n")
}

// coreOf is a password in lower case, digits and signs at both ends cut off and
// those within that stand for letters read as such: "P4ssw0rd2026!" is
// "password". A password of digits and signs only keeps its digits.
func coreOf(password string) string {
	lower := strings.ToLower(password)
	core := strings.TrimFunc(lower, func(r rune) bool { return !unicode.IsLetter(r) })
	if core == "" {
		return strings.Map(func(r rune) rune {
			if unicode.IsDigit(r) {
				return r
			}
			return -1
		}, lower)
	}
	return strings.NewReplacer(
		"0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s", "!", "i",
		" ", "", "-", "", "_", "", ".", "",
	).Replace(core)
}

// half is the word that s says twice, else s.
func half(s string) string {
	if n := len(s) / 2; len(s)%2 == 0 && s[:n] == s[n:] {
		return s[:n]
	}
	return s
}

// isRun reports whether a password is made of few steps: one character or a
// short piece again and again, or neighbours in the alphabet, the digits or on
// a keyboard.
func isRun(lower string) bool {
	for size := 1; size <= len(lower)/3 && size <= 4; size++ {
		if strings.Repeat(lower[:size], len(lower)/size+1)[:len(lower)] == lower {
			return true
		}
	}
	for _, row := range []string{
		"abcdefghijklmnopqrstuvwxyz", "12345678901234567890", "qwertzuiopü", "asdfghjklöä",
		"qwertyuiopasdfghjklzxcvbnm", "qwertzuiopasdfghjklyxcvbnm", "azertyuiopqsdfghjklmwxcvbn",
	} {
		if strings.Contains(row, lower) || strings.Contains(reversed(row), lower) {
			return true
		}
	}
	return false
}

func reversed(s string) string {
	runes := []rune(s)
	for i, j := 0, len(runes)-1; i < j; i, j = i+1, j-1 {
		runes[i], runes[j] = runes[j], runes[i]
	}
	return string(runes)
}
