package smtp

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/mail"
)

func TestParsePath(t *testing.T) {
	for _, tt := range []struct {
		in      string
		address mail.Address
		params  []string
	}{
		{"<a@b>", "a@b", nil},
		{"<>", "", nil},
		{" <a@b>", "a@b", nil},
		{"\t<a@b> \t", "a@b", nil},
		{"<root>", "root", nil},
		{"postmaster", "postmaster", nil},
		{"a@b", "a@b", nil},
		{"a@b SIZE=1", "a@b", []string{"SIZE=1"}},
		{"<A@B>  SIZE=1\tBODY=8BITMIME ", "A@B", []string{"SIZE=1", "BODY=8BITMIME"}},
		{"<a@b>SIZE=1", "a@b", []string{"SIZE=1"}},
		{"<a@b> AUTH=<> X=a=b 8=", "a@b", []string{"AUTH=<>", "X=a=b", "8="}},
		{"<a@b> SMTPUTF8 SMTPUTF8", "a@b", []string{"SMTPUTF8", "SMTPUTF8"}},
		{`<"a> b"@c>`, `"a> b"@c`, nil},
		{`<"a\">"@c> X=1`, `"a\">"@c`, []string{"X=1"}},
		{`"a b"@c X`, `"a b"@c`, []string{"X"}},
		{`<o"brien@c>`, `o"brien@c`, nil},
		{"<@a:u@c>", "u@c", nil},
		{"<@a,@b:u@c>", "u@c", nil},
		{"<@a, @b:u@c>", "u@c", nil},
		{"<@[IPv6:::1]:u@c>", "u@c", nil},
		{"<@[IPv6:::1],@b:u@[IPv6:::2]>", "u@[IPv6:::2]", nil},
		{"<@a,b:u@c>", "@a,b:u@c", nil},
		{"<@a@b>", "@a@b", nil},
		{"<@>", "@", nil},
		{"<@[a:u@c>", "@[a:u@c", nil},
		{"<@[a]x:u@c>", "@[a]x:u@c", nil},
		{"<u:v@c>", "u:v@c", nil},
		{"<a b@c>", "a b@c", nil},
		{"<\xff\xfe@b\xc3\xbc>", "\xff\xfe@b\xc3\xbc", nil},
		{"<ü@ü> SMTPUTF8", "ü@ü", []string{"SMTPUTF8"}},
		{"<" + strings.Repeat("x", 5000) + "@b>", mail.Address(strings.Repeat("x", 5000) + "@b"), nil},
	} {
		address, params, err := ParsePath(tt.in)
		if err != nil || address != tt.address || !cmp.Equal(params, tt.params) {
			t.Errorf("%q: got %q, %q, %v, want %q, %q", tt.in, address, params, err, tt.address, tt.params)
		}
	}
}

func TestParsePathRefuses(t *testing.T) {
	for in, want := range map[string]error{
		"":               errNoPath,
		" \t":            errNoPath,
		"<a@b":           errUnclosed,
		"<":              errUnclosed,
		"<a\x00@b>":      errControl,
		"<a\r@b>":        errControl,
		"<a@b> X=\x7f":   errControl,
		"<a@b> =":        errKeyword,
		"<<a@b>>":        errKeyword,
		"Name <a@b>":     errKeyword,
		"<a@b> SIZE=1 -": errKeyword,
	} {
		if address, params, err := ParsePath(in); err != want {
			t.Errorf("%q: got %q, %q, %v, want %v", in, address, params, err, want)
		}
	}
}

// FuzzPath: nothing but brackets, route and white space is ever lost.
func FuzzPath(f *testing.F) {
	for _, seed := range []string{"<a@b> SIZE=1", "a", "<@a,@b:c@d>", `<"\">"@x>`, "<>", "<\xff>", "<@[:]:x>", `"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		address, params, err := ParsePath(in)
		if err != nil {
			if address != "" || params != nil {
				t.Fatalf("%q: %v, and yet %q, %q", in, err, address, params)
			}
			return
		}
		readMailParams(params)
		rest := in
		for _, part := range append([]string{string(address)}, params...) {
			_, after, found := strings.Cut(rest, part)
			if !found {
				t.Fatalf("%q: %q is not in what came, or out of order", in, part)
			}
			rest = after
		}
	})
}
