package access

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mailarchive/internal/mail"
)

func TestOwnAddresses(t *testing.T) {
	plain := rules()
	tags, cased, both := rules(), rules(), rules()
	tags.Tags, cased.Case, both.Tags, both.Case = true, true, true, true
	for _, c := range []struct {
		rules        Rules
		own, address string
		want         bool
	}{
		{plain, "ann@example.org", "ann@example.org", true},
		{plain, "ann@example.org", "Ann@EXAMPLE.org", true},
		{plain, "Ann@Example.org", "ann@example.org", true},
		{plain, "ann@example.org", `"ann"@example.org`, true},
		{plain, "ann@bücher.example", "ann@xn--bcher-kva.example", true},
		{plain, "ann@example.org", "ann@example.org.", true},
		{plain, "ann@example.org", "joann@example.org", false},
		{plain, "ann@example.org", "ann@sub.example.org", false},
		{plain, "ann@example.org", "ann@example.org.evil.example", false},
		{plain, "ann@example.org", "ann", false},
		{plain, "ann@example.org", "", false},
		{plain, "ann@example.org", "@example.org", false},
		{plain, "ann@example.org", "ann+x@example.org", false},
		{tags, "ann@example.org", "ann+x@example.org", true},
		{tags, "ann@example.org", "Ann+X+Y@example.org", true},
		{tags, "ann@example.org", "ann+@example.org", true},
		{tags, "ann@example.org", "+ann@example.org", false},
		{tags, "ann@example.org", "annx+ann@example.org", false},
		{tags, "ann@example.org", `"ann+x"@example.org`, true},
		{tags, "ann@example.org", "ann+x@other.example", false},
		{tags, "ann+x@example.org", "ann+x@example.org", true},
		{tags, "ann+x@example.org", "ann@example.org", false},
		{tags, "ann+x@example.org", "ann+y@example.org", false},
		{tags, "ann@example.org", "ann+" + strings.Repeat("x", 400) + "@example.org", false}, // a digest stands in its place
		{cased, "Ann@example.org", "Ann@EXAMPLE.org", true},
		{cased, "Ann@example.org", "ann@example.org", false},
		{cased, "Ann@example.org", `"Ann"@example.org`, true},
		{cased, "ann@example.org", "Ann@example.org", false},
		{both, "Ann@example.org", "Ann+x@example.org", true},
		{both, "Ann@example.org", "ann+x@example.org", false},
	} {
		s := c.rules.scope(&Account{Name: "n", Role: User, Addresses: owned1(c.own)})
		if got := s.Owns(c.address, day(2026, 1, 1)); got != c.want {
			t.Errorf("tags %t, case %t: who has %s owns %.60s: %t", c.rules.Tags, c.rules.Case, c.own, c.address, got)
		}
	}
}

func TestPeriods(t *testing.T) {
	s := rules().scope(&Account{Name: "n", Role: User, Addresses: []Owned{
		{Address: "ann@example.org", Since: day(2020, 1, 1), Until: day(2021, 1, 1)},
		{Address: "Ann@example.org", Since: day(2023, 1, 1)},
		{Address: "old@example.org", Until: day(2020, 1, 1)},
	}})
	for _, c := range []struct {
		address string
		at      time.Time
		want    bool
	}{
		{"ann@example.org", day(2019, 12, 31), false},
		{"ann@example.org", day(2020, 1, 1), true},
		{"ann@example.org", day(2021, 1, 1).Add(-1), true},
		{"ann@example.org", day(2021, 1, 1), false},
		{"ann@example.org", day(2022, 12, 31), false},
		{"ann@example.org", day(2030, 1, 1), true},
		{"old@example.org", day(1990, 1, 1), true},
		{"old@example.org", day(2020, 1, 1), false},
	} {
		if got := s.Owns(c.address, c.at); got != c.want {
			t.Errorf("%s at %v: %t, want %t", c.address, c.at, got, c.want)
		}
	}
	if s.Exact() {
		t.Error("a scope with periods says that terms are enough")
	}
	if list := s.Addresses(); len(list) != 3 || list[1].Address != "ann@example.org" || list[1].Since != day(2023, 1, 1) {
		t.Errorf("addresses for terms: %v", list)
	}
}

func TestDomains(t *testing.T) {
	for _, c := range []struct {
		domain, address string
		want            bool
	}{
		{"example.org", "x@example.org", true},
		{"Example.ORG.", "x@EXAMPLE.org", true},
		{"example.org", "x@sub.example.org", false},
		{"example.org", "x@badexample.org", false},
		{"example.org", "x@org", false},
		{"example.org", "example.org", false},
		{"example.org", "", false},
		{".example.org", "x@example.org", true},
		{".example.org", "x@sub.example.org", true},
		{".example.org", "x@a.b.c.d.e.f.g.h.i.j.k.l.m.n.example.org", true},
		{".example.org", "x@badexample.org", false},
		{".org", "x@example.org", true},
		{"xn--bcher-kva.example", "x@bücher.example", true},
		{"[192.0.2.1]", "x@[192.0.2.1]", true},
		{".2.1]", "x@[192.0.2.1]", false},
	} {
		s := rules().scope(&Account{Name: "n", Role: Auditor, Domains: []string{c.domain}})
		if got := s.covers(c.address, day(2026, 1, 1)); got != c.want {
			t.Errorf("an auditor of %s has %s: %t", c.domain, c.address, got)
		}
		if s.Owns(c.address, day(2026, 1, 1)) {
			t.Errorf("an auditor of %s owns %s", c.domain, c.address)
		}
	}
}

