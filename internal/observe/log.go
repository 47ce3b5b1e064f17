// Package observe shows what the archive does: its log, its metrics, its
// health and its version.
//
// In come settings and facts that the steps register; out go log lines and an
// HTTP handler. It keeps everything in memory: nothing is on disk when a call
// returns, and a crash leaves nothing.
//
// Log messages are constant; what varies stands in attributes, [Step] and [ID]
// first. Subject, body and addresses of mail are never logged at the normal
// level.
package observe

import (
	"io"
	"log/slog"

	"mailarchive/internal/mail"
)

// Log formats.
const (
	Text = "text" // for people
	JSON = "json" // for collectors
	Auto = "auto" // Text on a terminal, JSON elsewhere
)

// NewLogger returns a logger that writes a line for each record at or above
// level. The format is Text, JSON or Auto; terminal says what Auto means.
func NewLogger(w io.Writer, level slog.Leveler, format string, terminal bool) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if format == Text || format == Auto && terminal {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

// Step is the attribute that names the step of a message's way, in the words
// of the design: capture, vault, extract, catalog, search, retrieve.
func Step(name string) slog.Attr { return slog.String("step", name) }

// ID is the attribute that names a message.
func ID(id mail.ID) slog.Attr { return slog.String("id", id.String()) }

// Err is the attribute for what went wrong.
func Err(err error) slog.Attr { return slog.Any("error", err) }
