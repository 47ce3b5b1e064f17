package access

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"mailarchive/internal/mail"
)

// Token is what a program signs in with, without its secret.
type Token struct {
	ID    string
	Label string // what it is for
	// Role is at most that of the account; if the account's falls below it,
	// so does the token's.
	Role   Role
	Rights []Right
	// Addresses and Domains, when given, narrow what the account sees.
	Addresses []string
	Domains   []string
	Created   time.Time
	Expires   time.Time // zero: never
	LastUsed  time.Time // to the minute after a crash; zero: never
	From      netip.Addr
}

// token is a Token as it is kept in the record of its account.
type token struct {
	Digest    mail.Digest `json:"digest"` // of the secret
	ID        string      `json:"id"`
	Label     string      `json:"label"`
	Role      Role        `json:"role"`
	Rights    []Right     `json:"rights"`
	Addresses []string    `json:"addresses,omitempty"`
	Domains   []string    `json:"domains,omitempty"`
	Created   time.Time   `json:"created"`
	Expires   time.Time   `json:"expires,omitzero"`
}

// holder is a token with its account.
type holder struct {
	record *record
	token  *token
}

// maxLabel is the longest label of a token in bytes.
const maxLabel = 200

// AddToken makes an API token for an account; of t, Label, Role, Rights,
// Addresses, Domains and Expires count. The secret is shown now and never
// again. Errors: ErrNotFound, ErrBadInput.
func (a *Accounts) AddToken(name string, t Token) (secret string, _ Token, err error) {
	made := token{
		Label: t.Label, Role: t.Role, Rights: slices.Clone(t.Rights), Addresses: slices.Clone(t.Addresses), Domains: slices.Clone(t.Domains),
		Created: a.o.Now().UTC().Truncate(time.Second), Expires: t.Expires.UTC(),
	}
	if made.ID, err = newName(a.o.Random); err == nil {
		secret, made.Digest, err = newSecret(a.o.Random, TokenPrefix)
	}
	if err == nil {
		err = a.changeOne(name, func(r *record) error {
			if err := a.checkToken(r, &made); err != nil {
				return err
			}
			r.Tokens = append(r.Tokens, made)
			return nil
		})
	}
	if err != nil {
		return "", Token{}, fmt.Errorf("add token: %w", err)
	}
	return secret, a.public(&made), nil
}

func (a *Accounts) checkToken(r *record, t *token) error {
	switch {
	case len(r.Tokens) >= maxTokens:
		return fmt.Errorf("%s has %d tokens, remove some: %w", r.Name, maxTokens, mail.ErrBadInput)
	case t.Label == "" || len(t.Label) > maxLabel:
		return fmt.Errorf("a token needs a label of 1 to %d bytes that says what it is for: %w", maxLabel, mail.ErrBadInput)
	case t.Role.rank() == 0 || !r.Role.AtLeast(t.Role):
		return fmt.Errorf("role %q is above that of %s (%s), or none: %w", t.Role, r.Name, r.Role, mail.ErrBadInput)
	case !t.Expires.IsZero() && !t.Expires.After(a.o.Now()):
		return fmt.Errorf("the token would be too old from the beginning: %w", mail.ErrBadInput)
	case len(t.Rights) == 0 || len(t.Addresses)+len(t.Domains) > maxAddresses:
		return fmt.Errorf("a token needs a right, and %d addresses and domains at most: %w", maxAddresses, mail.ErrBadInput)
	}
	for _, right := range t.Rights {
		if !slices.Contains(Rights(), right) || right == ToManage && t.Role != Administrator {
			return fmt.Errorf("%q is no right of role %s: %w", right, t.Role, mail.ErrBadInput)
		}
	}
	if narrowed := len(t.Addresses)+len(t.Domains) > 0; narrowed && t.Role == Administrator || len(t.Domains) > 0 && t.Role != Auditor {
		return fmt.Errorf("addresses narrow a user or auditor, domains an auditor only: %w", mail.ErrBadInput)
	}
	for _, address := range t.Addresses {
		if err := (Owned{Address: address}).check(); err != nil {
			return err
		}
	}
	for _, d := range t.Domains {
		if _, err := a.o.Rules.domain(d); err != nil {
			return err
		}
	}
	return nil
}

