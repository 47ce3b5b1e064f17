package mail

import (
	"strings"
	"testing"
)

func TestAddressSplit(t *testing.T) {
	for _, c := range []struct {
		address       Address
		local, domain string
	}{
		{"", "", ""}, // the null reverse-path
		{"postmaster", "postmaster", ""},
		{"Postmaster@", "Postmaster", ""},
		{"@example.org", "", "example.org"},
		{"ann@example.org", "ann", "example.org"},
		{"Ann+News@Example.ORG", "Ann+News", "Example.ORG"},
		{`"a@b"@example.org`, `"a@b"`, "example.org"},
		{`"a\"@b"@example.org`, `"a\"@b"`, "example.org"},
		{`"a@b"`, `"a@b"`, ""},
		{`"`, `"`, ""},
		{"ann@[IPv6:2001:db8::1]", "ann", "[IPv6:2001:db8::1]"},
		{"jos\xe9@example.org", "jos\xe9", "example.org"},
		{"用户@例子.广告", "用户", "例子.广告"},
		{"a@b@c", "a@b", "c"},
	} {
		local, domain := c.address.Split()
		if local != c.local || domain != c.domain {
			t.Errorf("%q splits into %q and %q, want %q and %q", c.address, local, domain, c.local, c.domain)
		}
	}
}

func FuzzAddressSplit(f *testing.F) {
	f.Add(`"a@b"@c`)
	f.Add("@")
	f.Fuzz(func(t *testing.T, s string) {
		local, domain := Address(s).Split()
		if joined := local + "@" + domain; s != local && s != joined {
			t.Fatalf("%q falls apart into %q and %q", s, local, domain)
		}
		if strings.Contains(domain, "@") {
			t.Fatalf("%q: the domain %q has an @", s, domain)
		}
	})
}
