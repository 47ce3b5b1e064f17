package retrieve

import (
	"context"
	"errors"
	"fmt"
	"io"

	"mailarchive/internal/access"
	"mailarchive/internal/catalog"
	"mailarchive/internal/mail"
)

// Vault is where the bytes are.
type Vault interface {
	// Get returns the arrival with that ID. Errors wrap ErrNotFound or
	// ErrDamaged.
	Get(ctx context.Context, id mail.ID) (mail.Arrival, error)
	// Open returns it with its bytes, for the caller to close and to check.
	// Errors wrap ErrNotFound or ErrDamaged.
	Open(ctx context.Context, id mail.ID) (mail.Arrival, io.ReadCloser, error)
}

// Door gives out messages. Catalog, Vault and Audit must be set.
type Door struct {
	Catalog catalog.Catalog
	Vault   Vault
	Audit   Audit
	// TextsKept is how many bytes of text are remembered for snippets; 0 means
	// 32 MiB.
	TextsKept int

	texts texts
}

// Message is what is known of a message whose bytes were asked for. Of one
// that the indexer has not reached yet only ID, Digest, Size, Received and
// DeliveredTo are set.
type Message struct {
	catalog.Row
	// History are its arrivals by rising seq.
	History []mail.Arrival
}

// Open finds the message that ref names (see catalog.Lookup) within the
// asker's scope, records the reading, and opens its bytes. What the reader
// gives until io.EOF has the recorded digest; the caller closes it.
//
// Errors: ErrNotFound (also for what is not the asker's), ErrAmbiguous,
// ErrDamaged with the ID when no copy has the right bytes. A reader of more
// than a mebibyte may itself end with ErrDamaged, when the disk fails between
// the check and the reading.
func (d *Door) Open(ctx context.Context, asker access.Scope, ref string, purpose Purpose) (Message, io.ReadCloser, error) {
	m, err := d.find(ctx, asker, ref)
	if err != nil {
		return Message{}, nil, fmt.Errorf("retrieve: %w", err)
	}
	if !purpose.recordedElsewhere() {
		if err := d.Audit.Record(ctx, Reading{asker.Actor(), purpose, m.ID}); err != nil {
			return Message{}, nil, fmt.Errorf("retrieve %s: audit: %w", m.ID, err)
		}
	}
	content, err := d.open(ctx, m)
	if err != nil {
		return m, nil, fmt.Errorf("retrieve %s: %w", m.ID, err)
	}
	return m, content, nil
}

func (d *Door) find(ctx context.Context, asker access.Scope, ref string) (Message, error) {
	row, err := d.Catalog.Lookup(ctx, asker, ref)
	if errors.Is(err, mail.ErrNotFound) {
		return d.findUnindexed(ctx, asker, ref, err)
	}
	if err != nil {
		return Message{}, err
	}
	history, err := d.Catalog.Arrivals(ctx, asker, row.ID)
	return Message{row, history}, err
}

// findUnindexed looks into the vault for a message that the catalog does not
// know yet. Whose it is cannot be told before it is indexed.
func (d *Door) findUnindexed(ctx context.Context, asker access.Scope, ref string, notFound error) (Message, error) {
	id, err := mail.ParseID(ref)
	if err != nil || !asker.All() {
		return Message{}, notFound
	}
	a, err := d.Vault.Get(ctx, id)
	if err != nil {
		return Message{}, err
	}
	m := Message{History: []mail.Arrival{a}}
	m.ID, m.Digest, m.Size, m.Received, m.SortDate, m.Arrivals = a.ID, a.Digest, a.Size, a.Received, a.Received, 1
	for _, to := range a.Envelope.To {
		m.DeliveredTo = append(m.DeliveredTo, to.Address)
	}
	return m, nil
}

// open tries the arrivals of a message until the bytes of one are right: the
// vault may hold them twice, or once more after they left for an archive file.
func (d *Door) open(ctx context.Context, m Message) (io.ReadCloser, error) {
	var errs []error
	elsewhere := false
	for _, a := range m.History {
		content, err := openChecked(func() (io.ReadCloser, error) {
			_, content, err := d.Vault.Open(ctx, a.ID)
			return content, err
		}, m.Digest, m.Size)
		switch {
		case err == nil:
			return content, nil
		case errors.Is(err, mail.ErrElsewhere):
			if !elsewhere { // the others would name the same file
				errs = append(errs, err)
			}
			elsewhere = true
		default:
			errs = append(errs, fmt.Errorf("content of %s: %w", a.ID, err))
			if !errors.Is(err, mail.ErrDamaged) && !errors.Is(err, mail.ErrNotFound) {
				return nil, errors.Join(errs...)
			}
		}
	}
	return nil, errors.Join(errs...)
}
