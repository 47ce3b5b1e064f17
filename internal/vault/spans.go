package vault

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"sync"
)

// readSpan is a span with all in it that can be looked at without knowing what
// came before.
type readSpan struct {
	span
	records []readRecord // those that can be read, in order
	bad     []badFrame
	whole   bool  // the frames have the digest that the mark names; set by check
	err     error // what kept it from looking
}

// readRecord is a record without its bytes.
type readRecord struct {
	found
	content error // of check: what is wrong with the content
}

// readRecords reads the records of the span.
func (sc *scanner) readRecords(s span) (r readSpan) {
	return sc.readEach(s, func(found) error { return nil })
}

// check reads and hashes everything in the span.
func (sc *scanner) check(s span) readSpan {
	r := sc.readEach(s, sc.checkContent)
	if r.err == nil && s.mark != nil {
		r.whole, r.err = s.intact(sc.w)
	}
	return r
}

func (sc *scanner) readEach(s span, content func(found) error) readSpan {
	r := readSpan{span: s}
	r.bad, r.err = sc.records(s, func(fd found) error {
		record := readRecord{found: fd, content: content(fd)}
		record.json, record.inline = nil, nil
		r.records = append(r.records, record)
		return nil
	})
	return r
}

// follow calls each for the records that may stand where they do, and counts
// the frames of others among the bad ones. End is the chain so far.
func (r *readSpan) follow(vault UUID, end func() chain, each func(readRecord)) {
	for _, record := range r.records {
		if err := r.mayFollow(record.found, end(), vault); err != nil {
			r.bad = append(r.bad, badFrame{frameSpan{off: record.frame, size: int(record.frameSize)}, err})
			continue
		}
		each(record)
	}
}

// spanJob is a span that waits to be read.
type spanJob struct {
	span
	done chan readSpan
}

// eachSpan reads the first length bytes of a segment on all cores and calls each
// for its spans in order. It ends with the first error of each.
func (v *Vault) eachSpan(ctx context.Context, number int, f io.ReaderAt, length int64,
	read func(*scanner, span) readSpan, each func(readSpan) error) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	workers := runtime.GOMAXPROCS(0)
	jobs, ordered := make(chan spanJob), make(chan spanJob, workers)
	wg.Go(func() {
		defer close(jobs)
		defer close(ordered)
		v.findSpans(ctx, number, &window{r: f, limit: length}, jobs, ordered)
	})
	for range workers {
		wg.Go(func() {
			sc := v.newScanner(f, length)
			for j := range jobs {
				j.done <- read(sc, j.span)
			}
		})
	}
	for j := range ordered {
		select {
		case r := <-j.done:
			if r.err != nil {
				return fmt.Errorf("at %d: %w", r.off, r.err)
			}
			if err := each(r); err != nil {
				return err
			}
		case <-ctx.Done():
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// findSpans sends each span of a segment first to whoever takes them in order
// and then to whoever reads it.
func (v *Vault) findSpans(ctx context.Context, number int, w *window, jobs, ordered chan<- spanJob) {
	for off := int64(0); off < w.limit; {
		s, err := nextSpan(w, off, v.homeOf(number))
		j := spanJob{s, make(chan readSpan, 1)}
		if err != nil {
			j.done <- readSpan{span: s, err: err}
		}
		select {
		case ordered <- j:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
		select {
		case jobs <- j:
		case <-ctx.Done():
			return
		}
		off = s.end
	}
}
