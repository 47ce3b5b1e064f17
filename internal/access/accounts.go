package access

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
)

// Options say where accounts are kept and how they are treated. Folder must be
// set and be there, and Rules.Fold be set; the zero value of all else is its
// default.
type Options struct {
	Folder string
	FS     durable.FS   // default: durable.OS
	Logger *slog.Logger // default: none
	Now    func() time.Time
	Random io.Reader // default: crypto/rand
	Rules  Rules
	// Cost is that of password hashes, Hashing how many are made at once;
	// defaults DefaultCost and 2. Each takes Cost.Memory; the others wait.
	Cost    Cost
	Hashing int
	// MinLength of new passwords in characters; default DefaultMinLength.
	MinLength int
	Lockout   Lockout
	// Idle is how long a session lasts unused, Lifetime how long at most;
	// defaults 12 h and 7 days.
	Idle, Lifetime time.Duration
	// SetupLife is how long the link of the first start is good; default 1 h.
	SetupLife time.Duration
	// Issuer is the archive's name in the apps that make codes.
	Issuer string
	// Verify checks the password of an account that is not Local. Errors:
	// ErrNotAllowed for a wrong one, all else is trouble. Without it they cannot
	// sign in with one. It is called for accounts only, so the time that it
	// takes tells that there is one; the hash of a local one is made besides.
	Verify func(ctx context.Context, a Account, password string) error
}

