package access

import (
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"mailarchive/internal/durable/durabletest"
	"mailarchive/internal/mail"
)

// codeAt is what an app shows.
func codeAt(t *testing.T, secret string, at time.Time) string {
	t.Helper()
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	must(t, err)
	return hotp(raw, uint64(at.Unix()/30))
}

// factored has ann with a second factor.
func factored(t *testing.T) (l *lab, secret string, recovery []string) {
	t.Helper()
	l = newLab(t)
	l.ann()
	f, err := l.NewFactor("ann")
	must(t, err)
	recovery, err = l.ConfirmFactor("ann", codeAt(t, f.Secret, l.now()))
	must(t, err)
	l.advance(time.Minute) // so that the next code is another
	return l, f.Secret, recovery
}

func TestFactorIsSetUp(t *testing.T) {
	l := newLab(t)
	l.ann()
	f, err := l.NewFactor("ann")
	must(t, err)
	if !strings.Contains(f.URI, f.Secret) || !strings.Contains(f.URI, "ann") {
		t.Errorf("%+v", f)
	}
	l.in(Attempt{Name: "ann", Password: good}) // not confirmed: not asked
	_, err = l.ConfirmFactor("ann", "000000")
	wantErr(t, "a wrong code", err, mail.ErrBadInput)
	recovery, err := l.ConfirmFactor("ann", codeAt(t, f.Secret, l.now()))
	if len(recovery) != 10 || err != nil {
		t.Errorf("%v, %v", recovery, err)
	}
	if a, _ := l.Get("ann"); !a.SecondFactor || a.Recovery != 10 {
		t.Errorf("%+v", a)
	}
	_, err = l.ConfirmFactor("ann", codeAt(t, f.Secret, l.now()))
	wantErr(t, "again", err, mail.ErrBadInput)
	_, err = l.NewFactor("ann")
	wantErr(t, "another", err, mail.ErrBadInput)
	must(t, l.RemoveFactor("ann"))
	l.in(Attempt{Name: "ann", Password: good})
	wantErr(t, "nobody's", l.RemoveFactor("nobody"), mail.ErrNotFound)
	_, err = l.NewFactor("nobody")
	wantErr(t, "nobody", err, mail.ErrNotFound)
}

func TestSignInWithCode(t *testing.T) {
	l, secret, _ := factored(t)
	code := codeAt(t, secret, l.now())
	_, err := l.SignIn(t.Context(), Attempt{Name: "ann", Password: "wrong wrong", Code: code})
	wantErr(t, "a wrong password", err, ErrSignIn)
	_, err = l.SignIn(t.Context(), Attempt{Name: "ann", Password: good, Code: "000000"})
	wantErr(t, "a wrong code", err, ErrSignIn)
	l.in(Attempt{Name: "ann", Password: good, Code: code})
	_, err = l.SignIn(t.Context(), Attempt{Name: "ann", Password: good, Code: code})
	wantErr(t, "the code again", err, ErrSignIn)
	l.disk = l.disk.Crash(durabletest.Nothing)
	l.open()
	_, err = l.SignIn(t.Context(), Attempt{Name: "ann", Password: good, Code: code})
	wantErr(t, "the code after a crash", err, ErrSignIn)
	l.advance(30 * time.Second)
	l.in(Attempt{Name: "ann", Password: good, Code: codeAt(t, secret, l.now())})
}

func TestSignInInTwoSteps(t *testing.T) {
	l, secret, _ := factored(t)
	planted := l.in2(t, secret)
	var need *CodeError
	_, err := l.SignIn(t.Context(), Attempt{Name: "ann", Password: good})
	if !errors.As(err, &need) || !errors.Is(err, mail.ErrNotAllowed) || errors.Is(err, ErrSignIn) {
		t.Fatalf("%v", err)
	}
	if _, err := l.Session(need.Secret); !errors.Is(err, ErrSignIn) {
		t.Error("the first step is a session")
	}
	_, err = l.Continue(t.Context(), need.Secret, Attempt{Code: "000000"})
	wantErr(t, "a wrong code", err, ErrSignIn)
	_, err = l.Continue(t.Context(), need.Secret+"x", Attempt{Code: codeAt(t, secret, l.now())})
	wantErr(t, "a wrong secret", err, ErrSignIn)
	_, err = l.Continue(t.Context(), need.Secret, Attempt{Name: "ann", Password: good})
	wantErr(t, "no code", err, ErrSignIn)
	e, err := l.Continue(t.Context(), need.Secret, Attempt{Code: codeAt(t, secret, l.now()), Replaces: planted})
	must(t, err)
	must(t, second(l.Session(e.Secret)))
	if _, err := l.Session(planted); !errors.Is(err, ErrSignIn) {
		t.Error("the planted session goes on")
	}
	l.advance(30 * time.Second)
	_, err = l.Continue(t.Context(), need.Secret, Attempt{Code: codeAt(t, secret, l.now())})
	wantErr(t, "the secret again", err, ErrSignIn)
}

// in2 signs ann in and goes on to the next code.
func (l *lab) in2(t *testing.T, secret string) string {
	defer l.advance(time.Minute)
	return l.in(Attempt{Name: "ann", Password: good, Code: codeAt(t, secret, l.now())}).Secret
}

