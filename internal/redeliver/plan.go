package redeliver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"mailarchive/internal/access"
	"mailarchive/internal/extract"
	"mailarchive/internal/mail"
	"mailarchive/internal/smtp"
)

// Request says which messages go to whom.
type Request struct {
	By       access.Scope
	Messages []mail.ID
	// To are the recipients. Without any, it is the original ones: those that
	// the header names in To and Cc, or with Envelope those that the message
	// was really delivered to.
	To       []mail.Address
	Envelope bool
	// External allows recipients of domains that are not ours.
	External bool
	// Attach sends all messages as attachments.
	Attach bool
}

// Plan says who would get what. Making it changes nothing.
type Plan struct {
	By        access.Scope
	Attach    bool
	Originals bool
	Messages  []Planned
}

// Planned is one message of a plan.
type Planned struct {
	ID     mail.ID
	Digest mail.Digest
	Size   int64 // in bytes
	// Form is how it is sent if the mail server takes 8-bit characters, and
	// Reason why, for an attachment.
	Form   Form
	Reason string
	// Recipients get it. LeftOut would, but for a reason.
	Recipients []PlannedRecipient
	LeftOut    []LeftOut
	// Problem says why nobody gets it; empty when somebody does.
	Problem string
}

// PlannedRecipient gets a message.
type PlannedRecipient struct {
	Address mail.Address
	// Named says that the mail's header names it to the others. Those known
	// from an envelope only are not: they may have been blind copies.
	Named bool
}

// LeftOut is an address that gets nothing.
type LeftOut struct {
	Address mail.Address
	Reason  string
}

// Recipients counts those of all messages.
func (p *Plan) Recipients() int {
	n := 0
	for _, m := range p.Messages {
		n += len(m.Recipients)
	}
	return n
}

// Planner makes plans. Source must be set.
type Planner struct {
	Source Source
	// Local reports whether a domain is ours; nil means that none is.
	Local func(domain string) bool
	// Host is that of the Composer.
	Host string
	// MaxMessages is the most that one request may name (default 10,000).
	MaxMessages int
}

const defaultMaxMessages = 10_000

// Plan reads each message of the request and decides who gets it. What is
// wrong with one message stands in its place in the plan. The error wraps
// ErrBadInput when the request makes no sense, ErrTooLarge when it names too
// many messages.
func (p *Planner) Plan(ctx context.Context, r Request) (Plan, error) {
	plan := Plan{By: r.By, Attach: r.Attach, Originals: len(r.To) == 0}
	if err := p.check(r); err != nil {
		return plan, fmt.Errorf("plan: %w", err)
	}
	seen := map[mail.ID]bool{}
	for _, id := range r.Messages {
		if seen[id] {
			continue
		}
		seen[id] = true
		m, err := p.one(ctx, r, id)
		if err != nil {
			return plan, fmt.Errorf("plan: %w", err)
		}
		plan.Messages = append(plan.Messages, m)
	}
	return plan, nil
}

func (p *Planner) check(r Request) error {
	most := p.MaxMessages
	if most == 0 {
		most = defaultMaxMessages
	}
	switch {
	case len(r.Messages) == 0:
		return fmt.Errorf("no message to redeliver: %w", mail.ErrBadInput)
	case len(r.Messages) > most:
		return fmt.Errorf("%d messages at once, %d is the most: %w", len(r.Messages), most, mail.ErrTooLarge)
	case r.Envelope && len(r.To) > 0:
		return fmt.Errorf("either the original recipients or other ones: %w", mail.ErrBadInput)
	}
	for _, a := range r.To {
		if reason := unusable(a); reason != "" {
			return fmt.Errorf("%q: %s: %w", a, reason, mail.ErrBadInput)
		}
	}
	return nil
}

// one plans a message. The error is of the context only.
func (p *Planner) one(ctx context.Context, r Request, id mail.ID) (Planned, error) {
	original, facts, err := inspect(ctx, p.Source, r.By, id)
	m := Planned{ID: id, Digest: original.Digest, Size: original.Size}
	if cause := context.Cause(ctx); cause != nil {
		return m, cause
	}
	if err != nil {
		m.Problem = problemOf(err)
		return m, nil
	}
	m.Form, m.Reason = facts.Form(r.Attach, true)
	m.Problem = facts.Loop(p.Host)
	if m.Form == Attachment && !r.Attach && len(r.To) == 0 && facts.Blind() {
		m.Problem = errBlind.Error()
	}
	if m.Problem != "" {
		return m, nil
	}
	p.address(&m, r, original, &facts)
	if len(m.Recipients) == 0 {
		m.Problem = "it has no recipient to send it to"
	}
	return m, nil
}

func problemOf(err error) string {
	switch {
	case errors.Is(err, mail.ErrNotFound):
		return "there is no such message"
	case errors.Is(err, mail.ErrDamaged):
		return "its bytes are damaged"
	}
	return "it cannot be read now: " + err.Error()
}

// address decides about each possible recipient, once.
func (p *Planner) address(m *Planned, r Request, original Original, f *Facts) {
	seen := map[string]bool{}
	header := headerRecipients(f)
	candidates := r.To
	switch {
	case len(r.To) == 0 && r.Envelope:
		candidates = original.Delivered
	case len(r.To) == 0:
		candidates = header
	}
	named := map[string]bool{}
	for _, a := range append(header, r.To...) {
		named[fold(a)] = true
	}
	for _, a := range candidates {
		if seen[fold(a)] {
			continue
		}
		seen[fold(a)] = true
		if reason := p.refuse(a, r.External); reason != "" {
			m.LeftOut = append(m.LeftOut, LeftOut{a, reason})
			continue
		}
		m.Recipients = append(m.Recipients, PlannedRecipient{a, named[fold(a)]})
	}
}

// fold makes equal what servers deliver to one mailbox: local parts that
// differ in case only are hardly ever two (RFC 5321 2.4).
func fold(a mail.Address) string { return strings.ToLower(string(a)) }

// refuse says why an address gets nothing; empty when it does.
func (p *Planner) refuse(a mail.Address, external bool) string {
	if reason := unusable(a); reason != "" {
		return reason
	}
	_, domain := a.Split()
	if !external && (p.Local == nil || !p.Local(domain)) {
		return "its domain is not one of ours"
	}
	return ""
}

// maxAddress is the longest path (RFC 5321 4.5.3.1.3).
const maxAddress = 256

// unusable says why nothing can be sent to an address.
func unusable(a mail.Address) string {
	local, domain := a.Split()
	switch {
	case local == "" || domain == "":
		return "it is no complete address"
	case len(a) > maxAddress:
		return "it is longer than an address can be"
	case !utf8.ValidString(string(a)):
		return "it is neither ASCII nor UTF-8"
	case !smtp.Sendable(a), strings.ContainsAny(domain, " \"(),;"),
		local[0] != '"' && strings.ContainsAny(local, " \"(),;:"):
		return "it has characters that no address has"
	}
	return ""
}

// headerRecipients are the addresses of To and Cc.
func headerRecipients(f *Facts) []mail.Address {
	m, err := extract.Extract(bytes.NewReader(f.header), extract.Limits{})
	if err != nil {
		return nil // not of a reader in memory
	}
	var all []mail.Address
	for _, p := range append(m.To, m.Cc...) {
		if p.Address != "" {
			all = append(all, mail.Address(p.Address))
		}
	}
	return all
}
