// Package access says who may see what. In comes who is asking; out goes a
// [Scope], the value that every read of the archive takes. It does no I/O.
package access

// Scope is the part of the archive that an asker may see. The zero Scope sees
// nothing, so a forgotten scope shows nothing.
type Scope struct {
	actor      string
	everything bool
}

// Everything is the scope of an administrator: all mail. The actor is written
// into logs and the audit record.
func Everything(actor string) Scope { return Scope{actor: actor, everything: true} }

// All reports whether the scope covers all mail.
func (s Scope) All() bool { return s.everything }

// Actor names who asks, for logs and the audit record.
func (s Scope) Actor() string { return s.actor }
