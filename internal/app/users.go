package app

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"mailarchive/internal/access"
	"mailarchive/internal/audit"
	"mailarchive/internal/catalog/token"
	"mailarchive/internal/config"
	"mailarchive/internal/control"
	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
)

// accountsFolder, in the data folder, has accounts and sessions.
const accountsFolder = "access"

func openAccounts(disk durable.FS, c config.Config, o access.Options) (*access.Accounts, error) {
	o.Folder, o.FS = filepath.Join(c.Data, accountsFolder), disk
	o.Rules.Fold = func(address string) (whole, domain string) {
		p := token.Address(address)
		return p.Whole, p.Domain
	}
	if err := durable.MakeFolder(disk, o.Folder, 0o700); err != nil {
		return nil, err
	}
	return access.Open(o)
}

// Users implements [control.Archive].
func (a *App) Users(_ context.Context, scope access.Scope) ([]control.User, error) {
	if !scope.All() {
		return nil, fmt.Errorf("accounts are for administrators: %w", mail.ErrNotAllowed)
	}
	list := []control.User{}
	for _, account := range a.accounts.List() {
		list = append(list, userOf(account))
	}
	return list, nil
}

func userOf(account access.Account) control.User {
	u := control.User{Name: account.Name, Role: string(account.Role), Domains: account.Domains, Disabled: account.Disabled, Created: account.Created}
	for _, o := range account.Addresses {
		u.Addresses = append(u.Addresses, ownedText(o))
	}
	return u
}

// ownedText is what access.ParseOwned reads: both days of a period are in it.
func ownedText(o access.Owned) string {
	if o.Since.IsZero() && o.Until.IsZero() {
		return o.Address
	}
	text := o.Address + ":"
	if !o.Since.IsZero() {
		text += o.Since.Format(time.DateOnly)
	}
	text += ".."
	if !o.Until.IsZero() {
		text += o.Until.AddDate(0, 0, -1).Format(time.DateOnly)
	}
	return text
}

// ActOnUser implements [control.Archive].
func (a *App) ActOnUser(ctx context.Context, scope access.Scope, q control.UserRequest) (u control.User, err error) {
	if !scope.All() {
		return u, fmt.Errorf("accounts are for administrators: %w", mail.ErrNotAllowed)
	}
	e := by(scope, audit.ActAccount)
	e.Object = string(q.Action) + " " + q.Name
	if q.Role != "" {
		e.Object += " as " + q.Role
	}
	err = a.acting(ctx, e, func(*audit.Entry) error {
		u, err = a.actOnUser(ctx, q)
		return err
	})
	return u, err
}

func (a *App) actOnUser(ctx context.Context, q control.UserRequest) (control.User, error) {
	switch q.Action {
	case control.UserAdd:
		return a.addUser(ctx, q)
	case control.UserPassword:
		if err := a.accounts.SetPassword(ctx, q.Name, q.Password); err != nil {
			return control.User{}, err
		}
		account, err := a.accounts.Get(q.Name)
		return userOf(account), err
	case control.UserRemove:
		account, err := a.accounts.Get(q.Name)
		if err != nil {
			return control.User{}, err
		}
		return userOf(account), a.accounts.Remove(q.Name)
	}
	return control.User{}, fmt.Errorf("user %q: %w", q.Action, mail.ErrBadInput)
}

func (a *App) addUser(ctx context.Context, q control.UserRequest) (control.User, error) {
	role, err := access.ParseRole(q.Role)
	if err != nil {
		return control.User{}, err
	}
	n := access.New{Name: q.Name, Role: role, Domains: q.Domains, Password: q.Password}
	for _, text := range q.Addresses {
		owned, err := access.ParseOwned(text, a.config.Timezone.Location())
		if err != nil {
			return control.User{}, err
		}
		n.Addresses = append(n.Addresses, owned)
	}
	account, err := a.accounts.Add(ctx, n)
	return userOf(account), err
}
