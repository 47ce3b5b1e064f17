package access

import (
	"testing"

	"pgregory.net/rapid"
)

var (
	genAddress = rapid.SampledFrom([]string{annAt, "Ann@Example.org", bobAt, "x@sub.example.org", "y@other.example", outside})
	genDomain  = rapid.SampledFrom([]string{"example.org", ".example.org", "sub.example.org", "other.example", ".example", "*"})
	genRole    = rapid.SampledFrom(Roles())
)

func genAccount(t *rapid.T) Account {
	a := Account{Name: "a", Role: genRole.Draw(t, "role")}
	for _, address := range rapid.SliceOfN(genAddress, 0, 2).Draw(t, "addresses") {
		o := Owned{Address: address}
		if rapid.Bool().Draw(t, "until") {
			o.Until = day(2026, 1, rapid.IntRange(1, 3).Draw(t, "day"))
		}
		a.Addresses = append(a.Addresses, o)
	}
	if a.Role == Auditor {
		a.Domains = rapid.SliceOfN(genDomain, 0, 2).Draw(t, "domains")
	}
	return a
}

// A token, whatever is in it and whatever became of its account, sees no
// message that the account does not, and of none more than it does.
func TestTokensSeeNoMoreThanTheirAccount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, m := genAccount(t), genMessage(t)
		k := token{Role: genRole.Draw(t, "token role"), Addresses: rapid.SliceOfN(genAddress, 0, 2).Draw(t, "token addresses")}
		k.Domains = rapid.SliceOfN(genDomain, 0, 2).Draw(t, "token domains")
		whole, narrow := rules().scope(&a), rules().narrowed(&a, &k)
		if narrow.Sees(m) && !whole.Sees(m) {
			t.Fatalf("%+v with %+v sees %+v, which the account does not", a, k, m)
		}
		if narrow.All() && !whole.All() || narrow.Whole() && !whole.Whole() || !whole.Role().AtLeast(narrow.Role()) {
			t.Fatalf("%+v with %+v is more than its account", a, k)
		}
		v, of := narrow.View(m), whole.View(m)
		if !whole.Whole() && len(v.Arrivals) > 0 && v.Fields && !of.Fields {
			t.Fatalf("%+v with %+v sees fields that the account does not", a, k)
		}
		for i := range v.Blind {
			if v.Blind[i] && !of.Blind[i] {
				t.Fatalf("%+v with %+v sees the Bcc %s", a, k, m.Blind[i])
			}
		}
	})
}

// Auditors of all, administrators and everything see each message whole.
func TestWholeScopesHideNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := genMessage(t)
		for _, s := range []Scope{
			Everything("root"), rules().scope(&Account{Role: Administrator}), rules().scope(&Account{Role: Auditor, Domains: []string{EveryDomain}}),
		} {
			v := s.View(m)
			if !s.Sees(m) || len(v.Arrivals) != len(m.Arrivals) || !v.Fields {
				t.Fatalf("%s sees %+v", s.Role(), v)
			}
			for i := range v.Blind {
				if !v.Blind[i] {
					t.Fatalf("%s does not see %s", s.Role(), m.Blind[i])
				}
			}
		}
	})
}