func TestFirstStepEnds(t *testing.T) {
	for name, act := range map[string]func(l *lab, step string){
		"in time": func(l *lab, _ string) { l.advance(codeTime + 1) },
		"by tries": func(l *lab, step string) {
			for i := range codeTries {
				_, _ = l.Continue(l.t.Context(), step, Attempt{Code: "000000", Client: addr(fmt.Sprintf("192.0.2.%d", i))})
			}
		},
		"by a new password": func(l *lab, _ string) { must(l.t, l.SetPassword(l.t.Context(), "ann", "seven wet otters")) },
		"by removal":        func(l *lab, _ string) { must(l.t, l.Remove("ann")) },
		"with the factor":   func(l *lab, _ string) { must(l.t, l.RemoveFactor("ann")) },
		"by a restart":      func(l *lab, _ string) { l.open() },
	} {
		l, secret, _ := factored(t)
		var need *CodeError
		_, err := l.SignIn(t.Context(), Attempt{Name: "ann", Password: good})
		if !errors.As(err, &need) {
			t.Fatal(err)
		}
		act(l, need.Secret)
		_, err = l.Continue(t.Context(), need.Secret, Attempt{Code: codeAt(t, secret, l.now())})
		wantErr(t, name, err, ErrSignIn)
	}
}

func TestRecoveryCodes(t *testing.T) {
	l, _, recovery := factored(t)
	l.in(Attempt{Name: "ann", Password: good, Code: recovery[3]})
	l.in(Attempt{Name: "ann", Password: good, Code: strings.ToUpper(strings.ReplaceAll(recovery[4], "-", " "))})
	_, err := l.SignIn(t.Context(), Attempt{Name: "ann", Password: good, Code: recovery[3]})
	wantErr(t, "again", err, ErrSignIn)
	if a, _ := l.Get("ann"); a.Recovery != 8 {
		t.Errorf("%d are left", a.Recovery)
	}
	l.disk = l.disk.Crash(durabletest.Nothing)
	l.open()
	_, err = l.SignIn(t.Context(), Attempt{Name: "ann", Password: good, Code: recovery[3]})
	wantErr(t, "after a crash", err, ErrSignIn)
	b, err := l.disk.ReadFile(folder + "/" + accountsFile)
	must(t, err)
	for _, code := range recovery {
		if strings.Contains(string(b), code) || strings.Contains(string(b), strings.ReplaceAll(code, "-", "")) {
			t.Errorf("%s is in the file", code)
		}
	}
}

// A recovery code that cannot be written off is not good.
func TestRecoveryCodeOnAFullDisk(t *testing.T) {
	l, _, recovery := factored(t)
	l.disk.Before(func(op durabletest.Op) durabletest.Fault {
		if op.Kind == durabletest.Write {
			return durabletest.Fault{Err: syscall.ENOSPC}
		}
		return durabletest.Fault{}
	})
	_, err := l.SignIn(t.Context(), Attempt{Name: "ann", Password: good, Code: recovery[0]})
	wantErr(t, "on a full disk", err, ErrSignIn)
	l.disk.Before(nil)
	l.in(Attempt{Name: "ann", Password: good, Code: recovery[0]})
}

// One code is one sign-in, however many try it at once.
func TestCodesAreUsedOnce(t *testing.T) {
	l, secret, recovery := factored(t)
	for _, code := range []string{codeAt(t, secret, l.now()), recovery[0]} {
		var in atomic.Int32
		var wait sync.WaitGroup
		for i := range 8 {
			wait.Go(func() {
				_, err := l.SignIn(t.Context(), Attempt{Name: "ann", Password: good, Code: code, Client: addr(fmt.Sprintf("192.0.2.%d", i))})
				if err == nil {
					in.Add(1)
				}
			})
		}
		wait.Wait()
		if in.Load() != 1 {
			t.Errorf("%s was good for %d", code, in.Load())
		}
		l.advance(time.Hour)
	}
}

// Who has the password and many networks guesses few codes, and the owner gets
// in with a recovery code.
func TestGuessedCodes(t *testing.T) {
	l, secret, recovery := factored(t)
	for i := range 20 {
		_, err := l.SignIn(t.Context(), Attempt{Name: "ann", Password: good, Code: "000000", Client: addr(fmt.Sprintf("192.0.2.%d", i))})
		wantErr(t, "a guess", err, ErrSignIn)
	}
	_, err := l.SignIn(t.Context(), Attempt{Name: "ann", Password: good, Code: codeAt(t, secret, l.now()), Client: addr("198.51.100.1")})
	wantErr(t, "a right one, too many after wrong ones", err, ErrSignIn)
	l.in(Attempt{Name: "ann", Password: good, Code: recovery[0], Client: addr("198.51.100.1")})
}

func TestPendingIsBounded(t *testing.T) {
	c := &clock{t: day(2026, 1, 1)}
	p := newPending(c.now)
	r := &record{ID: "a"}
	for range maxPending + 5 {
		d := mail.Sum([]byte(fmt.Sprint(len(p.all))))
		p.all[d] = &awaited{until: c.now().Add(codeTime)}
	}
	secret, err := p.add(newLab(t).o.Random, r)
	if owner, _, ok := p.try(secret); err != nil || !ok || owner != "a" || len(p.all) > maxPending {
		t.Errorf("%d are awaited, %t, %v", len(p.all), ok, err)
	}
}
