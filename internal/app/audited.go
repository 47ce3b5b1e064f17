package app

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"mailarchive/internal/access"
	"mailarchive/internal/audit"
	"mailarchive/internal/control"
	"mailarchive/internal/mail"
	"mailarchive/internal/redeliver"
	"mailarchive/internal/retrieve"
	"mailarchive/internal/web"
)

// auditFolder, in the data folder, has the record of who did what.
const auditFolder = "audit"

// by is an entry for an act of whoever the scope stands for.
func by(scope access.Scope, act audit.Act) audit.Entry {
	return audit.Entry{Actor: scope.Actor(), Role: string(scope.Role()), Act: act}
}

// acting records an act, does it and records how it ended. When the beginning
// cannot be recorded, it does not happen; that the end cannot is logged, since
// what was done is done.
func (a *App) acting(ctx context.Context, e audit.Entry, act func(end *audit.Entry) error) error {
	seq, err := a.audit.Begin(ctx, e)
	if err != nil {
		return err
	}
	end := audit.Entry{Actor: e.Actor, Role: e.Role, Act: e.Act, Object: e.Object, Of: seq, Outcome: audit.Done}
	if err = act(&end); err != nil {
		end.Outcome = audit.Failed
	}
	if rerr := a.audit.Record(context.WithoutCancel(ctx), end); rerr != nil {
		a.log.Error("the end of an act is not in the audit record", "act", e.Act, "of", seq, "error", rerr)
	}
	return err
}

// Search implements [control.Archive].
func (a *App) Search(ctx context.Context, scope access.Scope, q control.SearchRequest, yield func(control.Hit) error) (end control.SearchEnd, err error) {
	e := by(scope, audit.ActSearch)
	e.Query = q.Query
	err = a.acting(ctx, e, func(done *audit.Entry) error {
		end, err = a.search(ctx, scope, q, func(h control.Hit) error {
			done.Hits++
			return yield(h)
		})
		return err
	})
	return end, err
}

// readings records who reads which message.
type readings struct{ log *audit.Log }

// Record implements [retrieve.Audit].
func (r readings) Record(ctx context.Context, reading retrieve.Reading) error {
	e := audit.Entry{Actor: reading.Actor, Act: audit.ActShow, IDs: []mail.ID{reading.ID}}
	switch reading.Purpose {
	case retrieve.ToRead:
		e.Act = audit.ActRaw
	case web.ToAttachment:
		e.Act = audit.ActAttachment
	case retrieve.ToShow:
	default:
		e.Object = string(reading.Purpose) // the part of it that was read
	}
	return r.log.Record(ctx, e)
}

// orders records who has what sent to whom.
type orders struct{ log *audit.Log }

// Record implements [redeliver.Audit].
func (r orders) Record(ctx context.Context, o redeliver.Order) error {
	for to := range slices.Chunk(o.To, audit.MaxTo) {
		err := r.log.Record(ctx, audit.Entry{
			Actor: o.Actor, Act: audit.ActRedeliver, Object: string(o.Action) + " " + o.Entry.String(), IDs: []mail.ID{o.Message}, To: to,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Seal implements [control.Archive].
func (a *App) Seal(ctx context.Context, scope access.Scope, q control.ArchiveRequest, report control.Report) (done control.Archived, err error) {
	e := by(scope, audit.ActSeal)
	err = a.acting(ctx, e, func(end *audit.Entry) error {
		done, err = a.seal(ctx, scope, q, report)
		for _, f := range done.Files {
			end.Object += f.Name + " "
		}
		return err
	})
	return done, err
}

// ActOnArchives implements [control.Archive].
func (a *App) ActOnArchives(ctx context.Context, scope access.Scope, q control.ArchiveActionRequest, report control.Report) (list []control.ArchiveFile, err error) {
	if q.Action == control.ArchiveVerify {
		return a.actOnArchives(ctx, scope, q, report)
	}
	e := by(scope, audit.ActForget)
	e.Object = fmt.Sprintf("%s %q", q.Action, q.Names)
	err = a.acting(ctx, e, func(*audit.Entry) error {
		list, err = a.actOnArchives(ctx, scope, q, report)
		return err
	})
	return list, err
}

// Restore implements [control.Archive].
func (a *App) Restore(ctx context.Context, scope access.Scope, q control.RestoreRequest, report control.Report) (done control.Restored, err error) {
	e := by(scope, audit.ActRestore)
	e.Object = filepath.Base(q.Path)
	err = a.acting(ctx, e, func(end *audit.Entry) error {
		done, err = a.restore(ctx, scope, q, report)
		end.Hits = int64(done.New + done.Returned)
		return err
	})
	return done, err
}

// Audit implements [control.Archive].
func (a *App) Audit(ctx context.Context, scope access.Scope, q control.AuditRequest, each func(control.AuditEntry) error) (end control.AuditEnd, err error) {
	if scope.Role() == access.User || !scope.Whole() {
		return end, fmt.Errorf("the audit record is for administrators and auditors: %w", mail.ErrNotAllowed)
	}
	head := a.audit.Head()
	end.Head = head.String()
	if q.HeadOnly {
		return end, nil
	}
	e := by(scope, audit.ActAudit)
	if err := a.audit.Record(ctx, e); err != nil {
		return end, err
	}
	acts := make([]audit.Act, len(q.Acts))
	for i, act := range q.Acts {
		acts[i] = audit.Act(act)
	}
	filter := audit.Filter{
		From: q.From, Until: q.Until, Before: q.Before, Actor: q.Actor, Acts: acts, ID: q.ID, Object: q.Object, Newest: true, Limit: q.Limit,
	}
	err = a.audit.Walk(ctx, filter, func(e audit.Entry) error {
		end.Next = e.Seq
		return each(auditEntry(e))
	})
	return end, err
}

func auditEntry(e audit.Entry) control.AuditEntry {
	shown := control.AuditEntry{
		Seq: e.Seq, Time: e.Time, Actor: e.Actor, Role: e.Role, As: e.As, Act: string(e.Act), Outcome: string(e.Outcome), IDs: e.IDs,
		Object: e.Object, Query: e.Query, Hits: e.Hits, Reason: e.Reason, Client: e.Client, Of: e.Of,
	}
	for _, to := range e.To {
		shown.To = append(shown.To, string(to))
	}
	return shown
}

// VerifyAudit implements [control.Archive].
func (a *App) VerifyAudit(ctx context.Context, scope access.Scope, q control.AuditVerify, report control.Report) (control.AuditVerified, error) {
	done := control.AuditVerified{Head: a.audit.Head().String()}
	if scope.Role() == access.User || !scope.Whole() {
		return done, fmt.Errorf("the audit record is for administrators and auditors: %w", mail.ErrNotAllowed)
	}
	var heads []audit.Head
	for _, text := range q.Heads {
		h, err := audit.ParseHead(text)
		if err != nil {
			return done, err
		}
		heads = append(heads, h)
	}
	pace := newPace("bytes")
	err := a.audit.Verify(ctx,
		func(n, total int64) { report.Say(pace.at(n, total)) },
		func(f audit.Finding) {
			done.Findings++
			report.Tell(control.Finding{Offset: f.Offset, What: f.String()})
		}, heads...)
	return done, err
}
