package access

import (
	"fmt"

	"mailarchive/internal/mail"
)

// Role says what kind of account it is. Each sees at least as much as those
// below it.
type Role string

// The roles, from the most to the least.
const (
	Administrator Role = "administrator" // all mail, all settings
	Auditor       Role = "auditor"       // all mail or that of named domains and addresses, whole; no settings
	User          Role = "user"          // mail sent by or to an own address
)

// Roles are all there are.
func Roles() []Role { return []Role{Administrator, Auditor, User} }

// ParseRole reads the name of a role. The error wraps ErrBadInput.
func ParseRole(s string) (Role, error) {
	if r := Role(s); r.rank() > 0 {
		return r, nil
	}
	return "", fmt.Errorf("%q is no role (administrator, auditor or user): %w", s, mail.ErrBadInput)
}

// AtLeast reports whether r may do all that other may. What is no role may
// nothing.
func (r Role) AtLeast(other Role) bool { return r.rank() > 0 && r.rank() >= other.rank() }

func (r Role) rank() int {
	switch r {
	case Administrator:
		return 3
	case Auditor:
		return 2
	case User:
		return 1
	}
	return 0
}

// Grant is something that an account may do beyond its role.
type Grant string

// RedeliverElsewhere lets an account have mail redelivered to addresses that
// are not its own.
const RedeliverElsewhere Grant = "redeliver-elsewhere"

// Right is something that an API token is for.
type Right string

// The rights. A token has those it was given, of what the role of its account
// allows; a session has all.
const (
	ToSearch    Right = "search"    // results, counts and statistics
	ToRead      Right = "read"      // messages, attachments and raw bytes
	ToRedeliver Right = "redeliver" // sending again
	ToExport    Right = "export"    // many messages at once
	ToManage    Right = "manage"    // all that changes the archive; for administrators
)

// Rights are all there are.
func Rights() []Right { return []Right{ToSearch, ToRead, ToRedeliver, ToExport, ToManage} }
