package redeliver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"mailarchive/internal/mail"
	"mailarchive/internal/smtp"
)

// attempt is one try of an entry over one connection.
type attempt struct {
	queue    *Queue
	source   Source
	composer Composer
	most     int // recipients of one message over SMTP
	entry    *Entry
	facts    Facts
	client   *smtp.Client
}

// outcome is what an attempt found out about one recipient.
type outcome struct {
	place  int // in Recipients
	state  State
	answer string
}

// errRecord: an outcome could not be written down.
var errRecord = errors.New("record outcome")

// all offers the message to all recipients that wait, as many at a time as a
// message may have. An error means that the connection must be dropped; what
// was found out until then is recorded.
func (a *attempt) all(ctx context.Context) error {
	for to := a.entry.waiting(); len(to) > 0; {
		n := min(len(to), a.most)
		again, err := a.round(ctx, to[:n])
		if err != nil {
			return err
		}
		to = append(again, to[n:]...)
		if len(to) > 0 {
			if _, err := a.client.Reset(); err != nil {
				return err
			}
		}
	}
	return nil
}

// round is one message over the connection. It returns those that the server
// wants with a message of their own.
func (a *attempt) round(ctx context.Context, to []int) (again []int, err error) {
	m, to, err := a.prepare(to)
	if err != nil || len(to) == 0 {
		return nil, err
	}
	accepted, again, err := a.envelope(&m, to)
	if err != nil || len(accepted) == 0 {
		return nil, err
	}
	if err := a.message(ctx, &m, accepted); err != nil {
		return nil, err
	}
	return again, nil
}

// prepare composes the mail and says no for those recipients that the relay
// need not be asked about.
func (a *attempt) prepare(to []int) (m composed, left []int, err error) {
	_, eightBit := a.client.Offers("8BITMIME")
	m, err = a.composer.compose(a.entry, &a.facts, eightBit)
	if err != nil {
		return m, nil, a.record(each(to, Refused, "not sent: "+err.Error()))
	}
	if most := a.client.MaxSize(); most > 0 && m.size() > most { // RFC 1870 6
		return m, nil, a.record(each(to, Refused, fmt.Sprintf("not sent: %d bytes are more than the mail server takes (%d)", m.size(), most)))
	}
	if _, ok := a.client.Offers("SMTPUTF8"); ok {
		return m, to, nil
	}
	var foreign []int
	for _, i := range to {
		if isASCII([]byte(a.entry.Recipients[i].Address)) {
			left = append(left, i)
		} else {
			foreign = append(foreign, i)
		}
	}
	return m, left, a.record(each(foreign, Refused, "not sent: the mail server takes no such address (RFC 6531)"))
}

// envelope offers sender and recipients and records who was refused.
func (a *attempt) envelope(m *composed, to []int) (accepted, again []int, err error) {
	var recipients []mail.Recipient
	utf8 := false
	for _, i := range to {
		r := mail.Recipient{Address: a.entry.Recipients[i].Address}
		utf8 = utf8 || !isASCII([]byte(r.Address))
		recipients = append(recipients, r)
	}
	sender, replies, err := a.client.Envelope(a.composer.Sender, a.params(m, utf8), recipients)
	if err != nil {
		return nil, nil, err
	}
	if !sender.Positive() {
		return nil, nil, a.record(each(to, stateAfter(sender), sender.Error()))
	}
	var outcomes, busy []outcome
	for n, reply := range replies {
		o := outcome{to[n], stateAfterRcpt(reply), reply.Error()}
		switch {
		case reply.Positive():
			accepted = append(accepted, o.place)
		case reply.Code == 452 || reply.Code == 552: // RFC 5321 4.5.3.1.10
			busy = append(busy, o)
		default:
			outcomes = append(outcomes, o)
		}
	}
	if len(accepted) > 0 { // too many at a time: with the next message
		for _, o := range busy {
			again = append(again, o.place)
		}
	} else {
		outcomes = append(outcomes, busy...)
	}
	return accepted, again, a.record(outcomes)
}

// params are those that the server offers.
func (a *attempt) params(m *composed, utf8 bool) []string {
	var params []string
	if _, ok := a.client.Offers("SIZE"); ok {
		params = append(params, fmt.Sprintf("SIZE=%d", m.size())) // RFC 1870 5
	}
	if m.eightBit {
		params = append(params, "BODY=8BITMIME") // RFC 6152 3
	}
	if utf8 {
		params = append(params, "SMTPUTF8") // RFC 6531 3.4
	}
	return params
}

// message sends the mail and records each answer before the next is read.
func (a *attempt) message(ctx context.Context, m *composed, accepted []int) error {
	w, reply, err := a.client.Data()
	if err != nil {
		return err
	}
	if w == nil {
		return a.record(each(accepted, stateAfter(reply), reply.Error()))
	}
	if err := m.transmit(ctx, a.source, a.entry, w); err != nil {
		return a.interrupted(err, accepted)
	}
	if err := w.End(); err != nil {
		return a.interrupted(err, accepted)
	}
	share := 1 // recipients of one answer
	if w.Due() == 1 {
		share = len(accepted)
	}
	for group := range slices.Chunk(accepted, share) {
		reply, err := w.Answer()
		if err != nil {
			return fmt.Errorf("the message was sent and its answer did not come: %w", err)
		}
		if err := a.record(each(group, stateAfter(reply), reply.Error())); err != nil {
			return err
		}
	}
	return nil
}

// interrupted looks whether the server said why it hung up in mid-message.
func (a *attempt) interrupted(err error, accepted []int) error {
	reply, ok := errors.AsType[smtp.Reply](err)
	if !ok {
		return err
	}
	return errors.Join(err, a.record(each(accepted, stateAfter(reply), reply.Error())))
}

// stateAfter is what a reply makes of a recipient (RFC 5321 4.2.1). That we
// have to sign in or to encrypt is no fault of the recipient's (RFC 4954 6, RFC
// 3207 4): the configuration may be put right.
func stateAfter(r smtp.Reply) State {
	switch {
	case r.Positive():
		return Sent
	case r.Code == 530, r.Code == 534, r.Code == 535, r.Code == 538, r.Code < 500:
		return Waiting
	}
	return Refused
}

// stateAfterRcpt is the same for RCPT, where 552 means too many at a time (RFC
// 5321 4.5.3.1.10).
func stateAfterRcpt(r smtp.Reply) State {
	if r.Code == 552 {
		return Waiting
	}
	return stateAfter(r)
}

func each(places []int, s State, answer string) []outcome {
	var all []outcome
	for _, i := range places {
		all = append(all, outcome{i, s, answer})
	}
	return all
}

// record has outcomes on disk before anything else happens.
func (a *attempt) record(outcomes []outcome) error {
	if len(outcomes) == 0 {
		return nil
	}
	now := a.queue.now()
	err := a.queue.record(a.entry.ID, func(e *Entry) {
		for _, o := range outcomes {
			r := &e.Recipients[o.place]
			r.State, r.At, r.Answer = o.state, now, brief(o.answer)
			r.Attempts++
			a.queue.stats.outcome(o.state)
		}
	})
	if err != nil {
		return fmt.Errorf("%w: %w", errRecord, err)
	}
	return nil
}

// maxAnswer is what is kept of an answer, in bytes: an entry may have thousands.
const maxAnswer = 500

func brief(answer string) string {
	if len(answer) <= maxAnswer {
		return answer
	}
	return strings.ToValidUTF8(answer[:maxAnswer], "") + "..."
}

func (s *Stats) outcome(state State) {
	switch state {
	case Sent:
		s.SentTo++
	case Refused:
		s.Refused++
	}
}
