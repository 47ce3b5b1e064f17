package controltest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"mailarchive/internal/access"
	"mailarchive/internal/control"
	"mailarchive/internal/mail"
	"mailarchive/internal/redeliver"
)

// Redeliver has a message sent to what is asked for, or else to the recipients
// of its envelope; those at outside.example are left out unless External.
func (a *Archive) Redeliver(_ context.Context, scope access.Scope, q control.RedeliverRequest) (control.Redelivery, error) {
	r := control.Redelivery{Messages: []control.RedeliveredMessage{}, DryRun: q.DryRun}
	if err := a.fail("redeliver"); err != nil {
		return r, err
	}
	for _, ref := range q.Refs {
		m, err := a.find("redeliver", scope, ref)
		if err != nil {
			return r, err
		}
		s := control.RedeliveredMessage{ID: m.ID, Subject: m.Subject, Date: m.Date, Form: "as it is", To: []string{}}
		candidates := q.To
		if len(candidates) == 0 {
			for _, to := range m.Envelope.To {
				candidates = append(candidates, string(to.Address))
			}
		}
		for _, to := range candidates {
			if _, domain := mail.Address(to).Split(); domain == "outside.example" && !q.External {
				s.LeftOut = append(s.LeftOut, control.RedeliveryLacks{Address: to, Reason: "its domain is not one of ours"})
				continue
			}
			s.To = append(s.To, to)
		}
		if len(s.To) == 0 {
			s.Problem = "it has no recipient to send it to"
		} else if !q.DryRun {
			s.Entry = a.enqueue(m, s.To)
		}
		r.Recipients += len(s.To)
		r.Messages = append(r.Messages, s)
	}
	return r, nil
}

func (a *Archive) enqueue(m Message, to []string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Date(2026, 12, 1, 12, 0, len(a.queue), 0, time.UTC)
	e := control.QueueEntry{Subject: m.Subject, Entry: redeliver.Entry{
		ID: redeliver.EntryID(mail.NextID(mail.ID{}, now)), Message: m.ID, By: "test", Created: now, Next: now,
	}}
	for _, address := range to {
		e.Recipients = append(e.Recipients, redeliver.Recipient{Address: mail.Address(address), State: redeliver.Waiting, At: now})
	}
	a.queue = append(a.queue, e)
	return e.ID.String()
}

// Queue lists what Redeliver was asked for.
func (a *Archive) Queue(_ context.Context, _ access.Scope, q control.QueueRequest) (control.Queue, error) {
	result := control.Queue{Entries: []control.QueueEntry{}, Relay: "smtp://127.0.0.1:25"}
	if err := a.fail("queue"); err != nil {
		return result, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range slices.Backward(a.queue) {
		e := &a.queue[i]
		if len(q.Entries) > 0 && !slices.Contains(q.Entries, e.ID.String()) {
			continue
		}
		if q.Action == control.QueueCancel {
			for j := range e.Recipients {
				e.Recipients[j].State = redeliver.Cancelled
			}
		}
		result.Entries = append(result.Entries, *e)
	}
	if len(q.Entries) > 0 && len(result.Entries) == 0 {
		return result, fmt.Errorf("queue entry %s: %w", q.Entries[0], mail.ErrNotFound)
	}
	return result, nil
}
