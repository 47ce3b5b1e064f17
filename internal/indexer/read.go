package indexer

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"syscall"

	"mailarchive/internal/catalog"
	"mailarchive/internal/extract"
	"mailarchive/internal/mail"
)

// largeContent is the size above which one extraction runs at a time.
const largeContent = 8 << 20

// read makes a document of an item. skip says that nothing is known of it. An
// error is one that may be gone on the next try.
func (ix *Indexer) read(ctx context.Context, x *extract.Extractor, item Item) (d catalog.Document, skip bool, err error) {
	d.Arrival = item.Arrival
	if item.Note {
		return d, true, nil
	}
	if item.Err != nil {
		return ix.lost(ctx, d, item.Err)
	}
	if item.Arrival.Size > largeContent {
		select {
		case ix.large <- struct{}{}:
			defer func() { <-ix.large }()
		case <-ctx.Done():
			return d, false, ctx.Err()
		}
	}
	d.Message, err = extractChecked(x, item)
	switch {
	case err == nil:
		bound(&d.Message)
		d.SortDate = extract.SortDate(d.Message, d.Arrival)
		d.Direction = ix.Local.Direction(d.Arrival, &d.Message)
		if ix.Candidates != nil {
			d.Candidates = ix.Candidates(d.Subject, d.Text)
		}
		return d, false, nil
	case errors.Is(err, mail.ErrElsewhere):
		return ix.elsewhere(ctx, d, item, err), false, nil
	case errors.Is(err, mail.ErrDamaged) || !ofTheMachine(err) && ix.tries.spent(item.Arrival.Seq):
		ix.Log.ErrorContext(ctx, "content could not be read", "step", "extract", "id", d.Arrival.ID, "error", err)
		return ix.unread(d, "the content could not be read: "+err.Error()), false, nil
	}
	return d, false, fmt.Errorf("read content of %s: %w", item.Arrival.ID, err)
}

// Describe reads one item as the indexer does, with an extractor of the caller's.
// Its keywords are not chosen yet. An error is one that may be gone on the next
// try.
func (ix *Indexer) Describe(ctx context.Context, x *extract.Extractor, item Item) (catalog.Document, error) {
	d, _, err := ix.read(ctx, x, item)
	return d, err
}

// elsewhere makes the document of a message whose bytes are in an archive file
// that cannot be read here, of what was known before they left.
func (ix *Indexer) elsewhere(ctx context.Context, d catalog.Document, item Item, err error) catalog.Document {
	reason := "its text is not searchable here: " + strings.ReplaceAll(err.Error(), "\n", "; ")
	if item.Known != nil {
		known, kerr := item.Known()
		if kerr == nil {
			known.Problems = append(known.Problems, reason)
			return known
		}
		ix.Log.ErrorContext(ctx, "what was known of a sealed message cannot be read", "step", "extract", "id", d.Arrival.ID, "error", kerr)
	}
	return ix.unread(d, reason)
}

// ofTheMachine reports whether the error says nothing about the content: the
// process has too many files open, or the machine no memory. It is tried for
// as long as that lasts.
func ofTheMachine(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ENOMEM)
}

// lost is for an item whose record could not be read.
func (ix *Indexer) lost(ctx context.Context, d catalog.Document, err error) (catalog.Document, bool, error) {
	ix.Log.ErrorContext(ctx, "record could not be read", "step", "vault", "seq", d.Arrival.Seq, "id", d.Arrival.ID, "error", err)
	if d.Arrival.ID.IsZero() {
		return d, true, nil
	}
	if d.Arrival.Received.IsZero() {
		d.Arrival.Received = d.Arrival.ID.Time()
	}
	return ix.unread(d, "the record could not be read: "+err.Error()), false, nil
}

func (ix *Indexer) unread(d catalog.Document, problem string) catalog.Document {
	d.Message = extract.Message{Problems: []string{problem}}
	d.Direction = ix.Local.Direction(d.Arrival, &d.Message)
	d.SortDate = extract.SortDate(d.Message, d.Arrival)
	d.Unread = true
	return d
}

// extractChecked extracts the content and compares its digest.
func extractChecked(x *extract.Extractor, item Item) (extract.Message, error) {
	content, err := item.Open()
	if err != nil {
		return extract.Message{}, err
	}
	defer content.Close()
	hash := sha256.New()
	hashed := io.TeeReader(content, hash)
	m, err := x.Extract(hashed)
	if err != nil {
		return extract.Message{}, err
	}
	if _, err := io.Copy(io.Discard, hashed); err != nil {
		return extract.Message{}, err
	}
	if got := mail.Digest(hash.Sum(nil)); got != item.Arrival.Digest {
		return extract.Message{}, fmt.Errorf("digest is %s, the record says %s: %w", got, item.Arrival.Digest, mail.ErrDamaged)
	}
	return m, nil
}

// maxTries is how often content is read before an error that does not say
// "damaged" counts as damage: mail behind it must not wait for ever.
const maxTries = 5

// tries counts the attempts at items that fail.
type tries struct {
	mu sync.Mutex
	of map[uint64]int // by seq
}

// spent counts an attempt at seq and reports whether it was the last one.
func (t *tries) spent(seq uint64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.of == nil {
		t.of = map[uint64]int{}
	}
	t.of[seq]++
	return t.of[seq] >= maxTries
}

// forget begins anew after a pass that worked.
func (t *tries) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.of)
}
