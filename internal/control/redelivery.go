package control

import (
	"context"
	"time"

	"mailarchive/internal/access"
	"mailarchive/internal/mail"
	"mailarchive/internal/redeliver"
)

// RedeliverRequest asks for messages to be sent again: those that Refs name,
// or else all that Query finds.
type RedeliverRequest struct {
	Refs  []string `json:"refs,omitempty"`
	Query string   `json:"query,omitempty"`
	// To are the recipients; without any, the original ones: those of the
	// header's To and Cc, or with Envelope those that it was really delivered
	// to.
	To       []string `json:"to,omitempty"`
	Envelope bool     `json:"envelope,omitempty"`
	// External allows recipients of domains that are not ours.
	External bool `json:"external,omitempty"`
	// Attach sends each message as an attachment.
	Attach bool `json:"attach,omitempty"`
	// DryRun only says who would get what.
	DryRun bool   `json:"dry_run,omitempty"`
	Reason string `json:"reason,omitempty"` // for the audit record
}

// Redelivery says who gets what.
type Redelivery struct {
	Messages   []RedeliveredMessage `json:"messages"`
	Recipients int                  `json:"recipients"` // deliveries of all messages
	DryRun     bool                 `json:"dry_run,omitempty"`
	// NoLocalDomains says that no domain is known to be ours, so that all
	// recipients count as external.
	NoLocalDomains bool `json:"no_local_domains,omitempty"`
}

// RedeliveredMessage is one message of a redelivery.
type RedeliveredMessage struct {
	ID      mail.ID   `json:"id"`
	Subject string    `json:"subject"`
	Date    time.Time `json:"date"`
	// Form is how it is sent, as it is or as an attachment, and Why, for an
	// attachment.
	Form    string            `json:"form,omitempty"`
	Why     string            `json:"why,omitempty"`
	To      []string          `json:"to"`
	LeftOut []RedeliveryLacks `json:"left_out,omitempty"`
	// Problem says why nobody gets it.
	Problem string `json:"problem,omitempty"`
	// Entry is its place in the queue, "" when it is not in there.
	Entry string `json:"entry,omitempty"`
}

// RedeliveryLacks is an address that gets nothing.
type RedeliveryLacks struct {
	Address string `json:"address"`
	Reason  string `json:"reason"`
}

// QueueAction is what to do with entries of the queue.
type QueueAction string

// The actions.
const (
	QueueList   QueueAction = "list"
	QueueRetry  QueueAction = "retry"
	QueueCancel QueueAction = "cancel"
)

// QueueRequest asks for entries of the queue, after the action was done to
// them. Entries are IDs or unambiguous beginnings; none are all for a list,
// and all that wait for the others.
type QueueRequest struct {
	Action  QueueAction `json:"action"`
	Entries []string    `json:"entries,omitempty"`
	// Waiting leaves out entries of which no recipient waits.
	Waiting bool `json:"waiting,omitempty"`
}

// Queue is the answer, newest first.
type Queue struct {
	Entries []QueueEntry `json:"entries"`
	// Sending tells whether a server runs, which sends what waits.
	Sending bool     `json:"sending"`
	Relay   string   `json:"relay"`
	Damaged []string `json:"damaged,omitempty"` // files of entries that cannot be read
}

// QueueEntry is one message in the queue.
type QueueEntry struct {
	redeliver.Entry
	Subject string `json:"subject"`
}

// Redeliver asks the server.
func (c *Client) Redeliver(ctx context.Context, scope access.Scope, q RedeliverRequest) (Redelivery, error) {
	return invoke[Redelivery](ctx, c, scope, "redeliver", q, Report{})
}

// Queue asks the server.
func (c *Client) Queue(ctx context.Context, scope access.Scope, q QueueRequest) (Queue, error) {
	return invoke[Queue](ctx, c, scope, "queue", q, Report{})
}
