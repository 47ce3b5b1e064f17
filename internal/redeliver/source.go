package redeliver

import (
	"context"
	"fmt"
	"io"

	"mailarchive/internal/access"
	"mailarchive/internal/mail"
)

// Source is the way back to the bytes.
type Source interface {
	// Open returns what is known of a message and its exact bytes, for the
	// caller to close. The reader ends with io.EOF only when the digest was
	// the recorded one. Errors wrap ErrNotFound, also for what is not the
	// asker's, or ErrDamaged.
	Open(ctx context.Context, asker access.Scope, id mail.ID) (Original, io.ReadCloser, error)
}

// Original is a message in the archive.
type Original struct {
	ID     mail.ID
	Digest mail.Digest
	Size   int64 // in bytes
	// Delivered are the recipients of its envelopes, as far as the asker may
	// know them.
	Delivered []mail.Address
}

// inspect reads a message to its end and says what it found.
func inspect(ctx context.Context, s Source, asker access.Scope, id mail.ID) (Original, Facts, error) {
	original, content, err := s.Open(ctx, asker, id)
	if err != nil {
		return original, Facts{}, fmt.Errorf("open %s: %w", id, err)
	}
	defer content.Close()
	facts, err := Inspect(content)
	if err != nil {
		return original, facts, fmt.Errorf("read %s: %w", id, err)
	}
	return original, facts, nil
}
