package access

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"mailarchive/internal/mail"
)

func TestPasswordRules(t *testing.T) {
	known := []string{"annabel", "annabel.lee@example.org", "annabel.lee"}
	for _, c := range []struct {
		password string
		good     bool
	}{
		{"six wet otters", true},
		{"kq7!xZ29fm", true},
		{"8372615490", true},
		{"äöüßéèñçåø", true},
		{"三四五六七八九十百千", true},
		{"the password of ann", true}, // long, and the word is within
		{"", false},
		{"kq7!xZ29f", false},
		{"äöüßéèñçå", false}, // nine characters, eighteen bytes
		{"with\x00control", false},
		{"with\ncontrol", false},
		{strings.Repeat("otters and ", 100), false},
		{"password12", false},
		{"Password2026!", false},
		{"p4ssw0rd2026", false},
		{"2026P@$$w0rd", false},
		{"Passwort123!", false},
		{"passwordpassword", false},
		{"pass-word-2026", false},
		{"MailArchive1", false},
		{"Sommer2026!!", false},
		{"1q2w3e4r5t", false},
		{"1q2w3e4r5t!!", false},
		{"1234567890", false},
		{"0987654321", false},
		{"aaaaaaaaaaaa", false},
		{"abababababab", false},
		{"xyzxyzxyzxyz", false},
		{"abcdefghijk", false},
		{"kjihgfedcba", false},
		{"qwertyuiop", false},
		{"QWERTYUIOPasdf", false},
		{"Annabel2026", false},
		{"annabel.lee1", false},
		{"annabel.lee@example.org", false},
		{"Annabel-Lee-99", false},
	} {
		prepared, err := preparePassword(c.password)
		if err == nil {
			err = checkPassword(prepared, DefaultMinLength, known)
		}
		if (err == nil) != c.good {
			t.Errorf("%.40q: %v", c.password, err)
		}
		if err != nil && (!errors.Is(err, mail.ErrBadInput) || len(c.password) > 5 && strings.Contains(err.Error(), c.password)) {
			t.Errorf("%.40q: %v", c.password, err)
		}
	}
}

func TestMinLength(t *testing.T) {
	if err := checkPassword("wet otter", 9, nil); err != nil {
		t.Error(err)
	}
	wantErr(t, "one less", checkPassword("wet otter", 10, nil), mail.ErrBadInput)
}

// The same password from another keyboard: composed or not (RFC 8265 4.2.2),
// with another kind of space.
func TestPasswordsOfOtherKeyboards(t *testing.T) {
	want, err := preparePassword("grüne otter")
	must(t, err)
	for _, s := range []string{"gru\u0308ne otter", "gr\u00fcne\u00a0otter", "grüne\u3000otter"} {
		if got, err := preparePassword(s); got != want || err != nil {
			t.Errorf("%q is %q, %v", s, got, err)
		}
	}
	if got, _ := preparePassword("Grüne otter"); got == want {
		t.Error("case does not count")
	}
}

// Each line of the list is found, and could be of use: in the form that is
// looked up.
func TestListOfCommonPasswords(t *testing.T) {
	lines := strings.Split(strings.TrimSuffix(common, "\n"), "\n")
	if len(lines) < 300 || !slices.IsSorted(lines) || len(slices.Compact(slices.Clone(lines))) != len(lines) {
		t.Errorf("%d lines, sorted %t", len(lines), slices.IsSorted(lines))
	}
	for _, word := range lines {
		if word == "" || word != strings.ToLower(word) || strings.ContainsAny(word, " \t\r") || !isCommon(word) {
			t.Errorf("line %q", word)
		}
		if padded := word + "!!!!!!!!!!"; checkPassword(padded, DefaultMinLength, nil) == nil {
			t.Errorf("%q is taken", padded)
		}
	}
}

func FuzzPassword(f *testing.F) {
	for _, s := range []string{good, "Password2026!", "", "\xff", "gru\u0308n", "a\x00", "!!!!!!!!!!", "0000000000000"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		prepared, err := preparePassword(s)
		if err != nil {
			return
		}
		if again, err := preparePassword(prepared); err != nil || again != prepared {
			t.Fatalf("%q becomes %q and then %q, %v", s, prepared, again, err)
		}
		if err := checkPassword(prepared, 1, []string{"ann"}); err != nil && !errors.Is(err, mail.ErrBadInput) {
			t.Fatalf("%q: %v", s, err)
		}
	})
}
