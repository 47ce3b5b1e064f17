// Command search measures searches within an archive, as its server runs
// them: newest 50 hits with rows, recipients and snippets.
//
//	go run ./bench/search -data DIR [-queries 200] [-cold 50]
//
// DIR is the folder of an archive that no other process has open; it is only
// read. The queries of each class are made of words of the archive's own
// messages, drawn with a fixed seed. A cold run has the archive opened anew
// before each query, so that nothing is cached by the program (the system's
// page cache stays). A first run is that of a query that the open archive has
// not seen yet, with what others left in its caches; the later ones are warm.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"slices"
	"time"

	"mailarchive/internal/access"
	"mailarchive/internal/search"
)

const (
	shown      = 50      // hits of a query
	countLimit = 100_000 // up to which the server counts hits
	warmRounds = 3
	goal       = 5 * time.Millisecond // p95 of each class
)

func main() {
	log.SetFlags(0)
	data := flag.String("data", "", "the archive's folder")
	queries := flag.Int("queries", 200, "queries of each class")
	cold := flag.Int("cold", 50, "queries of each class that are run cold as well")
	flag.Parse()
	if *data == "" {
		log.Fatal("-data is missing: the folder of an archive, see -keep of bench/index and bench/scale")
	}
	if err := run(context.Background(), *data, *queries, *cold); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, data string, queries, cold int) error {
	b := bench{data: data, scope: access.Everything("bench")}
	if err := b.lock(); err != nil {
		return err
	}
	defer b.unlock()
	classes, err := b.draw(ctx, queries)
	if err != nil {
		return err
	}
	fmt.Println("| queries | hits shown, mean | warm p50 ms | p95 | p99 | first p50 ms | p95 | p99 | cold p50 ms | p95 | p99 | warm with the count p95 |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|---|---|")
	slow := 0
	for _, c := range classes {
		r, err := b.measure(ctx, c, cold)
		if err != nil {
			return err
		}
		fmt.Printf("| %s | %.0f | %s | %s | %s | %s |\n", c.name, r.hits, spread(r.warm), spread(r.first), spread(r.cold), ms(percentile(r.counted, 95)))
		if percentile(r.warm, 95) >= goal {
			slow++
		}
	}
	fmt.Printf("\n%d classes of %d queries, %d of them cold. Goal: warm p95 under %s; missed by %d.\n", len(classes), queries, min(cold, queries), goal, slow)
	return nil
}

// result are the times of one class.
type result struct {
	hits                       float64 // mean of the hits shown
	cold, first, warm, counted []time.Duration
}

func (b *bench) measure(ctx context.Context, c class, cold int) (r result, err error) {
	for _, query := range c.queries[:min(cold, len(c.queries))] {
		err := b.with(ctx, func(s *search.Searcher) error {
			took, _, err := b.ask(ctx, s, query)
			r.cold = append(r.cold, took)
			return err
		})
		if err != nil {
			return r, err
		}
	}
	return r, b.with(ctx, func(s *search.Searcher) error { return b.warm(ctx, s, c, &r) })
}

// warm runs all queries of a class once, and then again.
func (b *bench) warm(ctx context.Context, s *search.Searcher, c class, r *result) error {
	for round := range warmRounds + 1 {
		for _, query := range c.queries {
			took, hits, err := b.ask(ctx, s, query)
			if err != nil {
				return err
			}
			if round == 0 {
				r.hits += float64(hits) / float64(len(c.queries))
				r.first = append(r.first, took)
				continue
			}
			r.warm = append(r.warm, took)
			begun := time.Now()
			if hits == shown { // else the server knows the number
				if _, _, err := s.Count(ctx, b.scope, query, countLimit); err != nil {
					return err
				}
			}
			r.counted = append(r.counted, took+time.Since(begun))
		}
	}
	return nil
}

// ask runs a query to its end and says how long that took.
func (b *bench) ask(ctx context.Context, s *search.Searcher, query string) (time.Duration, int, error) {
	hits := 0
	begun := time.Now()
	err := s.Search(ctx, b.scope, search.Request{Query: query, Limit: shown}, func(search.Hit) bool { hits++; return true })
	if err != nil {
		err = fmt.Errorf("%q: %w", query, err)
	}
	return time.Since(begun), hits, err
}

func spread(times []time.Duration) string {
	return ms(percentile(times, 50)) + " | " + ms(percentile(times, 95)) + " | " + ms(percentile(times, 99))
}

func ms(d time.Duration) string { return fmt.Sprintf("%.2f", float64(d)/float64(time.Millisecond)) }

// percentile is the least time that so many in a hundred do not exceed.
func percentile(times []time.Duration, p int) time.Duration {
	if len(times) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(times))
	return s[(len(s)*p+99)/100-1]
}
