package audit

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/mail"
)

// What is too long is cut at a character, what is no text is replaced, and
// both are said.
func TestInexact(t *testing.T) {
	l := newLab(t, Options{})
	e := Entry{
		Act: ActSearch, Actor: strings.Repeat("ä", maxText), Role: "r\xff", As: strings.Repeat("a", maxText), Object: "\xc3",
		Query: strings.Repeat("€", maxQuery), Reason: "fine", Client: strings.Repeat("c", maxText+1),
		To:     []mail.Address{"a@example.org", "\xfe@example.org"},
		Change: &Change{Name: strings.Repeat("n", maxText+1), From: "\xff", To: strings.Repeat("t", maxText+1)},
	}
	if err := l.log.Record(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	got := collect(t, l.log, Filter{})[0]
	want := []string{"actor", "role", "object", "client", "query", "change/name", "change/from", "change/to", "to/1"}
	if diff := cmp.Diff(want, got.Inexact); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
	for what, c := range map[string]struct {
		got  string
		want int
	}{"actor": {got.Actor, maxText}, "query": {got.Query, maxQuery - maxQuery%3}, "client": {got.Client, maxText}} {
		if len(c.got) != c.want || !utf8.ValidString(c.got) {
			t.Errorf("%s has %d bytes, want %d", what, len(c.got), c.want)
		}
	}
	if got.Role != "r\uFFFD" || got.Object != "\uFFFD" || got.As != e.As || got.To[1] != "\uFFFD@example.org" {
		t.Errorf("role %q, object %q, to %q", got.Role, got.Object, got.To)
	}
	if e.To[1] != "\xfe@example.org" || e.Change.From != "\xff" {
		t.Error("the caller's entry was changed")
	}
}

// Values of secret settings never reach the disk, whether the caller says so
// or the name does.
func TestSecretsStayOut(t *testing.T) {
	for _, c := range []struct {
		name     string
		withheld bool
		want     bool
	}{
		{"retention", false, false}, {"retention", true, true}, {"encrypt-password", false, true}, {"smtp.PASSWD", false, true},
		{"oidc-client-secret", false, true}, {"api_token", false, true}, {"tls-key", false, true}, {"keywords", false, false},
		{"tokenizer", false, false}, {"ldap-credentials", false, true}, {"KEY", false, true},
	} {
		l := newLab(t, Options{})
		e := Entry{Act: ActSetting, Change: &Change{Name: c.name, From: "hunter2old", To: "hunter2new", Withheld: c.withheld}}
		if err := l.log.Record(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		if got := !strings.Contains(l.read(november), "hunter2"); got != c.want {
			t.Errorf("%s, withheld %t: kept out %t, want %t", c.name, c.withheld, got, c.want)
		}
		if got := collect(t, l.log, Filter{})[0].Change; got.Withheld != c.want || got.Name != c.name {
			t.Errorf("%s comes back as %+v", c.name, got)
		}
	}
}

// Two entries that say the same have different digests: nobody can guess one.
func TestSalt(t *testing.T) {
	l := newLab(t, Options{})
	l.group("a", "a", "a")
	seen := map[string]bool{}
	for _, text := range split(l.read(november)) {
		line := must(decode([]byte(text)))
		if len(line.Salt) != 2*saltBytes || seen[line.Salt] {
			t.Errorf("salt %q", line.Salt)
		}
		seen[line.Salt] = true
	}
}

func TestDecode(t *testing.T) {
	const good = `{"format":1,"seq":7,"prev":"0000000000000000000000000000000000000000000000000000000000000000","commit":6,"salt":"","time":"2026-11-24T12:00:00.000Z","actor":"ann","act":"show"}` + "\n"
	for _, c := range []struct {
		what, text string
		ok         bool
	}{
		{"good", good, true},
		{"a field of later", strings.Replace(good, `"act"`, `"new":{"x":[1]},"act"`, 1), true},
		{"an act of later", strings.Replace(good, `"show"`, `"look"`, 1), true},
		{"empty", "", false},
		{"an empty line", "\n", false},
		{"no line feed", strings.TrimSuffix(good, "\n"), false},
		{"no JSON", "x\n", false},
		{"zeros", strings.Repeat("\x00", 100) + "\n", false},
		{"two values", strings.TrimSuffix(good, "\n") + good, false},
		{"another format", strings.Replace(good, `"format":1`, `"format":2`, 1), false},
		{"no number", strings.Replace(good, `"seq":7`, `"seq":0`, 1), false},
		{"a negative number", strings.Replace(good, `"seq":7`, `"seq":-7`, 1), false},
		{"a commit that begins later", strings.Replace(good, `"commit":6`, `"commit":8`, 1), false},
		{"no commit", strings.Replace(good, `"commit":6,`, ``, 1), false},
		{"half a digest", strings.Replace(good, `00000000"`, `"`, 1), false},
		{"no time", strings.Replace(good, `12:00`, `25:00`, 1), false},
		{"no act", strings.Replace(good, `"act":"show"`, `"act":""`, 1), false},
		{"a negative length", strings.Replace(good, `"actor"`, `"closed":{"file":"x","length":-1},"actor"`, 1), false},
		{"a bad ID", strings.Replace(good, `"act"`, `"ids":["x"],"act"`, 1), false},
	} {
		l, err := decode([]byte(c.text))
		if (err == nil) != c.ok || err != nil && !errors.Is(err, mail.ErrDamaged) {
			t.Errorf("%s: %+v, %v", c.what, l, err)
		}
	}
}

// Lines of any length are told apart in bounded memory, from both ends.
func TestLines(t *testing.T) {
	long := strings.Repeat("x", 3*maxLine) + "\n"
	just := strings.Repeat("y", maxLine-1) + "\n"
	text := "a\n" + just + long + "\n" + "b\nno end"
	r := strings.NewReader(text)
	var got []int64
	var whole []bool
	err := eachLine(r, 0, int64(len(text)), func(s span) error {
		got = append(got, s.end-s.off)
		whole = append(whole, s.text != nil)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int64{2, maxLine, 3*maxLine + 1, 1, 2, 6}, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]bool{true, true, false, true, true, true}, whole); diff != "" {
		t.Error(diff)
	}
	afterLong := int64(2 + maxLine + 3*maxLine + 1)
	for _, c := range []struct{ end, want int64 }{
		{2, 0}, {2 + maxLine, 2}, {afterLong + 1, afterLong}, {afterLong + 3, afterLong + 1}, {int64(len(text)), afterLong + 3}, {0, 0},
		{afterLong, 2 + maxLine},
	} {
		if got, err := startOf(r, 0, c.end); err != nil || got != c.want {
			t.Errorf("startOf(%d) = %d, %v, want %d", c.end, got, err, c.want)
		}
	}
	endless := strings.NewReader("a\n" + strings.Repeat("z", 12*maxLine))
	if got, err := startOf(endless, 0, endless.Size()); err != nil || got != 0 {
		t.Errorf("startOf a line without end = %d, %v, want 0: it is not looked for", got, err)
	}
}
