package access

import (
	"crypto/rand"
	"errors"
	"io"
	"sync/atomic"
	"testing"
)

// broken gives random bytes until it is told not to.
type broken struct{ now atomic.Bool }

var errRandom = errors.New("no randomness")

func (b *broken) Read(p []byte) (int, error) {
	if b.now.Load() {
		return 0, errRandom
	}
	return io.ReadFull(rand.Reader, p)
}

// Without randomness nothing is made, rather than something that can be
// guessed.
func TestWithoutRandomness(t *testing.T) {
	random := &broken{}
	l := newLab(t, func(o *Options) { o.Random = random })
	l.ann()
	begun, err := l.NewFactor("ann")
	must(t, err)
	random.now.Store(true)
	for what, act := range map[string]func() error{
		"open": func() error { return second(Open(l.options(func(o *Options) { o.Random = random }))) },
		"add":  func() error { return second(l.Add(t.Context(), New{Name: "bob", Role: User})) },
		"sign in": func() error {
			e, err := l.SignIn(t.Context(), Attempt{Name: "ann", Password: good})
			if e.Secret != "" {
				t.Errorf("a session %q", e.Secret)
			}
			return err
		},
		"new password":   func() error { return l.SetPassword(t.Context(), "ann", "seven wet otters") },
		"new factor":     func() error { return second(l.NewFactor("ann")) },
		"confirm factor": func() error { return second(l.ConfirmFactor("ann", codeAt(t, begun.Secret, l.now()))) },
		"add token": func() error {
			secret, _, err := l.AddToken("ann", reader(User))
			if secret != "" {
				t.Errorf("a token %q", secret)
			}
			return err
		},
	} {
		wantErr(t, what, act(), errRandom)
	}
	must(t, l.Remove("ann"))
	_, _, _, err = l.Setup()
	wantErr(t, "setup", err, errRandom)
	if l.SetupOpen("") || !l.Empty() {
		t.Error("something was made")
	}
}

// No secret is like another, and none is short.
func TestSecretsDiffer(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		secret, digest, err := newSecret(rand.Reader, TokenPrefix)
		must(t, err)
		name, err := newName(rand.Reader)
		must(t, err)
		if seen[secret] || seen[name] || seen[digest.String()] || len(secret) != len(TokenPrefix)+43 || len(name) != 16 {
			t.Fatalf("%s, %s", secret, name)
		}
		seen[secret], seen[name], seen[digest.String()] = true, true, true
	}
}
