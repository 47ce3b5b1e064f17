package search

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/catalog"
	"mailarchive/internal/mail"
)

func zone(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip(err)
	}
	return zone
}

// language is what the tests speak, on a Wednesday.
func language(zone *time.Location) Language {
	return Language{Zone: zone, Now: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC), Directions: true}
}

func TestParse(t *testing.T) {
	berlin := zone(t)
	at := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, berlin) }
	a, b, c := anyText("a"), anyText("b"), anyText("c")
	for _, test := range []struct {
		query string
		want  catalog.Node
	}{
		{"", nil},
		{" \t\n", nil},
		{"a", a},
		{"a b", catalog.And{a, b}},
		{"a AND b", catalog.And{a, b}},
		{"a and b", catalog.And{a, anyText("and"), b}},
		{"a b OR c", catalog.Or{catalog.And{a, b}, c}},
		{"a (b OR c)", catalog.And{a, catalog.Or{b, c}}},
		{"(a)(b)", catalog.And{a, b}},
		{`a"b"`, catalog.And{a, b}},
		{"-a", catalog.Not{Node: a}},
		{"NOT a b", catalog.And{catalog.Not{Node: a}, b}},
		{"a -(b c)", catalog.And{a, catalog.Not{Node: catalog.And{b, c}}}},
		{`-"a b"`, catalog.Not{Node: anyText("a b")}},
		{"--a", anyText("--a")},
		{"a-b -5", catalog.And{anyText("a-b"), catalog.Not{Node: anyText("5")}}},
		{`"a OR b"`, anyText("a OR b")},
		{"from:alice", catalog.Text{Field: catalog.From, Value: "alice"}},
		{"FROM:alice@example.org", catalog.Text{Field: catalog.From, Value: "alice@example.org"}},
		{"from: alice b", catalog.And{catalog.Text{Field: catalog.From, Value: "alice"}, b}},
		{`-subject:"a b"`, catalog.Not{Node: catalog.Text{Field: catalog.Subject, Value: "a b"}}},
		{"to:@example.org", catalog.Text{Field: catalog.To, Value: "@example.org"}},
		{"delivered:.example.org", catalog.Text{Field: catalog.Delivered, Value: ".example.org"}},
		{"message-id:<x@y>", catalog.Text{Field: catalog.MessageID, Value: "<x@y>"}},
		{"body:a attachment:b any:c", catalog.And{
			catalog.Text{Field: catalog.Body, Value: "a"}, catalog.Text{Field: catalog.Attachments, Value: "b"}, c,
		}},
		{"after:2026-03-01", catalog.Between{Since: at(2026, 3, 1)}},
		{"before:2026-04", catalog.Between{Before: at(2026, 4, 1)}},
		{"date:2025", catalog.Between{Since: at(2025, 1, 1), Before: at(2026, 1, 1)}},
		{"date:2026-12", catalog.Between{Since: at(2026, 12, 1), Before: at(2027, 1, 1)}},
		{"date:2026-03-29", catalog.Between{Since: at(2026, 3, 29), Before: at(2026, 3, 30)}}, // 23 hours
		{"https://example.org/a", anyText("https://example.org/a")},
		{"Re: a", catalog.And{anyText("Re:"), a}},
		{"12:30", anyText("12:30")},
		{"x:y", anyText("x:y")},
		{"größe:1", anyText("größe:1")},
		{"日本", anyText("日本")},
		{"rep*", catalog.Text{Field: catalog.AnyText, Value: "rep", Prefix: true}},
		{"日本*", catalog.Text{Field: catalog.AnyText, Value: "日本", Prefix: true}},
		{`"annual rep"*`, catalog.Text{Field: catalog.AnyText, Value: "annual rep", Prefix: true}},
		{`"2 * 3"`, anyText("2 * 3")},
		{"-from:ali*", catalog.Not{Node: catalog.Text{Field: catalog.From, Value: "ali", Prefix: true}}},
		{"cc:a bcc:b@c.example keyword:tender", catalog.And{
			catalog.Text{Field: catalog.Cc, Value: "a"}, catalog.Text{Field: catalog.Bcc, Value: "b@c.example"},
			catalog.Text{Field: catalog.Keyword, Value: "tender"},
		}},
		{"id:01k3", catalog.Text{Field: catalog.ID, Value: "01k3"}},
		{"header:List-Id", catalog.Header{Name: "list-id"}},
		{"header:list-id=announce", catalog.Header{Name: "list-id", Value: "announce"}},
		{`header:x-mailer="some client" a`, catalog.And{catalog.Header{Name: "x-mailer", Value: "some client"}, a}},
		{"header:x-mailer=clien*", catalog.Header{Name: "x-mailer", Value: "clien", Prefix: true}},
		{"header:List-Unsubscribe", catalog.Header{Name: "list-unsubscribe"}},
		{"header:in-reply-to=<A.1@b>", catalog.Header{Name: "in-reply-to", Value: "<A.1@b>"}},
		{"header:references", catalog.Header{Name: "references"}},
		{`from:"Ann Smith <ann@ext.example>"`, catalog.Text{Field: catalog.From, Value: "ann@ext.example"}},
		{"to:<ann@ext.example>", catalog.Text{Field: catalog.To, Value: "ann@ext.example"}},
		{"<ann@ext.example>", anyText("ann@ext.example")},
		{`"Ann <ann@ext.example>"`, anyText("Ann <ann@ext.example>")},
		{`from:"a < b"`, catalog.Text{Field: catalog.From, Value: "a < b"}},
		{"\u201cannual report\u201d", anyText("annual report")},
		{"subject:\u201eJahresbericht 2026\u201c a", catalog.And{catalog.Text{Field: catalog.Subject, Value: "Jahresbericht 2026"}, a}},
		{"-\u201ca b\u201d", catalog.Not{Node: anyText("a b")}},
		{"1.2.3", catalog.Or{anyText("1.2.3"), anyText("v1.2.3")}},
		{"subject:2.10", catalog.Or{catalog.Text{Field: catalog.Subject, Value: "2.10"}, catalog.Text{Field: catalog.Subject, Value: "v2.10"}}},
		{"1.2.3-rc4", anyText("1.2.3-rc4")},
		{"from:1.2", catalog.Text{Field: catalog.From, Value: "1.2"}},
		{"1..2", anyText("1..2")},
		{"12.", anyText("12.")},
		{"larger:10k", catalog.Sized{AtLeast: 10 << 10}},
		{"larger:1.5M smaller:2GB", catalog.And{catalog.Sized{AtLeast: 3 << 19}, catalog.Sized{Below: 2 << 30}}},
		{"smaller:100", catalog.Sized{Below: 100}},
		{"smaller:0", catalog.Or{}},
		{"-has:attachment", catalog.Not{Node: catalog.Attached{}}},
		{"direction:In", catalog.Directed{Way: mail.In}},
		{"date:2026-01..2026-03", catalog.Between{Since: at(2026, 1, 1), Before: at(2026, 4, 1)}},
		{"date:2025..", catalog.Between{Since: at(2025, 1, 1)}},
		{"date:..2025", catalog.Between{Before: at(2026, 1, 1)}},
		{"date:yesterday", catalog.Between{Since: at(2026, 11, 24), Before: at(2026, 11, 25)}},
		{"date:300d..40d", catalog.Between{Since: at(2026, 1, 29), Before: at(2026, 10, 17)}},
		{"date:..2w", catalog.Between{Before: at(2026, 11, 12)}},
		{"date:2026-01..1m", catalog.Between{Since: at(2026, 1, 1), Before: at(2026, 10, 26)}},
		{"date:7d..", catalog.Between{Since: at(2026, 11, 18)}},
		{"date:7d..today", catalog.Between{Since: at(2026, 11, 18), Before: at(2026, 11, 26)}},
		{"date:7d", catalog.Between{Since: at(2026, 11, 18), Before: at(2026, 11, 26)}},
		{"after:7d", catalog.Between{Since: at(2026, 11, 18)}},
		{"before:1y", catalog.Between{Before: at(2025, 11, 25)}},
		{"a sort:arrival", a},
		{"sort:date", nil},
	} {
		q, err := language(berlin).Parse(test.query)
		got := q.Where
		if err != nil {
			t.Errorf("Parse(%q): %v", test.query, err)
			continue
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("Parse(%q) (-want +got):\n%s", test.query, diff)
		}
	}
}

