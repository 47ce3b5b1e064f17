package access

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"mailarchive/internal/mail"
)

// Rules say how addresses are compared. They must not change while scopes made
// with them are in use.
type Rules struct {
	// Fold returns the form in which whole addresses are equal, and the domain
	// of the address in the form in which domains are, "" when it has none. It
	// must be that of the catalog: package token's Address. Without it nothing
	// is folded.
	Fold func(address string) (whole, domain string)
	// Tags makes ann+anything@example.org an address of who has
	// ann@example.org (RFC 5233: the detail of a subaddress).
	Tags bool
	// Case makes case matter in the local part (RFC 5321 2.4 allows it).
	Case bool
}

// tagSeparator stands between an address's local part and its tag.
const tagSeparator = "+"

func (r Rules) fold(address string) (whole, domain string) {
	if r.Fold == nil {
		_, domain = mail.Address(address).Split()
		return address, domain
	}
	return r.Fold(address)
}

// Owned is an address that is somebody's, and for which time: mail counts that
// was received from Since on and before Until. A zero time is no bound.
type Owned struct {
	Address string    `json:"address"` // as it was given
	Since   time.Time `json:"since,omitzero"`
	Until   time.Time `json:"until,omitzero"`
}

func (o Owned) bounded() bool { return !o.Since.IsZero() || !o.Until.IsZero() }

// At reports whether the address is its owner's at that time.
func (o Owned) At(t time.Time) bool {
	return (o.Since.IsZero() || !t.Before(o.Since)) && (o.Until.IsZero() || t.Before(o.Until))
}

// check returns what is wrong with it. The error wraps ErrBadInput.
func (o Owned) check() error {
	local, domain := mail.Address(o.Address).Split()
	switch {
	case local == "" || domain == "" || len(o.Address) > maxAddress:
		return fmt.Errorf("%q is no address (name@domain): %w", o.Address, mail.ErrBadInput)
	case strings.ContainsFunc(o.Address, func(r rune) bool { return r < ' ' || r == 0x7f }), domain != strings.TrimSpace(domain):
		return fmt.Errorf("%q has white space or control characters in it: %w", o.Address, mail.ErrBadInput)
	case !o.Since.IsZero() && !o.Until.IsZero() && !o.Since.Before(o.Until):
		return fmt.Errorf("%s would end before it begins: %w", o.Address, mail.ErrBadInput)
	}
	return nil
}

// maxAddress is the longest address in bytes: what catalogs tell apart without
// a digest, and more than RFC 5321 4.5.3.1 allows.
const maxAddress = 320

// dateOnly is how a period is written.
const dateOnly = "2006-01-02"

// ParseOwned reads an address with an optional period behind it:
//
//	ann@example.org
//	ann@example.org:2019-04-01..2024-06-30
//	ann@example.org:..2024-06-30
//
// Days are those of the zone; both are part of the period. The error wraps
// ErrBadInput.
func ParseOwned(text string, zone *time.Location) (Owned, error) {
	o := Owned{Address: strings.TrimSpace(text)}
	if i := strings.LastIndexByte(o.Address, ':'); i >= 0 && strings.Contains(o.Address[i:], "..") {
		period := o.Address[i+1:]
		o.Address = o.Address[:i]
		since, until, _ := strings.Cut(period, "..")
		var err error
		if o.Since, err = parseDay(since, zone, 0); err != nil {
			return Owned{}, err
		}
		if o.Until, err = parseDay(until, zone, 1); err != nil {
			return Owned{}, err
		}
	}
	if err := o.check(); err != nil {
		return Owned{}, err
	}
	return o, nil
}

func parseDay(text string, zone *time.Location, later int) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	day, err := time.ParseInLocation(dateOnly, text, zone)
	if err != nil || day.Year() < 1 || day.Year() > 9998 {
		return time.Time{}, fmt.Errorf("%q is no day (2024-06-30): %w", text, mail.ErrBadInput)
	}
	return day.AddDate(0, 0, later), nil
}

