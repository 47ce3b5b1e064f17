package web

import (
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mailarchive/internal/search"
)

var labLanguage = search.Language{Zone: time.UTC, Now: labNow, Directions: true}

// Queries and the filters that say the same.
func TestFilters(t *testing.T) {
	for _, c := range []struct {
		query   string
		filters []filter
	}{
		{"", nil},
		{"invoice", []filter{{"any", opContains, "invoice", ""}}},
		{`"annual report"`, []filter{{"any", opContains, "annual report", ""}}},
		{"rep*", []filter{{"any", opBegins, "rep", ""}}},
		{"-spam", []filter{{"any", opNot, "spam", ""}}},
		{"from:alice", []filter{{"from", opContains, "alice", ""}}},
		{`subject:"q3 report" -to:@example.org`, []filter{{"subject", opContains, "q3 report", ""}, {"to", opNot, "@example.org", ""}}},
		{`subject:"annual rep"*`, []filter{{"subject", opBegins, "annual rep", ""}}},
		{"after:2026-01-01", []filter{{"date", opAfter, "2026-01-01", ""}}},
		{"before:2026-01-01", []filter{{"date", opBefore, "2026-01-01", ""}}},
		{"date:2026-01-01", []filter{{"date", opOn, "2026-01-01", ""}}},
		{"date:2026-03", []filter{{"date", opBetween, "2026-03-01", "2026-03-31"}}},
		{"date:yesterday", []filter{{"date", opOn, "2026-11-23", ""}}},
		{"after:7d", []filter{{"date", opAfter, "2026-11-17", ""}}},
		{"larger:10k", []filter{{"larger", opLarger, "10k", ""}}},
		{"smaller:1.5M", []filter{{"larger", opSmaller, "1536k", ""}}},
		{"larger:1000", []filter{{"larger", opLarger, "1000", ""}}},
		{"has:attachment", []filter{{"attachment", opAny, "", ""}}},
		{"-has:attachment", []filter{{"attachment", opNone, "", ""}}},
		{"attachment:invoice*", []filter{{"attachment", opBegins, "invoice", ""}}},
		{"direction:in -direction:internal", []filter{{"direction", opIs, "in", ""}, {"direction", opNot, "internal", ""}}},
		{"message-id:1@example.org", []filter{{"message-id", opIs, "1@example.org", ""}}},
		{"keyword:pump delivered:bob cc:eve body:text", []filter{
			{"keyword", opContains, "pump", ""}, {"delivered", opContains, "bob", ""}, {"cc", opContains, "eve", ""}, {"body", opContains, "text", ""}}},
		{"invoice sort:arrival", []filter{{"any", opContains, "invoice", ""}}},
		{"sort:arrival", nil},
	} {
		got, _, ok, err := parseFilters(labLanguage, c.query)
		if err != nil || !ok || !reflect.DeepEqual(got, c.filters) {
			t.Errorf("%q: filters %v, %v, %v; want %v", c.query, got, ok, err, c.filters)
		}
		again, _, ok, err := parseFilters(labLanguage, queryOf(got))
		if err != nil || !ok || !reflect.DeepEqual(again, got) {
			t.Errorf("%q: written as %q it is read as %v, %v, %v", c.query, queryOf(got), again, ok, err)
		}
	}
}

func TestQueriesBeyondFilters(t *testing.T) {
	for _, query := range []string{
		"cat OR dog", "(cat OR dog) -bird", "-(cat dog)", "header:list-id=announce", "id:01K3ABCD", "bcc:ann", "NOT NOT spam",
		"-rep*", "-larger:5k", "-date:2026", "a b c d e f", "smaller:0",
	} {
		filters, _, ok, err := parseFilters(labLanguage, query)
		if ok || err != nil {
			t.Errorf("%q: filters %v, %v", query, filters, err)
		}
	}
	if _, _, ok, err := parseFilters(labLanguage, "form:alice"); ok || err == nil {
		t.Errorf("a query that cannot be read: %v, %v", ok, err)
	}
}

// Whatever is typed into the form is a query, and means the same again.
func TestFormRoundTrip(t *testing.T) {
	fields := filterFields()
	rapid.Check(t, func(t *rapid.T) {
		var filters []filter
		for range rapid.IntRange(0, maxFilters).Draw(t, "rows") {
			field := rapid.SampledFrom(fields).Draw(t, "field")
			f := filter{Field: field.Name, Op: rapid.SampledFrom(field.Ops).Draw(t, "op"), Value: valueFor(t, field.Name)}
			if f.Op == opBetween {
				f.Value, f.Until = "2026-01-05", rapid.SampledFrom([]string{"2026-02-01", "2026-12-31", ""}).Draw(t, "until")
			}
			if !f.wantsValue() {
				f.Value = ""
			}
			if _, err := labLanguage.Parse(queryOf([]filter{f})); err != nil {
				continue // the form empties it, see change
			}
			filters = append(filters, f)
		}
		query := queryOf(filters)
		got, _, ok, err := parseFilters(labLanguage, query)
		if err != nil || !ok {
			t.Fatalf("%q of %v: %v, %v", query, filters, ok, err)
		}
		if again := queryOf(got); again != query {
			first, _ := labLanguage.Parse(query)
			second, err := labLanguage.Parse(again)
			if err != nil || !reflect.DeepEqual(first.Where, second.Where) {
				t.Fatalf("%q becomes %q, %v", query, again, err)
			}
		}
	})
}

