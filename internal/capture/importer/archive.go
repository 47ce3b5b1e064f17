package importer

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"time"

	"mailarchive/internal/mail"
)

// Archive is what an import needs of the archive. Both methods are called from
// several goroutines at once.
type Archive interface {
	// Accept stores one message, as capture does: when it returns nil, bytes
	// and record survive power loss. It reads r to its end, and when r fails
	// it stores nothing and returns an error. mail.ErrTooLarge and
	// mail.ErrBadInput mean that this message can never be stored,
	// mail.ErrNotAllowed that none can; after any other error it is tried
	// again.
	Accept(ctx context.Context, e mail.Envelope, r io.Reader) (mail.Arrival, error)
	// Imported reports whether a message with this Origin.Key was accepted
	// before, by this run or another. It must know of every Accept that has
	// returned.
	Imported(ctx context.Context, key mail.Digest) (bool, error)
}

// Options say what to import and how. Only Paths must be set.
type Options struct {
	// Paths are files and folders. A symbolic link given here is followed,
	// one found within a folder is not.
	Paths []string
	// Owner is whose mailbox it was; empty when unknown.
	Owner mail.Address
	// Format is how to read files; FormatAuto goes by content.
	Format Format
	// Folder is put in front of every message's folder.
	Folder string
	// Since and Before bound the date of files: the one in the name, else the
	// time of the last change. Since <= date < Before; zero is no bound. A
	// file in a tar has a date too; an mbox and what is in it has that of the
	// file.
	Since, Before time.Time
	// DeliveredTo believes header fields that begin with X-Clear-Delivered-To:
	// their addresses become envelope recipients, so that their owners see the
	// message. It is for sources that nobody but the old archive wrote to.
	DeliveredTo bool
	// Passwords open encrypted archives; each is tried, in order.
	Passwords [][]byte
	// InFlight is how many messages are handed over at once, 64 if 0. The
	// archive makes what waits durable together.
	InFlight int
	// MaxWait is how long to go on trying while the archive cannot take a
	// message, before the import stops; 15 minutes if 0.
	MaxWait time.Duration
	// TempDir is where a message over 1 MiB in a gzip file is unpacked to,
	// os.TempDir if empty.
	TempDir string

	// Report is told the outcome of every message and every file left aside;
	// Progress how far the import is, a few times a second. Neither is called
	// by two goroutines at once; the import waits for them. Either may be nil.
	Report   func(Outcome)
	Progress func(Progress)

	// Clock is time.Now if nil. Wait returns after d or when ctx ends; nil
	// waits by the machine's clock.
	Clock func() time.Time
	Wait  func(ctx context.Context, d time.Duration) error

	// pass, when set, reports true for files that are of no interest at all:
	// not even an outcome tells of them.
	pass func(path string, info fs.FileInfo) bool
}

func (o Options) withDefaults() (Options, error) {
	if len(o.Paths) == 0 {
		return o, fmt.Errorf("nothing to import: no path given: %w", mail.ErrBadInput)
	}
	format, err := ParseFormat(string(o.Format))
	if err != nil {
		return o, err
	}
	o.Format = format
	if o.InFlight <= 0 {
		o.InFlight = 64
	}
	if o.MaxWait <= 0 {
		o.MaxWait = 15 * time.Minute
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Wait == nil {
		o.Wait = wait
	}
	return o, nil
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
