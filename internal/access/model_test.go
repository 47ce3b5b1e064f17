package access

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mailarchive/internal/durable"
	"mailarchive/internal/durable/durabletest"
	"mailarchive/internal/mail"
)

// model is what accounts must do, kept in the plainest way.
type model struct {
	real     *Accounts
	disk     *durabletest.Disk
	clock    *clock
	accounts map[string]*modelAccount
	sessions map[string]*modelSession // by secret
	tokens   map[string]string        // secret to name
	ids      map[string]string        // secret to token ID
}

type modelAccount struct {
	password string
	disabled bool
}

type modelSession struct {
	name          string
	started, used time.Time
}

var (
	modelNames     = rapid.SampledFrom([]string{"ann", "bob", "eve"})
	modelPasswords = rapid.SampledFrom([]string{"six wet otters", "seven wet otters", "eight wet otters"})
)

func newModel(t *rapid.T) *model {
	m := &model{
		disk: durabletest.New(durabletest.Options{}), clock: &clock{t: day(2026, 1, 1)},
		accounts: map[string]*modelAccount{}, sessions: map[string]*modelSession{}, tokens: map[string]string{}, ids: map[string]string{},
	}
	if err := durable.MakeFolder(m.disk, folder, 0o700); err != nil {
		t.Fatal(err)
	}
	m.open(t)
	return m
}

func (m *model) open(t *rapid.T) {
	var err error
	m.real, err = Open(Options{
		Folder: folder, FS: m.disk, Now: m.clock.now, Rules: rules(), Cost: cheap, Idle: 6 * time.Hour, Lifetime: 24 * time.Hour,
		Lockout: Lockout{Free: 1 << 30, NetworkBurst: 1 << 30, NetworkEach: 1}, // another test's
	})
	if err != nil {
		t.Fatal(err)
	}
}

// expect compares what happened with what had to.
func (m *model) expect(t *rapid.T, what string, err, want error) {
	if !errors.Is(err, want) || want == nil && err != nil {
		t.Fatalf("%s: %v, want %v", what, err, want)
	}
}

// ends forgets the sessions of a name.
func (m *model) ends(name string) {
	for secret, s := range m.sessions {
		if s.name == name {
			delete(m.sessions, secret)
		}
	}
}

func (m *model) add(t *rapid.T) {
	name, password := modelNames.Draw(t, "name"), modelPasswords.Draw(t, "password")
	_, err := m.real.Add(t.Context(), New{Name: name, Role: User, Password: password})
	if m.accounts[name] != nil {
		m.expect(t, "add", err, mail.ErrBadInput)
		return
	}
	m.expect(t, "add", err, nil)
	m.accounts[name] = &modelAccount{password: password}
}

func (m *model) remove(t *rapid.T) {
	name := modelNames.Draw(t, "name")
	err := m.real.Remove(name)
	if m.accounts[name] == nil {
		m.expect(t, "remove", err, mail.ErrNotFound)
		return
	}
	m.expect(t, "remove", err, nil)
	delete(m.accounts, name)
	m.ends(name)
	for secret, owner := range m.tokens {
		if owner == name {
			delete(m.tokens, secret)
		}
	}
}

func (m *model) disable(t *rapid.T) {
	name, disabled := modelNames.Draw(t, "name"), rapid.Bool().Draw(t, "disabled")
	_, err := m.real.Set(name, func(a *Account) error { a.Disabled = disabled; return nil })
	a := m.accounts[name]
	if a == nil {
		m.expect(t, "disable", err, mail.ErrNotFound)
		return
	}
	m.expect(t, "disable", err, nil)
	if a.disabled = disabled; disabled {
		m.ends(name)
	}
}

func (m *model) setPassword(t *rapid.T) {
	name, password := modelNames.Draw(t, "name"), modelPasswords.Draw(t, "password")
	err := m.real.SetPassword(t.Context(), name, password)
	if m.accounts[name] == nil {
		m.expect(t, "set password", err, mail.ErrNotFound)
		return
	}
	m.expect(t, "set password", err, nil)
	m.accounts[name].password = password
	m.ends(name)
}

func (m *model) signIn(t *rapid.T) {
	name, password := modelNames.Draw(t, "name"), modelPasswords.Draw(t, "password")
	e, err := m.real.SignIn(t.Context(), Attempt{Name: name, Password: password})
	if a := m.accounts[name]; a == nil || a.disabled || a.password != password {
		m.expect(t, "sign in", err, ErrSignIn)
		return
	}
	m.expect(t, "sign in", err, nil)
	if m.sessions[e.Secret] != nil {
		t.Fatal("a secret came twice")
	}
	m.sessions[e.Secret] = &modelSession{name, m.clock.now(), m.clock.now()}
}

