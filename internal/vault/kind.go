package vault

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"mailarchive/internal/mail"
)

// Kinds of records. The vault knows what these mean; those of [Vault.Note] it
// only keeps.
const (
	// KindArrival: content came in.
	KindArrival = "arrival"
	// KindSeal: an archive file holds arrivals from here; the note is a [Seal].
	KindSeal = "seal"
	// KindRestored: an arrival that this vault did not have came out of an
	// archive file. It is an arrival here from now on.
	KindRestored = "restored"
	// KindReturned: the bytes of an arrival that this vault has came back out
	// of an archive file. It is no arrival.
	KindReturned = "returned"
)

// maxOriginals bounds how often an arrival can have been restored from a vault
// that it was restored to: the JSON of a record in a record in a record grows
// fast by its quotes.
const maxOriginals = 8

// IsArrival reports whether the record stands for a message of its own.
func (r *Record) IsArrival() bool { return r.Kind == KindArrival || r.Kind == KindRestored }

// Restored reports whether the record carries another one with its content.
func (r *Record) Restored() bool { return r.Kind == KindRestored || r.Kind == KindReturned }

// HasContent reports whether there are bytes that belong to the record, here or
// in an archive file.
func (r *Record) HasContent() bool { return r.Kind == KindArrival || r.Restored() }

// short is a record as it stands in the file when it is of another kind than
// arrival, which has no envelope of its own. The order of fields is that of
// Record.
type short struct {
	Format   int             `json:"format"`
	Vault    UUID            `json:"vault"`
	Seq      uint64          `json:"seq"`
	Prev     mail.Digest     `json:"prev"`
	Salt     string          `json:"salt"`
	Kind     string          `json:"kind"`
	ID       mail.ID         `json:"id"`
	SHA256   *mail.Digest    `json:"sha256,omitempty"`
	Size     *int64          `json:"size,omitempty"`
	Received string          `json:"received"`
	BytesIn  *mail.ID        `json:"bytes_in,omitempty"`
	Closed   *Closed         `json:"closed,omitempty"`
	Note     json.RawMessage `json:"note,omitempty"`
	Original string          `json:"original,omitempty"`
}

func (r *Record) short() short {
	s := short{
		Format: FormatVersion, Vault: r.Vault, Seq: r.Seq, Prev: r.Prev, Salt: r.Salt, Kind: r.Kind, ID: r.ID,
		Received: r.Received, BytesIn: r.BytesIn, Closed: r.Closed, Note: r.Note, Original: r.Original,
	}
	if r.HasContent() {
		s.SHA256, s.Size = &r.SHA256, &r.Size
	}
	return s
}

// openOriginal reads the record that a restored one carries. Errors wrap
// mail.ErrDamaged.
func (r *Record) openOriginal(depth int) error {
	if depth >= maxOriginals {
		return fmt.Errorf("record %d was restored more than %d times: %w", r.Seq, maxOriginals, mail.ErrDamaged)
	}
	o, err := decodeRecord([]byte(r.Original), depth+1)
	if err != nil {
		return fmt.Errorf("original of record %d: %w", r.Seq, err)
	}
	if !o.HasContent() || o.SHA256 != r.SHA256 || o.Size != r.Size {
		return fmt.Errorf("original of record %d tells of another content: %w", r.Seq, mail.ErrDamaged)
	}
	r.Origin = o
	if o.Origin != nil {
		r.Origin = o.Origin
	}
	return nil
}

// arrivalRecord returns the exact bytes of the record of the arrival that a
// record tells of: its own, or those of the innermost original.
func arrivalRecord(r *Record, exact []byte) []byte {
	for r.Restored() {
		exact = []byte(r.Original)
		inner, err := DecodeRecord(exact)
		if err != nil {
			break // not after openOriginal
		}
		r = inner
	}
	return exact
}

// checkOriginal says why bytes cannot be carried as the original of a record.
func checkOriginal(record []byte) (*Record, error) {
	if !utf8.Valid(record) {
		return nil, fmt.Errorf("record is not UTF-8: %w", mail.ErrDamaged)
	}
	r, err := DecodeRecord(record)
	switch {
	case err != nil:
		return nil, err
	case !r.HasContent():
		return nil, fmt.Errorf("record %s is of kind %q, which has no content: %w", r.ID, r.Kind, mail.ErrBadInput)
	case strings.Count(string(record), "\n") != 1 || record[len(record)-1] != '\n':
		return nil, fmt.Errorf("record %s is not one line: %w", r.ID, mail.ErrDamaged)
	}
	return r, nil
}