func TestNoDomain(t *testing.T) {
	for _, text := range []string{"", ".", "*.org", "a@b", "a b", "a/b", "@", strings.Repeat("a", 400)} {
		if d, err := rules().domain(text); !errors.Is(err, mail.ErrBadInput) {
			t.Errorf("%q is the domain %v, %v", text, d, err)
		}
	}
}

func TestParseOwned(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	must(t, err)
	midnight := func(y, m, d int) time.Time { return time.Date(y, time.Month(m), d, 0, 0, 0, 0, berlin) }
	for _, c := range []struct {
		text string
		want Owned
	}{
		{"ann@example.org", Owned{Address: "ann@example.org"}},
		{" Ann@example.org ", Owned{Address: "Ann@example.org"}},
		{"a@b:2019-04-01..2024-06-30", Owned{"a@b", midnight(2019, 4, 1), midnight(2024, 7, 1)}},
		{"a@b:2019-04-01..", Owned{"a@b", midnight(2019, 4, 1), time.Time{}}},
		{"a@b:..2026-03-28", Owned{"a@b", time.Time{}, midnight(2026, 3, 29)}},
		{"a@b:..", Owned{Address: "a@b"}},
		{"a@[IPv6:2001:db8::1]", Owned{Address: "a@[IPv6:2001:db8::1]"}},
		{"a@[IPv6:2001:db8::1]:2020-01-01..2020-01-01", Owned{"a@[IPv6:2001:db8::1]", midnight(2020, 1, 1), midnight(2020, 1, 2)}},
	} {
		got, err := ParseOwned(c.text, berlin)
		if err != nil || got != c.want {
			t.Errorf("%q is %v, %v; want %v", c.text, got, err, c.want)
		}
	}
	for _, text := range []string{
		"", "ann", "@b", "ann@", "a@b:2020-13-01..", "a@b:1.1.2020..", "a@b:2021-01-01..2020-01-01", "a@b\n@c", "a\x00@b",
		"a@b:0000-01-01..", "a@b:..9999-12-31", strings.Repeat("a", 400) + "@b",
	} {
		if got, err := ParseOwned(text, berlin); !errors.Is(err, mail.ErrBadInput) {
			t.Errorf("%q is %v, %v", text, got, err)
		}
	}
}

func FuzzParseOwned(f *testing.F) {
	for _, s := range []string{"a@b", "a@b:2019-04-01..2024-06-30", "a@b:..", `"a:b..c"@d`, "a@[IPv6:::1]:..2020-02-30"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		o, err := ParseOwned(s, time.UTC)
		if err != nil {
			if !errors.Is(err, mail.ErrBadInput) {
				t.Fatalf("%q: %v is not ErrBadInput", s, err)
			}
			return
		}
		if err := o.check(); err != nil {
			t.Fatalf("%q is %v, which cannot be: %v", s, o, err)
		}
		scope := rules().scope(&Account{Name: "n", Role: User, Addresses: []Owned{o}})
		at := o.Since
		if at.IsZero() && !o.Until.IsZero() {
			at = o.Until.Add(-1)
		}
		if !scope.Owns(o.Address, at) || !o.Until.IsZero() && scope.Owns(o.Address, o.Until) {
			t.Fatalf("%q: who has it does not own it", s)
		}
	})
}

// Owning is what equal folds say, whatever is written, when no rule but that
// counts: what engines do with terms.
func TestExactScopesAreTerms(t *testing.T) {
	locals := rapid.SampledFrom([]string{"ann", "Ann", "bob", `"ann"`, "ann+x", "ß", "SS", `"a b"`})
	domains := rapid.SampledFrom([]string{"example.org", "EXAMPLE.org", "sub.example.org", "xn--bcher-kva.example", "bücher.example"})
	address := rapid.Custom(func(t *rapid.T) string { return locals.Draw(t, "local") + "@" + domains.Draw(t, "domain") })
	rapid.Check(t, func(t *rapid.T) {
		own := rapid.SliceOfN(address, 1, 3).Draw(t, "own")
		a := Account{Name: "n", Role: User}
		for _, o := range own {
			a.Addresses = append(a.Addresses, Owned{Address: o})
		}
		s := rules().scope(&a)
		if !s.Exact() {
			t.Fatal("not exact")
		}
		other := address.Draw(t, "other")
		whole, _ := fold(other)
		byTerm := slices.ContainsFunc(s.Addresses(), func(o Owned) bool { return o.Address == whole })
		if got := s.Owns(other, time.Time{}); got != byTerm {
			t.Fatalf("who has %q owns %q: %t, by its terms %t", own, other, got, byTerm)
		}
	})
}
