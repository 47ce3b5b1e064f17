package seal

import (
	"errors"
	"strings"
	"testing"

	"mailarchive/internal/mail"
)

func TestPasswordRules(t *testing.T) {
	for _, c := range []struct {
		password string
		length   int
		missing  []string
	}{
		{"Correct7", 0, nil},
		{"Corre t7", 0, nil},
		{"Ünicöde٣", 0, nil}, // any script's capitals and digits
		{"Short7x", 0, []string{"at least 8 characters (it has 7)"}},
		{"Äöüß7xy", 7, nil},
		{"correct7", 0, []string{"a capital letter"}},
		{"CORRECT7", 0, []string{"a small letter"}},
		{"Correctx", 0, []string{"a digit"}},
		{"", 0, []string{"at least 8 characters (it has 0)", "a capital letter", "a small letter", "a digit"}},
		{"Correct7\n", 0, []string{"to be one line"}},
		{"Correct7", 12, []string{"at least 12 characters (it has 8)"}},
	} {
		p := PasswordRules{Length: c.length}
		if got := p.Missing(c.password); strings.Join(got, ";") != strings.Join(c.missing, ";") {
			t.Errorf("%q lacks %q, want %q", c.password, got, c.missing)
		}
		err := p.Check(c.password)
		if (err == nil) != (len(c.missing) == 0) || err != nil && (!errors.Is(err, mail.ErrBadInput) || c.password != "" && strings.Contains(err.Error(), c.password)) {
			t.Errorf("%q: %v", c.password, err)
		}
	}
}

func TestReadPasswordRules(t *testing.T) {
	for _, c := range []struct {
		text   string
		length int
		bad    bool
	}{
		{"", 0, false},
		{"# comment\n[section]\nencrypt = 1\nencrypt-password-length = 12\n", 12, false},
		{"encrypt-password-length=\"10\" # at least\r\n", 10, false},
		{"  encrypt-password-length\t=\t'6'", 6, false},
		{"#encrypt-password-length = 4\nxencrypt-password-length = 5", 0, false},
		{"encrypt-password-length = many", 0, true},
		{"encrypt-password-length =", 0, true},
		{"encrypt-password-length = 0", 0, true},
		{"encrypt-password-length = -3", 0, true},
	} {
		p, err := ReadPasswordRules(strings.NewReader(c.text))
		if p.Length != c.length || (err != nil) != c.bad || err != nil && !errors.Is(err, mail.ErrBadInput) {
			t.Errorf("%q: %+v, %v", c.text, p, err)
		}
	}
}

func FuzzReadPasswordRules(f *testing.F) {
	f.Add("encrypt-password-length = 12\n")
	f.Fuzz(func(t *testing.T, s string) {
		if p, err := ReadPasswordRules(strings.NewReader(s)); err == nil && (p.Length < 0 || p.Length > 1024) {
			t.Fatalf("%q: %d", s, p.Length)
		}
	})
}
