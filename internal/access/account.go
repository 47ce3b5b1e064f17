package access

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/secure/precis"

	"mailarchive/internal/mail"
)

// Source says where an account comes from, and who checks its password.
type Source string

// The sources.
const (
	Local Source = "local" // this archive
	LDAP  Source = "ldap"  // a directory
	OIDC  Source = "oidc"  // a provider; its people have no password here
)

// Account is somebody who may use the archive, without any secret.
type Account struct {
	// Name is how they sign in: 1 to 64 characters, folded by RFC 8265 3.3
	// (UsernameCaseMapped), so "Ann" and "ann" are one.
	Name string
	Role Role
	// Addresses are whose they are. A user sees their mail; an auditor sees it
	// whole, besides that of Domains.
	Addresses []Owned
	// Domains are what an auditor sees: example.org, .example.org for those
	// below it too, or [EveryDomain] for all mail. Others have none.
	Domains []string
	Grants  []Grant
	Source  Source
	// Disabled accounts cannot sign in; their sessions and tokens do nothing.
	Disabled bool
	Created  time.Time
	// PasswordSet is when the password was set, zero when there is none.
	PasswordSet time.Time
	// SecondFactor tells that signing in takes a code too; Recovery how many
	// recovery codes are left.
	SecondFactor bool
	Recovery     int
}

// maxName is the longest name in bytes.
const maxName = 64

// Bounds of one account, so that the file stays small.
const (
	maxAddresses = 1000
	maxTokens    = 100
)

// foldName is the form of a name in which two are equal. The error wraps
// ErrBadInput.
func foldName(name string) (string, error) {
	name = strings.TrimSpace(name)
	folded, err := "", errName
	if len(name) <= 2*maxName { // before any work: anybody can send a name
		folded, err = precis.UsernameCaseMapped.String(name)
	}
	if err != nil || folded == "" || len(folded) > maxName || strings.HasPrefix(folded, "-") || strings.ContainsAny(folded, `/\:,;"'<>`) {
		return "", fmt.Errorf("%.70q is %w", name, errName)
	}
	return folded, nil
}

var errName = fmt.Errorf("no name of an account (1 to %d letters, digits and . _ - + @): %w", maxName, mail.ErrBadInput)

// check returns what is wrong with an account. The error wraps ErrBadInput.
func (r Rules) check(a *Account) error {
	if _, err := ParseRole(string(a.Role)); err != nil {
		return err
	}
	if len(a.Addresses) > maxAddresses || len(a.Domains) > maxAddresses {
		return fmt.Errorf("%s has more than %d addresses or domains: %w", a.Name, maxAddresses, mail.ErrBadInput)
	}
	for _, o := range a.Addresses {
		if err := o.check(); err != nil {
			return err
		}
	}
	if err := r.checkDomains(a); err != nil {
		return err
	}
	for _, g := range a.Grants {
		if g != RedeliverElsewhere {
			return fmt.Errorf("%q is nothing that can be granted (%s): %w", g, RedeliverElsewhere, mail.ErrBadInput)
		}
	}
	if !slices.Contains([]Source{Local, LDAP, OIDC}, a.Source) {
		return fmt.Errorf("%q is no source of accounts (local, ldap or oidc): %w", a.Source, mail.ErrBadInput)
	}
	return nil
}

func (r Rules) checkDomains(a *Account) error {
	if a.Role != Auditor && len(a.Domains) > 0 {
		return fmt.Errorf("%s is %s: only an auditor has domains: %w", a.Name, a.Role, mail.ErrBadInput)
	}
	if a.Role == Auditor && len(a.Domains)+len(a.Addresses) == 0 {
		return fmt.Errorf("%s is an auditor of nothing: name domains, or %s for all mail: %w", a.Name, EveryDomain, mail.ErrBadInput)
	}
	for _, d := range a.Domains {
		if d == EveryDomain {
			continue
		}
		if _, err := r.domain(d); err != nil {
			return err
		}
	}
	return nil
}

// scope is what an account sees.
func (r Rules) scope(a *Account) Scope {
	s := Scope{actor: a.Name, role: a.Role, grants: a.Grants}
	s.everything = a.Role == Administrator || a.Role == Auditor && slices.Contains(a.Domains, EveryDomain)
	var domains []string
	if a.Role == Auditor && !s.everything {
		domains = a.Domains
	}
	s.part = r.newPart(a.Addresses, domains)
	return s
}
