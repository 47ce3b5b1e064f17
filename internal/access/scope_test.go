package access

import (
	"testing"
)

func TestZeroScope(t *testing.T) {
	var s Scope
	m := Message{Senders: []string{"", "ann@example.org"}, Arrivals: arrivals("", "ann@example.org")}
	if s.All() || s.Whole() || s.Sees(m) || len(s.View(m).Arrivals) > 0 || s.Owns("", day(2026, 1, 1)) || s.RedeliversTo("", day(2026, 1, 1)) {
		t.Error("the zero scope shows something")
	}
	if s.Role() != "" || s.Actor() != "" || s.Addresses() != nil || s.Domains() != nil || !s.Exact() {
		t.Errorf("the zero scope is somebody's: %+v", s)
	}
}

func TestEverything(t *testing.T) {
	s := Everything("root")
	if !s.All() || !s.Whole() || s.Actor() != "root" || s.Role() != Administrator || !s.Sees(Message{}) || !s.RedeliversTo("any@where.example", day(2026, 1, 1)) {
		t.Errorf("%+v is not everything", s)
	}
	if got := s.AskedBy("boss").Actor(); got != "boss as root" {
		t.Errorf("actor %q", got)
	}
}

func TestScopeOfAccount(t *testing.T) {
	ann := owned1("ann@example.org")
	for _, c := range []struct {
		name       string
		account    Account
		all, whole bool
		addresses  int
		domains    int
		exact      bool
	}{
		{"administrator", Account{Role: Administrator, Addresses: ann}, true, true, 1, 0, true},
		{"auditor of all", Account{Role: Auditor, Domains: []string{"*", "example.org"}}, true, true, 0, 0, true},
		{"auditor of a domain", Account{Role: Auditor, Domains: []string{"example.org"}, Addresses: ann}, false, true, 1, 1, true},
		{"user", Account{Role: User, Addresses: ann}, false, false, 1, 0, true},
		{"user with domains of former times", Account{Role: User, Domains: []string{"*"}}, false, false, 0, 0, true},
		{"user with a period", Account{Role: User, Addresses: []Owned{{Address: "a@b", Since: day(2020, 1, 1)}}}, false, false, 1, 0, false},
		{"no role", Account{Role: "root", Addresses: ann}, false, false, 1, 0, true},
	} {
		s := rules().scope(&c.account)
		if s.All() != c.all || s.Whole() != c.whole || len(s.Addresses()) != c.addresses || len(s.Domains()) != c.domains || s.Exact() != c.exact {
			t.Errorf("%s: all %t, whole %t, addresses %v, domains %v, exact %t", c.name, s.All(), s.Whole(), s.Addresses(), s.Domains(), s.Exact())
		}
	}
	tagged := rules()
	tagged.Tags = true
	if tagged.scope(&Account{Role: User, Addresses: ann}).Exact() {
		t.Error("with tags, terms are not all")
	}
	if !tagged.scope(&Account{Role: Auditor, Domains: []string{"example.org"}}).Exact() {
		t.Error("tags do not matter for domains")
	}
}

// What a caller does to the lists of a scope does not change it.
func TestScopeIsFixed(t *testing.T) {
	s := rules().scope(&Account{Role: Auditor, Domains: []string{"example.org"}, Addresses: owned1("a@b.example")})
	s.Addresses()[0].Address, s.Domains()[0].Name = "x@y", "y"
	if s.Addresses()[0].Address != "a@b.example" || s.Domains()[0].Name != "example.org" {
		t.Error("the scope changed")
	}
}

func TestRedeliversTo(t *testing.T) {
	now := day(2026, 1, 1)
	addresses := []Owned{{Address: "ann@example.org"}, {Address: "former@example.org", Until: day(2025, 1, 1)}}
	for _, c := range []struct {
		role   Role
		grants []Grant
		to     string
		want   bool
	}{
		{User, nil, "Ann@example.org", true},
		{User, nil, "former@example.org", false},
		{User, nil, "bob@example.org", false},
		{User, []Grant{RedeliverElsewhere}, "bob@example.org", true},
		{Auditor, nil, "ann@example.org", true},
		{Auditor, nil, "bob@example.org", false},
		{Auditor, []Grant{RedeliverElsewhere}, "bob@example.org", true},
		{Administrator, nil, "bob@example.org", true},
	} {
		s := rules().scope(&Account{Role: c.role, Addresses: addresses, Grants: c.grants, Domains: []string{"example.org"}})
		if got := s.RedeliversTo(c.to, now); got != c.want {
			t.Errorf("%s with %v to %s: %t", c.role, c.grants, c.to, got)
		}
	}
}

func TestRoles(t *testing.T) {
	order := []Role{"", User, Auditor, Administrator}
	for i, r := range order {
		for j, other := range order {
			if got, want := r.AtLeast(other), i > 0 && i >= j; got != want {
				t.Errorf("%q at least %q: %t", r, other, got)
			}
		}
		if parsed, err := ParseRole(string(r)); (err == nil) != (i > 0) || parsed != r {
			t.Errorf("ParseRole(%q) = %q, %v", r, parsed, err)
		}
	}
	if len(Roles()) != 3 || len(Rights()) != 5 {
		t.Error("roles or rights are missing")
	}
}
