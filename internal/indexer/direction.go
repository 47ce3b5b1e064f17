package indexer

import (
	"slices"
	"strconv"
	"strings"

	"mailarchive/internal/catalog/token"
	"mailarchive/internal/extract"
	"mailarchive/internal/mail"
)

// directionRule is the version of the rule in [Domains.Direction]: another one
// makes the catalogs of before stale.
const directionRule = 1

// Domains are the domains of the organisation. The zero Domains has none, and
// no mail has a direction.
type Domains struct {
	whole []string // folded (token.Domain), sorted
	below []string // the same, a dot in front: they cover all below them too
}

// NewDomains takes names as an administrator writes them: a name with a dot in
// front covers the domains below it too.
func NewDomains(names []string) Domains {
	var d Domains
	for _, name := range names {
		parent, below := strings.CutPrefix(strings.TrimSpace(name), ".")
		folded := token.Domain(parent)
		if folded == "" {
			continue
		}
		d.whole = append(d.whole, folded)
		if below {
			d.below = append(d.below, "."+folded)
		}
	}
	slices.Sort(d.whole)
	slices.Sort(d.below)
	d.whole, d.below = slices.Compact(d.whole), slices.Compact(d.below)
	return d
}

// Rule names the rule with its domains; when it changes, directions change.
func (d Domains) Rule() string {
	return strconv.Itoa(directionRule) + " " + strings.Join(append(slices.Clone(d.whole), d.below...), " ")
}

// Has reports whether mail to that domain stays in the organisation.
func (d Domains) Has(domain string) bool {
	domain = token.Domain(domain)
	if _, ok := slices.BinarySearch(d.whole, domain); ok {
		return true
	}
	return slices.ContainsFunc(d.below, func(parent string) bool { return strings.HasSuffix(domain, parent) })
}

// Direction is the way that an arrival went. Mail over a connection goes by its
// envelope; by the From header when it has no sender (RFC 5321 4.5.5), and by
// the recipients in the header too when the envelope names none of them: then
// it is a copy for the archive's own address, or a blind one. Imports go by the
// header and the owner of the mailbox.
func (d Domains) Direction(a mail.Arrival, m *extract.Message) mail.Direction {
	if len(d.whole) == 0 {
		return ""
	}
	from, to := d.header(m)
	if a.Envelope.Origin == nil {
		from, to = d.envelope(a.Envelope, m, from, to)
	} else if owner := a.Envelope.Origin.Owner; owner != "" && !from.local {
		// Of the owner's own mail, what was sent says who got it.
		to.add(d, string(owner))
	}
	switch {
	case from.local && to.outside:
		return mail.Out
	case from.local && to.local:
		return mail.Internal
	case from.outside && to.local:
		return mail.In
	}
	return ""
}

// sides tells on which sides of the gateway addresses are.
type sides struct{ local, outside bool }

// add places an address; one without a domain says nothing.
func (s *sides) add(d Domains, address string) {
	_, domain := mail.Address(address).Split()
	if domain == "" {
		return
	}
	if d.Has(domain) {
		s.local = true
	} else {
		s.outside = true
	}
}

// header places the first author and the recipients that the header names.
func (d Domains) header(m *extract.Message) (from, to sides) {
	for _, p := range m.From {
		if p.Address != "" {
			from.add(d, p.Address)
			break
		}
	}
	for _, list := range [][]extract.Participant{m.To, m.Cc, m.Bcc} {
		for _, p := range list {
			to.add(d, p.Address)
		}
	}
	return from, to
}

// envelope places sender and recipients of the envelope, given those of the
// header.
func (d Domains) envelope(e mail.Envelope, m *extract.Message, from, to sides) (sides, sides) {
	if e.From != "" {
		from = sides{}
		from.add(d, string(e.From))
	}
	if !namesAny(e, m) {
		for _, r := range e.To {
			to.add(d, string(r.Address))
		}
		return from, to
	}
	to = sides{}
	for _, r := range e.To {
		to.add(d, string(r.Address))
	}
	return from, to
}

// namesAny reports whether the envelope has a recipient that the header names.
func namesAny(e mail.Envelope, m *extract.Message) bool {
	named := map[string]bool{}
	for _, list := range [][]extract.Participant{m.To, m.Cc, m.Bcc} {
		for _, p := range list {
			named[token.Address(p.Address).Whole] = true
		}
	}
	return slices.ContainsFunc(e.To, func(r mail.Recipient) bool {
		return named[token.Address(string(r.Address)).Whole]
	})
}
