package access

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"mailarchive/internal/mail"
)

// ErrSignIn says that signing in failed, and not why: an unknown name, a wrong
// password, a wrong or used code, a disabled account and one whose password is
// kept elsewhere look the same. It wraps ErrNotAllowed.
var ErrSignIn = fmt.Errorf("name, password or code is wrong: %w", mail.ErrNotAllowed)

// WaitError says that too many attempts failed and when the next one is
// worth it. It wraps ErrRetry.
type WaitError struct{ Wait time.Duration }

func (e *WaitError) Error() string {
	return fmt.Sprintf("too many failed attempts, wait %v", e.Wait.Round(time.Second))
}

// Unwrap returns ErrRetry.
func (e *WaitError) Unwrap() error { return mail.ErrRetry }

// CodeError says that the password was right and a code of the second factor
// is needed: see Continue. It wraps ErrNotAllowed.
type CodeError struct {
	// Secret stands for the password that was right, for a few minutes and codes.
	Secret string
}

func (e *CodeError) Error() string { return "a code of the second factor is needed" }

// Unwrap returns ErrNotAllowed.
func (e *CodeError) Unwrap() error { return mail.ErrNotAllowed }

// Attempt is somebody who wants to sign in.
type Attempt struct {
	Name, Password string
	// Code is one of the second factor or a recovery code. Without it, where it
	// is needed, a CodeError says so.
	Code string
	// Client is the address they come from, the zero Addr for this machine.
	Client netip.Addr
	Agent  string
	// Replaces is the secret of a session that the browser had before, from
	// this archive or from somebody who planted it; it ends.
	Replaces string
}

// Entry is a sign-in that worked.
type Entry struct {
	// Secret proves the session. It is new at each sign-in and kept nowhere.
	Secret string
	Session
	// Identity is who it is.
	Identity Identity
}

// Identity is who asks, and what they may.
type Identity struct {
	Account Account
	Scope   Scope
	// Session or Token is the ID of what proved it.
	Session, Token string
	rights         []Right
}

// May reports whether who asks may do that at all; what it is done to is the
// Scope's to say. To manage is for administrators.
func (i Identity) May(right Right) bool {
	return slices.Contains(i.rights, right) && (right != ToManage || i.Scope.Role() == Administrator)
}

// SignIn opens a session by name and password. Errors: *WaitError after too
// many failures, *CodeError when a code is needed, ErrSignIn, ErrRetry.
//
// Each attempt costs one password hash, whoever it is for; one that must wait
// costs none, and does not make the wait longer.
func (a *Accounts) SignIn(ctx context.Context, t Attempt) (Entry, error) {
	r, err := a.checkAttempt(ctx, t)
	if err == nil && r.secondFactor() {
		err = a.checkCode(r, t)
	}
	if err != nil {
		return Entry{}, fmt.Errorf("sign in: %w", err)
	}
	return a.enter(r, t)
}

// checkAttempt returns the record whose password was given.
func (a *Accounts) checkAttempt(ctx context.Context, t Attempt) (*record, error) {
	key := guardName(t.Name)
	if wait := a.guard.begin(key, t.Client); wait > 0 {
		return nil, &WaitError{wait}
	}
	r, err := a.find(t.Name)
	if err != nil {
		r = nil
	}
	if err := a.verify(ctx, r, t.Password); err != nil {
		return nil, err
	}
	if !r.secondFactor() {
		a.guard.succeed(key, t.Client)
	}
	return r, nil
}

// guardName is what failures are counted by: the name as accounts have it, or
// something as long for what no account can be called.
func guardName(name string) string {
	folded, err := foldName(name)
	if err != nil {
		return "?" + mail.Sum([]byte(name)).String() // longer than any name
	}
	return folded
}

// verify checks the password of a record, or of nobody's in the same time.
func (a *Accounts) verify(ctx context.Context, r *record, password string) error {
	prepared, perr := preparePassword(password)
	var stored string
	if r != nil && r.Source == Local && perr == nil {
		stored = r.Password
	}
	ok, stale, err := a.hasher.verify(ctx, stored, prepared)
	if err != nil {
		return err
	}
	if r != nil && r.Source != Local && a.o.Verify != nil && password != "" {
		err := a.o.Verify(ctx, r.account(), password)
		if err != nil && !errors.Is(err, mail.ErrNotAllowed) {
			return fmt.Errorf("ask %s: %w", r.Source, err)
		}
		ok = err == nil
	}
	if !ok || r.Disabled {
		return ErrSignIn
	}
	if stale {
		a.rehash(ctx, r, prepared)
	}
	return nil
}

// rehash brings a password's hash to what new ones cost. It is worth no
// failed sign-in.
func (a *Accounts) rehash(ctx context.Context, old *record, prepared string) {
	made, err := a.hasher.hash(ctx, prepared)
	if err == nil {
		err = a.changeOne(old.Name, func(r *record) error {
			if r.ID != old.ID || r.Password != old.Password {
				return errUnchanged
			}
			r.Password = made
			return nil
		})
	}
	if err != nil {
		a.o.Logger.Warn("password hash stays at its former cost", "step", "access", "error", err)
	}
}

