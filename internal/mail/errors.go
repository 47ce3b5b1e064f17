package mail

import "errors"

// The kinds of error that a caller acts on. Code wraps them with %w; SMTP
// replies, HTTP statuses and exit codes are chosen by them with [errors.Is].
// Any other error is a fault of ours or of the machine and is treated like
// ErrRetry by whoever can try again.
var (
	// ErrNotFound: there is no such message, or it is not the asker's.
	ErrNotFound = errors.New("not found")
	// ErrAmbiguous: the beginning of an ID, or a Message-ID, names several.
	ErrAmbiguous = errors.New("names more than one message")
	// ErrNotAllowed: the asker may not do this at all.
	ErrNotAllowed = errors.New("not allowed")
	// ErrDamaged: the bytes on disk are not those that were written.
	ErrDamaged = errors.New("damaged")
	// ErrElsewhere: the bytes left for an archive file, after they were sealed
	// and verified (vault.Elsewhere names it).
	ErrElsewhere = errors.New("in an archive file")
	// ErrRetry: it did not work now and may work later.
	ErrRetry = errors.New("try again later")
	// ErrFull: no space, or less than the reserve; it is worth trying later.
	ErrFull = errors.New("not enough free space")
	// ErrTooLarge: over a limit on size; trying again is of no use.
	ErrTooLarge = errors.New("too large")
	// ErrBadInput: the request makes no sense as it stands.
	ErrBadInput = errors.New("bad input")
)
