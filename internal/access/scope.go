// Package access says who may use the archive, and what each may see of it.
//
// In come names, passwords, codes, tokens and changes of accounts; out go a
// [Scope], the value that every read of the archive takes, and an [Identity],
// which is a scope with what else its bearer may do. Scopes and views are pure:
// they are made from an account at the time of asking, so that a change of
// addresses holds at once and nothing is indexed again.
//
// When a change of an account returns nil, it is on disk; a crash leaves the
// accounts from before it or after it, whole. When a sign-in returns, its
// session may be lost by a crash, and its owner signs in again.
//
// # On disk
//
// accounts.json has all accounts and is written anew with each change: they are
// few (a megabyte for a thousand), change seldom, must be readable and
// repairable by who runs the server, and a whole file in place of another needs
// no recovery. sessions.json has what sign-ins leave behind and may be lost. See
// doc/formats/accounts-1.md. One process owns the folder.
//
// # What is kept of secrets
//
// Of passwords an Argon2id hash; of session secrets, API tokens and recovery
// codes, which nobody can guess, a SHA-256. The secret of a second factor is
// kept as it is, since codes are made from it.
package access

import (
	"slices"
	"time"
)

// Scope is the part of the archive that an asker may see, and how much of it.
// Every read takes one. It is a small value that never changes, safe for
// concurrent use; a change of an account shows in the scopes made after it.
//
// The zero Scope sees nothing, so a forgotten scope shows nothing.
//
// An engine asks in this order: All needs no condition. Else the mail of
// Addresses and Domains, joined by "or"; when Exact is false, these are too
// much and each candidate must pass Sees. When Whole is false, what is
// searched, counted and shown of a message is its View.
type Scope struct {
	actor      string
	role       Role
	everything bool
	grants     []Grant
	part       *part // nil: no addresses and no domains
}

// part is what a scope covers when it is not everything.
type part struct {
	rules   Rules
	own     map[string][]owned // by folded address
	listed  []Owned
	domains []Domain
	names   map[string]bool // folded domains; true with all below
}

// Everything is the scope of an administrator: all mail. The actor is written
// into logs and the audit record.
func Everything(actor string) Scope {
	return Scope{actor: actor, role: Administrator, everything: true}
}

// All reports whether the scope covers all mail.
func (s Scope) All() bool { return s.everything }

// Actor names who asks, for logs and the audit record.
func (s Scope) Actor() string { return s.actor }

// Role is the role of who asks; that of the zero Scope is "".
func (s Scope) Role() Role { return s.role }

// AskedBy is the scope of an account in the hands of somebody else: what an
// administrator sees with --as. The actor names both.
func (s Scope) AskedBy(actor string) Scope {
	s.actor = actor + " as " + s.actor
	return s
}

// Whole reports whether who asks sees all of each message that the scope
// covers: all recipients of its envelopes and the Bcc header. Administrators
// and auditors do, users do not (see View).
func (s Scope) Whole() bool { return s.everything || s.role == Auditor }

// Addresses returns the addresses of the scope, for terms of a query. A folded
// address appears once for each of its periods.
func (s Scope) Addresses() []Owned {
	if s.part == nil {
		return nil
	}
	return slices.Clone(s.part.listed)
}

// Domains returns the domains that an auditor sees; those of an auditor who
// sees all mail are none, and All is true.
func (s Scope) Domains() []Domain {
	if s.part == nil {
		return nil
	}
	return slices.Clone(s.part.domains)
}

// Rules returns how addresses are compared.
func (s Scope) Rules() Rules {
	if s.part == nil {
		return Rules{}
	}
	return s.part.rules
}

// Exact reports whether the folded whole addresses of Addresses and the
// domains of Domains, in any header of sender or recipient, any envelope or as
// owner, are all there is to know: no address has a period, tags do not count
// as the address, and case does not matter.
func (s Scope) Exact() bool {
	p := s.part
	if s.everything || p == nil {
		return true
	}
	return len(p.own) == 0 || !p.rules.Tags && !p.rules.Case &&
		!slices.ContainsFunc(p.listed, func(o Owned) bool { return o.bounded() })
}

// Owns reports whether the address was one of the scope's own at that time.
// Domains do not count.
func (s Scope) Owns(address string, at time.Time) bool {
	return s.part != nil && s.part.owns(address, at)
}

// covers reports whether mail of the address at that time is in the scope.
func (s Scope) covers(address string, at time.Time) bool {
	return s.everything || s.part != nil && (s.part.owns(address, at) || s.part.inDomains(address))
}

// RedeliversTo reports whether who asks may have mail sent to the address: an
// administrator and who was granted it to any, everybody else to own addresses
// as of now. Whether the mail may be sent outside the organisation at all is
// another question.
func (s Scope) RedeliversTo(address string, now time.Time) bool {
	return s.role == Administrator || slices.Contains(s.grants, RedeliverElsewhere) || s.Owns(address, now)
}
