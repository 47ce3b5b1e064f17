package token

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestAddress(t *testing.T) {
	tests := []struct {
		addr, whole, local, domain, parents string
	}{
		{"Alice@Corp.Example", "alice@corp.example", "alice", "corp.example", "example"},
		{"a@Mail.Corp.Example.", "a@mail.corp.example", "a", "mail.corp.example", "corp.example example"},
		{"postmaster", "postmaster", "postmaster", "", ""},
		{"", "", "", "", ""},
		{`"alice"@corp.example`, "alice@corp.example", "alice", "corp.example", "example"},
		{`"a b"@corp.example`, "a%20b@corp.example", "a%20b", "corp.example", "example"},
		{`a%20b@corp.example`, "a%2520b@corp.example", "a%2520b", "corp.example", "example"},
		{`"a@b"@corp.example`, "a@b@corp.example", "a@b", "corp.example", "example"},
		{`"a\"b"@x`, `a"b@x`, `a"b`, "x", ""},
		{"jürgen@BÜCHER.example", "jürgen@bücher.example", "jürgen", "bücher.example", "example"},
		{"j@xn--bcher-kva.example", "j@bücher.example", "j", "bücher.example", "example"},
		{"j@xn--999999999.example", "j@xn--999999999.example", "j", "xn--999999999.example", "example"},
		{"x@[192.0.2.1]", "x@[192.0.2.1]", "x", "[192.0.2.1]", ""},
		{"a+tag@b.c", "a+tag@b.c", "a+tag", "b.c", "c"},
	}
	for _, tt := range tests {
		p := Address(tt.addr)
		if p.Whole != tt.whole || p.Local != tt.local || p.Domain != tt.domain || strings.Join(p.Parents, " ") != tt.parents {
			t.Errorf("Address(%q) = %+v, want %+v", tt.addr, p, tt)
		}
	}
}

func TestLongAddressesStayDifferent(t *testing.T) {
	long := strings.Repeat("a", 400)
	p, q := Address(long+"1@b.example"), Address(long+"2@b.example")
	if p.Whole == q.Whole || p.Local == q.Local || len(p.Whole) > MaxAddress {
		t.Errorf("long addresses fold to %q and %q", p.Whole, q.Whole)
	}
}

func FuzzAddress(f *testing.F) {
	for _, s := range []string{"a@b.example", `"a b"@xn--bcher-kva.example`, "@", "a@", "ü@ß.example", "a@..", "\xff@\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, addr string) {
		p := Address(addr)
		for _, part := range append(slices.Clone(p.Parents), p.Whole, p.Local, p.Domain) {
			bad := func(r rune) bool { return r <= ' ' || r == 0x7f }
			if len(part) > MaxAddress || !utf8.ValidString(part) || strings.ContainsFunc(part, bad) {
				t.Errorf("Address(%q) gives %q", addr, part)
			}
		}
		if strings.TrimSpace(addr) == addr && utf8.ValidString(addr) && Address(strings.ToUpper(addr)).Domain != p.Domain && isASCII(addr) {
			t.Errorf("Address(%q): case counts in the domain", addr)
		}
	})
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}
