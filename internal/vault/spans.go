package vault

import (
	"context"
	"io"
	"runtime"
	"sync"
)

// checkedSpan is a span with all in it that can be looked at without knowing
// what came before.
type checkedSpan struct {
	span
	records []checkedRecord // those that can be read, in order
	bad     []badFrame
	whole   bool  // the frames have the digest that the mark names
	err     error // what kept it from looking
}

// checkedRecord is a record whose content was read. Its bytes are gone again.
type checkedRecord struct {
	found
	content error // wraps mail.ErrDamaged when the bytes are not those that came in
}

// check reads and hashes everything in the span.
func (sc *scanner) check(s span) checkedSpan {
	c := checkedSpan{span: s}
	c.bad, c.err = sc.records(s, func(fd found) error {
		r := checkedRecord{found: fd, content: sc.checkContent(fd)}
		r.json, r.inline = nil, nil
		c.records = append(c.records, r)
		return nil
	})
	if c.err == nil && s.mark != nil {
		c.whole, c.err = s.intact(sc.w)
	}
	return c
}

// spanJob is a span that waits to be checked.
type spanJob struct {
	span
	done chan checkedSpan
}

// checkSpans checks the first length bytes of a segment on all cores and calls
// each for its spans in order.
func (v *Vault) checkSpans(ctx context.Context, number int, f io.ReaderAt, length int64, each func(checkedSpan) error) error {
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
				j.done <- sc.check(j.span)
			}
		})
	}
	for j := range ordered {
		select {
		case c := <-j.done:
			if err := each(c); err != nil {
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
// and then to whoever checks it.
func (v *Vault) findSpans(ctx context.Context, number int, w *window, jobs, ordered chan<- spanJob) {
	for off := int64(0); off < w.limit; {
		s, err := nextSpan(w, off, v.homeOf(number))
		j := spanJob{s, make(chan checkedSpan, 1)}
		if err != nil {
			j.done <- checkedSpan{span: s, err: err}
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
