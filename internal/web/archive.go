package web

import (
	"context"
	"io"
	"time"

	"mailarchive/internal/access"
	"mailarchive/internal/catalog"
	"mailarchive/internal/control"
	"mailarchive/internal/retrieve"
)

// Archive is what the pages read. All methods may be called at once; errors
// are of the kinds of package mail.
type Archive interface {
	// Search, Show, Stats, Volume and Top are those of control.Archive.
	Search(ctx context.Context, scope access.Scope, q control.SearchRequest, yield func(control.Hit) error) (control.SearchEnd, error)
	Show(ctx context.Context, scope access.Scope, ref string) (control.Shown, error)
	Stats(ctx context.Context, scope access.Scope) (control.Stats, error)
	Volume(ctx context.Context, scope access.Scope, unit catalog.Unit, since, before time.Time) ([]catalog.Period, error)
	Top(ctx context.Context, scope access.Scope, of catalog.Dimension, limit int) ([]catalog.Tally, error)
	// Open opens the exact bytes of a message, whose digest was checked, for a
	// purpose that is recorded; the caller closes the reader. Errors, of Read
	// too, as for Show.
	Open(ctx context.Context, scope access.Scope, ref string, purpose retrieve.Purpose) (io.ReadCloser, error)
}

// What the pages open messages for, besides retrieve.ToRead (source and .eml).
const (
	// ToPage is what the page of a message shows besides Show: its header and
	// the list of its parts.
	ToPage retrieve.Purpose = "page"
	// ToFrame is the formatted text, or an image in it.
	ToFrame retrieve.Purpose = "frame"
	// ToAttachment is a file, downloaded or looked at.
	ToAttachment retrieve.Purpose = "attachment"
)
