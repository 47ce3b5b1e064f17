package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"

	engine "modernc.org/sqlite"
	code "modernc.org/sqlite/lib"

	"mailarchive/internal/mail"
)

// kind gives an error of SQLite the kind that callers act on. The low byte of
// an extended code is its primary code (https://sqlite.org/rescode.html).
func kind(err error) error {
	var e *engine.Error
	if err == nil || !errors.As(err, &e) {
		return err
	}
	switch e.Code() & 0xff {
	case code.SQLITE_ERROR:
		// Our statements are sound: the file is not one of ours any more. One
		// that was cut to nothing is an empty database to SQLite.
		if strings.Contains(err.Error(), "no such table") {
			return fmt.Errorf("%w (%w)", err, mail.ErrDamaged)
		}
	case code.SQLITE_IOERR:
		if e.Code() == code.SQLITE_IOERR_SHORT_READ {
			return fmt.Errorf("%w (%w)", err, mail.ErrDamaged)
		}
		return fmt.Errorf("%w (%w)", err, mail.ErrRetry)
	case code.SQLITE_CORRUPT, code.SQLITE_NOTADB:
		return fmt.Errorf("%w (%w)", err, mail.ErrDamaged)
	case code.SQLITE_FULL:
		return fmt.Errorf("%w (%w)", err, mail.ErrFull)
	case code.SQLITE_BUSY, code.SQLITE_LOCKED, code.SQLITE_CANTOPEN, code.SQLITE_NOMEM:
		return fmt.Errorf("%w (%w)", err, mail.ErrRetry)
	case code.SQLITE_INTERRUPT:
		return fmt.Errorf("%w (%w)", err, context.Canceled)
	}
	return err
}
