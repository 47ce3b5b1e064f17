package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"mailarchive/internal/config"
	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
)

// usageError is wrong use of the command line.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// advised is an error that brings its own next step.
type advised struct {
	err    error
	advice string
}

func (e *advised) Error() string { return e.err.Error() }
func (e *advised) Unwrap() error { return e.err }

// errFindings says that the work was done and found something wrong, which is
// on the screen already.
var errFindings = errors.New("done, with findings")

// exitCode is the table from kinds of errors to exit codes.
func exitCode(err error) int {
	var usage *usageError
	switch {
	case err == nil:
		return ExitDone
	case errors.Is(err, mail.ErrNotFound):
		return ExitNothing
	case errors.As(err, &usage), errors.Is(err, mail.ErrBadInput), errors.Is(err, mail.ErrAmbiguous):
		return ExitUsage
	default:
		return ExitFailed
	}
}

// report tells what happened and what to do next, and returns the exit code.
func (p *program) report(ctx context.Context, c *cobra.Command, err error) int {
	if !p.started {
		err = &usageError{err} // cobra's own: unknown command, flag or number of arguments
	}
	code := exitCode(err)
	if errors.Is(err, errFindings) {
		return code
	}
	text := strings.TrimSuffix(err.Error(), ": "+mail.ErrBadInput.Error())
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		text = strings.Replace(text, context.Canceled.Error(), "stopped by a signal", 1)
	}
	fmt.Fprintf(p.std.Err, "mail-archive: %s\n", safeLines(text))
	if next := p.advice(c, err); next != "" {
		fmt.Fprintf(p.std.Err, "%s\n", safeLines(next))
	}
	return code
}

// advice is the next step after an error, empty when the error says it all.
func (p *program) advice(c *cobra.Command, err error) string {
	var own *advised
	var usage *usageError
	var mistakes config.Mistakes
	switch {
	case errors.As(err, &own):
		return own.advice
	case errors.As(err, &usage):
		return fmt.Sprintf("%q explains the command.", c.CommandPath()+" --help")
	case errors.As(err, &mistakes):
		return `"mail-archive config print --config /dev/null" lists all keys with their defaults.`
	case errors.Is(err, mail.ErrAmbiguous):
		return "Give more characters of the ID; \"mail-archive search\" lists IDs in full. All messages with one Message-ID lists \"mail-archive search message-id:…\"."
	case errors.Is(err, mail.ErrNotFound):
		return "\"mail-archive search QUERY\" lists messages with their IDs."
	case errors.Is(err, mail.ErrNotAllowed), errors.Is(err, fs.ErrPermission):
		return "Run the command as root or as the user that the archive runs as."
	case errors.Is(err, durable.ErrLocked):
		return p.lockAdvice()
	case errors.Is(err, mail.ErrFull):
		return "Make space in " + p.dataFolder() + " and run the command again."
	case errors.Is(err, mail.ErrDamaged):
		return "\"mail-archive verify\" tells what is damaged and what is lost."
	default:
		return ""
	}
}

func (p *program) dataFolder() string {
	if p.loaded == nil {
		return "the data folder"
	}
	return p.loaded.Data
}

func (p *program) lockAdvice() string {
	if p.loaded == nil {
		return ""
	}
	if who := lockHolder(p.loaded.Data); who != "" {
		return fmt.Sprintf("The archive in %s is held by %s. Wait until it ends, or stop it.", p.loaded.Data, who)
	}
	return fmt.Sprintf("Another process holds the archive in %s. Wait until it ends, or stop it.", p.loaded.Data)
}
