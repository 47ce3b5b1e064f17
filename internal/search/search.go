package search

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"mailarchive/internal/access"
	"mailarchive/internal/catalog"
	"mailarchive/internal/mail"
)

// page is the number of hits whose snippets are made at once.
const page = 50

// Searcher answers queries. The fields are set before use.
type Searcher struct {
	Catalog catalog.Catalog
	// Text returns the text of a message for its snippet, within the scope.
	// When it is nil or fails, the snippet is empty.
	Text func(ctx context.Context, scope access.Scope, id mail.ID) (string, error)
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
	hits := make([]Hit, 0, page)
	more := true
	give := func() {
		s.addSnippets(ctx, scope, hits, wanted)
		for i := 0; i < len(hits) && more; i++ {
			more = yield(hits[i])
		}
		hits = hits[:0]
	}
	q := catalog.Query{Scope: scope, Where: query.Where, Order: r.Order, After: r.After, Limit: r.Limit}
	err = s.Catalog.Search(ctx, q, func(h catalog.Hit) bool {
		if hits = append(hits, NewHit(h)); len(hits) == page {
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

// addSnippets reads the texts of the hits, as many at once as there are cores.
func (s *Searcher) addSnippets(ctx context.Context, scope access.Scope, hits []Hit, wanted wanted) {
	if s.Text == nil {
		return
	}
	var group sync.WaitGroup
	turn := make(chan int)
	for range min(runtime.GOMAXPROCS(0), len(hits)) {
		group.Go(func() {
			for i := range turn {
				if text, err := s.Text(ctx, scope, hits[i].ID); err == nil {
					hits[i].Snippet, hits[i].Marks = snippet(text, wanted)
				}
			}
		})
	}
	for i := range hits {
		turn <- i
	}
	close(turn)
	group.Wait()
}
