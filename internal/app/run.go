package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"mailarchive/internal/capture/importer"
	"mailarchive/internal/capture/smtpd"
	"mailarchive/internal/cli"
	"mailarchive/internal/config"
	"mailarchive/internal/control"
	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
	"mailarchive/internal/observe"
	"mailarchive/internal/smtp"
	"mailarchive/internal/web"
)

// stopPatience is how long messages on their way in may take to finish when
// the archive is told to stop.
const stopPatience = 20 * time.Second

// lagAllowed is how many records the catalog may be behind before /readyz
// says so.
const lagAllowed = 100_000

// Run takes mail in, indexes and answers until ctx ends, then stops in good
// order: no new mail, messages on their way finished, everything on disk. It
// calls ready once it listens on all addresses.
func (a *App) Run(ctx context.Context, ready func(cli.Addresses)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	mailIn, err := a.listenMail(ctx)
	if err != nil {
		return err
	}
	page, err := listenHTTP(ctx, a.config.HTTP)
	if err != nil {
		return errors.Join(err, mailIn.Shutdown(ctx))
	}
	socket, err := control.Listen(a.config.Data)
	if err != nil {
		return errors.Join(err, mailIn.Shutdown(ctx), closeListener(page))
	}

	sender, err := a.sender()
	if err != nil {
		return errors.Join(err, mailIn.Shutdown(ctx), closeListener(page), socket.Close())
	}

	var running sync.WaitGroup
	start := func(what string, run func() error) {
		running.Go(func() {
			if err := run(); err != nil && ctx.Err() == nil {
				cancel(fmt.Errorf("%s: %w", what, err))
			}
		})
	}
	start("mail intake", mailIn.Serve)
	start("indexer", func() error { return a.indexer.Run(ctx) })
	server := &control.Server{Archive: a, Version: a.version.Version, Log: a.log, UID: os.Geteuid()}
	start("control socket", func() error { return server.Serve(ctx, socket) })
	if page != nil {
		start("HTTP", func() error { return observe.Serve(ctx, page, a.pages()) })
	}
	if watcher, err := a.watcher(); err != nil {
		a.log.Error("watched folders are not imported", "step", "capture", "error", err)
	} else if watcher != nil {
		start("import of watched folders", func() error { return watcher.Run(ctx) })
	}
	a.sending.Store(true)
	defer a.sending.Store(false)
	start("redelivery", func() error { return sender.Run(ctx) })
	running.Go(func() { a.keeper.run(ctx) })
	if a.config.ArchiveMonthly {
		running.Go(func() { a.monthly(ctx) })
	}
	ready(a.addresses(mailIn, page))
	a.log.Info("archive runs", "version", a.version.Version, "data", a.config.Data, "arrivals", a.vault.Last())

	<-ctx.Done()
	a.log.Info("archive stops")
	patience, done := context.WithTimeout(context.WithoutCancel(ctx), stopPatience)
	defer done()
	if err := mailIn.Shutdown(patience); err != nil {
		a.log.Warn("messages on their way were cut off; their senders try again", "error", err)
	}
	running.Wait()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// watcher imports what is new in the folders of [[import.watch]]; nil when
// there are none.
func (a *App) watcher() (*importer.Watcher, error) {
	if len(a.config.Watches) == 0 {
		return nil, nil
	}
	w := &importer.Watcher{Archive: a, StateFile: filepath.Join(a.config.Data, watchStateName), FS: a.catalogs.fs, Log: a.log}
	for _, c := range a.config.Watches {
		o := importer.Options{Paths: []string{c.Path}, Owner: mail.Address(c.Owner), Folder: c.Folder, DeliveredTo: bool(c.DeliveredTo)}
		var err error
		if o.Format, err = importer.ParseFormat(c.Format); err != nil {
			return nil, err
		}
		if c.PasswordFile != "" {
			if o.Passwords, err = importer.ReadPasswords(c.PasswordFile); err != nil {
				return nil, err
			}
		}
		w.Watches = append(w.Watches, importer.Watch{Options: o, Every: c.Interval.Span(), Settle: c.Settle.Span()})
	}
	return w, nil
}

// listenMail opens the SMTP and LMTP listeners.
func (a *App) listenMail(ctx context.Context) (*smtpd.Server, error) {
	certificate, err := a.certificate()
	if err != nil {
		return nil, err
	}
	c := a.config
	s := &smtpd.Server{
		Archive: a.acceptor, SMTP: addresses(c.SMTP), LMTP: addresses(c.LMTP),
		Networks: c.Networks.Prefixes(), Hostname: c.Hostname,
		TLS: &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
		Limits: smtp.Limits{
			Connections: c.MaxConnections, PerClient: c.MaxConnectionsPerClient, Recipients: c.MaxRecipients,
			Size: int64(c.MessageSizeLimit), Idle: c.IdleTimeout.Span(), Session: c.SessionTimeout.Span(),
		},
		Metrics: prometheus.WrapRegistererWithPrefix(observe.Namespace+"_", a.registry),
		Log:     a.log,
	}
	return s, s.Listen(ctx)
}

// certificate loads the configured certificate, or one of our own making.
func (a *App) certificate() (tls.Certificate, error) {
	if a.config.TLSCertificate == "" {
		return smtpd.LoadOrMakeCertificate(durable.OS{}, a.config.Data, a.config.Hostname)
	}
	certificate, err := tls.LoadX509KeyPair(a.config.TLSCertificate, a.config.TLSKey)
	if err != nil {
		return certificate, fmt.Errorf("tls-certificate and tls-key: %w", err)
	}
	return certificate, nil
}

func addresses(e config.Endpoint) []string {
	if e == "" {
		return nil
	}
	return []string{string(e)}
}

func listenHTTP(ctx context.Context, e config.Endpoint) (net.Listener, error) {
	network, address := e.Network()
	if network == "" {
		return nil, nil
	}
	l, err := new(net.ListenConfig).Listen(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("http: %w", err)
	}
	return l, nil
}

func closeListener(l net.Listener) error {
	if l == nil {
		return nil
	}
	return l.Close()
}

// health answers /metrics, /healthz and /readyz.
func (a *App) health() *http.ServeMux {
	checks := &observe.Checks{}
	checks.Register("vault", func(context.Context) (string, error) {
		free, err := durable.OS{}.Free(a.config.Data)
		if err == nil && free < uint64(a.config.MinFree) {
			err = fmt.Errorf("%d bytes are free, min-free is %s: no mail is taken in", free, a.config.MinFree)
		}
		return fmt.Sprintf("%d arrivals", a.vault.Last()), err
	})
	checks.Register("catalog", func(context.Context) (string, error) {
		s := a.indexer.Status()
		if s.LastError != nil {
			return "", fmt.Errorf("indexing fails: %w", s.LastError)
		}
		if s.Lag() > lagAllowed {
			return "", fmt.Errorf("%d arrivals are not searchable yet", s.Lag())
		}
		if notice := a.Notice(); notice != "" {
			return notice, nil
		}
		return fmt.Sprintf("%d of %d arrivals searchable", s.Indexed, s.Stored), nil
	})
	return observe.NewMux(a.registry, checks)
}

// setupLink is the address at which the first account is made, "" when there is
// one. It is good for an hour and once.
func (a *App) setupLink(address string) string {
	secret, _, open, err := a.accounts.Setup()
	if err != nil {
		a.log.Error("the link that makes the first account cannot be made", "step", "access", "error", err)
	}
	if err != nil || !open {
		return ""
	}
	return "http://" + address + web.SetupPath(secret)
}

// addresses says where the archive listens.
func (a *App) addresses(mailIn *smtpd.Server, page net.Listener) cli.Addresses {
	var where cli.Addresses
	addrs := mailIn.Addrs()
	if a.config.SMTP != "" {
		where.SMTP, addrs = addrs[0].String(), addrs[1:]
	}
	if a.config.LMTP != "" {
		where.LMTP = addrs[0].String()
	}
	if page != nil {
		where.HTTP = page.Addr().String()
		where.Setup = a.setupLink(where.HTTP)
	}
	return where
}
