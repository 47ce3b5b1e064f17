package sqlite

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/access"
	"mailarchive/internal/catalog"
	"mailarchive/internal/catalog/catalogtest"
	"mailarchive/internal/catalog/token"
	"mailarchive/internal/mail"
)

// explain returns SQLite's plan for a statement.
func explain(t *testing.T, db *DB, sql string, args []any) string {
	t.Helper()
	rows, err := db.read.Query("EXPLAIN QUERY PLAN "+sql, args...)
	if err != nil {
		t.Fatalf("%v in %s", err, sql)
	}
	defer rows.Close()
	var lines []string
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, detail)
	}
	return strings.Join(lines, "\n")
}

// A walk newest first must not sort: it is to stop early.
func TestWalkDoesNotSort(t *testing.T) {
	db := open(t, Options{})
	defer db.Close()
	put(t, db, 1, 2, 3)
	text := func(v string) catalog.Node { return catalog.Text{Field: catalog.AnyText, Value: v} }
	march := catalog.Between{Since: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC), Before: time.Date(2026, 4, 1, 8, 0, 0, 0, time.UTC)}
	for _, c := range []struct {
		name  string
		where catalog.Node
		leads string
	}{
		{"all", nil, "SEARCH m USING INTEGER PRIMARY KEY"},
		{"dates", march, "SEARCH m USING INTEGER PRIMARY KEY"},
		{"word", text("text"), "SCAN f VIRTUAL TABLE"},
		{"word and dates", catalog.And{text("text"), march}, "SCAN f VIRTUAL TABLE"},
		{"not", catalog.Not{Node: text("text")}, "SCAN f VIRTUAL TABLE"},
		{"word or dates", catalog.Or{text("text"), march}, "SEARCH m USING INTEGER PRIMARY KEY"},
		{"word and mixed", catalog.And{text("text"), catalog.Or{text("x"), march}}, "SCAN f VIRTUAL TABLE"},
	} {
		p, err := planFor(access.Everything("t"), c.where)
		if err != nil {
			t.Fatal(err)
		}
		sql, args := p.byDay(db.days, 0, 1<<50)
		plan := explain(t, db, sql, args)
		if strings.Contains(plan, "TEMP B-TREE") || !strings.HasPrefix(plan, c.leads) {
			t.Errorf("%s: plan\n%s\nshould begin with %s and sort nothing", c.name, plan, c.leads)
		}
	}
	p, _ := planFor(access.Everything("t"), nil)
	sql, args := p.byArrival(db.days, 0)
	if plan := explain(t, db, sql, append(args, 100, 10)); strings.Contains(plan, "TEMP B-TREE") {
		t.Errorf("last arrived first: plan\n%s", plan)
	}
}