// Domain is a domain of mail.
type Domain struct {
	Name  string // folded
	Below bool   // the domains below it too
}

// EveryDomain, among the domains of an auditor, stands for all mail.
const EveryDomain = "*"

// domain reads a domain as an administrator writes it: a dot in front covers
// the domains below it too.
func (r Rules) domain(text string) (Domain, error) {
	name, below := strings.CutPrefix(strings.TrimSpace(text), ".")
	_, folded := r.fold("x@" + name)
	if folded == "" || len(name) > maxAddress || strings.ContainsAny(name, "@*/ ") {
		return Domain{}, fmt.Errorf("%q is no domain (example.org, or .example.org with those below it): %w", text, mail.ErrBadInput)
	}
	return Domain{folded, below}, nil
}

// owned is an address of a scope, ready to be compared.
type owned struct {
	Owned
	local string // unfolded, without quotes
}

// newPart prepares addresses and domains for comparing. Those that are none
// are left out: they were checked when they were given.
func (r Rules) newPart(addresses []Owned, domains []string) *part {
	p := &part{rules: r, own: map[string][]owned{}, names: map[string]bool{}}
	for _, o := range addresses {
		if o.check() != nil {
			continue
		}
		whole, _ := r.fold(o.Address)
		p.own[whole] = append(p.own[whole], owned{o, plainLocal(o.Address)})
		p.listed = append(p.listed, Owned{whole, o.Since, o.Until})
	}
	for _, text := range domains {
		if d, err := r.domain(text); err == nil {
			p.names[d.Name] = p.names[d.Name] || d.Below
			p.domains = append(p.domains, d)
		}
	}
	return p
}

// owns reports whether an address was one of the own at that time.
func (p *part) owns(address string, at time.Time) bool {
	if len(p.own) == 0 || address == "" {
		return false
	}
	whole, domain := p.rules.fold(address)
	local := plainLocal(address)
	if p.has(whole, local, at) {
		return true
	}
	if !p.rules.Tags {
		return false
	}
	plain, ok := strings.CutSuffix(whole, "@"+domain)
	if !ok || domain == "" {
		return false
	}
	plain, _, tagged := strings.Cut(plain, tagSeparator)
	local, _, _ = strings.Cut(local, tagSeparator)
	return tagged && plain != "" && p.has(plain+"@"+domain, local, at)
}

func (p *part) has(whole, local string, at time.Time) bool {
	return slices.ContainsFunc(p.own[whole], func(o owned) bool {
		return o.At(at) && (!p.rules.Case || o.local == local)
	})
}

// inDomains reports whether an address is in one of the domains.
func (p *part) inDomains(address string) bool {
	if len(p.names) == 0 || address == "" {
		return false
	}
	_, domain := p.rules.fold(address)
	return p.hasDomain(Domain{Name: domain})
}

// hasDomain reports whether a domain, and all below it if it has those, is
// among the domains.
func (p *part) hasDomain(d Domain) bool {
	if below, ok := p.names[d.Name]; ok && d.Name != "" && (below || !d.Below) {
		return true
	}
	if strings.HasPrefix(d.Name, "[") { // an address literal has nothing above it
		return false
	}
	for rest := d.Name; ; {
		_, parent, found := strings.Cut(rest, ".")
		switch {
		case !found:
			return false
		case parent != "" && p.names[parent]:
			return true
		}
		rest = parent
	}
}

// plainLocal is the local part without the quotes that RFC 5321 4.1.2 allows.
func plainLocal(address string) string {
	local, _ := mail.Address(strings.TrimSpace(address)).Split()
	if len(local) < 2 || local[0] != '"' || local[len(local)-1] != '"' {
		return local
	}
	var b strings.Builder
	for i := 1; i < len(local)-1; i++ {
		if local[i] == '\\' && i+1 < len(local)-1 {
			i++
		}
		b.WriteByte(local[i])
	}
	return b.String()
}
