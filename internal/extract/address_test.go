package extract

import (
	"fmt"
	"net/mail"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAddresses(t *testing.T) {
	type people = []Participant
	tests := []struct {
		name, in string
		want     people
	}{
		{"empty", "", nil},
		{"only separators", " , ;, ", nil},
		{"bare", "a@b.example", people{{"", "a@b.example"}}},
		{"brackets", "Alice B <a@b.example>", people{{"Alice B", "a@b.example"}}},
		{"quoted name with comma", `"B, Alice" <a@b.example>, c@d.example`, people{{"B, Alice", "a@b.example"}, {"", "c@d.example"}}},
		{"escaped quotes", `"Al \"Bo\" C" <a@b.example>`, people{{`Al "Bo" C`, "a@b.example"}}},
		{"comment as name", "a@b.example (Alice B)", people{{"Alice B", "a@b.example"}}},
		{"name and comment", "Trevor (Wu) <a@b.example>", people{{"Trevor (Wu)", "a@b.example"}}},
		{"nested comment", "a@b.example (A (B) C)", people{{"A (B) C", "a@b.example"}}},
		{"group", "Team: a@b.example, C <c@d.example>; e@f.example", people{{"", "a@b.example"}, {"C", "c@d.example"}, {"", "e@f.example"}}},
		{"empty group", "undisclosed-recipients:;", people{{"undisclosed-recipients", ""}}},
		{"empty group, no semicolon", "undisclosed recipients: ", people{{"undisclosed recipients", ""}}},
		{"semicolons", "a@b.example; c@d.example", people{{"", "a@b.example"}, {"", "c@d.example"}}},
		{"quoted local part", `"a b"@c.example`, people{{"", `"a b"@c.example`}}},
		{"quoted local part in brackets", `X <"a@b"@c.example>`, people{{"X", `"a@b"@c.example`}}},
		{"source route", "<@x.example,@y.example:a@b.example>", people{{"", "a@b.example"}}},
		{"mailto", "<mailto:a@b.example>, mailto:c@d.example", people{{"", "a@b.example"}, {"", "c@d.example"}}},
		{"spaces around @ and dots", "a @ b . example, c . d@e.example", people{{"", "a@b.example"}, {"", "c.d@e.example"}}},
		{"domain literal", "a@[192.0.2.1]", people{{"", "a@[192.0.2.1]"}}},
		{"IPv6 literal in brackets", "<a@[IPv6:2001:db8::1]>", people{{"", "a@[IPv6:2001:db8::1]"}}},
		{"Unicode", "用户@例子.example", people{{"", "用户@例子.example"}}},
		{"encoded name", "=?utf-8?Q?J=C3=BCrgen?= <j@b.example>", people{{"Jürgen", "j@b.example"}}},
		{"encoded name with comma inside", "=?utf-8?Q?B,_A?= <j@b.example>", people{{"B, A", "j@b.example"}}},
		{"encoded name in quotes", `"=?utf-8?Q?J=C3=BC?=" <j@b.example>`, people{{"Jü", "j@b.example"}}},
		{"quotes in encoded name", "=?utf-8?B?IkFiYyI=?= <j@b.example>", people{{"Abc", "j@b.example"}}},
		{"address in encoded word", "=?utf-8?Q?A_<a@b.example>?=", people{{"A", "a@b.example"}}},
		{"missing comma", "a@b.example c@d.example", people{{"", "a@b.example"}, {"", "c@d.example"}}},
		{"two brackets without comma", "A <a@b.example> C <c@d.example>", people{{"A", "a@b.example"}, {"C", "c@d.example"}}},
		{"name behind", "a@b.example Alice", people{{"Alice", "a@b.example"}}},
		{"open quote", `"Alice <a@b.example>, c@d.example`, people{{`"Alice`, "a@b.example"}, {"", "c@d.example"}}},
		{"open comment", "a@b.example (Alice, c@d.example", people{{"Alice", "a@b.example"}, {"", "c@d.example"}}},
		{"open bracket", "Alice <a@b.example, c@d.example", people{{"Alice", "a@b.example"}, {"", "c@d.example"}}},
		{"empty brackets", "MAILER-DAEMON <>", people{{"MAILER-DAEMON", ""}}},
		{"address as name, empty brackets", "a@b.example <>", people{{"", "a@b.example"}}},
		{"address as name too", `"a@b.example" <a@b.example>`, people{{"a@b.example", "a@b.example"}}},
		{"local user", "root", people{{"", "root"}}},
		{"local user with comment", "root (Charlie)", people{{"Charlie", "root"}}},
		{"only a name", "Alice Baker", people{{"Alice Baker", ""}}},
		{"bad entry costs no other", "a@b.example, <<>>, @, ::, c@d.example", people{{"", "a@b.example"}, {"", "@"}, {"", "c@d.example"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := addresses([]byte(tt.in), "", 100)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("addresses(%q) (-want +got):\n%s", tt.in, diff)
			}
		})
	}
}

func TestAddressesInRawCharset(t *testing.T) {
	got := addresses([]byte("J\xfcrgen \xa4 <a@b.example>"), "iso-8859-15", 10)
	if len(got) != 1 || got[0].Name != "Jürgen €" {
		t.Errorf("got %+v", got)
	}
}

func TestAddressesLimit(t *testing.T) {
	list := strings.Repeat("a@b.example, ", 50)
	if got := addresses([]byte(list), "", 7); len(got) != 7 {
		t.Errorf("limit 7 gives %d", len(got))
	}
}

func TestAddressesManyAndFast(t *testing.T) {
	var b strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&b, "\"Person, %d\" <p%d@corp.example>,\r\n ", i, i)
	}
	got := addresses([]byte(b.String()), "", 25_000)
	if len(got) != 20_000 || got[19_999].Address != "p19999@corp.example" {
		t.Fatalf("%d participants", len(got))
	}
	// Each of these made a quadratic reader take minutes.
	for _, hostile := range []string{"(", "\"", "<", "=?", "a(", "<\"", "@", "=?a?q?", ":"} {
		addresses([]byte(strings.Repeat(hostile, 1<<20/len(hostile))), "", 25_000)
	}
}

// FuzzAddresses checks that whatever net/mail takes as a list comes out with
// the same addresses, and that nothing breaks.
func FuzzAddresses(f *testing.F) {
	for _, s := range []string{
		`"B, Alice" <a@b.example>, c@d.example`, "Team: a@b.example, C <c@d.example>;", "=?utf-8?Q?J=C3=BCrgen?= <j@b.example>",
		`"a b"@c.example (x)`, "<@x,@y:a@b>", "a@[192.0.2.1]", "undisclosed-recipients:;", "a\xff@b", "=?utf-8?Q?A_<a@b.example>?=",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		got := addresses(in, "", 100)
		var have []string
		for _, p := range got {
			if strings.ContainsFunc(p.Name+p.Address, func(r rune) bool { return r < ' ' }) {
				t.Errorf("addresses(%q) gives %+q", in, p)
			}
			have = append(have, strings.ToLower(p.Address))
		}
		list, err := mail.ParseAddressList(string(in))
		if err != nil || len(in) > maxName || strings.ContainsAny(string(in), "\\\"'(=[%") {
			return // quoting is kept here and undone there
		}
		for i, a := range list {
			if i < 100 && !strings.Contains(strings.Join(have, " "), strings.ToLower(a.Address)) {
				t.Errorf("addresses(%q) = %q without %q", in, have, a.Address)
			}
		}
	})
}
