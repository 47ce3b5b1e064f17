package access

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"mailarchive/internal/durable/durabletest"
	"mailarchive/internal/mail"
)

func TestSignIn(t *testing.T) {
	l := newLab(t)
	l.ann()
	e := l.in(Attempt{Name: " ANN", Password: good, Client: addr("192.0.2.1"), Agent: "browser"})
	i, err := l.Session(e.Secret)
	must(t, err)
	if i.Account.Name != "ann" || i.Scope.Actor() != "ann" || i.Scope.Role() != User || i.Session != e.ID || i.Token != "" {
		t.Errorf("%+v", i)
	}
	if !i.May(ToRead) || i.May(ToManage) {
		t.Error("a user may not read, or manages")
	}
	want := Session{ID: e.ID, Account: "ann", Started: l.now(), LastUsed: l.now(), Ends: l.now().Add(48 * time.Hour), Client: addr("192.0.2.1"), Agent: "browser"}
	if list := l.Sessions("ann"); len(list) != 1 || list[0] != want {
		t.Errorf("%+v, want %+v", list, want)
	}
	l.add(New{Name: "root", Role: Administrator})
	if e := l.in(Attempt{Name: "root", Password: good}); !e.Identity.May(ToManage) || !e.Identity.Scope.All() {
		t.Error("root may not")
	}
}

// What is wrong does not show.
func TestFailuresLookTheSame(t *testing.T) {
	l := newLab(t)
	l.ann()
	l.add(New{Name: "gone", Role: User})
	_, err := l.Set("gone", func(a *Account) error { a.Disabled = true; return nil })
	must(t, err)
	for name, n := range map[string]New{"ldap": {Name: "ldap", Role: User, Source: LDAP}, "none": {Name: "none", Role: User}} {
		if _, err := l.Add(t.Context(), n); err != nil {
			t.Fatal(name, err)
		}
	}
	var texts []string
	for i, a := range []Attempt{
		{Name: "ann", Password: "wrong wrong"}, {Name: "ann"}, {Name: "nobody", Password: good}, {Name: "", Password: good},
		{Name: "gone", Password: good}, {Name: "ldap", Password: good}, {Name: "none", Password: ""}, {Name: "none", Password: good},
		{Name: strings.Repeat("a", 100_000), Password: good}, {Name: "ann", Password: strings.Repeat("x", 100_000)},
		{Name: "' OR 1=1 --", Password: "' OR 1=1 --"}, {Name: "*)(uid=*", Password: good}, {Name: "\xff\x00", Password: "\xff\x00"},
	} {
		a.Client = addr(fmt.Sprintf("192.0.2.%d", i))
		e, err := l.SignIn(t.Context(), a)
		if !errors.Is(err, ErrSignIn) || !errors.Is(err, mail.ErrNotAllowed) || e.Secret != "" {
			t.Errorf("%.40q with %.40q: %+v, %v", a.Name, a.Password, e, err)
		}
		texts = append(texts, err.Error())
	}
	for _, text := range texts {
		if text != texts[0] {
			t.Errorf("one says %q, another %q", texts[0], text)
		}
	}
}

