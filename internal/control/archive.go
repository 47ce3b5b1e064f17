// Package control is the way to an archive that another process has open: a
// socket in the data folder, with a server for the process that owns the
// folder and a client that is an [Archive] itself.
//
// In come calls of [Archive]; they go over the socket as HTTP/1.1 and come out
// at the server's Archive, and results, progress and errors come back with
// their kinds (package mail). What is safe on disk when a call returns is what
// the server's Archive promises: an answer is passed on only when it came
// whole, and content that was cut on its way never looks whole to the server.
// A crash of either side leaves the other an error, and maybe a socket file
// that nobody answers; the next [Listen] replaces it.
package control

import (
	"context"
	"io"
	"time"

	"mailarchive/internal/access"
	"mailarchive/internal/catalog"
	"mailarchive/internal/mail"
	"mailarchive/internal/search"
)

// Archive is what commands do with an archive, in this process or another. All
// methods may be called at once. Errors are of the kinds of package mail; any
// other is a failure of the machine.
type Archive interface {
	// Accept stores one message. When it returns nil, bytes and record survive
	// power loss; on any error nothing was promised and the caller may try
	// again. An error of content is an error of Accept, never a shorter
	// message. The arrival carries no envelope. Of calls with the same import
	// key at about the same time one stores, and all return its arrival.
	// Errors: ErrTooLarge, ErrFull, ErrRetry.
	Accept(ctx context.Context, envelope mail.Envelope, content io.Reader) (mail.Arrival, error)

	// Imported reports whether an arrival with that import key is there.
	Imported(ctx context.Context, key mail.Digest) (bool, error)

	// Search calls yield for each hit in order until it returns an error, which
	// Search then returns. Errors: ErrBadInput for a query that makes no sense.
	Search(ctx context.Context, scope access.Scope, q SearchRequest, yield func(Hit) error) (SearchEnd, error)

	// Show reads one message. The reference is an ID, an unambiguous beginning
	// of one, or a Message-ID. Errors: ErrNotFound, ErrAmbiguous, ErrDamaged.
	Show(ctx context.Context, scope access.Scope, ref string) (Shown, error)

	// Raw returns the exact bytes of a message; the caller closes the reader.
	// Errors, of Read too, as for Show.
	Raw(ctx context.Context, scope access.Scope, ref string) (io.ReadCloser, error)

	// Fetch calls each for every message that is asked for, with its exact
	// bytes, until each returns an error, which it then returns. A message
	// whose bytes cannot be had is among them, its Content failing. The record
	// of the reading is made before. Errors: ErrBadInput, ErrNotFound and
	// ErrAmbiguous for a reference.
	Fetch(ctx context.Context, scope access.Scope, q FetchRequest, each func(Fetched) error) error

	// Redeliver sends messages again, or says with DryRun who would get what.
	// When it returns, what is to be sent is in the queue, on disk. What is
	// wrong with one message stands with it and costs no other. Errors:
	// ErrBadInput, ErrNotFound and ErrAmbiguous for a reference, ErrTooLarge
	// for too many messages at once, ErrFull.
	Redeliver(ctx context.Context, scope access.Scope, q RedeliverRequest) (Redelivery, error)

	// Queue lists, retries and cancels what is to be sent. Errors:
	// ErrNotFound, ErrAmbiguous, ErrNotAllowed.
	Queue(ctx context.Context, scope access.Scope, q QueueRequest) (Queue, error)

	// Seal packs what is not in an archive file yet into one, verifies it,
	// and lets go of the live bytes. Each file that it returns is on disk and
	// was read back, also when there is an error: that is about what came
	// after. Errors: ErrRetry while another run goes on, ErrFull, ErrBadInput.
	Seal(ctx context.Context, scope access.Scope, q ArchiveRequest, report Report) (Archived, error)

	// Archives lists the archive files, the oldest first.
	Archives(ctx context.Context, scope access.Scope) ([]ArchiveFile, error)

	// ActOnArchives does something to archive files and lists those. What a
	// verification finds goes to report.Finding and is no error. Errors:
	// ErrNotFound, ErrNotAllowed (a copy that is none), ErrDamaged.
	ActOnArchives(ctx context.Context, scope access.Scope, q ArchiveActionRequest, report Report) ([]ArchiveFile, error)

	// Restore brings messages back out of an archive file, of this archive or
	// another; what is damaged in it goes to report.Finding, and the rest is
	// restored. Errors: ErrNotFound, ErrBadInput (no archive file),
	// ErrNotAllowed (no secret at hand opens it), ErrFull.
	Restore(ctx context.Context, scope access.Scope, q RestoreRequest, report Report) (Restored, error)

	// Audit calls each for the entries of the record of who did what, until
	// each returns an error. Errors: ErrNotAllowed.
	Audit(ctx context.Context, scope access.Scope, q AuditRequest, each func(AuditEntry) error) (AuditEnd, error)

	// VerifyAudit reads the whole record and checks its chain; what is wrong
	// goes to report.Finding and is no error. Errors: ErrNotAllowed,
	// ErrBadInput for a head that is none.
	VerifyAudit(ctx context.Context, scope access.Scope, q AuditVerify, report Report) (AuditVerified, error)

	// Users lists the accounts. Errors: ErrNotAllowed.
	Users(ctx context.Context, scope access.Scope) ([]User, error)

	// ActOnUser makes, changes or removes an account. Errors: ErrNotAllowed,
	// ErrNotFound, ErrBadInput.
	ActOnUser(ctx context.Context, scope access.Scope, q UserRequest) (User, error)

	// Stats counts.
	Stats(ctx context.Context, scope access.Scope) (Stats, error)

	// Volume says how much mail there is from each period of a unit, by its
	// date, from since to before; zero times are no bounds. Errors:
	// ErrBadInput, ErrNotAllowed.
	Volume(ctx context.Context, scope access.Scope, unit catalog.Unit, since, before time.Time) ([]catalog.Period, error)

	// Top lists the most frequent values of a dimension. Errors: ErrBadInput,
	// ErrNotAllowed.
	Top(ctx context.Context, scope access.Scope, of catalog.Dimension, limit int) ([]catalog.Tally, error)

	// Verify reads all that is stored and checks it. What is wrong goes to
	// finding and is no error; an error says that the check itself could not
	// be done. Neither function is called after the return, nor two at once.
	Verify(ctx context.Context, progress func(Progress), finding func(Finding)) (Verified, error)

	// Reindex makes catalog and full text again from the vault; search goes on
	// meanwhile. progress is not called after the return.
	Reindex(ctx context.Context, progress func(Progress)) error
}

