package export

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"mailarchive/internal/catalog"
	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
)

// Message is one message to be written. The sequence that it comes from gives
// each message once; an error in the sequence ends the export.
type Message struct {
	// Row is what is known of it. ID and Digest must be set.
	catalog.Row
	// History are its arrivals by rising seq, as far as the asker may know
	// them: what is here goes into the manifest. It may be empty.
	History []mail.Arrival
	// Open returns the exact bytes, for the export to close. It is called at
	// most once, before the sequence goes on. When it or its reader fails, the
	// message is listed with the reason and the export goes on.
	Open func(ctx context.Context) (io.ReadCloser, error)
}

// Format is a way to write messages.
type Format string

// The formats.
const (
	EML     Format = "eml"     // a folder of ID.eml
	Mbox    Format = "mbox"    // one file, quoted as mboxrd
	Maildir Format = "maildir" // a folder with cur, new and tmp
	Zip     Format = "zip"     // messages/ID.eml in a .zip
	TGZ     Format = "tgz"     // messages/ID.eml in a .tgz
)

// Formats lists them.
func Formats() []Format { return []Format{EML, Mbox, Maildir, Zip, TGZ} }

// ParseFormat reads the name of a format. The error wraps mail.ErrBadInput.
func ParseFormat(s string) (Format, error) {
	if f := Format(strings.ToLower(s)); slices.Contains(Formats(), f) {
		return f, nil
	}
	return "", fmt.Errorf("%q is no format (eml, mbox, maildir, zip, tgz): %w", s, mail.ErrBadInput)
}

// IsFolder reports whether the format is a folder; the others are one file.
func (f Format) IsFolder() bool { return f == EML || f == Maildir }

// Suffix is what names of files in the format end in; empty for folders.
func (f Format) Suffix() string {
	if f.IsFolder() {
		return ""
	}
	return "." + string(f)
}

// ContentType is the media type of a stream in the format (RFC 4155 for mbox).
func (f Format) ContentType() string {
	switch f {
	case Mbox:
		return "application/mbox"
	case Zip:
		return "application/zip"
	}
	return "application/gzip"
}

// Options say how to write. Only Format must be set.
type Options struct {
	Format Format
	// Title says in a line what the export holds, for README.txt: the query.
	Title string
	// DeliveredTo puts an "X-Clear-Delivered-To: address" line for each
	// envelope recipient in front of each message.
	DeliveredTo bool
	// Store leaves the messages in a .zip uncompressed.
	Store bool
	// Resume goes on with a folder that an earlier run left unfinished.
	Resume bool
	// Total is how many messages there will be, for Progress; 0 if unknown.
	Total int
	// TempDir takes the manifest of an archive file and messages over 1 MiB
	// while they are checked; os.TempDir if empty.
	TempDir string

	// Progress is told how far the export is, a few times a second. It may be
	// nil.
	Progress func(Progress)
	// FS is the file system of ToFile and ToFolder; durable.OS if nil.
	FS durable.FS
	// Clock is time.Now if nil.
	Clock func() time.Time
}

func (o Options) withDefaults() (Options, error) {
	f, err := ParseFormat(string(o.Format))
	o.Format = f
	if o.FS == nil {
		o.FS = durable.OS{}
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	return o, err
}

// Progress tells how far an export is.
type Progress struct {
	Done, Total int   // messages; Total is Options.Total
	Bytes       int64 // of the messages written
}

// Summary counts what an export did.
type Summary struct {
	Written int   // messages, with those that were there from an earlier run
	There   int   // of them, messages that were there from an earlier run
	Failed  int   // messages that are missing
	Bytes   int64 // of the messages written, without lines in front
	// Failures are the first of the failed ones; the manifest has all.
	Failures []Failure
}

// maxFailures bounds Summary.Failures.
const maxFailures = 1000

// Failure is a message that could not be written.
type Failure struct {
	ID  mail.ID
	Err error
}