// Each attempt costs one hash of the same cost, whoever it is for; one that has
// to wait costs none.
func TestEachAttemptIsOneHash(t *testing.T) {
	l := newLab(t)
	l.ann()
	for range cap(l.hasher.slots) {
		l.hasher.slots <- struct{}{} // so that a hash has to wait until ctx ends
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, a := range []Attempt{{Name: "ann", Password: good}, {Name: "nobody", Password: good}, {Name: "ann", Password: "\x00"}, {}} {
		_, err := l.SignIn(ctx, a)
		wantErr(t, "an attempt on "+a.Name, err, context.Canceled)
	}
	if l.hasher.dummy.cost != cheap {
		t.Error("the dummy costs something else")
	}
	for range 20 {
		l.guard.begin("ann", addr("192.0.2.1"))
	}
	_, err := l.SignIn(ctx, Attempt{Name: "ann", Password: good, Client: addr("192.0.2.1")})
	var wait *WaitError
	if !errors.As(err, &wait) || wait.Wait <= 0 || !errors.Is(err, mail.ErrRetry) {
		t.Errorf("one that waits: %v", err)
	}
}

func TestLockOut(t *testing.T) {
	l := newLab(t)
	l.ann()
	attacker, owner := addr("198.51.100.1"), addr("192.0.2.1")
	var wait *WaitError
	for range 5 {
		_, err := l.SignIn(t.Context(), Attempt{Name: "ann", Password: "guess and guess", Client: attacker})
		wantErr(t, "a guess", err, ErrSignIn)
	}
	_, err := l.SignIn(t.Context(), Attempt{Name: "Ann", Password: good, Client: attacker})
	if !errors.As(err, &wait) {
		t.Errorf("the right password right after: %v", err)
	}
	l.in(Attempt{Name: "ann", Password: good, Client: owner})
	l.advance(wait.Wait)
	l.in(Attempt{Name: "ann", Password: good, Client: attacker})
	for range 6 { // of a name that there is not, it looks the same
		_, err = l.SignIn(t.Context(), Attempt{Name: "nobody", Password: good, Client: attacker})
	}
	if !errors.As(err, &wait) {
		t.Errorf("nobody: %v", err)
	}
}

func TestFixation(t *testing.T) {
	l := newLab(t)
	l.ann()
	l.add(New{Name: "eve", Role: User})
	planted := l.in(Attempt{Name: "eve", Password: good}).Secret
	e := l.in(Attempt{Name: "ann", Password: good, Replaces: planted})
	if e.Secret == planted {
		t.Error("the secret is the planted one")
	}
	if _, err := l.Session(planted); !errors.Is(err, ErrSignIn) {
		t.Errorf("the planted session goes on: %v", err)
	}
	again := l.in(Attempt{Name: "ann", Password: good, Replaces: "never a secret"})
	if again.Secret == e.Secret || again.ID == e.ID {
		t.Error("two sign-ins have one session")
	}
}

func TestSessionsEnd(t *testing.T) {
	l := newLab(t)
	l.ann()
	e := l.in(Attempt{Name: "ann", Password: good})
	for range 3 {
		l.advance(12*time.Hour - 1)
		if _, err := l.Session(e.Secret); err != nil {
			t.Fatalf("in use: %v", err)
		}
	}
	l.advance(12 * time.Hour)
	if _, err := l.Session(e.Secret); !errors.Is(err, ErrSignIn) {
		t.Errorf("unused: %v", err)
	}
	e = l.in(Attempt{Name: "ann", Password: good})
	for range 5 {
		l.advance(9 * time.Hour)
		must(t, second(l.Session(e.Secret)))
	}
	l.advance(3 * time.Hour)
	if _, err := l.Session(e.Secret); !errors.Is(err, ErrSignIn) {
		t.Errorf("at its end: %v", err)
	}
	if list := l.Sessions(""); len(list) != 0 {
		t.Errorf("listed: %+v", list)
	}
	for _, secret := range []string{"", "x", TokenPrefix} {
		if _, err := l.Session(secret); !errors.Is(err, ErrSignIn) {
			t.Errorf("%q: %v", secret, err)
		}
	}
}

func TestEndingSessions(t *testing.T) {
	l := newLab(t)
	l.ann()
	l.add(New{Name: "bob", Role: User})
	var secrets []string
	for range 3 {
		secrets = append(secrets, l.in(Attempt{Name: "ann", Password: good}).Secret)
	}
	bob := l.in(Attempt{Name: "bob", Password: good})
	must(t, l.SignOut(secrets[0]))
	must(t, l.SignOut(secrets[0])) // again is nothing
	wantErr(t, "another's", l.EndSession("ann", bob.ID), mail.ErrNotFound)
	wantErr(t, "nobody's", l.EndSession("nobody", bob.ID), mail.ErrNotFound)
	i, err := l.Session(secrets[1])
	must(t, err)
	must(t, l.EndSession("ann", i.Session))
	wantErr(t, "ended", l.EndSession("", i.Session), mail.ErrNotFound)
	if n, err := l.EndSessions("ann"); n != 1 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	l.disk = l.disk.Crash(durabletest.Nothing) // what was not synced is gone
	l.open()
	for _, secret := range secrets {
		if _, err := l.Session(secret); !errors.Is(err, ErrSignIn) {
			t.Errorf("ended, and after a crash: %v", err)
		}
	}
	if _, err := l.Session(bob.Secret); err != nil {
		t.Errorf("bob: %v", err)
	}
	_, err = l.EndSessions("nobody")
	wantErr(t, "nobody", err, mail.ErrNotFound)
}

// All that must end a session, however it is put into effect.
func TestWhatEndsAllSessions(t *testing.T) {
	for name, act := range map[string]func(l *lab) error{
		"a new password": func(l *lab) error { return l.SetPassword(l.t.Context(), "ann", "seven wet otters") },
		"the own change": func(l *lab) error {
			return l.ChangePassword(l.t.Context(), Attempt{Name: "ann", Password: good}, "seven wet otters")
		},
		"disabled": func(l *lab) error {
			_, err := l.Set("ann", func(a *Account) error { a.Disabled = true; return nil })
			return err
		},
		"disabled and enabled": func(l *lab) error {
			for _, d := range []bool{true, false} {
				if _, err := l.Set("ann", func(a *Account) error { a.Disabled = d; return nil }); err != nil {
					return err
				}
			}
			return nil
		},
		"another source": func(l *lab) error {
			_, err := l.Set("ann", func(a *Account) error { a.Source = LDAP; return nil })
			return err
		},
		"removed": func(l *lab) error { return l.Remove("ann") },
		"removed and made again": func(l *lab) error {
			if err := l.Remove("ann"); err != nil {
				return err
			}
			l.ann()
			return nil
		},
	} {
		l := newLab(t)
		l.ann()
		one, two := l.in(Attempt{Name: "ann", Password: good}), l.in(Attempt{Name: "ann", Password: good})
		if err := act(l); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for range 2 { // again after a crash
			for _, secret := range []string{one.Secret, two.Secret} {
				if _, err := l.Session(secret); !errors.Is(err, ErrSignIn) {
					t.Errorf("%s: %v", name, err)
				}
			}
			if list := l.Sessions(""); len(list) > 0 {
				t.Errorf("%s: %+v", name, list)
			}
			l.disk = l.disk.Crash(durabletest.Nothing)
			l.open()
		}
	}
}

func TestPasswordChange(t *testing.T) {
	l := newLab(t)
	l.ann()
	const next = "seven wet otters"
	wantErr(t, "a wrong one", l.ChangePassword(t.Context(), Attempt{Name: "ann", Password: "wrong wrong"}, next), ErrSignIn)
	wantErr(t, "a common one", l.ChangePassword(t.Context(), Attempt{Name: "ann", Password: good}, "Password123"), mail.ErrBadInput)
	wantErr(t, "nobody", l.SetPassword(t.Context(), "nobody", next), mail.ErrNotFound)
	l.advance(time.Hour)
	must(t, l.ChangePassword(t.Context(), Attempt{Name: "ann", Password: good}, next))
	_, err := l.SignIn(t.Context(), Attempt{Name: "ann", Password: good})
	wantErr(t, "the former one", err, ErrSignIn)
	l.in(Attempt{Name: "ann", Password: next})
	if a, _ := l.Get("ann"); !a.PasswordSet.Equal(l.now()) {
		t.Errorf("set %v", a.PasswordSet)
	}
	if b, _ := l.disk.ReadFile(folder + "/" + accountsFile); strings.Contains(string(b), next) {
		t.Error("the password is in the file")
	}
}

func TestRehash(t *testing.T) {
	l := newLab(t)
	l.ann()
	costly := Cost{Memory: 16, Passes: 2, Lanes: 1}
	l.open(func(o *Options) { o.Cost = costly })
	secret := l.in(Attempt{Name: "ann", Password: good}).Secret
	h, err := parseHashed(l.state.Load().byName["ann"].Password)
	if err != nil || h.cost != costly {
		t.Errorf("%+v, %v", h.cost, err)
	}
	if _, err := l.Session(secret); err != nil {
		t.Errorf("it ended the session: %v", err)
	}
	l.in(Attempt{Name: "ann", Password: good})
}

func TestPasswordKeptElsewhere(t *testing.T) {
	down := errors.New("connection refused")
	var asked []string
	l := newLab(t, func(o *Options) {
		o.Verify = func(_ context.Context, a Account, password string) error {
			asked = append(asked, a.Name)
			switch password {
			case "right":
				return nil
			case "down":
				return down
			}
			return mail.ErrNotAllowed
		}
	})
	must(t, second(l.Add(t.Context(), New{Name: "ldap", Role: User, Source: LDAP})))
	l.ann()
	l.in(Attempt{Name: "ldap", Password: "right"})
	_, err := l.SignIn(t.Context(), Attempt{Name: "ldap", Password: "wrong"})
	wantErr(t, "wrong", err, ErrSignIn)
	_, err = l.SignIn(t.Context(), Attempt{Name: "ldap", Password: "down"})
	wantErr(t, "down", err, down)
	n := len(asked)
	_, err = l.SignIn(t.Context(), Attempt{Name: "ldap", Password: ""}) // an LDAP bind without a password says yes (RFC 4513 5.1.2)
	wantErr(t, "empty", err, ErrSignIn)
	_, err = l.SignIn(t.Context(), Attempt{Name: "ann", Password: "right"})
	wantErr(t, "a local one", err, ErrSignIn)
	if len(asked) != n {
		t.Errorf("asked for %v", asked[n:])
	}
	wantErr(t, "set password", l.SetPassword(t.Context(), "ldap", good), mail.ErrBadInput)
}

func TestEnter(t *testing.T) {
	l := newLab(t)
	must(t, second(l.Add(t.Context(), New{Name: "o", Role: User, Source: OIDC})))
	e, err := l.Enter(Attempt{Name: "o"})
	must(t, err)
	must(t, second(l.Session(e.Secret)))
	_, err = l.Enter(Attempt{Name: "nobody"})
	wantErr(t, "nobody", err, ErrSignIn)
	_, err = l.Set("o", func(a *Account) error { a.Disabled = true; return nil })
	must(t, err)
	_, err = l.Enter(Attempt{Name: "o"})
	wantErr(t, "disabled", err, ErrSignIn)
}

func TestSessionsOutlastRestart(t *testing.T) {
	l := newLab(t)
	l.ann()
	e := l.in(Attempt{Name: "ann", Password: good, Client: addr("2001:db8::1")})
	l.disk = l.disk.Crash(durabletest.Nothing)
	l.open()
	must(t, second(l.Session(e.Secret)))
	l.advance(time.Hour)
	must(t, second(l.Session(e.Secret))) // a minute has passed: written down
	used := l.now()
	l.disk = l.disk.Crash(durabletest.Nothing)
	l.open()
	if list := l.Sessions("ann"); len(list) != 1 || !list[0].LastUsed.Equal(used) {
		t.Errorf("%+v, used %v", list, used)
	}
	l.advance(time.Second)
	must(t, second(l.Session(e.Secret)))
	must(t, l.Close())
	l.open()
	if list := l.Sessions("ann"); !list[0].LastUsed.Equal(l.now()) {
		t.Errorf("after Close: %+v", list)
	}
	if b, _ := l.disk.ReadFile(folder + "/" + sessionsFile); strings.Contains(string(b), e.Secret) {
		t.Error("the secret is in the file")
	}
}

func TestDamagedSessions(t *testing.T) {
	for _, content := range []string{"", "{", `{"format":9}`} {
		l := newLab(t)
		l.ann()
		put(t, l.disk, sessionsFile, content)
		l.open()
		if got, _ := l.disk.ReadFile(folder + "/" + sessionsFile + ".damaged"); string(got) != content {
			t.Errorf("%q was not put aside: %q", content, got)
		}
		l.in(Attempt{Name: "ann", Password: good})
	}
}

// A full disk keeps nobody out; ending a session says that it may come back.
func TestSignInOnAFullDisk(t *testing.T) {
	l := newLab(t)
	l.ann()
	l.disk.Before(func(op durabletest.Op) durabletest.Fault {
		if op.Kind == durabletest.Write {
			return durabletest.Fault{Err: syscall.ENOSPC}
		}
		return durabletest.Fault{}
	})
	e := l.in(Attempt{Name: "ann", Password: good})
	must(t, second(l.Session(e.Secret)))
	wantErr(t, "sign out", l.SignOut(e.Secret), syscall.ENOSPC)
	if _, err := l.Session(e.Secret); !errors.Is(err, ErrSignIn) {
		t.Errorf("signed out: %v", err)
	}
}

func TestSessionsAreBounded(t *testing.T) {
	l := newLab(t)
	l.ann()
	first := l.in(Attempt{Name: "ann", Password: good, Agent: strings.Repeat("ä", 1000)})
	if len(first.Agent) > maxAgent {
		t.Errorf("the agent has %d bytes", len(first.Agent))
	}
	var last Entry
	for range maxSessions {
		l.advance(time.Second)
		last = l.in(Attempt{Name: "ann", Password: good})
	}
	if n := len(l.Sessions("ann")); n != maxSessions {
		t.Errorf("%d sessions", n)
	}
	if _, err := l.Session(first.Secret); !errors.Is(err, ErrSignIn) {
		t.Errorf("the oldest: %v", err)
	}
	must(t, second(l.Session(last.Secret)))
}

// Credential stuffing: stolen names and passwords from one network. Few cost a
// hash; who is in another network does not notice.
func TestStuffing(t *testing.T) {
	l := newLab(t)
	l.ann()
	tried, waits := 0, 0
	for i := range 1000 {
		_, err := l.SignIn(t.Context(), Attempt{Name: fmt.Sprint("name", i), Password: "stolen password", Client: addr("2001:db8::1").Next()})
		switch {
		case errors.Is(err, ErrSignIn):
			tried++
		case errors.Is(err, mail.ErrRetry):
			waits++
		default:
			t.Fatal(err)
		}
	}
	if tried != 100 || waits != 900 {
		t.Errorf("%d were tried, %d had to wait", tried, waits)
	}
	l.in(Attempt{Name: "ann", Password: good, Client: addr("2001:db8:0:1::1")})
}

// That sessions are in use is written down once a minute, not each time.
func TestUseIsWrittenSeldom(t *testing.T) {
	l := newLab(t)
	l.ann()
	e := l.in(Attempt{Name: "ann", Password: good})
	before := l.disk.Ops()
	for range 59 {
		l.advance(time.Second)
		must(t, second(l.Session(e.Secret)))
	}
	if n := l.disk.Ops() - before; n != 0 {
		t.Errorf("%d operations within a minute", n)
	}
	l.advance(time.Second)
	must(t, second(l.Session(e.Secret)))
	if l.disk.Ops() == before {
		t.Error("nothing was written after a minute")
	}
}

// A clock that is set back ends no session, nor makes one older than it is.
func TestClockGoesBack(t *testing.T) {
	l := newLab(t)
	l.ann()
	e := l.in(Attempt{Name: "ann", Password: good})
	l.advance(-30 * time.Hour)
	i, err := l.Session(e.Secret)
	if err != nil || i.Session != e.ID {
		t.Errorf("%+v, %v", i, err)
	}
	l.advance(30*time.Hour + 12*time.Hour - 1)
	must(t, second(l.Session(e.Secret)))
	if s := l.Sessions("ann"); len(s) != 1 || s[0].Ends != e.Ends {
		t.Errorf("%+v", s)
	}
}
