package app

import (
	"context"
	"errors"
	"io"
	"net/http"

	"mailarchive/internal/access"
	"mailarchive/internal/audit"
	"mailarchive/internal/indexer"
	"mailarchive/internal/mail"
	"mailarchive/internal/retrieve"
	"mailarchive/internal/web"
)

// pages are what HTTP answers: health and metrics, and the web application.
func (a *App) pages() http.Handler {
	server := &web.Server{
		Archive: pageArchive{a}, Accounts: recordedAccounts{a.accounts, a.audit}, Language: a.searcher.Language,
		Names: append(a.config.HTTPNames.List(), a.config.Hostname), Proxies: a.config.HTTPProxies.Prefixes(),
		Organisation: a.config.Organisation, Log: a.log, Now: a.clock,
	}
	if names := a.config.LocalDomains.List(); len(names) > 0 {
		server.Local = indexer.NewDomains(names).Has
	}
	mux := a.health()
	mux.Handle("/", server.Handler())
	return mux
}

// pageArchive is the archive as the pages read it.
type pageArchive struct{ *App }

// Open implements [web.Archive].
func (p pageArchive) Open(ctx context.Context, scope access.Scope, ref string, purpose retrieve.Purpose) (io.ReadCloser, error) {
	_, content, err := p.door.Open(ctx, scope, ref, purpose)
	return content, err
}

// recordedAccounts writes sign-ins into the audit record.
type recordedAccounts struct {
	*access.Accounts
	log *audit.Log
}

// SignIn implements [web.Accounts].
func (r recordedAccounts) SignIn(ctx context.Context, t access.Attempt) (access.Entry, error) {
	entry, err := r.Accounts.SignIn(ctx, t)
	return r.recorded(ctx, t, entry, err)
}

// Continue implements [web.Accounts].
func (r recordedAccounts) Continue(ctx context.Context, secret string, t access.Attempt) (access.Entry, error) {
	entry, err := r.Accounts.Continue(ctx, secret, t)
	return r.recorded(ctx, t, entry, err)
}

// recorded writes down how a sign-in went. One that cannot be recorded does not
// happen. A name that is nobody's is left out: people type passwords there.
func (r recordedAccounts) recorded(ctx context.Context, t access.Attempt, entry access.Entry, err error) (access.Entry, error) {
	var code *access.CodeError
	if errors.As(err, &code) {
		return entry, err // it is not over yet
	}
	e := audit.Entry{Act: audit.ActSignIn, Client: t.Client.String()}
	if err != nil {
		e.Act, e.Outcome = audit.ActSignInFailed, audit.Denied
		if account, gerr := r.Get(t.Name); gerr == nil {
			e.Actor = account.Name
		}
	} else {
		e.Actor, e.Role = entry.Identity.Account.Name, string(entry.Identity.Account.Role)
	}
	if rerr := r.log.Record(ctx, e); rerr != nil && err == nil {
		return access.Entry{}, errors.Join(rerr, r.SignOut(entry.Secret), mail.ErrRetry)
	}
	return entry, err
}