func (o Options) withDefaults() Options {
	if o.FS == nil {
		o.FS = durable.OS{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	def(&o.Cost, DefaultCost())
	def(&o.Hashing, 2)
	def(&o.MinLength, DefaultMinLength)
	def(&o.Idle, 12*time.Hour)
	def(&o.Lifetime, 7*24*time.Hour)
	def(&o.SetupLife, time.Hour)
	def(&o.Issuer, "Mail Archive")
	return o
}

// Accounts are all who may use the archive. All methods may be called at once
// from several goroutines.
//
// A change that returns nil is on disk and holds at once, for sessions and
// tokens too; after an error it does not hold now, and may hold after a crash
// or restart.
type Accounts struct {
	o       Options
	hasher  *hasher
	guard   *guard
	pending *pending
	setup   setup
	live    *sessions

	changing sync.Mutex
	state    atomic.Pointer[state]
}

// state is all accounts at one time; it never changes.
type state struct {
	byName, byID map[string]*record
	tokens       map[mail.Digest]holder
}

func newState(records map[string]*record) *state {
	s := &state{byName: records, byID: make(map[string]*record, len(records)), tokens: map[mail.Digest]holder{}}
	for _, r := range records {
		s.byID[r.ID] = r
		for i := range r.Tokens {
			s.tokens[r.Tokens[i].Digest] = holder{r, &r.Tokens[i]}
		}
	}
	return s
}

// Open reads the accounts in the folder. The error wraps ErrDamaged when the
// file of accounts is not what was written. That of sessions is given up then,
// and all sign in again.
func Open(o Options) (*Accounts, error) {
	o = o.withDefaults()
	if o.Rules.Fold == nil {
		return nil, fmt.Errorf("accounts: no rule to compare addresses by: %w", mail.ErrBadInput)
	}
	records, err := readAccounts(o.FS, o.Folder)
	if err != nil {
		return nil, fmt.Errorf("accounts: %w", err)
	}
	a := &Accounts{o: o, guard: newGuard(o.Lockout, o.Now), pending: newPending(o.Now)}
	if a.hasher, err = newHasher(o.Cost, o.Hashing, o.Random); err != nil {
		return nil, fmt.Errorf("accounts: %w", err)
	}
	a.live = openSessions(&a.o)
	a.state.Store(newState(records))
	return a, nil
}

// Close writes down when sessions were last used.
func (a *Accounts) Close() error { return a.live.flush() }

// New is an account to be made.
type New struct {
	Name      string
	Role      Role
	Addresses []Owned
	Domains   []string
	Grants    []Grant
	Source    Source // default: Local
	// Password may be empty: then nobody signs in with one until it is set.
	Password string
}

// Add makes an account. Errors: ErrBadInput for what cannot be, a name that is
// taken and a password that is too easy.
func (a *Accounts) Add(ctx context.Context, n New) (Account, error) {
	made, err := a.prepare(ctx, n)
	if err == nil {
		err = a.change(func(all map[string]*record) error {
			if all[made.Name] != nil {
				return fmt.Errorf("there is an account %s: %w", made.Name, mail.ErrBadInput)
			}
			all[made.Name] = made
			return nil
		})
	}
	if err != nil {
		return Account{}, fmt.Errorf("add account: %w", err)
	}
	return made.account(), nil
}

// prepare makes the record of a new account.
func (a *Accounts) prepare(ctx context.Context, n New) (*record, error) {
	def(&n.Source, Local)
	name, err := foldName(n.Name)
	if err != nil {
		return nil, err
	}
	made := &record{
		Name: name, Role: n.Role, Addresses: slices.Clone(n.Addresses), Domains: slices.Clone(n.Domains),
		Grants: slices.Clone(n.Grants), Source: n.Source, Created: a.o.Now().UTC().Truncate(time.Second),
	}
	account := made.account()
	if err := a.o.Rules.check(&account); err != nil {
		return nil, err
	}
	if made.ID, err = newName(a.o.Random); err != nil {
		return nil, err
	}
	if n.Password == "" {
		return made, nil
	}
	return made, a.hashNew(ctx, made, n.Password)
}

// hashNew gives a record a new password.
func (a *Accounts) hashNew(ctx context.Context, r *record, password string) error {
	if r.Source != Local {
		return fmt.Errorf("%s has its password elsewhere (%s): %w", r.Name, r.Source, mail.ErrBadInput)
	}
	prepared, err := preparePassword(password)
	if err != nil {
		return err
	}
	known := []string{r.Name, plainLocal(r.Name)}
	for _, o := range r.Addresses {
		known = append(known, o.Address, plainLocal(o.Address))
	}
	if err := checkPassword(prepared, a.o.MinLength, known); err != nil {
		return err
	}
	r.Password, err = a.hasher.hash(ctx, prepared)
	r.PasswordSet = a.o.Now().UTC().Truncate(time.Second)
	return err
}

// Get returns the account of that name. Errors: ErrNotFound.
func (a *Accounts) Get(name string) (Account, error) {
	r, err := a.find(name)
	if err != nil {
		return Account{}, err
	}
	return r.account(), nil
}

func (a *Accounts) find(name string) (*record, error) {
	folded, err := foldName(name)
	if r := a.state.Load().byName[folded]; r != nil && err == nil {
		return r, nil
	}
	return nil, fmt.Errorf("account %.70q: %w", name, mail.ErrNotFound)
}

// List returns all accounts by name.
func (a *Accounts) List() []Account {
	all := slices.Collect(maps.Values(a.state.Load().byName))
	slices.SortFunc(all, func(x, y *record) int { return cmp.Compare(x.Name, y.Name) })
	list := make([]Account, len(all))
	for i, r := range all {
		list[i] = r.account()
	}
	return list
}

// Empty reports whether there is no account yet.
func (a *Accounts) Empty() bool { return len(a.state.Load().byName) == 0 }

// Scope returns what an account sees, for reading in its name (AskedBy). A
// disabled account sees what it saw. Errors: ErrNotFound.
func (a *Accounts) Scope(name string) (Scope, error) {
	account, err := a.Get(name)
	if err != nil {
		return Scope{}, err
	}
	return a.o.Rules.scope(&account), nil
}

// Set changes role, addresses, domains, grants, source and whether an account
// is disabled, by a function that gets the account; what else it changes is not
// kept. It must not call other methods that change accounts. Disabling ends all sessions for good. Errors:
// ErrNotFound, ErrBadInput also when no administrator would be left, and those of
// the function.
func (a *Accounts) Set(name string, change func(*Account) error) (Account, error) {
	var after Account
	err := a.changeOne(name, func(r *record) error {
		account := r.account()
		if err := change(&account); err != nil {
			return err
		}
		if err := a.o.Rules.check(&account); err != nil {
			return err
		}
		if account.Disabled && !r.Disabled {
			r.Generation++
		}
		if account.Source != r.Source {
			r.Password, r.PasswordSet = "", time.Time{}
			r.Generation++
		}
		r.Role, r.Source, r.Disabled = account.Role, account.Source, account.Disabled
		r.Addresses, r.Domains, r.Grants = slices.Clone(account.Addresses), slices.Clone(account.Domains), slices.Clone(account.Grants)
		after = r.account()
		return nil
	})
	if err != nil {
		return Account{}, fmt.Errorf("set account: %w", err)
	}
	return after, nil
}

// SetPassword gives an account a new password and ends all its sessions. API
// tokens stay. Errors: ErrNotFound, ErrBadInput.
func (a *Accounts) SetPassword(ctx context.Context, name, password string) error {
	r, err := a.find(name)
	if err != nil {
		return fmt.Errorf("set password: %w", err)
	}
	made := r.clone() // the hash takes long: not while others wait
	if err := a.hashNew(ctx, made, password); err != nil {
		return fmt.Errorf("set password: %w", err)
	}
	err = a.changeOne(name, func(r *record) error {
		if r.ID != made.ID || r.Source != Local {
			return fmt.Errorf("account %s: %w", name, mail.ErrNotFound)
		}
		r.Password, r.PasswordSet = made.Password, made.PasswordSet
		r.Generation++
		return nil
	})
	if err != nil {
		return fmt.Errorf("set password: %w", err)
	}
	return nil
}

// Remove takes an account away with its sessions and tokens. Errors:
// ErrNotFound, ErrBadInput when no administrator would be left.
func (a *Accounts) Remove(name string) error {
	err := a.changeOne(name, func(r *record) error {
		r.ID = "" // taken out by changeOne
		return nil
	})
	if err != nil {
		return fmt.Errorf("remove account: %w", err)
	}
	return nil
}

// errUnchanged ends a change that has nothing to do.
var errUnchanged = errors.New("nothing to change")

// changeOne changes a copy of a record; one without an ID goes.
func (a *Accounts) changeOne(name string, change func(*record) error) error {
	return a.change(func(all map[string]*record) error {
		folded, err := foldName(name)
		r := all[folded]
		if err != nil || r == nil {
			return fmt.Errorf("account %.70q: %w", name, mail.ErrNotFound)
		}
		r = r.clone()
		if err := change(r); err != nil {
			return err
		}
		if all[folded] = r; r.ID == "" {
			delete(all, folded)
		}
		return nil
	})
}

// change makes a change to all accounts: on disk first, then for all to see.
func (a *Accounts) change(change func(map[string]*record) error) error {
	a.changing.Lock()
	defer a.changing.Unlock()
	before := a.state.Load().byName
	after := maps.Clone(before)
	if err := change(after); errors.Is(err, errUnchanged) {
		return nil
	} else if err != nil {
		return err
	}
	if hasAdministrator(before) && !hasAdministrator(after) {
		return fmt.Errorf("no administrator would be left who can sign in: %w", mail.ErrBadInput)
	}
	if err := writeAccounts(a.o.FS, a.o.Folder, after); err != nil {
		return err
	}
	now := newState(after)
	a.state.Store(now)
	a.live.forget(now)
	return nil
}

func hasAdministrator(all map[string]*record) bool {
	for _, r := range all {
		if r.Role == Administrator && !r.Disabled {
			return true
		}
	}
	return false
}
