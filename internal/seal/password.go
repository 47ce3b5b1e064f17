package seal

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"mailarchive/internal/mail"
)

// DefaultPasswordLength is the least number of characters of a password, as
// the manual has it.
const DefaultPasswordLength = 8

// PasswordRules say what a password must have. The zero value is the manual's
// rules.
type PasswordRules struct {
	Length int // least number of characters; 0 is DefaultPasswordLength
}

// Missing lists what a password lacks, in words that go behind "needs"; empty
// when it is good.
func (p PasswordRules) Missing(password string) []string {
	least := p.Length
	if least <= 0 {
		least = DefaultPasswordLength
	}
	var upper, lower, digit bool
	for _, r := range password {
		upper = upper || unicode.IsUpper(r)
		lower = lower || unicode.IsLower(r)
		digit = digit || unicode.IsDigit(r)
	}
	var missing []string
	if n := utf8.RuneCountInString(password); n < least {
		missing = append(missing, fmt.Sprintf("at least %d characters (it has %d)", least, n))
	}
	for _, rule := range []struct {
		met  bool
		what string
	}{{upper, "a capital letter"}, {lower, "a small letter"}, {digit, "a digit"}} {
		if !rule.met {
			missing = append(missing, rule.what)
		}
	}
	// It is typed again, and read from a file of one line, by gpg too.
	if strings.ContainsAny(password, "\r\n\x00") {
		missing = append(missing, "to be one line")
	}
	return missing
}

// Check returns nil for a good password, else an error that says all that is
// missing and wraps mail.ErrBadInput. The password is never in it.
func (p PasswordRules) Check(password string) error {
	missing := p.Missing(password)
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("the password needs %s: %w", strings.Join(missing, ", "), mail.ErrBadInput)
}

// passwordLengthKey is the manual's name of the setting.
const passwordLengthKey = "encrypt-password-length"

// ReadPasswordRules reads the least length from a file in the form of the
// manual's /etc/clearos/mail_archive.conf: lines of key and value with an equals
// sign between, the value with or without quotes; other keys, comments and
// sections are passed over. Without the key it returns the manual's rules.
// Errors wrap mail.ErrBadInput, or are those of r.
func ReadPasswordRules(r io.Reader) (PasswordRules, error) {
	var p PasswordRules
	s := bufio.NewScanner(r)
	for n := 1; s.Scan(); n++ {
		key, value, ok := strings.Cut(s.Text(), "=")
		if !ok || strings.TrimSpace(key) != passwordLengthKey {
			continue
		}
		value, _, _ = strings.Cut(value, "#")
		value = strings.Trim(strings.TrimSpace(value), `"'`)
		length, err := strconv.Atoi(value)
		if err != nil || length < 1 || length > 1024 {
			return p, fmt.Errorf("line %d: %s is %q, it should be a number of characters (1 to 1024): %w", n, passwordLengthKey, value, mail.ErrBadInput)
		}
		p.Length = length
	}
	return p, s.Err()
}
