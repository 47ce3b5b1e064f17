package web

import (
	"context"

	"mailarchive/internal/access"
)

// Accounts says who somebody is: access.Accounts does, where the errors of
// each method stand. All methods may be called at once.
type Accounts interface {
	SignIn(ctx context.Context, a access.Attempt) (access.Entry, error)
	// Continue signs in by the secret of an access.CodeError and a code.
	Continue(ctx context.Context, secret string, a access.Attempt) (access.Entry, error)
	Session(secret string) (access.Identity, error)
	SignOut(secret string) error
	// SetupOpen reports whether the secret of a one-time link is still good;
	// First uses it up and makes the first account.
	SetupOpen(secret string) bool
	First(ctx context.Context, secret string, n access.New) (access.Account, error)
}

var _ Accounts = (*access.Accounts)(nil)