func valueFor(t *rapid.T, field string) string {
	switch field {
	case "date":
		return rapid.SampledFrom([]string{"2026-01-01", "2025-12-31", "2024-02-29"}).Draw(t, "date")
	case "larger":
		return rapid.SampledFrom([]string{"1", "10k", "5M", "1.5M", "1000"}).Draw(t, "size")
	case "direction":
		return rapid.SampledFrom(ways()).Draw(t, "way")
	}
	return rapid.OneOf(
		rapid.SampledFrom([]string{"alice", "OR", "NOT", "from:alice", "-spam", "rep*", `say "hi"`, "(x)", "a b", "@example.org", "x:y", "https://x", "-", "é", "呉工場", "a  b ", "sort:arrival"}),
		rapid.String(),
	).Draw(t, "value")
}

func FuzzFilters(f *testing.F) {
	for _, s := range []string{"from:alice -b", `"a b"* x:y`, "date:2026..2027 larger:1k", "(a OR b)", "has:attachment sort:arrival"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, query string) {
		filters, _, ok, err := parseFilters(labLanguage, query)
		if err != nil || !ok {
			return
		}
		if again, _, ok, err := parseFilters(labLanguage, queryOf(filters)); err != nil || !ok || !reflect.DeepEqual(again, filters) {
			t.Fatalf("%q: %v, written as %q: %v, %v, %v", query, filters, queryOf(filters), again, ok, err)
		}
	})
}

func form(q, was, do string, filters ...filter) url.Values {
	values := url.Values{"q": {q}, "was": {was}, "filters": {"1"}}
	if do != "" {
		values.Set("do", do)
	}
	for _, f := range filters {
		values.Add("field", f.Field)
		values.Add("op", f.Op)
		values.Add("value", f.Value)
		values.Add("until", f.Until)
	}
	return values
}

func TestChange(t *testing.T) {
	from, subject := filter{"from", opContains, "alice", ""}, filter{"subject", opContains, "q3 report", ""}
	for _, c := range []struct {
		name   string
		values url.Values
		query  string
		drafts []filter
	}{
		{"nothing", form("from:alice", "from:alice", "", from), "from:alice", nil},
		{"the words of the writer stay", form("date:yesterday  x", "date:yesterday  x", "", filter{"date", opOn, "2026-11-23", ""}, filter{"any", opContains, "x", ""}), "date:yesterday  x", nil},
		{"bar", form("from:bob", "from:alice", "", from), "from:bob", nil},
		{"bar over filters", form("from:bob", "from:alice", "", subject), "from:bob", nil},
		{"filter", form("from:alice", "from:alice", "", filter{"from", opNot, "alice", ""}), "-from:alice", nil},
		{"add", form("from:alice", "from:alice", "add", from), "from:alice", []filter{{"any", opContains, "", ""}}},
		{"added and filled", form("from:alice", "from:alice", "", from, subject), `from:alice subject:"q3 report"`, nil},
		{"added and not filled", form("from:alice", "from:alice", "", from, filter{"subject", opContains, " ", ""}), "from:alice", []filter{{"subject", opContains, "", ""}}},
		{"remove", form(`from:alice subject:"q3 report"`, `from:alice subject:"q3 report"`, "remove-0", from, subject), `subject:"q3 report"`, nil},
		{"remove what is not there", form("from:alice", "from:alice", "remove-7", from), "from:alice", nil},
		{"another field for a value that is none of it", form("from:alice", "from:alice", "", filter{"date", opAfter, "alice", ""}), "", []filter{{"date", opAfter, "", ""}}},
		{"an operator that the field has not", form("from:alice", "from:alice", "", filter{"from", opLarger, "alice", ""}), "from:alice", nil},
		{"a field that there is not", form("x", "x", "", filter{"evil", "evil", "y", ""}), "y", nil},
		{"order", addOrder(form("from:alice", "from:alice", "", from), orderArrival, ""), "from:alice sort:arrival", nil},
		{"order back", addOrder(form("from:alice sort:arrival", "from:alice sort:arrival", "", from), orderDate, orderArrival), "from:alice", nil},
		{"order of the bar", addOrder(form("x sort:arrival", "", ""), orderDate, ""), "x sort:arrival", nil},
		{"order in a phrase", addOrder(url.Values{"q": {`"see sort:arrival here" sort:arrival`}, "was": {`"see sort:arrival here" sort:arrival`}}, orderDate, orderArrival), `"see sort:arrival here" sort:arrival`, nil},
		{"a query beyond filters", url.Values{"q": {"cat OR dog"}, "was": {"cat OR dog"}}, "cat OR dog", nil},
		{"the last filter removed", form("from:alice", "from:alice", "remove-0", from), "", nil},
	} {
		query, drafts, changed := change(c.values, labLanguage)
		if query != c.query || !reflect.DeepEqual(drafts, c.drafts) || !changed {
			t.Errorf("%s: %q, %v, %v; want %q, %v", c.name, query, drafts, changed, c.query, c.drafts)
		}
	}
	if query, _, changed := change(url.Values{"q": {"from:alice"}}, labLanguage); changed || query != "from:alice" {
		t.Errorf("an address that was shared is changed to %q", query)
	}
}

func addOrder(values url.Values, order, was string) url.Values {
	if order == "" {
		return values
	}
	values.Set("order", order)
	values.Set("was-order", was)
	return values
}

func TestNoMoreThanFiveFilters(t *testing.T) {
	f := formOf(labLanguage, "a b c d", []filter{{"any", opContains, "", ""}, {"any", opContains, "", ""}})
	if len(f.Filters) != maxFilters {
		t.Errorf("%d rows", len(f.Filters))
	}
	values := url.Values{"draft": strings.Split(strings.Repeat("from.not ", 50), " ")}
	if got := draftsOf(values); len(got) != maxFilters || got[0] != (filter{"from", opNot, "", ""}) {
		t.Errorf("%d drafts: %v", len(got), got)
	}
}
