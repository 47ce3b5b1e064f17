package search

import (
	"strings"
	"testing"

	"mailarchive/internal/catalog"
)

func TestMarks(t *testing.T) {
	for _, c := range []struct {
		query string
		field catalog.Field
		text  string
		want  string
	}{
		{"report", catalog.Subject, "Report and reports", "[Report] and reports"},
		{"rep*", catalog.Subject, "Report and reports", "[Report] and [reports]"},
		{`"annual report"`, catalog.Body, "the annual report, report", "the [annual report], report"},
		{"subject:report", catalog.Subject, "a report", "a [report]"},
		{"subject:report", catalog.Body, "a report", "a report"},
		{"from:ann report", catalog.From, "Ann Report", "[Ann] [Report]"},
		{"-report", catalog.Body, "a report", "a report"},
		{"NOT (report OR x)", catalog.Body, "a report", "a report"},
		{"(größe OR x)", catalog.Body, "GROSSE Größe", "[GROSSE] [Größe]"},
		{"a ab", catalog.Body, "a ab abc", "[a] [ab] abc"},
		{`"a b" b`, catalog.Body, "a b b", "[a b] [b]"},
		{"呉工場", catalog.Body, "呉工場です", "[呉工場]です"},
		{"form:x", catalog.Body, "x", "x"}, // no query
		{"", catalog.Body, "x", "x"},
		{"x", catalog.Body, "", ""},
		{"date:2026 larger:1k has:attachment", catalog.Body, "2026 1k attachment", "2026 1k attachment"},
	} {
		got, at := "", 0
		for _, m := range (Language{}).Marker(c.query).Marks(c.field, c.text) {
			got += c.text[at:m[0]] + "[" + c.text[m[0]:m[1]] + "]"
			at = m[1]
		}
		if got += c.text[at:]; got != c.want {
			t.Errorf("%q in %s: %q, want %q", c.query, c.field, got, c.want)
		}
	}
	if got := (Language{}).Marker("a").Marks(catalog.Body, strings.Repeat("a ", 2*maxMarks)); len(got) != maxMarks {
		t.Errorf("%d marks", len(got))
	}
	if got := (Marker{}).Marks(catalog.Body, "x"); len(got) != 0 {
		t.Errorf("the zero Marker marks %v", got)
	}
}
