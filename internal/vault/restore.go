package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"mailarchive/internal/mail"
)

// Restoration is what AppendRestored did.
type Restoration string

// What AppendRestored did.
const (
	// Present: the vault had the arrival and its bytes already.
	Present Restoration = "present"
	// Returned: the vault had the arrival, and has its bytes again.
	Returned Restoration = "returned"
	// Added: the vault did not have the arrival. It has now, by the ID, time and
	// envelope that it had before, and a number of its own.
	Added Restoration = "added"
)

// AppendRestored stores an arrival that comes out of an archive file, of this
// vault or of another: the exact bytes of its record (ID.json, of a kind that has
// content) and the content, which it takes over whatever it returns. When it
// returns nil, both survive power loss and Get and Open find them by the ID that
// the record tells. The record becomes part of a new one, so that it stays
// checkable as a link of the chain that it comes from.
//
// Errors: mail.ErrBadInput for a record without content, and for one that has the
// ID of a message that is here and is another record: one of the two is forged;
// mail.ErrDamaged for what is no record, and for content with another digest;
// else as Append. Several may run at once, two of one arrival in turn; call it
// again after an error.
func (v *Vault) AppendRestored(ctx context.Context, record []byte, content *Staged) (mail.Arrival, Restoration, error) {
	defer content.Discard()
	a, did, err := v.restore(ctx, record, content)
	if err != nil {
		return mail.Arrival{}, "", fmt.Errorf("restore: %w", err)
	}
	return a, did, nil
}

func (v *Vault) restore(ctx context.Context, record []byte, content *Staged) (mail.Arrival, Restoration, error) {
	if content.err != nil {
		return mail.Arrival{}, "", content.err
	}
	r, err := checkOriginal(record)
	if err != nil {
		return mail.Arrival{}, "", err
	}
	id := r.Arrival().ID
	if digest := content.digest(); digest != r.SHA256 || content.size != r.Size {
		return mail.Arrival{}, "", fmt.Errorf("content of %s is %d bytes with digest %s, its record says %d and %s: %w", id, content.size, digest, r.Size, r.SHA256, mail.ErrDamaged)
	}
	done, err := v.alone(ctx, id)
	if err != nil {
		return mail.Arrival{}, "", err
	}
	defer done()
	here, err := v.byID(id)
	if errors.Is(err, mail.ErrNotFound) {
		return v.bring(KindRestored, Added, r, record, content)
	}
	if err != nil {
		return mail.Arrival{}, "", orRetry(err)
	}
	if err := sameArrival(here, r, record); err != nil {
		return mail.Arrival{}, "", err
	}
	if v.readsBack(here, content) {
		return here.Arrival, Present, nil
	}
	_, did, err := v.bring(KindReturned, Returned, r, record, content)
	return here.Arrival, did, err
}

// alone waits until nobody else restores the arrival with that ID.
func (v *Vault) alone(ctx context.Context, id mail.ID) (done func(), err error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		v.mu.Lock()
		other, busy := v.underway[id]
		if !busy {
			mine := make(chan struct{})
			v.underway[id] = mine
			v.mu.Unlock()
			return func() {
				v.mu.Lock()
				defer v.mu.Unlock()
				delete(v.underway, id)
				close(mine)
			}, nil
		}
		v.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
		}
	}
}

// sameArrival says whether the message that is here is the one that the record
// tells of. Of a damaged one the digest of its content has to do.
func sameArrival(here Item, r *Record, exact []byte) error {
	same := here.Arrival.Digest == r.SHA256 && here.Arrival.Size == r.Size
	if here.Err == nil {
		own, err := DecodeRecord(here.Record)
		if err != nil {
			return err
		}
		same = bytes.Equal(arrivalRecord(own, here.Record), arrivalRecord(r, exact))
	} else if !errors.Is(here.Err, mail.ErrDamaged) {
		return here.Err
	}
	if !same {
		return fmt.Errorf("message %s is here with another record, so that one of the two is forged: %w", here.Arrival.ID, mail.ErrBadInput)
	}
	return nil
}

// readsBack reports whether the message's bytes are here and are the content's.
func (v *Vault) readsBack(here Item, content *Staged) bool {
	stored, err := here.Content()
	if err != nil {
		return false
	}
	defer stored.Close()
	same, err := equal(stored, content.reader())
	if err != nil {
		v.log.Warn("content did not read back and is stored again", "id", here.Arrival.ID, "error", err)
	}
	return same && err == nil
}

// bring appends a record of that kind.
func (v *Vault) bring(kind string, did Restoration, r *Record, exact []byte, content *Staged) (mail.Arrival, Restoration, error) {
	if err := v.upgrade(); err != nil {
		return mail.Arrival{}, "", err
	}
	origin := r
	if r.Origin != nil {
		origin = r.Origin
	}
	q := &request{kind: kind, original: exact, origin: origin, content: content}
	if err := v.store(q); err != nil {
		return mail.Arrival{}, "", err
	}
	return q.arrival(), did, nil
}
