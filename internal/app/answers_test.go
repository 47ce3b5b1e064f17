package app

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/control"
	"mailarchive/internal/mail"
	"mailarchive/sample"
)

// answers returns all hits of each query, without their positions.
func answers(t *testing.T, a *App, queries []string) map[string][]control.Hit {
	t.Helper()
	all := map[string][]control.Hit{}
	for _, q := range queries {
		_, err := a.Search(t.Context(), everything, control.SearchRequest{Query: q}, func(h control.Hit) error {
			h.Next = ""
			all[q] = append(all[q], h)
			return nil
		})
		if err != nil {
			t.Errorf("search %q: %v", q, err)
		}
	}
	return all
}

// TestReindexGivesTheSameAnswers compares the rows of a catalog that grew
// message by message with those of one that was made from the vault alone.
func TestReindexGivesTheSameAnswers(t *testing.T) {
	c := configured(t)
	if err := c.LocalDomains.UnmarshalText([]byte("nordwind.example")); err != nil {
		t.Fatal(err)
	}
	a := opened(t, c)
	for i, m := range sample.Messages() {
		e := mail.Envelope{Source: "smtp", From: mail.Address(m.From)}
		for _, to := range m.To {
			e.To = append(e.To, mail.Recipient{Address: mail.Address(to)})
		}
		acceptBytes(t, a, e, m.Data)
		if i%7 == 0 { // batches of another size than those of a reindex
			if err := a.CatchUp(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if i%31 == 0 {
			acceptBytes(t, a, mail.Envelope{Source: "lmtp", To: []mail.Recipient{{Address: "later@nordwind.example"}}}, m.Data)
		}
	}
	if err := a.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	queries := []string{
		"", "albatros", `"2026-08-B"`, "RE-2026/00417", "exklusivität", "呉工場", "labs*", "delivered:v.rahn@ostsee-marine.example",
		"from:a.okafor@nordwind.example", "subject:angebot", "has:attachment", "larger:10k", "after:2026-08 before:2026-10",
		"direction:in", "direction:out", "direction:internal", "albatros -direction:in", "invoice OR rechnung", "delivered:later@nordwind.example",
	}
	for _, h := range answers(t, a, []string{""})[""] { // keywords are queries too
		for _, k := range h.Keywords[:min(1, len(h.Keywords))] {
			queries = append(queries, fmt.Sprintf("keyword:%q", k))
		}
	}
	slices.Sort(queries)
	queries = slices.Compact(queries)
	before := answers(t, a, queries)
	if n := len(before[""]); n != len(sample.Messages()) || len(before["direction:out"]) == 0 || len(before["direction:internal"]) == 0 {
		t.Errorf("%d messages, %d out, %d internal", n, len(before["direction:out"]), len(before["direction:internal"]))
	}
	if err := a.Reindex(t.Context(), func(control.Progress) {}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, answers(t, a, queries)); diff != "" {
		t.Errorf("after reindex (-before +after):\n%s", diff)
	}
	t.Logf("%d queries", len(queries))
}
