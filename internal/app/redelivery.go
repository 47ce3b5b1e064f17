package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"mailarchive/internal/access"
	"mailarchive/internal/audit"
	"mailarchive/internal/catalog"
	"mailarchive/internal/config"
	"mailarchive/internal/control"
	"mailarchive/internal/durable"
	"mailarchive/internal/indexer"
	"mailarchive/internal/mail"
	"mailarchive/internal/redeliver"
	"mailarchive/internal/retrieve"
	"mailarchive/internal/smtp"
)

// queueFolder, in the data folder, has a file for each message to be sent.
const queueFolder = "queue"

// openQueue reads what is to be sent. Nothing is sent before sender runs.
func openQueue(disk durable.FS, c config.Config, audit redeliver.Audit) (*redeliver.Queue, error) {
	return redeliver.OpenQueue(disk, filepath.Join(c.Data, queueFolder), redeliver.Settings{Audit: audit, GiveUp: c.RedeliverGiveUp.Span()})
}

// planner decides who gets what.
func (a *App) planner() *redeliver.Planner {
	p := &redeliver.Planner{Source: doorSource{a.door}, Host: a.config.Hostname}
	if domains := indexer.NewDomains(a.config.LocalDomains.List()); len(a.config.LocalDomains.List()) > 0 {
		p.Local = domains.Has
	}
	return p
}

// sender is what sends; it runs in a server only.
func (a *App) sender() (*redeliver.Runner, error) {
	relay, err := relayOf(a.config)
	if err != nil {
		return nil, err
	}
	return &redeliver.Runner{
		Queue: a.queue, Source: doorSource{a.door}, Relay: relay, Log: a.log,
		Composer: redeliver.Composer{Sender: mail.Address(a.config.RedeliverFrom), Host: a.config.Hostname},
	}, nil
}

// relayOf is the relay of the configuration, with its password.
func relayOf(c config.Config) (redeliver.Relay, error) {
	r, err := redeliver.ParseRelay(c.Relay)
	if err != nil {
		return r, err
	}
	r.Dialer.Name, r.Dialer.User = c.Hostname, c.RelayUser
	if implicit := r.Dialer.TLS == smtp.TLSImplicit; !implicit {
		switch c.RelayTLS {
		case "required":
			r.Dialer.TLS = smtp.TLSRequired
		case "never":
			r.Dialer.TLS = smtp.TLSNever
		}
	}
	if c.RelayTLS == "insecure" {
		r.Dialer.TLSConfig = &tls.Config{InsecureSkipVerify: true} // asked for, by that name
	}
	if c.RelayPasswordFile != "" {
		if r.Dialer.Password, err = firstLine(c.RelayPasswordFile); err != nil {
			return r, fmt.Errorf("relay-password-file: %w", err)
		}
	}
	return r, nil
}

// maxSecretFile bounds a file that holds a password.
const maxSecretFile = 64 << 10

// firstLine reads a password from a file. The error never holds it.
func firstLine(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSecretFile))
	if err != nil {
		return "", err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	if line = strings.TrimSuffix(line, "\r"); line == "" {
		return "", fmt.Errorf("%s: its first line is empty: %w", name, mail.ErrBadInput)
	}
	return line, nil
}

// doorSource gives out messages to be sent.
type doorSource struct{ door *retrieve.Door }

// Open implements [redeliver.Source].
func (s doorSource) Open(ctx context.Context, asker access.Scope, id mail.ID) (redeliver.Original, io.ReadCloser, error) {
	m, content, err := s.door.Open(ctx, asker, id.String(), retrieve.ToRedeliver)
	return redeliver.Original{ID: m.ID, Digest: m.Digest, Size: m.Size, Delivered: m.DeliveredTo}, content, err
}

// Redeliver implements [control.Archive].
func (a *App) Redeliver(ctx context.Context, scope access.Scope, q control.RedeliverRequest) (control.Redelivery, error) {
	rows, err := a.chosen(ctx, scope, q)
	if err != nil {
		return control.Redelivery{}, err
	}
	r := redeliver.Request{By: scope, Envelope: q.Envelope, External: q.External, Attach: q.Attach}
	for _, to := range q.To {
		r.To = append(r.To, mail.Address(to))
	}
	for _, row := range rows {
		r.Messages = append(r.Messages, row.ID)
	}
	planner := a.planner()
	plan, err := planner.Plan(ctx, r)
	if err != nil {
		return control.Redelivery{}, err
	}
	var entries []redeliver.EntryID
	if !q.DryRun {
		// Why, once; the queue records each message with its recipients.
		e := by(scope, audit.ActRedeliver)
		e.Query, e.Reason, e.Hits = q.Query, q.Reason, int64(len(plan.Messages))
		if err := a.audit.Record(ctx, e); err != nil {
			return control.Redelivery{}, err
		}
		entries, err = a.queue.Add(ctx, plan)
	}
	result := redelivery(plan, rows, entries)
	result.DryRun, result.NoLocalDomains = q.DryRun, planner.Local == nil
	return result, err
}

// mostAtOnce is how many messages one redelivery may have.
const mostAtOnce = 10_000

