package controltest

import (
	"context"
	"time"

	"mailarchive/internal/access"
	"mailarchive/internal/control"
)

// head is that of the record in memory.
const head = "2 0000000000000000000000000000000000000000000000000000000000000002"

// Audit gives two entries.
func (a *Archive) Audit(_ context.Context, _ access.Scope, q control.AuditRequest, each func(control.AuditEntry) error) (control.AuditEnd, error) {
	end := control.AuditEnd{Head: head}
	if err := a.fail("audit"); err != nil || q.HeadOnly {
		return end, err
	}
	at := time.Date(2026, 11, 25, 9, 0, 0, 0, time.UTC)
	for _, e := range []control.AuditEntry{
		{Seq: 2, Time: at.Add(time.Minute), Actor: "root", Role: "administrator", Act: "search", Outcome: "allowed", Query: "from:ann\x1b[2J"},
		{Seq: 1, Time: at, Actor: "ann", Act: "raw", Outcome: "allowed", To: []string{"bob@example.org"}},
	} {
		if q.Actor != "" && q.Actor != e.Actor {
			continue
		}
		if err := each(e); err != nil {
			return end, err
		}
	}
	return end, nil
}

// VerifyAudit finds what Findings has.
func (a *Archive) VerifyAudit(_ context.Context, _ access.Scope, _ control.AuditVerify, report control.Report) (control.AuditVerified, error) {
	for _, f := range a.Findings {
		report.Tell(f)
	}
	return control.AuditVerified{Head: head, Findings: len(a.Findings)}, a.fail("audit")
}
