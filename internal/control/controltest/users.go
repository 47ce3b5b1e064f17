package controltest

import (
	"context"
	"fmt"
	"slices"

	"mailarchive/internal/access"
	"mailarchive/internal/control"
	"mailarchive/internal/mail"
)

// ActOnUser keeps names and roles.
func (a *Archive) ActOnUser(_ context.Context, _ access.Scope, q control.UserRequest) (control.User, error) {
	u := control.User{Name: q.Name, Role: q.Role, Addresses: q.Addresses, Domains: q.Domains}
	if err := a.fail("users"); err != nil {
		return u, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	at := slices.IndexFunc(a.users, func(u control.User) bool { return u.Name == q.Name })
	switch {
	case q.Action == control.UserAdd && at < 0:
		a.users = append(a.users, u)
	case q.Action == control.UserAdd:
		return u, fmt.Errorf("account %s: the name is taken: %w", q.Name, mail.ErrBadInput)
	case at < 0:
		return u, fmt.Errorf("account %s: %w", q.Name, mail.ErrNotFound)
	case q.Action == control.UserRemove:
		a.users = slices.Delete(a.users, at, at+1)
	}
	return u, nil
}

// Users lists them.
func (a *Archive) Users(context.Context, access.Scope) ([]control.User, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]control.User{}, a.users...), a.fail("users")
}