// SearchRequest asks for hits.
type SearchRequest struct {
	Query string
	Limit int    // hits at most; 0 is no limit
	After string // SearchEnd.Next of the page before; empty for the beginning
	// Sort is the order unless the query says otherwise: "date", the default,
	// or "arrival".
	Sort string
}

// SearchEnd closes a list of hits.
type SearchEnd struct {
	// Total counts all hits of the query; TotalMore says that there are even
	// more. Both are for a request without After; others may leave them out.
	Total     int  `json:"total"`
	TotalMore bool `json:"total_more,omitempty"`
	// More says that hits follow behind the last; Next is the place to go on.
	More bool   `json:"more,omitempty"`
	Next string `json:"next,omitempty"`
	// Notice is what a person should know of the answer: that the catalog is
	// being made again, so that hits may be missing. "" when all is well.
	Notice string `json:"notice,omitempty"`
}

// Hit is a message as results list it.
type Hit = search.Hit

// Shown is a message to read.
type Shown struct {
	Hit
	MessageID string         `json:"message_id"`
	Bcc       []string       `json:"bcc"`
	Problems  []string       `json:"problems"` // what could not be read, and why
	Text      string         `json:"text"`
	Arrivals  []ArrivalShown `json:"arrivals"`
}

// ArrivalShown is one arrival of a message.
type ArrivalShown struct {
	ID       mail.ID   `json:"id"`
	Seq      uint64    `json:"seq"`
	Received time.Time `json:"received"`
	Source   string    `json:"source"`
	From     string    `json:"mail_from"`
	To       []string  `json:"rcpt_to"`
	Client   string    `json:"client,omitempty"`
	Path     string    `json:"path,omitempty"` // of an import
	Folder   string    `json:"folder,omitempty"`
	Flags    string    `json:"flags,omitempty"`
	Owner    string    `json:"owner,omitempty"`
}

// Stats are the counts of an archive.
type Stats struct {
	Vault    string `json:"vault"` // its UUID
	Data     string `json:"data"`  // the folder
	Arrivals uint64 `json:"arrivals"`
	Stored   uint64 `json:"stored"`  // distinct messages; arrivals that were never indexed count as distinct
	Indexed  uint64 `json:"indexed"` // of these, findable
	// InStep: all that is stored is searchable, but for what came in just now.
	// Missing is how many arrivals the last comparison did not find in the
	// catalog, Remaking how many percent of a new catalog are made, nil while
	// none is, and Notice what a person should know of it, "" when all is well.
	InStep      bool   `json:"in_step"`
	Missing     uint64 `json:"missing"`
	Remaking    *int   `json:"remaking,omitempty"`
	Notice      string `json:"notice,omitempty"`
	Unparseable uint64 `json:"unparseable"`
	BytesRaw    uint64 `json:"bytes_raw"`
	BytesDisk   uint64 `json:"bytes_disk"`
	// Archives counts the archive files, wherever they are, and BytesArchives
	// what those take that are here.
	Archives      int       `json:"archives"`
	BytesArchives uint64    `json:"bytes_archives"`
	Segments      int       `json:"segments"`
	Torn          int       `json:"torn"`          // files in vault/torn
	Started       time.Time `json:"started"`       // when this process opened it
	LastReceived  time.Time `json:"last_received"` // zero for an empty archive
}

// Progress tells how far long work is.
type Progress struct {
	Done  int64   `json:"done"`
	Total int64   `json:"total"`          // 0 while not known
	Unit  string  `json:"unit"`           // "messages", "bytes"
	Rate  float64 `json:"rate,omitempty"` // units a second; 0 when not known
}

// Finding is one thing that Verify found wrong.
type Finding struct {
	Segment int       `json:"segment"` // number of the segment file, from 1; 0 when it is not about one
	Offset  int64     `json:"offset"`  // bytes from the file's begin
	Length  int64     `json:"length"`  // bytes that are damaged; 0 when not known
	Seqs    []uint64  `json:"lost"`    // numbers of the arrivals whose records are lost
	IDs     []mail.ID `json:"ids"`     // messages whose bytes cannot be trusted
	What    string    `json:"what"`
	Hint    string    `json:"hint,omitempty"` // what to do
}

// Verified sums up a check.
type Verified struct {
	Segments int    `json:"segments"`
	Arrivals uint64 `json:"arrivals"`
	Bytes    uint64 `json:"bytes"` // read from disk
	Findings int    `json:"findings"`
}
