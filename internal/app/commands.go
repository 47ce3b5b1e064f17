package app

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"

	"mailarchive/internal/cli"
	"mailarchive/internal/config"
	"mailarchive/internal/control"
	"mailarchive/internal/mail"
	"mailarchive/internal/observe"
)

// Commands returns what the command line needs to run an archive. A version
// that is empty is read out of the binary.
func Commands(version string) cli.Deps {
	v := observe.BuildVersion()
	if version != "" {
		v.Version = version
	}
	return cli.Deps{
		Version: v,
		Open: func(ctx context.Context, c config.Config, progress func(control.Progress)) (cli.Archive, error) {
			return openForCommand(ctx, c, v, progress)
		},
		Serve: func(ctx context.Context, c config.Config, ready func(cli.Addresses)) error {
			a, err := Open(ctx, c, logger(c), v)
			if err != nil {
				return err
			}
			return errors.Join(a.Run(ctx, ready), a.Close())
		},
	}
}

// command is an archive that one command has for itself: it indexes as long as
// the command runs, and to the end before it closes.
type command struct {
	*App
	stop    context.CancelFunc
	stopped chan struct{}
}

// openForCommand opens the archive with what was stored before in the catalog.
// On a full disk it opens as it is: what is stored must come out all the same.
// Only complaints are logged: the command itself speaks.
func openForCommand(ctx context.Context, c config.Config, v observe.Version, progress func(control.Progress)) (cli.Archive, error) {
	c.LogLevel = max(c.LogLevel, slog.LevelWarn)
	a, err := Open(ctx, c, logger(c), v)
	if err != nil {
		return nil, err
	}
	if err := a.prepareCatalog(ctx, progress); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	x := &command{a, stop, make(chan struct{})}
	go func() {
		defer close(x.stopped)
		var group sync.WaitGroup
		group.Go(func() { a.keeper.run(background) })
		a.indexer.Run(background) // ends with background only
		group.Wait()
	}()
	return x, nil
}

// prepareCatalog brings the catalog to where the vault is, and makes it again
// when it is of another version, damaged or not in step. progress hears of it
// when there is something to do.
func (a *App) prepareCatalog(ctx context.Context, progress func(control.Progress)) (err error) {
	prepared := make(chan struct{})
	go func() {
		defer close(prepared)
		err = a.bringUp(ctx)
	}()
	pace := newPace("messages")
	follow(context.WithoutCancel(ctx), prepared, a.keeper.far, func(done, total uint64) {
		if done < total {
			progress(pace.at(int64(done), int64(total)))
		}
	})
	return err
}

func (a *App) bringUp(ctx context.Context) error {
	err := a.CatchUp(ctx)
	if err == nil {
		a.catalogs.begun = "" // it is whole now
		return a.unlessFull(a.keeper.mendNow(ctx))
	}
	if errors.Is(err, mail.ErrDamaged) {
		a.keeper.begin(isDamaged, false)
		err = a.keeper.mendNow(ctx)
	}
	return a.unlessFull(err)
}

// unlessFull logs the error of a full disk and drops it: nothing is lost, the
// catalog is only behind, and the next command or server goes on with it.
func (a *App) unlessFull(err error) error {
	if !errors.Is(err, mail.ErrFull) {
		return err
	}
	a.log.Warn("disk is full: not all that is stored is searchable", "step", "catalog", "error", err)
	return nil
}

// Close waits for what the command stored to be searchable.
func (x *command) Close() error {
	x.stop()
	<-x.stopped
	return errors.Join(x.unlessFull(x.CatchUp(context.Background())), x.App.Close())
}

func logger(c config.Config) *slog.Logger {
	return observe.NewLogger(os.Stderr, c.LogLevel, c.LogFormat, terminal(os.Stderr))
}

func terminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
