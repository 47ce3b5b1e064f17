package main

import (
	"context"
	"fmt"
	"time"

	"mailarchive/internal/access"
	"mailarchive/internal/control"
)

// sample is a message that was accepted.
type sample struct {
	word string    // that no other has
	at   time.Time // of its 250
}

// result is how long each sample took to be found.
type result struct {
	took []time.Duration
	err  error
}

const (
	pollPause = 3 * time.Millisecond // so that asking is no load by itself
	patience  = time.Minute
)

// look searches for the samples in turn, each until it is found.
func look(ctx context.Context, client *control.Client, samples <-chan sample) (r result) {
	for s := range samples {
		if r.err != nil {
			continue // until the sender is done
		}
		found, err := findable(ctx, client, s)
		if err != nil {
			r.err = err
			continue
		}
		r.took = append(r.took, found.Sub(s.at))
	}
	return r
}

// findable returns the time when a search had the message.
func findable(ctx context.Context, client *control.Client, s sample) (time.Time, error) {
	for time.Since(s.at) < patience {
		hits := 0
		_, err := client.Search(ctx, access.Everything("bench"), control.SearchRequest{Query: s.word, Limit: 1}, func(control.Hit) error {
			hits++
			return nil
		})
		if err != nil {
			return time.Time{}, err
		}
		if hits > 0 {
			return time.Now(), nil
		}
		time.Sleep(pollPause)
	}
	return time.Time{}, fmt.Errorf("%s was accepted and is not found %s later", s.word, patience)
}
