package catalogtest

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"mailarchive/internal/access"
	"mailarchive/internal/catalog"
	"mailarchive/internal/mail"
)

// Everything is the scope that the suite asks within.
func Everything() access.Scope { return access.Everything("test") }

// Run tries the contract on catalogs that open gives, each empty. It closes
// them.
func Run(t *testing.T, open func(t *testing.T) catalog.Catalog) {
	for _, story := range []struct {
		name string
		tell func(*testing.T, suite)
	}{
		{"applied rows come back whole", rowsComeBack},
		{"a batch may be applied twice", appliedTwice},
		{"the cursor steps over gaps", cursorStepsOver},
		{"seqs must rise", seqsMustRise},
		{"a cancelled Apply leaves nothing", cancelledApply},
		{"content that comes again joins its message", contentAgain},
		{"content that comes again and again", manyCopies},
		{"batches do not change the result", batchesDoNotMatter},
		{"what was unread is replaced", unreadReplaced},
		{"newest first", newestFirst},
		{"order within a day", orderWithinDay},
		{"dates out of the ordinary", strangeDates},
		{"last arrived first", lastArrivedFirst},
		{"pages joined equal the whole", pagesJoined},
		{"positions of another kind are refused", foreignPositions},
		{"yield ends the walk and may call", yieldCalls},
		{"fields", fields},
		{"addresses", addresses},
		{"special characters", specialCharacters},
		{"odd envelopes come back", oddEnvelopes},
		{"ten thousand recipients", manyRecipients},
		{"negation and dates", negationAndDates},
		{"deep and wide queries", deepQueries},
		{"count", count},
		{"look up", lookUp},
		{"arrivals", arrivals},
		{"import keys", importKeys},
		{"the zero scope sees nothing", zeroScope},
		{"reading beside Apply", readingBeside},
		{"random queries equal the reference", randomQueries},
		{"statistics equal the reference", statistics},
	} {
		t.Run(story.name, func(t *testing.T) {
			c := open(t)
			s := suite{c, &Memory{}}
			story.tell(t, s)
			if err := c.Check(t.Context()); err != nil {
				t.Errorf("Check after it: %v", err)
			}
			if err := c.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		})
	}
}

// suite is a catalog under test with the reference beside it.
type suite struct {
	catalog.Catalog
	reference *Memory
}

// apply gives a batch to both.
func (s suite) apply(t *testing.T, batch ...catalog.Document) {
	t.Helper()
	if err := s.Apply(t.Context(), batch, 0); err != nil {
		t.Fatalf("Apply of %d documents: %v", len(batch), err)
	}
	if err := s.reference.Apply(t.Context(), batch, 0); err != nil {
		t.Fatalf("reference: %v", err)
	}
}

// agree runs a query on both and compares the rows.
func (s suite) agree(t *testing.T, q catalog.Query) {
	t.Helper()
	got, want := rows(t, s.Catalog, q), rows(t, s.reference, q)
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.EquateApproxTime(0)); diff != "" {
		t.Errorf("query %s, order %d: rows differ (-want +got):\n%s", show(q.Where), q.Order, diff)
	}
}

// agreeOnIDs compares the IDs of the rows only, which is quicker.
func (s suite) agreeOnIDs(t *testing.T, q catalog.Query) {
	t.Helper()
	got, want := ids(rows(t, s.Catalog, q)), ids(rows(t, s.reference, q))
	if !slices.Equal(got, want) {
		t.Errorf("query %s, order %d: IDs differ (-want +got):\n%s", show(q.Where), q.Order, cmp.Diff(want, got))
	}
}

func ids(rows []catalog.Row) []mail.ID {
	list := make([]mail.ID, len(rows))
	for i, r := range rows {
		list[i] = r.ID
	}
	return list
}

func rows(t *testing.T, c catalog.Catalog, q catalog.Query) []catalog.Row {
	t.Helper()
	var list []catalog.Row
	for _, h := range hits(t, c, q) {
		list = append(list, h.Row)
	}
	return list
}

func hits(t *testing.T, c catalog.Catalog, q catalog.Query) []catalog.Hit {
	t.Helper()
	var list []catalog.Hit
	err := c.Search(t.Context(), q, func(h catalog.Hit) bool {
		list = append(list, h)
		return true
	})
	if err != nil {
		t.Fatalf("Search %s: %v", show(q.Where), err)
	}
	return list
}

// found returns the seqs of first arrivals that a query finds, in order.
func (s suite) found(t *testing.T, where catalog.Node) []uint64 {
	t.Helper()
	list := []uint64{}
	for _, r := range rows(t, s.Catalog, catalog.Query{Scope: Everything(), Where: where}) {
		list = append(list, uint64(r.Received.Sub(start)/time.Second))
	}
	return list
}

func (s suite) wantFound(t *testing.T, where catalog.Node, want ...uint64) {
	t.Helper()
	if diff := cmp.Diff(want, s.found(t, where), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s finds (-want +got):\n%s", show(where), diff)
	}
}
