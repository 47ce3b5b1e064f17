package search

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	"mailarchive/internal/access"
	"mailarchive/internal/catalog"
)

// page is the number of hits whose snippets are made at once.
const page = 50

// Searcher answers queries. The fields are set before use.
type Searcher struct {
	Catalog catalog.Catalog
	// Text returns the text of a message for its snippet; the row came from
	// Catalog within the scope. When it is nil or fails, the snippet is empty.
	// It is called from several goroutines at once.
	Text func(ctx context.Context, scope access.Scope, row catalog.Row) (string, error)
	// Language says what a query means.
	Language Language
}

// Request is a search.
type Request struct {
	Query string
	Order catalog.Order    // unless the query says otherwise (sort:)
	After catalog.Position // the Next of the last hit seen; empty at first
	Limit int              // hits at most; 0 is no limit
}

// Search calls yield for each hit in order until it returns false. Errors:
// *SyntaxError, or what the catalog says.
func (s *Searcher) Search(ctx context.Context, scope access.Scope, r Request, yield func(Hit) bool) error {
	query, err := s.Language.Parse(r.Query)
	if err != nil {
		return err
	}
	if query.Ordered {
		r.Order = query.Order
	}
	wanted := wordsOf(query.Where)
	rows := make([]catalog.Hit, 0, page)
	more := true
	give := func() {
		hits := s.hits(ctx, scope, rows, wanted)
		for i := 0; i < len(hits) && more; i++ {
			more = yield(hits[i])
		}
		rows = rows[:0]
	}
	q := catalog.Query{Scope: scope, Where: query.Where, Order: r.Order, After: r.After, Limit: r.Limit}
	err = s.Catalog.Search(ctx, q, func(h catalog.Hit) bool {
		if rows = append(rows, h); len(rows) == page {
			give()
		}
		return more
	})
	give()
	if err != nil {
		return fmt.Errorf("run query: %w", err)
	}
	return nil
}

// Count counts hits up to limit; more tells that there are more.
func (s *Searcher) Count(ctx context.Context, scope access.Scope, query string, limit int) (n int, more bool, err error) {
	q, err := s.Language.Parse(query)
	if err != nil {
		return 0, false, err
	}
	return s.Catalog.Count(ctx, scope, q.Where, limit)
}

// hits gives rows the form of hits and adds snippets, as many at once as there
// are cores.
func (s *Searcher) hits(ctx context.Context, scope access.Scope, rows []catalog.Hit, wanted wanted) []Hit {
	hits := make([]Hit, len(rows))
	var turn atomic.Int64
	work := func() {
		for i := turn.Add(1) - 1; i < int64(len(rows)); i = turn.Add(1) - 1 {
			hits[i] = NewHit(rows[i])
			if s.Text == nil {
				continue
			}
			if text, err := s.Text(ctx, scope, rows[i].Row); err == nil {
				hits[i].Snippet, hits[i].Marks = snippet(text, wanted)
			}
		}
	}
	var group sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(rows)) - 1 {
		group.Go(work)
	}
	work()
	group.Wait()
	return hits
}