// checkCode checks the code of an attempt whose password was right.
func (a *Accounts) checkCode(r *record, t Attempt) error {
	if t.Code == "" {
		secret, err := a.pending.add(a.o.Random, r)
		if err != nil {
			return err
		}
		return &CodeError{secret}
	}
	if !a.codeIsGood(r, t.Code) {
		return ErrSignIn
	}
	a.guard.succeed(guardName(r.Name), t.Client)
	return nil
}

// Continue opens a session by the secret of a CodeError and a code; Name and
// Password of the attempt do not count. Errors: *WaitError, ErrSignIn for a wrong
// code, after a few of which, or some minutes, the password is asked again.
func (a *Accounts) Continue(_ context.Context, secret string, t Attempt) (Entry, error) {
	r, err := a.continued(secret, t)
	if err != nil {
		return Entry{}, fmt.Errorf("sign in: %w", err)
	}
	return a.enter(r, t)
}

func (a *Accounts) continued(secret string, t Attempt) (*record, error) {
	owner, generation, ok := a.pending.try(secret)
	r := a.state.Load().byID[owner]
	if !ok || r == nil || r.Generation != generation || r.Disabled || !r.secondFactor() || t.Code == "" {
		return nil, ErrSignIn
	}
	key := guardName(r.Name)
	if wait := a.guard.begin(key, t.Client); wait > 0 {
		return nil, &WaitError{wait}
	}
	if !a.codeIsGood(r, t.Code) {
		return nil, ErrSignIn
	}
	a.guard.succeed(key, t.Client)
	a.pending.done(secret)
	return r, nil
}

// Enter opens a session for somebody whom another has made sure of: an OIDC
// provider. Errors: ErrSignIn when there is no such account or it is disabled.
func (a *Accounts) Enter(t Attempt) (Entry, error) {
	r, err := a.find(t.Name)
	if err != nil || r.Disabled {
		return Entry{}, fmt.Errorf("sign in: %w", ErrSignIn)
	}
	return a.enter(r, t)
}

// enter opens the session. The record may have changed since it was read:
// then its generation did, and the session is worth nothing.
func (a *Accounts) enter(r *record, t Attempt) (Entry, error) {
	secret, made, err := a.live.start(r, t)
	if err != nil {
		return Entry{}, fmt.Errorf("sign in: %w", err)
	}
	return Entry{Secret: secret, Session: made.public(r), Identity: a.identity(r, made)}, nil
}

func (s session) public(r *record) Session {
	return Session{ID: s.ID, Account: r.Name, Started: s.Started, LastUsed: s.Used, Ends: s.Ends, Client: s.Client, Agent: s.Agent}
}

func (a *Accounts) identity(r *record, s session) Identity {
	account := r.account()
	return Identity{Account: account, Scope: a.o.Rules.scope(&account), Session: s.ID, rights: Rights()}
}

// Session returns whose session a secret proves, as they are now, and notes
// that it was used. Errors: ErrSignIn.
func (a *Accounts) Session(secret string) (Identity, error) {
	s, ok := a.live.use(secret)
	if !ok {
		return Identity{}, ErrSignIn
	}
	r := a.state.Load().byID[s.Owner]
	if r == nil || r.Disabled || r.Generation != s.Generation {
		return Identity{}, ErrSignIn
	}
	return a.identity(r, s), nil
}

// Sessions lists the open sessions of an account, or of all for "", the last
// used first.
func (a *Accounts) Sessions(name string) []Session {
	now := a.state.Load()
	folded, _ := foldName(name)
	var list []Session
	for _, s := range a.live.list() {
		r := now.byID[s.Owner]
		if r != nil && !r.Disabled && r.Generation == s.Generation && (name == "" || r.Name == folded) {
			list = append(list, s.public(r))
		}
	}
	return list
}

// SignOut ends the session of a secret, if there is one.
func (a *Accounts) SignOut(secret string) error {
	digest := mail.Sum([]byte(secret))
	_, err := a.live.end(func(s *session) bool { return s.Digest == digest })
	return err
}

// EndSession ends the session of an account by its ID; "" is any account.
// Errors: ErrNotFound.
func (a *Accounts) EndSession(name, id string) error {
	var owner string
	if name != "" {
		r, err := a.find(name)
		if err != nil {
			return fmt.Errorf("end session: %w", err)
		}
		owner = r.ID
	}
	n, err := a.live.end(func(s *session) bool { return s.ID == id && (owner == "" || s.Owner == owner) })
	if err == nil && n == 0 {
		err = fmt.Errorf("session %.70q: %w", id, mail.ErrNotFound)
	}
	return err
}

// EndSessions ends all sessions of an account and returns how many. Errors:
// ErrNotFound.
func (a *Accounts) EndSessions(name string) (int, error) {
	r, err := a.find(name)
	if err != nil {
		return 0, fmt.Errorf("end sessions: %w", err)
	}
	return a.live.end(func(s *session) bool { return s.Owner == r.ID })
}

// ChangePassword is SetPassword for who knows the former password. Errors:
// those of SetPassword, ErrSignIn and *WaitError.
func (a *Accounts) ChangePassword(ctx context.Context, t Attempt, password string) error {
	if _, err := a.checkAttempt(ctx, t); err != nil {
		return fmt.Errorf("change password: %w", err)
	}
	return a.SetPassword(ctx, t.Name, password)
}