// chosen are the messages of a request, as far as the asker sees them.
func (a *App) chosen(ctx context.Context, scope access.Scope, q control.RedeliverRequest) (rows []catalog.Row, err error) {
	if len(q.Refs) > 0 {
		for _, ref := range q.Refs {
			row, err := a.catalog.Lookup(ctx, scope, ref)
			if err != nil {
				return nil, err
			}
			rows = append(rows, row)
		}
		return rows, nil
	}
	query, err := a.searcher.Language.Parse(q.Query)
	if err != nil {
		return nil, err
	}
	err = a.catalog.Search(ctx, catalog.Query{Scope: scope, Where: query.Where, Order: query.Order, Limit: mostAtOnce + 1}, func(h catalog.Hit) bool {
		rows = append(rows, h.Row)
		return true
	})
	switch {
	case err != nil:
		return nil, err
	case len(rows) == 0:
		return nil, fmt.Errorf("no message matches: %w", mail.ErrNotFound)
	case len(rows) > mostAtOnce:
		return nil, fmt.Errorf("the query finds more than %d messages: %w", mostAtOnce, mail.ErrTooLarge)
	}
	return rows, nil
}

// redelivery is a plan as it is shown. Entries are those of its messages that
// have recipients, in their order, as far as they got into the queue.
func redelivery(p redeliver.Plan, rows []catalog.Row, entries []redeliver.EntryID) control.Redelivery {
	byID := map[mail.ID]catalog.Row{}
	for _, row := range rows {
		byID[row.ID] = row
	}
	r := control.Redelivery{Messages: []control.RedeliveredMessage{}, Recipients: p.Recipients()}
	for _, m := range p.Messages {
		shown := control.RedeliveredMessage{
			ID: m.ID, Subject: byID[m.ID].Subject, Date: byID[m.ID].SortDate,
			Form: string(m.Form), Why: m.Reason, To: []string{}, Problem: m.Problem,
		}
		for _, to := range m.Recipients {
			shown.To = append(shown.To, string(to.Address))
		}
		for _, l := range m.LeftOut {
			shown.LeftOut = append(shown.LeftOut, control.RedeliveryLacks{Address: strings.ToValidUTF8(string(l.Address), "\uFFFD"), Reason: l.Reason})
		}
		if len(m.Recipients) > 0 && len(entries) > 0 {
			shown.Entry, entries = entries[0].String(), entries[1:]
		}
		r.Messages = append(r.Messages, shown)
	}
	return r
}

// Queue implements [control.Archive].
func (a *App) Queue(ctx context.Context, scope access.Scope, q control.QueueRequest) (control.Queue, error) {
	result := control.Queue{Entries: []control.QueueEntry{}, Sending: a.sending.Load(), Relay: a.config.Relay}
	if !scope.All() {
		return result, fmt.Errorf("the queue is for administrators: %w", mail.ErrNotAllowed)
	}
	for _, err := range a.queue.Damaged() {
		result.Damaged = append(result.Damaged, err.Error())
	}
	chosen, err := a.entries(q)
	if err != nil {
		return result, err
	}
	var failed []error
	for _, e := range chosen {
		if err := a.act(ctx, scope, q.Action, e.ID); err != nil {
			failed = append(failed, err)
		}
		if e, err = a.queue.Show(e.ID); err != nil {
			continue // it was old and is gone
		}
		shown := control.QueueEntry{Entry: e}
		if row, err := a.catalog.Lookup(ctx, scope, e.Message.String()); err == nil {
			shown.Subject = row.Subject
		}
		result.Entries = append(result.Entries, shown)
	}
	return result, errors.Join(failed...)
}

func (a *App) act(ctx context.Context, scope access.Scope, action control.QueueAction, id redeliver.EntryID) error {
	switch action {
	case control.QueueList:
		return nil
	case control.QueueRetry:
		return a.queue.Retry(ctx, scope, id)
	case control.QueueCancel:
		return a.queue.Cancel(ctx, scope, id)
	}
	return fmt.Errorf("queue %q: %w", action, mail.ErrBadInput)
}

// entries are those that a request names.
func (a *App) entries(q control.QueueRequest) ([]redeliver.Entry, error) {
	all := a.queue.List()
	if len(q.Entries) == 0 {
		if q.Waiting || q.Action != control.QueueList {
			all = slices.DeleteFunc(all, func(e redeliver.Entry) bool { _, done := e.Finished(); return done })
		}
		return all, nil
	}
	var chosen []redeliver.Entry
	for _, ref := range q.Entries {
		var named []redeliver.Entry
		for _, e := range all {
			if ref != "" && strings.HasPrefix(e.ID.String(), strings.ToUpper(ref)) {
				named = append(named, e)
			}
		}
		switch len(named) {
		case 0:
			return nil, fmt.Errorf("queue entry %s: %w", ref, mail.ErrNotFound)
		case 1:
			chosen = append(chosen, named[0])
		default:
			return nil, fmt.Errorf("queue entry %s: %w", ref, mail.ErrAmbiguous)
		}
	}
	return chosen, nil
}
