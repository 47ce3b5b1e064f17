package access

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"mailarchive/internal/mail"
)

func TestFirstAccount(t *testing.T) {
	l := newLab(t)
	secret, until, ok, err := l.Setup()
	must(t, err)
	if !ok || until != l.now().Add(time.Hour) || len(secret) < 40 || !l.SetupOpen(secret) {
		t.Fatalf("%q until %v, %t", secret, until, ok)
	}
	_, err = l.First(t.Context(), secret+"x", New{Name: "eve", Password: good})
	wantErr(t, "a wrong secret", err, mail.ErrNotAllowed)
	_, err = l.First(t.Context(), "", New{Name: "eve", Password: good})
	wantErr(t, "no secret", err, mail.ErrNotAllowed)
	_, err = l.First(t.Context(), secret, New{Name: "root", Password: "short"})
	wantErr(t, "a bad password", err, mail.ErrBadInput)
	_, err = l.First(t.Context(), secret, New{Name: "root"})
	wantErr(t, "no password", err, mail.ErrBadInput)
	a, err := l.First(t.Context(), secret, New{Name: "root", Role: User, Source: LDAP, Password: good})
	if err != nil || a.Role != Administrator || a.Source != Local {
		t.Errorf("%+v, %v", a, err)
	}
	if l.SetupOpen(secret) {
		t.Error("the link is still open")
	}
	_, err = l.First(t.Context(), secret, New{Name: "eve", Password: good})
	wantErr(t, "again", err, mail.ErrNotAllowed)
	if _, _, ok, err := l.Setup(); ok || err != nil {
		t.Errorf("another link: %t, %v", ok, err)
	}
	l.in(Attempt{Name: "root", Password: good})
}

func TestSetupEnds(t *testing.T) {
	l := newLab(t)
	if l.SetupOpen("") {
		t.Error("open before there is a secret")
	}
	former, _, _, err := l.Setup()
	must(t, err)
	secret, _, _, err := l.Setup()
	must(t, err)
	if l.SetupOpen(former) || !l.SetupOpen(secret) {
		t.Error("the former secret counts")
	}
	l.advance(time.Hour)
	_, err = l.First(t.Context(), secret, New{Name: "root", Password: good})
	wantErr(t, "too late", err, mail.ErrNotAllowed)
	secret, _, _, err = l.Setup()
	must(t, err)
	l.ann() // made by command meanwhile
	_, err = l.First(t.Context(), secret, New{Name: "root", Password: good})
	wantErr(t, "after another account", err, mail.ErrNotAllowed)
	must(t, l.Remove("ann"))
	l.open()
	_, err = l.First(t.Context(), secret, New{Name: "root", Password: good})
	wantErr(t, "after a restart", err, mail.ErrNotAllowed)
}

func TestFirstIsOne(t *testing.T) {
	l := newLab(t)
	secret, _, _, err := l.Setup()
	must(t, err)
	var made atomic.Int32
	var wait sync.WaitGroup
	for _, name := range []string{"a", "b", "c", "d"} {
		wait.Go(func() {
			_, err := l.First(t.Context(), secret, New{Name: name, Password: good})
			if err == nil {
				made.Add(1)
			} else if !errors.Is(err, mail.ErrNotAllowed) {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if made.Load() != 1 || len(l.List()) != 1 {
		t.Errorf("%d were made, %d are there", made.Load(), len(l.List()))
	}
}
