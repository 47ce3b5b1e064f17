// Package catalog is the contract of metadata and full text.
//
// In come documents in vault order and queries within a scope; out go rows.
// When Apply returns nil, rows, full text and cursor of the batch are in the
// engine's files together. A crash of the process leaves the state after the
// last Apply; a power cut may take back the last few, each whole, with their
// cursors. All of it is derived: it can be thrown away and made again from the
// vault.
//
// Package sqlite implements it; package catalogtest is the contract in
// executable form, which each implementation runs. [Switch] exchanges one
// catalog for another while both are in use.
package catalog

import (
	"context"
	"time"

	"mailarchive/internal/access"
	"mailarchive/internal/extract"
	"mailarchive/internal/keyword"
	"mailarchive/internal/mail"
)

// Document is one arrival with what was read of its content.
type Document struct {
	Arrival mail.Arrival
	extract.Message
	// SortDate places the message in time (see the indexer's rule). Catalogs
	// keep it to the millisecond.
	SortDate time.Time
	// Direction is the way of this arrival.
	Direction mail.Direction
	// Candidates are the terms that the keywords are chosen from; the catalog
	// knows how common each is and fills Keywords.
	Candidates []keyword.Candidate
	// Unread says that the content could not be read back: Message holds
	// nothing but the reason, in Problems. A later arrival of the same content
	// that is not Unread takes its place.
	Unread bool
	// Prepared is what a [Preparer] has made of the document for its own
	// Apply; nobody else looks at it.
	Prepared any
}

// Row is a message as results list it.
type Row struct {
	ID          mail.ID // of the first arrival
	Digest      mail.Digest
	Size        int64
	SortDate    time.Time
	Date        time.Time // the Date header; zero when unreadable
	Received    time.Time // of the first arrival
	MessageID   string
	Subject     string
	From        []extract.Participant
	To, Cc, Bcc []extract.Participant
	// DeliveredTo are the distinct envelope recipients of all arrivals, in
	// order of appearance.
	DeliveredTo []mail.Address
	Attachments []extract.Attachment
	Keywords    []string
	Problems    []string
	Arrivals    int
}

// Position is a place in a walk over results, for the next page. The zero
// Position is the beginning. It has no meaning outside the engine that gave it
// and may be stale after a reindex; then the walk goes on near that place.
type Position string

// Order is the direction of a walk over results.
type Order int

const (
	// NewestFirst walks by sort date, newest first.
	NewestFirst Order = iota
	// LastArrivedFirst walks by the first arrival's number, newest first.
	LastArrivedFirst
)

// Query asks for the messages that match Where within Scope.
type Query struct {
	Scope access.Scope
	Where Node // nil matches all
	Order Order
	After Position
	Limit int // rows at most; 0 is no limit
}

// Hit is a row with the position behind it.
type Hit struct {
	Row
	Next Position
}

// Counts says how far the catalog has come.
type Counts struct {
	Cursor      uint64 // seq up to which everything in the vault is in the catalog
	Arrivals    uint64 // arrivals in the catalog
	Messages    uint64 // distinct messages
	Indexed     uint64 // distinct messages with full text
	Unparseable uint64 // messages with problems
	BytesRaw    uint64 // sum of sizes of the messages
}

// Listing names an arrival.
type Listing struct {
	Seq uint64
	ID  mail.ID
}

// Catalog keeps metadata and full text. All methods may be called at once
// from several goroutines; Apply calls are the caller's to keep one at a time.
type Catalog interface {
	// Apply takes documents whose arrivals follow the cursor in rising seq
	// (gaps are allowed) and adds rows, full text and the new cursor in one
	// transaction. Documents at or below the cursor are skipped, so a batch
	// may be applied twice. The cursor becomes upTo or the last document's
	// seq, whichever is greater, and never goes back; upTo steps over numbers
	// that no arrival bears: records of another kind, or lost to damage.
	//
	// A further arrival of known content joins that message: its envelope
	// becomes searchable, its row keeps ID and sort date. Errors: ErrDamaged,
	// ErrFull, ErrRetry, ErrBadInput for seqs that do not rise; after any
	// error nothing of the batch is there.
	Apply(ctx context.Context, batch []Document, upTo uint64) error

	// Counts is exact as of the last Apply that returned.
	Counts(ctx context.Context) (Counts, error)

	// Search calls yield for each matching row in order until yield returns
	// false, the limit is reached or ctx ends. Of rows with one sort date
	// the later arrived comes first. A walk with no limit sees each message that was there from its beginning to its
	// end exactly once; yield may call other methods. Errors: ErrBadInput for
	// a node that the engine cannot evaluate or a position that it never gave.
	Search(ctx context.Context, q Query, yield func(Hit) bool) error

	// Count counts matches within the scope exactly up to limit; more tells
	// that there are more than that.
	Count(ctx context.Context, scope access.Scope, where Node, limit int) (n int, more bool, err error)

	// Volume returns what the archive holds in each period of a unit from since
	// to before (zero times are no bounds), oldest first, empty periods left
	// out. Hours are counted whole, where they begin. Errors: ErrBadInput for a unit that there is not.
	Volume(ctx context.Context, scope access.Scope, unit Unit, since, before time.Time) ([]Period, error)

	// Top returns the most frequent values of a dimension, by messages, the
	// most first; equal ones by value, keywords by their folded words. limit is at least 1. Errors:
	// ErrBadInput for a dimension that there is not.
	Top(ctx context.Context, scope access.Scope, of Dimension, limit int) ([]Tally, error)

	// Lookup finds the one message that ref names: a full ID of any of its
	// arrivals, an unambiguous beginning of one (from four characters), or a
	// Message-ID with or without brackets. Errors: ErrNotFound (also for what
	// is outside the scope), ErrAmbiguous.
	Lookup(ctx context.Context, scope access.Scope, ref string) (Row, error)

	// Arrivals lists all arrivals of the message with that ID by rising seq.
	// Errors: ErrNotFound.
	Arrivals(ctx context.Context, scope access.Scope, id mail.ID) ([]mail.Arrival, error)

	// Imported reports whether an arrival with that import key (mail.Origin)
	// is in the catalog.
	Imported(ctx context.Context, key mail.Digest) (bool, error)

	// Listed returns the arrivals with numbers from first to last, both
	// included, that are in the catalog whole: with the row and the full text
	// of their message. They come by rising number.
	Listed(ctx context.Context, first, last uint64) ([]Listing, error)

	// Check looks the engine's own structures over and returns an error that
	// wraps ErrDamaged when they are not sound.
	Check(ctx context.Context) error

	// Close lets go of the files. No other method may be called after it.
	Close() error
}
