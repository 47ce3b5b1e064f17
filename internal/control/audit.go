package control

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"mailarchive/internal/access"
	"mailarchive/internal/mail"
)

// AuditRequest asks for entries of the record of who did what, newest first;
// each field that is set narrows it.
type AuditRequest struct {
	From   time.Time `json:"from,omitzero"`
	Until  time.Time `json:"until,omitzero"`  // not included
	Before uint64    `json:"before,omitzero"` // below this number: the next page
	Actor  string    `json:"actor,omitempty"`
	Acts   []string  `json:"acts,omitempty"` // one of them
	ID     mail.ID   `json:"id,omitzero"`    // of a message
	Object string    `json:"object,omitempty"`
	Limit  int       `json:"limit,omitempty"` // entries at most; 0 is no limit
	// HeadOnly asks for the head, and no entries.
	HeadOnly bool `json:"head_only,omitempty"`
}

// AuditEntry is one act.
type AuditEntry struct {
	Seq     uint64    `json:"seq"`
	Time    time.Time `json:"time"`
	Actor   string    `json:"actor"`
	Role    string    `json:"role,omitempty"`
	As      string    `json:"as,omitempty"`
	Act     string    `json:"act"`
	Outcome string    `json:"outcome"`
	IDs     []mail.ID `json:"ids,omitempty"`
	Object  string    `json:"object,omitempty"`
	Query   string    `json:"query,omitempty"`
	Hits    int64     `json:"hits,omitempty"`
	To      []string  `json:"to,omitempty"`
	Reason  string    `json:"reason,omitempty"`
	Client  string    `json:"client,omitempty"`
	Of      uint64    `json:"of,omitempty"` // the entry whose act this one ends
}

// AuditEnd closes a list of entries.
type AuditEnd struct {
	Head string `json:"head"`           // "SEQ SHA256" of the newest entry
	Next uint64 `json:"next,omitempty"` // Before for the next page
}

// AuditVerify asks for a check of the whole record, and that it holds the heads
// that somebody kept.
type AuditVerify struct {
	Heads []string `json:"heads,omitempty"`
}

// AuditVerified says how the check went.
type AuditVerified struct {
	Head     string `json:"head"`
	Findings int    `json:"findings"`
}

func (s *Server) audit(a *answer, r *http.Request, scope access.Scope) {
	var q AuditRequest
	if err := readRequest(a, r, &q); err != nil {
		a.end(nil, err)
		return
	}
	end, err := s.Archive.Audit(r.Context(), scope, q, func(e AuditEntry) error {
		b, err := json.Marshal(e)
		if err != nil {
			return err
		}
		return a.write(line{Entry: b}, http.StatusOK)
	})
	a.end(end, err)
}

// Audit asks the server.
func (c *Client) Audit(ctx context.Context, scope access.Scope, q AuditRequest, each func(AuditEntry) error) (end AuditEnd, err error) {
	return invokeLines[AuditEnd](ctx, c, scope, "audit", q, func(l *line) error {
		if l.Entry == nil {
			return nil
		}
		var e AuditEntry
		if err := json.Unmarshal(l.Entry, &e); err != nil {
			return err
		}
		return each(e)
	})
}

// VerifyAudit asks the server.
func (c *Client) VerifyAudit(ctx context.Context, scope access.Scope, q AuditVerify, report Report) (AuditVerified, error) {
	return invoke[AuditVerified](ctx, c, scope, "audit/verify", q, report)
}
