package access

import (
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"mailarchive/internal/mail"
)

// Factor is a second factor to be set up in an app.
type Factor struct {
	Secret string // to be typed
	URI    string // to be shown as a picture: otpauth://totp/...
}

// NewFactor begins to set up a second factor (RFC 6238). It counts once
// ConfirmFactor has seen a code of it; until then one that was there before does.
// Errors: ErrNotFound, ErrBadInput when there is one: it must be removed first.
func (a *Accounts) NewFactor(name string) (Factor, error) {
	secret := make([]byte, totpSecret)
	if _, err := io.ReadFull(a.o.Random, secret); err != nil {
		return Factor{}, fmt.Errorf("second factor: random bytes: %w", err)
	}
	var shown string
	err := a.changeOne(name, func(r *record) error {
		if r.secondFactor() {
			return fmt.Errorf("%s has one: %w", r.Name, mail.ErrBadInput)
		}
		r.TOTP = &totp{Secret: secret}
		shown = r.Name
		return nil
	})
	if err != nil {
		return Factor{}, fmt.Errorf("second factor: %w", err)
	}
	return Factor{secretText(secret), totpURI(a.o.Issuer, shown, secret)}, nil
}

// ConfirmFactor makes the second factor count that NewFactor began, and
// returns recovery codes, each good once in place of a code. They are shown now and
// never again. Errors: ErrNotFound, ErrBadInput when the code is not of the
// factor.
func (a *Accounts) ConfirmFactor(name, code string) (recovery []string, err error) {
	codes, digests, err := newRecovery(a.o.Random)
	if err != nil {
		return nil, fmt.Errorf("second factor: %w", err)
	}
	err = a.changeOne(name, func(r *record) error {
		if r.TOTP == nil || r.TOTP.Confirmed {
			return fmt.Errorf("none was begun: %w", mail.ErrBadInput)
		}
		if !a.live.useStep(r.ID, a.matcher(r, code)) {
			return fmt.Errorf("the code is wrong, or the clock here or there is: %w", mail.ErrBadInput)
		}
		r.TOTP.Confirmed, r.TOTP.Recovery = true, digests
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("second factor: %w", err)
	}
	return codes, nil
}

// RemoveFactor takes the second factor and its recovery codes away. The caller
// has made sure that it may. Errors: ErrNotFound.
func (a *Accounts) RemoveFactor(name string) error {
	err := a.changeOne(name, func(r *record) error {
		r.TOTP = nil
		return nil
	})
	if err != nil {
		return fmt.Errorf("second factor: %w", err)
	}
	return nil
}

func (a *Accounts) matcher(r *record, code string) func(int64) (int64, bool) {
	return func(last int64) (int64, bool) { return totpMatch(r.TOTP.Secret, code, a.o.Now(), last) }
}

// codeIsGood checks a code of the second factor, or uses up a recovery code.
// Wrong codes of an account are limited from all networks together: only who
// knows the password can try any, and the owner's recovery codes go on working.
func (a *Accounts) codeIsGood(r *record, code string) bool {
	if a.guard.beginCode(r.ID) && a.live.useStep(r.ID, a.matcher(r, code)) {
		a.guard.succeedCode(r.ID)
		return true
	}
	return a.useRecovery(r, code)
}

// useRecovery uses up a recovery code, on disk before it says yes.
func (a *Accounts) useRecovery(r *record, code string) bool {
	digest := recoveryDigest(code)
	if !slices.Contains(r.TOTP.Recovery, digest) {
		return false
	}
	used := false
	err := a.changeOne(r.Name, func(now *record) error {
		if now.ID != r.ID || now.TOTP == nil {
			return errUnchanged
		}
		i := slices.Index(now.TOTP.Recovery, digest)
		if i < 0 {
			return errUnchanged // somebody was faster
		}
		now.TOTP.Recovery = slices.Delete(now.TOTP.Recovery, i, i+1)
		used = true
		return nil
	})
	if err != nil {
		a.o.Logger.Error("a recovery code could not be used up", "step", "access", "error", err)
	}
	return used && err == nil
}

// pending are sign-ins whose password was right and whose code is awaited.
type pending struct {
	now func() time.Time
	mu  sync.Mutex
	all map[mail.Digest]*awaited
}

type awaited struct {
	owner      string
	generation int
	until      time.Time
	tries      int
}

// Bounds of a sign-in whose code is awaited.
const (
	codeTime   = 5 * time.Minute
	codeTries  = 5
	maxPending = 10_000
)

func newPending(now func() time.Time) *pending {
	return &pending{now: now, all: map[mail.Digest]*awaited{}}
}

func (p *pending) add(random io.Reader, r *record) (string, error) {
	secret, digest, err := newSecret(random, "")
	if err != nil {
		return "", err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	for d, w := range p.all {
		if now.After(w.until) || len(p.all) >= maxPending {
			delete(p.all, d)
		}
	}
	p.all[digest] = &awaited{owner: r.ID, generation: r.Generation, until: now.Add(codeTime)}
	return secret, nil
}

// try counts a try, and tells whose sign-in it is.
func (p *pending) try(secret string) (owner string, generation int, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := p.all[mail.Sum([]byte(secret))]
	if w == nil || w.tries >= codeTries || p.now().After(w.until) {
		return "", 0, false
	}
	w.tries++
	return w.owner, w.generation, true
}

func (p *pending) done(secret string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.all, mail.Sum([]byte(secret)))
}
