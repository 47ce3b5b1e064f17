package retrieve

import (
	"context"
	"log/slog"

	"mailarchive/internal/mail"
)

// Purpose is what bytes are wanted for, as the audit record has it.
type Purpose string

// The purposes there are.
const (
	ToShow    Purpose = "show"    // the message as text
	ToRead    Purpose = "raw"     // the exact bytes
	ToSnippet Purpose = "snippet" // a line in the list of hits
	// ToExport copies it elsewhere, and ToRedeliver sends it; the export and the
	// order to send are recorded, not each reading.
	ToExport    Purpose = "export"
	ToRedeliver Purpose = "redeliver"
)

// Reading says that somebody is about to read a message.
type Reading struct {
	Actor   string
	Purpose Purpose
	ID      mail.ID
}

// Audit keeps the record of who read what. When Record returns an error the
// reading does not happen.
type Audit interface {
	Record(ctx context.Context, r Reading) error
}

// LogAudit writes readings to the log, for want of a record that can be
// proved: nothing keeps a log from being changed, and it never refuses.
type LogAudit struct{ Log *slog.Logger }

// Record writes a line and returns nil.
func (a LogAudit) Record(ctx context.Context, r Reading) error {
	a.Log.InfoContext(ctx, "message read", "step", "retrieve", "id", r.ID, "actor", r.Actor, "purpose", r.Purpose)
	return nil
}

// recordedElsewhere reports whether a reading is part of an act that has a
// record of its own.
func (p Purpose) recordedElsewhere() bool { return p == ToSnippet || p == ToRedeliver || p == ToExport }
