package access

import (
	"context"
	"fmt"
	"sync"
	"time"

	"mailarchive/internal/mail"
)

// setup is the one way in while there is no account: a secret that is printed
// where only who runs the archive reads. It is kept in memory, so that a
// restart makes another and the old one is worth nothing.
type setup struct {
	mu     sync.Mutex
	digest mail.Digest
	until  time.Time
}

// Setup returns a new secret for the link of the first start and when it ends.
// One that was given before is worth nothing any more. ok is false when there
// are accounts.
func (a *Accounts) Setup() (secret string, until time.Time, ok bool, err error) {
	if !a.Empty() {
		return "", time.Time{}, false, nil
	}
	secret, digest, err := newSecret(a.o.Random, "")
	if err != nil {
		return "", time.Time{}, false, fmt.Errorf("setup: %w", err)
	}
	a.setup.mu.Lock()
	defer a.setup.mu.Unlock()
	a.setup.digest, a.setup.until = digest, a.o.Now().Add(a.o.SetupLife)
	return secret, a.setup.until, true, nil
}

// SetupOpen reports whether the secret would make the first account now.
func (a *Accounts) SetupOpen(secret string) bool {
	a.setup.mu.Lock()
	defer a.setup.mu.Unlock()
	return a.Empty() && a.setup.digest != (mail.Digest{}) && mail.Sum([]byte(secret)) == a.setup.digest && a.o.Now().Before(a.setup.until)
}

// First makes the first account, an administrator with a password, by the
// secret of Setup, which is worth nothing afterwards. Errors: ErrNotAllowed for a
// secret that is wrong, too old or used; those of Add, after which it may be
// used again.
func (a *Accounts) First(ctx context.Context, secret string, n New) (Account, error) {
	n.Role, n.Source = Administrator, Local
	if !a.SetupOpen(secret) {
		return Account{}, fmt.Errorf("first account: the link was used or is too old: %w", mail.ErrNotAllowed)
	}
	if n.Password == "" {
		return Account{}, fmt.Errorf("first account: it needs a password: %w", mail.ErrBadInput)
	}
	made, err := a.prepare(ctx, n)
	if err == nil {
		err = a.change(func(all map[string]*record) error {
			if !a.SetupOpen(secret) || len(all) > 0 { // somebody was faster
				return fmt.Errorf("the link was used or is too old: %w", mail.ErrNotAllowed)
			}
			all[made.Name] = made
			return nil
		})
	}
	if err != nil {
		return Account{}, fmt.Errorf("first account: %w", err)
	}
	a.setup.mu.Lock()
	defer a.setup.mu.Unlock()
	a.setup.digest = mail.Digest{}
	return made.account(), nil
}