func TestSyntaxErrors(t *testing.T) {
	for _, c := range []struct {
		query string
		pos   int
		says  string
	}{
		{`a "b`, 2, `put a "`},
		{"(a", 0, `put a ")"`},
		{"a)", 1, "no parenthesis is open"},
		{"()", 1, "missing in front"},
		{"a OR", 4, "missing here"},
		{"OR a", 0, "each side"},
		{"a AND OR b", 6, "each side"},
		{"NOT", 3, "missing here"},
		{"from:", 0, "from:alice@example.org"},
		{"a subject: OR", 2, "subject: needs a value"},
		{"after:tomorrow", 6, "write 2026-03-01"},
		{"date:2026..2025", 5, "earlier date first"},
		{"date:..", 5, "stretch of time"},
		{"re*", 0, "three letters or more"},
		{"from:a*", 5, "three letters or more"},
		{"re*rt", 2, "behind the beginning"},
		{"a *", 2, "behind the beginning"},
		{"larger:many", 7, "write bytes, or 10k"},
		{"larger:-1", 0, "needs a value"},
		{"has:fun", 4, "write has:attachment"},
		{"direction:up", 10, "write in, out or internal"},
		{"sort:size", 5, "sort:arrival"},
		{"a OR sort:date", 5, "end of the query"},
		{"sort:date OR a", 0, "end of the query"},
		{"-sort:date", 6, "end of the query"},
		{"date:2026*", 5, "takes no *"},
		{"after:2026-0*", 6, "takes no *"},
		{"date:40d..300d", 5, "earlier date first"},
		{"\u201ca b", 0, "not closed"},
		{"header:subject", 7, "write subject:"},
		{"a header:Sender=ann", 9, "write from:"},
		{"header:authentication-results=pass", 7, "not kept"},
		{"header:list-unsubscribe=example", 7, "write header:list-unsubscribe"},
		{"header:references=<a@b>*", 7, "take the * away"},
		{"header:=x", 7, "name is missing"},
		{`header:"x y"`, 7, "name is missing"},
		{"header:x=", 7, "no word behind"},
		{"header:x*", 7, "take the * away"},
		{"message-id:<a@b>*", 11, "take the * away"},
		{"id:01", 3, "four at least"},
		{"keywrd:a", 0, "did you mean keyword:"},
		{"after:2026-02-30", 6, "no date"},
		{"fron:alice", 0, "did you mean from:"},
		{"form:alice", 0, "did you mean from:"},
		{"a subj:b", 2, "did you mean subject:"},
		{"recieved deliverd:b", 9, "did you mean delivered:"},
		{"...", 0, "no word"},
		{`subject:""`, 8, "no word"},
		{"größe )", 8, "character 7"},
		{strings.Repeat("(", 100) + "a" + strings.Repeat(")", 100), 13, "too many"},
		{strings.Repeat("-", 0) + strings.Repeat("NOT ", 1000) + "a", 52, "too many"},
		{strings.Repeat("a ", maxQuery), 0, "longer than"},
	} {
		_, err := language(time.UTC).Parse(c.query)
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || !errors.Is(err, mail.ErrBadInput) {
			t.Errorf("Parse(%.40q): %v, want a SyntaxError", c.query, err)
			continue
		}
		if syntax.Pos != c.pos || !strings.Contains(err.Error(), c.says) {
			t.Errorf("Parse(%.40q): at %d %q, want at %d with %q", c.query, syntax.Pos, err, c.pos, c.says)
		}
	}
}

