package vault

import (
	"context"
	"fmt"

	"mailarchive/internal/mail"
)

// Append stores one message: it takes the content over, whatever it returns.
// When it returns nil, bytes and arrival record survive power loss; on any
// error the caller tells its peer to try again (mail.ErrTooLarge excepted,
// which will never work). An error does not say that nothing was stored: a
// record nobody was told of may stay. Calling it twice with the same bytes is
// safe and records two arrivals. It waits for the commit even when ctx ends.
func (v *Vault) Append(ctx context.Context, envelope mail.Envelope, content *Staged) (mail.Arrival, error) {
	defer content.Discard()
	if content.err != nil {
		return mail.Arrival{}, content.err
	}
	if err := ctx.Err(); err != nil {
		return mail.Arrival{}, err
	}
	r := &request{kind: KindArrival, envelope: envelope, content: content}
	if err := v.store(r); err != nil {
		return mail.Arrival{}, fmt.Errorf("append: %w", err)
	}
	return r.arrival(), nil
}

// store brings a request with content to disk. Bytes that are here are named.
func (v *Vault) store(r *request) error {
	id, holder := v.sameContent(r.content)
	defer v.unpin(holder)
	if holder != nil {
		r.bytesIn = &id
	} else if err := r.content.pack(); err != nil {
		return err
	}
	return v.submit(r)
}

// submit hands a request to the writer and waits for its commit.
func (v *Vault) submit(r *request) error {
	r.done = make(chan error, 1)
	if err := v.enqueue(r); err != nil {
		return err
	}
	return <-r.done
}

func (v *Vault) enqueue(r *request) error {
	v.gate.RLock()
	defer v.gate.RUnlock()
	if v.closing {
		return fmt.Errorf("the vault is being closed: %w", mail.ErrRetry)
	}
	v.queue <- r
	return nil
}

// request is one record that waits for its commit.
type request struct {
	kind     string
	envelope mail.Envelope // of KindArrival
	original []byte        // of KindRestored and KindReturned
	origin   *Record       // the arrival that original tells of
	note     []byte        // of all others
	content  *Staged       // nil when there is none
	bytesIn  *mail.ID
	rotate   bool // no record at all: the next commit is to begin a new segment
	record   *Record
	done     chan error
}

// fill writes into the record what the request brings.
func (r *request) fill(record *Record) {
	record.Kind, record.BytesIn = r.kind, r.bytesIn
	record.Note, record.Original, record.Origin = r.note, string(r.original), r.origin
	if r.kind == KindArrival {
		record.setEnvelope(r.envelope)
	}
	r.record = record
}

// patient reports whether the request may wait a moment for others: it is one of
// many of an import.
func (r *request) patient() bool { return r.envelope.Origin != nil }

// arrival is what was stored, once it was.
func (r *request) arrival() mail.Arrival {
	a := r.record.Arrival()
	if r.kind == KindArrival {
		a.Envelope = r.envelope // the record's may be in another form by now
	}
	return a
}

// bound is an upper limit of what the request adds to a segment, in bytes.
func (r *request) bound() int64 {
	n := int64(recordEstimate + 3*tarBlock + len(r.note) + 2*len(r.original))
	for _, to := range r.envelope.To {
		n += int64(len(to.Address)) + 8
		for _, p := range to.Params {
			n += int64(len(p)) + 8
		}
	}
	switch {
	case r.bytesIn != nil, r.content == nil:
	case r.content.packed != nil:
		n += r.content.packed.size + 4*int64(len(r.content.frames))
	default:
		n += r.content.size
	}
	return n
}
