package access

import (
	"slices"
	"strings"
	"time"

	"mailarchive/internal/mail"
)

// Message is what of a message decides who may see it. Addresses are as they
// stand in headers and envelopes.
type Message struct {
	// Senders are the addresses of From and Sender, Recipients those of To and
	// Cc, Blind those of Bcc.
	Senders, Recipients, Blind []string
	// Arrivals are all of its arrivals by rising seq.
	Arrivals []mail.Arrival
}

// View is what somebody may see of a message besides its content.
type View struct {
	// Arrivals are those that show, with what shows of them.
	Arrivals []mail.Arrival
	// Blind tells for each address of Message.Blind whether it shows, with the
	// name beside it. Hidden people are not there for any search, count,
	// completion or list.
	Blind []bool
	// Fields reports whether the header fields that [TellsRecipients] names
	// show; otherwise they are hidden in lists, in searches and in raw bytes.
	Fields bool
}

// Sees reports whether the scope covers the message. It is the reference that
// engines are tested against. A user sees mail that was received while an own
// address was theirs, and in which that address is
//
//   - a sender (From, Sender) or recipient (To, Cc, Bcc) of the header,
//   - sender or recipient of the envelope of that arrival, or
//   - the owner of the mailbox that arrival was imported from.
//
// An auditor of domains and addresses sees mail with any of them in one of these
// places. Other header fields (Reply-To, Delivered-To, ...) are claims and count
// for nothing.
func (s Scope) Sees(m Message) bool {
	if s.everything {
		return true
	}
	return slices.ContainsFunc(m.Arrivals, func(a mail.Arrival) bool {
		return s.inEnvelope(a) || s.inHeader(m, a.Received)
	})
}

// View returns what shows of a message that the scope sees; of others nothing.
// Who sees whole messages (see Whole) sees all. To a user
//
//   - an arrival shows if an own address stands in its envelope or is its
//     mailbox's owner, else, for who is named in the header only, none but the
//     first of the period does, and of its envelope the way in alone. So
//     neither the number of arrivals nor their times tell of other recipients;
//   - of an envelope's addresses only own ones show, of sender and recipients
//     alike (a sender made for one recipient, as lists make them, names that
//     recipient), and the place of an import only to the mailbox's owner;
//   - people in Bcc show to who sent the message (From, Sender or envelope
//     sender); to others only own addresses do.
//
// The ID of the message, that of its first arrival, is a name without meaning
// and shows to all who see the message, also when that arrival does not.
func (s Scope) View(m Message) View {
	v := View{Blind: make([]bool, len(m.Blind))}
	switch {
	case !s.Sees(m):
		return v
	case s.Whole():
		v.Arrivals, v.Fields = slices.Clone(m.Arrivals), true
	default:
		v.Arrivals, v.Fields = s.shown(m), s.sent(m)
	}
	for i, address := range m.Blind {
		v.Blind[i] = v.Fields || slices.ContainsFunc(m.Arrivals, func(a mail.Arrival) bool {
			return s.Owns(address, a.Received)
		})
	}
	return v
}

// inEnvelope reports whether the envelope or the owner is in the scope.
func (s Scope) inEnvelope(a mail.Arrival) bool {
	e := &a.Envelope
	return s.covers(string(e.From), a.Received) ||
		e.Origin != nil && s.covers(string(e.Origin.Owner), a.Received) ||
		slices.ContainsFunc(e.To, func(r mail.Recipient) bool { return s.covers(string(r.Address), a.Received) })
}

// inHeader reports whether the header names somebody in the scope.
func (s Scope) inHeader(m Message, at time.Time) bool {
	for _, list := range [][]string{m.Senders, m.Recipients, m.Blind} {
		if slices.ContainsFunc(list, func(address string) bool { return s.covers(address, at) }) {
			return true
		}
	}
	return false
}

// sent reports whether who asks sent the message.
func (s Scope) sent(m Message) bool {
	return slices.ContainsFunc(m.Arrivals, func(a mail.Arrival) bool {
		return s.Owns(string(a.Envelope.From), a.Received) ||
			slices.ContainsFunc(m.Senders, func(address string) bool { return s.Owns(address, a.Received) })
	})
}

// shown returns the arrivals that show to a user, with what shows of them.
func (s Scope) shown(m Message) (list []mail.Arrival) {
	for _, a := range m.Arrivals {
		if s.inEnvelope(a) {
			a.Envelope = s.own(a)
			list = append(list, a)
		}
	}
	if len(list) > 0 {
		return list
	}
	for _, a := range m.Arrivals {
		if s.inHeader(m, a.Received) {
			a.Envelope = mail.Envelope{Source: a.Envelope.Source}
			return []mail.Arrival{a}
		}
	}
	return nil
}

// own returns what shows of an envelope in which an own address stands.
func (s Scope) own(a mail.Arrival) mail.Envelope {
	e := a.Envelope
	if !s.Owns(string(e.From), a.Received) {
		e.From, e.FromParams = "", nil
	}
	var to []mail.Recipient
	for _, r := range e.To {
		if s.Owns(string(r.Address), a.Received) {
			to = append(to, r)
		}
	}
	e.To = to
	if e.Origin != nil && !s.Owns(string(e.Origin.Owner), a.Received) {
		e.Origin = nil
	}
	return e
}

// TellsRecipients reports whether a header field of that name (case aside) may
// name recipients that To and Cc do not: to who did not send the message such
// fields are not shown, whatever is in them, nor found.
//
// Received is not among them: RFC 5321 7.6 has it that servers write no "for"
// into it when there are several recipients; of a single hidden one the clause
// would tell, so where a Received field is shown to others than the sender, its
// "for" clause must be cut ([WithoutFor]).
func TellsRecipients(field string) bool {
	switch strings.ToLower(strings.TrimSpace(field)) {
	case "bcc", "resent-bcc", "apparently-to",
		"delivered-to", "x-delivered-to", "x-original-delivered-to", "x-clear-delivered-to",
		"original-recipient", "x-original-to", "x-original-rcpt-to", "x-original-recipient",
		"envelope-to", "x-envelope-to", "x-rcpt-to", "x-real-to", "x-real-rcpt-to", "x-forwarded-to",
		"x-resolved-to", "x-recipient", "x-mdrcpt-to", "x-ms-exchange-organization-originalenveloperecipients",
		"x-ms-exchange-organization-bcc", "x-gm-original-to", "x-failed-recipients":
		return true
	}
	return false
}