// The words of the tokenizer and the terms of addresses must never be taken
// for each other, and FTS5 must leave both alone.
func TestTokensReachTheIndexUntouched(t *testing.T) {
	text := "It's RE-2026/00417 Grüße 日本語 สวัสดี =all =a:x a_b \"q\" İstanbul ﬁne x\u0301"
	for _, w := range token.Words(text) {
		if strings.HasPrefix(w, "=") {
			t.Errorf("%q could be an address term", w)
		}
	}
	db := open(t, Options{})
	defer db.Close()
	d := catalogtest.Document(1, func(d *catalog.Document) { d.Text = text })
	d.Arrival.Envelope.From = "Odd.'\"{}%`~ Name@EXAMPLE.org"
	if err := db.Apply(t.Context(), []catalog.Document{d}, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := db.write.Exec(`CREATE VIRTUAL TABLE temp.terms USING fts5vocab('main', 'fts', 'row')`); err != nil {
		t.Fatal(err)
	}
	rows, err := db.write.Query(`SELECT term FROM temp.terms`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	got := map[string]bool{}
	for rows.Next() {
		var term string
		if err := rows.Scan(&term); err != nil {
			t.Fatal(err)
		}
		got[term] = true
	}
	want := map[string]bool{termAll: true}
	for _, w := range token.Words(text) {
		want[w] = true
	}
	p := token.Address(string(d.Arrival.Envelope.From))
	for _, part := range []struct{ kind, value string }{{"", p.Whole}, {"l", p.Local}, {"d", p.Domain}, {"p", "org"}} {
		want[addressTerm(roleEnvelope+part.kind, part.value)] = true
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("terms in the index (-want +got):\n%s", diff)
	}
}

// A day that is full spills into the next one; everything is still found, by
// pages too, and dates still decide.
func TestFullDay(t *testing.T) {
	db := open(t, Options{dayBits: 2}) // three documents a day
	defer db.Close()
	var want []uint64
	for seq := uint64(1); seq <= 20; seq++ {
		put(t, db, seq)
		want = append([]uint64{seq}, want...)
	}
	next := catalogtest.Document(21, func(d *catalog.Document) { d.SortDate = d.SortDate.AddDate(0, 0, 1) })
	if err := db.Apply(t.Context(), []catalog.Document{next}, 0); err != nil {
		t.Fatal(err)
	}
	all := access.Everything("t")
	day := next.SortDate.Truncate(24 * time.Hour)
	for _, c := range []struct {
		where catalog.Node
		want  int
	}{
		{nil, 21}, {catalog.Between{Before: day}, 20}, {catalog.Between{Since: day}, 1},
		{catalog.And{catalog.Text{Field: catalog.Body, Value: "text"}, catalog.Between{Since: day.AddDate(0, 0, -1), Before: day}}, 20},
	} {
		if n, _, err := db.Count(t.Context(), all, c.where, 100); n != c.want || err != nil {
			t.Errorf("Count %+v = %d, %v; want %d", c.where, n, err, c.want)
		}
		seen := map[string]bool{}
		q := catalog.Query{Scope: all, Where: c.where, Limit: 2}
		for more := true; more; {
			more = false
			err := db.Search(t.Context(), q, func(h catalog.Hit) bool {
				if seen[h.ID.String()] {
					t.Errorf("%s came twice", h.ID)
				}
				seen[h.ID.String()], q.After, more = true, h.Next, true
				return true
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if len(seen) != c.want {
			t.Errorf("pages of %+v give %d rows, want %d", c.where, len(seen), c.want)
		}
	}
}

func TestNumbering(t *testing.T) {
	n := numbering{20}
	for _, c := range []struct {
		date time.Time
		day  int64
	}{
		{time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), 0},
		{time.UnixMilli(-1), 0},
		{time.Unix(0, 0), 0},
		{time.Date(2026, 3, 1, 23, 59, 59, 999e6, time.UTC), 20513},
		{time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), 20514},
		{time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC), 2932896},
	} {
		day := n.day(millis(c.date))
		if day != c.day || n.dayOf(n.first(day)) != day || n.dayOf(n.last(day)) != day || n.first(day+1) != n.last(day)+1 {
			t.Errorf("day of %v = %d, docids %d to %d; want day %d", c.date, day, n.first(day), n.last(day), c.day)
		}
	}
}

// TestCrowdedDay: a page of a day with many messages is sorted by SQLite, and
// pages, whole walks and the days around it join all the same.
func TestCrowdedDay(t *testing.T) {
	db := open(t, Options{crowd: 100})
	defer db.Close()
	day := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	var batch []catalog.Document
	for i := range 1000 {
		batch = append(batch, catalogtest.Document(uint64(i+1), func(d *catalog.Document) {
			d.SortDate = day.Add(time.Duration(i*7919%1440) * time.Minute)
			if i%10 == 0 {
				d.SortDate = d.SortDate.AddDate(0, 0, i%3-1)
			}
		}))
	}
	if err := db.Apply(t.Context(), batch, 0); err != nil {
		t.Fatal(err)
	}
	for _, where := range []catalog.Node{nil, catalog.Text{Field: catalog.AnyText, Value: "text"}} {
		for _, limit := range []int{0, 1, 49, 70, 1000} {
			var got []catalog.Hit
			for q := (catalog.Query{Scope: everything(), Where: where, Limit: limit}); ; {
				before := len(got)
				if err := db.Search(t.Context(), q, func(h catalog.Hit) bool { got = append(got, h); return true }); err != nil {
					t.Fatal(err)
				}
				if len(got) == before || limit == 0 {
					break
				}
				q.After = got[len(got)-1].Next
			}
			newest := func(a, b catalog.Hit) int { return b.SortDate.Compare(a.SortDate) }
			ids := map[mail.ID]bool{}
			for _, h := range got {
				ids[h.ID] = true
			}
			if len(got) != 1000 || len(ids) != 1000 || !slices.IsSortedFunc(got, newest) {
				t.Errorf("limit %d: %d rows, %d messages, in order: %v", limit, len(got), len(ids), slices.IsSortedFunc(got, newest))
			}
		}
	}
	w, err := db.newWalk(t.Context(), catalog.Query{Scope: everything()})
	if err != nil {
		t.Fatal(err)
	}
	for ; w.whole < 0; w.next(t.Context(), 50) {
		if len(w.ready) > 100 {
			t.Fatalf("%d keys were read for 50", len(w.ready))
		}
	}
}
