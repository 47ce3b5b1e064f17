package catalogtest

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"mailarchive/internal/catalog"
	"mailarchive/internal/mail"
)

func equal() []cmp.Option {
	return []cmp.Option{cmpopts.EquateEmpty(), cmpopts.EquateApproxTime(0)}
}

// dated is a document with a sort date.
func dated(seq uint64, date time.Time) catalog.Document {
	return Document(seq, func(d *catalog.Document) { d.SortDate = date })
}

func newestFirst(t *testing.T, s suite) {
	day := 24 * time.Hour
	s.apply(t, dated(1, start), dated(2, start.Add(-400*day)), dated(3, start.Add(2*day)))
	s.apply(t, dated(4, start.Add(-day)), dated(5, start.Add(300*day)), dated(6, start.Add(-day-time.Hour)))
	s.wantFound(t, nil, 5, 3, 1, 4, 6, 2)
	s.wantFound(t, word("text"), 5, 3, 1, 4, 6, 2)
}

// orderWithinDay has times of one day come in no order, over several batches.
func orderWithinDay(t *testing.T, s suite) {
	random := rand.New(rand.NewPCG(1, 2))
	midnight := start.Truncate(24 * time.Hour)
	var seq uint64
	for range 10 {
		var batch []catalog.Document
		for range 30 {
			seq++
			batch = append(batch, dated(seq, midnight.Add(time.Duration(random.Int64N(int64(36*time.Hour))))))
		}
		s.apply(t, batch...)
	}
	for _, where := range []catalog.Node{nil, word("text"), catalog.Not{Node: word("number7")}} {
		s.agree(t, catalog.Query{Scope: Everything(), Where: where})
		s.agree(t, catalog.Query{Scope: Everything(), Where: where, Limit: 7})
	}
}

func strangeDates(t *testing.T, s suite) {
	year := func(y int) time.Time { return time.Date(y, 7, 1, 12, 0, 0, 5e6, time.UTC) }
	s.apply(t, dated(1, year(2026)), dated(2, year(1969)), dated(3, year(9999)), dated(4, year(1)),
		dated(5, year(1970)), dated(6, year(1960)), dated(7, year(2040)))
	s.wantFound(t, nil, 3, 7, 1, 5, 2, 6, 4)
	s.wantFound(t, catalog.Between{Before: year(1970)}, 2, 6, 4)
	s.wantFound(t, catalog.Between{Since: year(1960), Before: year(2040)}, 1, 5, 2, 6)
	s.wantFound(t, catalog.Between{Since: year(2040)}, 3, 7)
	s.agree(t, everything)
}

func lastArrivedFirst(t *testing.T, s suite) {
	s.apply(t, mixture(80)...)
	for _, where := range []catalog.Node{
		nil, word("alpha"), catalog.Not{Node: word("alpha")},
		catalog.Or{word("beta"), catalog.Between{Since: start}},
	} {
		q := catalog.Query{Scope: Everything(), Where: where, Order: catalog.LastArrivedFirst}
		s.agree(t, q)
		q.Limit = 5
		s.agree(t, q)
	}
}

func pagesJoined(t *testing.T, s suite) {
	s.apply(t, mixture(150)...)
	s.apply(t, shift(mixture(150), 1000)...)
	for _, order := range []catalog.Order{catalog.NewestFirst, catalog.LastArrivedFirst} {
		for _, where := range []catalog.Node{nil, word("alpha"), catalog.Not{Node: word("alpha")}} {
			whole := rows(t, s.Catalog, catalog.Query{Scope: Everything(), Where: where, Order: order})
			for _, limit := range []int{1, 7, 50, 1000} {
				q := catalog.Query{Scope: Everything(), Where: where, Order: order, Limit: limit}
				if diff := cmp.Diff(ids(whole), ids(joined(t, s.Catalog, q))); diff != "" {
					t.Fatalf("%s, order %d: pages of %d joined (-whole +joined):\n%s", show(where), order, limit, diff)
				}
			}
		}
	}
}

// joined walks by pages.
func joined(t *testing.T, c catalog.Catalog, q catalog.Query) (all []catalog.Row) {
	t.Helper()
	for {
		page := hits(t, c, q)
		if len(page) > q.Limit {
			t.Fatalf("%d rows for a limit of %d", len(page), q.Limit)
		}
		for _, h := range page {
			all = append(all, h.Row)
			q.After = h.Next
		}
		if len(page) < q.Limit {
			return all
		}
	}
}

func foreignPositions(t *testing.T, s suite) {
	s.apply(t, Document(1, nil), Document(2, nil))
	for _, position := range []catalog.Position{"x", "-", "1.2.3", "d", "a", "\x00", "dzz.1"} {
		err := s.Search(t.Context(), catalog.Query{Scope: Everything(), After: position}, func(catalog.Hit) bool { return true })
		if !errors.Is(err, mail.ErrBadInput) {
			t.Errorf("Search after position %q: %v, want ErrBadInput", position, err)
		}
	}
}

func yieldCalls(t *testing.T, s suite) {
	s.apply(t, mixture(120)...)
	calls := 0
	err := s.Search(t.Context(), everything, func(h catalog.Hit) bool {
		calls++
		if _, err := s.Lookup(t.Context(), Everything(), h.ID.String()); err != nil {
			t.Errorf("Lookup of %s from within yield: %v", h.ID, err)
		}
		return calls < 60
	})
	if calls != 60 || err != nil {
		t.Errorf("yield was called %d times, %v; it said enough at 60", calls, err)
	}
}