// some draws one of the secrets that were given, if there is any.
func some[V any](t *rapid.T, of map[string]V) (string, bool) {
	if len(of) == 0 {
		return "", false
	}
	var all []string
	for secret := range of {
		all = append(all, secret)
	}
	slices.Sort(all)
	return rapid.SampledFrom(all).Draw(t, "secret"), true
}

func (m *model) signOut(t *rapid.T) {
	if secret, ok := some(t, m.sessions); ok {
		m.expect(t, "sign out", m.real.SignOut(secret), nil)
		delete(m.sessions, secret)
		_, err := m.real.Session(secret)
		m.expect(t, "a session that was signed out", err, ErrSignIn)
	}
}

func (m *model) addToken(t *rapid.T) {
	name := modelNames.Draw(t, "name")
	secret, made, err := m.real.AddToken(name, Token{Label: "x", Role: User, Rights: []Right{ToRead}})
	if m.accounts[name] == nil {
		m.expect(t, "add token", err, mail.ErrNotFound)
		return
	}
	if len(m.tokens) < maxTokens {
		m.expect(t, "add token", err, nil)
		m.tokens[secret], m.ids[secret] = name, made.ID
	}
}

func (m *model) removeToken(t *rapid.T) {
	if secret, ok := some(t, m.tokens); ok {
		m.expect(t, "remove token", m.real.RemoveToken(m.tokens[secret], m.ids[secret]), nil)
		delete(m.tokens, secret)
		_, err := m.real.Bearer(secret, addr("192.0.2.1"))
		m.expect(t, "a token that was revoked", err, ErrSignIn)
	}
}

func (m *model) pass(t *rapid.T) {
	m.clock.advance(time.Duration(rapid.IntRange(1, 300).Draw(t, "minutes")) * time.Minute)
}

// crash loses what was not synced: of what was promised, nothing; of sessions
// when they were used.
func (m *model) crash(t *rapid.T) {
	m.disk = m.disk.Crash(func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "survives") })
	m.open(t)
	for _, s := range m.real.Sessions("") {
		for _, other := range m.sessions {
			if other.name == s.Account && other.started.Equal(s.Started) {
				other.used = s.LastUsed
			}
		}
	}
}

func (m *model) restart(t *rapid.T) {
	m.expect(t, "close", m.real.Close(), nil)
	m.open(t)
}

// check asks for all that there should be.
func (m *model) check(t *rapid.T) {
	var names []string
	for _, a := range m.real.List() {
		if want := m.accounts[a.Name]; want == nil || want.disabled != a.Disabled {
			t.Fatalf("account %+v, want %+v", a, want)
		}
		names = append(names, a.Name)
	}
	if len(names) != len(m.accounts) || !slices.IsSorted(names) {
		t.Fatalf("accounts %v, want %d", names, len(m.accounts))
	}
	now := m.clock.now()
	for secret, s := range m.sessions {
		i, err := m.real.Session(secret)
		if now.Sub(s.used) >= 6*time.Hour || now.Sub(s.started) >= 24*time.Hour {
			m.expect(t, "a session that is over", err, ErrSignIn)
			delete(m.sessions, secret)
			continue
		}
		m.expect(t, fmt.Sprintf("session of %s", s.name), err, nil)
		if s.used = now; i.Account.Name != s.name || i.Scope.Actor() != s.name {
			t.Fatalf("session of %s is %s's", s.name, i.Account.Name)
		}
	}
	for secret, name := range m.tokens {
		i, err := m.real.Bearer(secret, addr("192.0.2.1"))
		if m.accounts[name].disabled {
			m.expect(t, "token of a disabled account", err, ErrSignIn)
		} else if err != nil || i.Account.Name != name {
			t.Fatalf("token of %s is %s's, %v", name, i.Account.Name, err)
		}
	}
}

// Whatever is done in whatever order, with crashes between, accounts, sessions
// and tokens are what a plain model says.
func TestAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(t)
		t.Repeat(map[string]func(*rapid.T){
			"add": m.add, "remove": m.remove, "disable": m.disable, "set password": m.setPassword,
			"sign in": m.signIn, "sign in again": m.signIn, "sign out": m.signOut,
			"add token": m.addToken, "remove token": m.removeToken,
			"pass": m.pass, "crash": m.crash, "restart": m.restart,
			"": m.check,
		})
	})
}