func (a *Accounts) public(t *token) Token {
	used := a.live.tokenUsage(t.ID)
	return Token{
		ID: t.ID, Label: t.Label, Role: t.Role, Rights: slices.Clone(t.Rights), Addresses: slices.Clone(t.Addresses), Domains: slices.Clone(t.Domains),
		Created: t.Created, Expires: t.Expires, LastUsed: used.At, From: used.Client,
	}
}

// Tokens lists the tokens of an account, the oldest first. Errors:
// ErrNotFound.
func (a *Accounts) Tokens(name string) ([]Token, error) {
	r, err := a.find(name)
	if err != nil {
		return nil, err
	}
	list := make([]Token, len(r.Tokens))
	for i := range r.Tokens {
		list[i] = a.public(&r.Tokens[i])
	}
	return list, nil
}

// RemoveToken revokes a token by its ID. Errors: ErrNotFound.
func (a *Accounts) RemoveToken(name, id string) error {
	err := a.changeOne(name, func(r *record) error {
		left := slices.DeleteFunc(slices.Clone(r.Tokens), func(t token) bool { return t.ID == id })
		if len(left) == len(r.Tokens) {
			return fmt.Errorf("token %.70q: %w", id, mail.ErrNotFound)
		}
		r.Tokens = left
		return nil
	})
	if err != nil {
		return fmt.Errorf("remove token: %w", err)
	}
	return nil
}

// Bearer returns who an API token speaks for, as they are now, and notes that
// it was used. Errors: ErrSignIn for one that is unknown, revoked or too old.
func (a *Accounts) Bearer(secret string, client netip.Addr) (Identity, error) {
	h, ok := a.state.Load().tokens[mail.Sum([]byte(secret))]
	if !ok || !strings.HasPrefix(secret, TokenPrefix) || h.record.Disabled ||
		!h.token.Expires.IsZero() && !a.o.Now().Before(h.token.Expires) {
		return Identity{}, ErrSignIn
	}
	a.live.useToken(h.token.ID, client)
	account := h.record.account()
	return Identity{
		Account: account, Scope: a.o.Rules.narrowed(&account, h.token),
		Token: h.token.ID, rights: slices.Clone(h.token.Rights),
	}, nil
}

// narrowed is what a token sees: never more than its account does.
func (r Rules) narrowed(a *Account, t *token) Scope {
	as := *a
	if a.Role.AtLeast(t.Role) {
		as.Role = t.Role
	}
	switch {
	case len(t.Addresses)+len(t.Domains) > 0:
		whole := r.scope(a)
		as.Addresses, as.Domains = r.addressesWithin(whole, a, t.Addresses), r.domainsWithin(whole, t.Domains)
	case as.Role == Auditor && a.Role == Administrator:
		as.Domains = []string{EveryDomain}
	}
	return r.scope(&as)
}

// addressesWithin returns those of a list that a scope covers, with the
// periods that the account has them for.
func (r Rules) addressesWithin(whole Scope, a *Account, list []string) (within []Owned) {
	for _, address := range list {
		if whole.everything || whole.part.inDomains(address) {
			within = append(within, Owned{Address: address})
			continue
		}
		folded, _ := r.fold(address)
		for _, o := range a.Addresses {
			if own, _ := r.fold(o.Address); own == folded {
				within = append(within, o)
			}
		}
	}
	return within
}

// domainsWithin returns those of a list that a scope covers whole.
func (r Rules) domainsWithin(whole Scope, list []string) (within []string) {
	for _, text := range list {
		d, err := r.domain(text)
		if err == nil && (whole.everything || whole.part.hasDomain(d)) {
			within = append(within, text)
		}
	}
	return within
}
