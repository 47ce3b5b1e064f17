// Package cli is what a person types: the commands of mail-archive.
//
// In come arguments, environment and files named by them; out go tables, pages
// and exact bytes on standard output, errors with what to do next on standard
// error, and an exit code. What is safe on disk when a command returns is what
// the archive under it promises: of an interrupted import, each message whose
// outcome was reported. A crash leaves nothing of the command's own but a part
// of a report file.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"mailarchive/internal/config"
	"mailarchive/internal/control"
	"mailarchive/internal/observe"
)

// Exit codes.
const (
	ExitDone    = 0 // done
	ExitFailed  = 1 // failed, or done with findings
	ExitUsage   = 2 // wrong use: flags, query, configuration
	ExitNothing = 3 // nothing found; on standard output is nothing, or the 0 of a count
)

// Stdio is what a command speaks with.
type Stdio struct {
	Out, Err io.Writer
	In       io.Reader // nil when there is none
	// Environment is as os.Environ gives it.
	Environment []string
}

// System is the Stdio of this process.
func System() Stdio {
	return Stdio{Out: os.Stdout, Err: os.Stderr, In: os.Stdin, Environment: os.Environ()}
}

// Archive is an archive that this process has opened itself.
type Archive interface {
	control.Archive
	io.Closer
}

// Addresses say where a server listens; empty means not at all.
type Addresses struct {
	SMTP, LMTP, HTTP string
	// Setup is the address at which the first account is made, once; empty
	// when there is an account.
	Setup string
}

// Deps are the parts that commands need and this package does not know.
type Deps struct {
	// Open takes the lock of the data folder and opens the archive there,
	// making it if need be. The error wraps durable.ErrLocked when another
	// process has it. progress hears how far the catalog is when it must be
	// made again; it is not called after the return.
	Open func(ctx context.Context, c config.Config, progress func(control.Progress)) (Archive, error)
	// Serve runs the archive until ctx ends and then stops in good order. It
	// calls ready once, when it answers on all addresses. The error wraps
	// durable.ErrLocked when another process has the data folder.
	Serve func(ctx context.Context, c config.Config, ready func(Addresses)) error
	// Version is told by `version`.
	Version observe.Version
	// Sources has what is beside files, environment and flags; tests set it.
	Sources config.Sources
	// Patience is how long to wait for a process that starts or stops; 0 is
	// ten seconds.
	Patience time.Duration
}

// Main runs the command that args (the program's name first) ask for, and
// returns its exit code. The first SIGINT or SIGTERM stops it in good order,
// the second ends the process at once.
func Main(args []string, std Stdio, deps Deps) int {
	// A reader of our output that goes away is an error of write, not a death.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := untilSignal(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	return Run(ctx, args, std, deps)
}

// untilSignal returns a context that ends with the first of the signals. From
// then on they do what they do without us, end the process; a second one that
// came at the same time does so too.
func untilSignal(parent context.Context, signals ...os.Signal) (context.Context, func()) {
	ctx, cancel := context.WithCancel(parent)
	came := make(chan os.Signal, 2)
	signal.Notify(came, signals...)
	go func() {
		select {
		case <-came:
		case <-ctx.Done():
		}
		signal.Stop(came) // before cancel: whoever sees the end may send the second
		cancel()
		if len(came) > 0 {
			os.Exit(ExitFailed)
		}
	}()
	return ctx, cancel
}

// Run is Main without signals.
func Run(ctx context.Context, args []string, std Stdio, deps Deps) int {
	p := &program{deps: deps, std: std, out: &outlet{w: std.Out}, clock: time.Now}
	root := p.root()
	args, old, err := fromManual(args[1:], p.clock())
	if old && err == nil {
		fmt.Fprintf(std.Err, "mail-archive: -a is the old form; today: mail-archive %s\n", safe(strings.Join(args, " ")))
	}
	if err != nil {
		return p.report(ctx, root, err)
	}
	root.SetArgs(args)
	root.SetOut(p.out)
	root.SetErr(std.Err)
	command, err := root.ExecuteContextC(ctx)
	if p.out.broken {
		return ExitDone // whoever read has had enough
	}
	if err == nil {
		return ExitDone
	}
	return p.report(ctx, command, err)
}

// program is one run of the binary.
type program struct {
	deps  Deps
	std   Stdio
	out   *outlet
	clock func() time.Time

	file    string // --config
	started bool   // the command's own code runs: errors are no longer of usage
	loaded  *config.Loaded
}

// start is called when the command line is read, before the command's own code.
// Flags that do not go together are found out by cobra after that, unless we
// ask.
func (p *program) start(c *cobra.Command, _ []string) error {
	if err := errors.Join(c.ValidateRequiredFlags(), c.ValidateFlagGroups()); err != nil {
		return &usageError{err}
	}
	p.started = true
	return nil
}

// outlet is standard output. It remembers that nobody reads any more.
type outlet struct {
	w      io.Writer
	broken bool
}

func (o *outlet) Write(b []byte) (int, error) {
	n, err := o.w.Write(b)
	if errors.Is(err, syscall.EPIPE) {
		o.broken = true
	}
	return n, err
}

// root is the tree of commands.
func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "mail-archive",
		Short: "Keep every message, find it, give it back byte for byte",
		Long: `Mail Archive keeps every message that is handed to it, finds it and gives it
back byte for byte.

While "mail-archive serve" runs, all other commands work through it; otherwise
they open the data folder themselves.

Exit codes: 0 done, 1 failed, 2 wrong use, 3 nothing found.`,
		Example: `  mail-archive serve
  mail-archive import ~/Maildir
  mail-archive search invoice`,
		Version:           p.deps.Version.Version,
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRunE: p.start,
		CompletionOptions: cobra.CompletionOptions{DisableDescriptions: false},
	}
	root.PersistentFlags().StringVar(&p.file, "config", "", "configuration file (default "+config.DefaultFile+" if it is there)")
	p.keyFlags(root.PersistentFlags(), "data")
	root.AddCommand(
		p.serve(), p.importMail(), p.search(), p.show(), p.raw(), p.stats(), p.keywords(), p.exportMail(), p.redeliver(), p.queue(),
		p.archive(), p.archives(), p.restore(), p.audit(), p.user(),
		p.verify(), p.reindex(), p.configuration(), p.version(),
	)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	return root
}