func TestOrderOfQuery(t *testing.T) {
	for query, want := range map[string]Query{
		"a":                        {},
		"a sort:date":              {Ordered: true},
		"sort:arrival a":           {Ordered: true, Order: catalog.LastArrivedFirst},
		"sort:arrival sort:date b": {Ordered: true},
	} {
		q, err := language(time.UTC).Parse(query)
		if q.Where = nil; err != nil || q != want {
			t.Errorf("Parse(%q) = %+v, %v; want %+v", query, q, err, want)
		}
	}
}

func TestDirectionNeedsDomains(t *testing.T) {
	_, err := Language{}.Parse("direction:in")
	if err == nil || !strings.Contains(err.Error(), "local-domains") {
		t.Errorf("direction: without local domains: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"", "a b", `"a`, "(a OR b) -c", "from:x", "from: ", "after:2026", "fron:a", "-", "--", "-(", "NOT NOT a", "\x00\xff", "a:b:c", `""`, "AND",
		"rep* from:ali* \"annual rep\"*", `header:x="a b"*`, "header:=", "larger:1.5M smaller:0", "date:2026-01..2026-03 before:7d",
		"-has:attachment direction:in", "id:01k3 cc:@a.example sort:arrival", "re*rt *", "東京*", "date:..", "larger:9e99G", "-(sort:date)",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, query string) {
		q, err := language(time.UTC).Parse(query)
		n := q.Where
		var syntax *SyntaxError
		if err != nil && (!errors.As(err, &syntax) || syntax.Pos < 0 || syntax.Pos > len(query)) {
			t.Fatalf("Parse(%q): %v", query, err)
		}
		if err != nil {
			_ = err.Error()
			return
		}
		snippet(query, wordsOf(n))
		if n == nil && strings.TrimSpace(query) != "" && !q.Ordered {
			t.Errorf("Parse(%q) matches everything", query)
		}
	})
}
