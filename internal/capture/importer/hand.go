package importer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"mailarchive/internal/mail"
)

// The pauses between two tries while the archive cannot take a message: they
// double from the first to the last.
const (
	firstPause = 500 * time.Millisecond
	lastPause  = 30 * time.Second
)

// item is one message on its way, with all that is known of it.
type item struct {
	source  string // "import:eml", …
	origin  mail.Origin
	content *content
	index   int   // in an mbox, from 1
	offset  int64 // in an mbox or a tar
	to      []mail.Recipient
	span    int64 // bytes of the source that it covers
}

// outcome returns an outcome that is filled but for its result.
func (it *item) outcome() Outcome {
	return Outcome{
		Path: it.origin.Path, Index: it.index, Offset: it.offset, Folder: it.origin.Folder,
		SHA256: it.content.digest, Size: it.content.size,
	}
}

// hand gives the message to the archive unless it was there before, reports
// what became of it, and reports true if it is there. When the import is to
// stop it reports nothing: the next run will.
func (r *run) hand(ctx context.Context, it *item) bool {
	out := it.outcome()
	var own *itemError
	arrival, known, err := r.patiently(ctx, it)
	switch {
	case err == nil && known:
		out.Outcome = Already
	case err == nil:
		out.Outcome, out.ID = Stored, arrival.ID
	case errors.As(err, &own):
		out.Outcome, out.Reason = Failed, own.Error()
	default:
		r.stop(err)
		return false
	}
	r.track.outcome(out, it.span)
	return out.Outcome != Failed
}

// itemError is an error that is this message's alone; the import goes on.
type itemError struct{ err error }

func (e *itemError) Error() string { return e.err.Error() }
func (e *itemError) Unwrap() error { return e.err }

// patiently tries until the archive has the message, says that it never will,
// or MaxWait is over.
func (r *run) patiently(ctx context.Context, it *item) (mail.Arrival, bool, error) {
	arrival, known, err := r.try(ctx, it)
	if !worthTrying(ctx, err) {
		return arrival, known, err
	}
	r.track.wait(1, err.Error())
	defer r.track.wait(-1, err.Error())
	pause, since := firstPause, r.o.Clock()
	for worthTrying(ctx, err) {
		if r.o.Clock().Sub(since) >= r.o.MaxWait {
			return arrival, known, fmt.Errorf("the archive took no message for %v: %w", r.o.MaxWait, err)
		}
		if werr := r.o.Wait(ctx, pause); werr != nil {
			return arrival, known, werr
		}
		pause = min(2*pause, lastPause)
		arrival, known, err = r.try(ctx, it)
	}
	return arrival, known, err
}

// worthTrying reports whether the error may go away by itself.
func worthTrying(ctx context.Context, err error) bool {
	var own *itemError
	return err != nil && ctx.Err() == nil && !errors.As(err, &own) && !errors.Is(err, mail.ErrNotAllowed)
}

// try asks for the key and hands the message over. It asks each time: an Accept
// that failed may have stored it all the same, its answer lost on the way.
func (r *run) try(ctx context.Context, it *item) (mail.Arrival, bool, error) {
	if err := context.Cause(ctx); err != nil {
		return mail.Arrival{}, false, err
	}
	known, err := r.archive.Imported(ctx, it.origin.Key)
	if err != nil || known {
		return mail.Arrival{}, known, err
	}
	body, err := it.content.open()
	if err != nil {
		return mail.Arrival{}, false, &itemError{err}
	}
	origin := it.origin
	arrival, err := r.archive.Accept(ctx, mail.Envelope{Source: it.source, To: it.to, Origin: &origin}, body)
	if srcErr := body.failed(); srcErr != nil {
		return arrival, false, &itemError{srcErr}
	}
	if errors.Is(err, mail.ErrTooLarge) || errors.Is(err, mail.ErrBadInput) {
		return arrival, false, &itemError{err}
	}
	if err == nil && arrival.Digest != it.content.digest {
		err = &itemError{fmt.Errorf("the archive stored %v instead of %v: %w", arrival.Digest, it.content.digest, mail.ErrDamaged)}
	}
	return arrival, false, err
}
