package redeliver

import (
	"fmt"
	"strings"
	"time"

	"mailarchive/internal/access"
	"mailarchive/internal/mail"
)

// EntryID names an entry of the queue: a ULID like that of a message, and a
// type of its own.
type EntryID mail.ID

// String returns 26 characters.
func (id EntryID) String() string { return mail.ID(id).String() }

// MarshalText writes the text of the ID, for JSON.
func (id EntryID) MarshalText() ([]byte, error) { return mail.ID(id).MarshalText() }

// UnmarshalText reads what MarshalText wrote.
func (id *EntryID) UnmarshalText(b []byte) error { return (*mail.ID)(id).UnmarshalText(b) }

// ParseEntryID reads the text of an ID. The error wraps mail.ErrBadInput.
func ParseEntryID(s string) (EntryID, error) {
	id, err := mail.ParseID(s)
	return EntryID(id), err
}

// State is what has become of a recipient.
type State string

// The states. All but Waiting are final, unless Retry takes them back.
const (
	Waiting   State = "waiting"
	Sent      State = "sent"      // the relay took the mail for it
	Refused   State = "refused"   // for good (RFC 5321 4.2.1: 5yz)
	Expired   State = "expired"   // given up after the configured time
	Cancelled State = "cancelled" // by somebody, before it was sent
)

// Recipient is one recipient of an entry.
type Recipient struct {
	Address mail.Address `json:"address"`
	// Named recipients are named to the others in the mail's header.
	Named bool  `json:"named"`
	State State `json:"state"`
	// At is when it came into this state, or when it was last tried.
	At time.Time `json:"at"`
	// Attempts counts those that included it.
	Attempts int `json:"attempts"`
	// Answer is the last reply of the relay, or what kept us from asking it.
	Answer string `json:"answer,omitempty"`
}

// format is the version of an entry's file.
const format = 1

// Entry is one message in the queue, as it stands in its file.
type Entry struct {
	Format  int         `json:"format"`
	ID      EntryID     `json:"id"`
	Message mail.ID     `json:"message"`
	Digest  mail.Digest `json:"sha256"`
	Size    int64       `json:"size"`
	// By is who asked for it.
	By      string    `json:"by"`
	Created time.Time `json:"created"`
	// Attach sends it as an attachment whatever it is; Originals says that the
	// recipients are the message's own.
	Attach    bool `json:"attach"`
	Originals bool `json:"originals"`
	// Attempts counts those that were begun. Next is when the next one is due,
	// Until when the last one was.
	Attempts int       `json:"attempts"`
	Next     time.Time `json:"next"`
	Until    time.Time `json:"until"`
	// Cancelling is set when it was cancelled during an attempt.
	Cancelling bool `json:"cancelling,omitempty"`
	// Trouble is what last went wrong with the entry as a whole.
	Trouble    string      `json:"trouble,omitempty"`
	Recipients []Recipient `json:"recipients"`
}

// Named are the recipients that the mail's header names.
func (e *Entry) Named() []mail.Address {
	var named []mail.Address
	for _, r := range e.Recipients {
		if r.Named {
			named = append(named, r.Address)
		}
	}
	return named
}

// Count returns how many recipients are in that state.
func (e *Entry) Count(s State) int {
	n := 0
	for _, r := range e.Recipients {
		if r.State == s {
			n++
		}
	}
	return n
}

// Finished is when the last recipient came into its final state; ok is false
// while one is waiting.
func (e *Entry) Finished() (at time.Time, ok bool) {
	for _, r := range e.Recipients {
		if r.State == Waiting {
			return time.Time{}, false
		}
		if r.At.After(at) {
			at = r.At
		}
	}
	return at, true
}

// scope is that of whoever asked: what they may see was checked when the entry
// was made.
func (e *Entry) scope() access.Scope { return access.Everything(e.By) }

// settle ends the waiting of all that wait.
func (e *Entry) settle(s State, at time.Time) (n int) {
	for i := range e.Recipients {
		if r := &e.Recipients[i]; r.State == Waiting {
			r.State, r.At = s, at
			n++
		}
	}
	return n
}

// waiting are the places in Recipients of those that wait.
func (e *Entry) waiting() []int {
	var places []int
	for i, r := range e.Recipients {
		if r.State == Waiting {
			places = append(places, i)
		}
	}
	return places
}

// check says what is wrong with an entry that was read from a file.
func (e *Entry) check(name string) error {
	switch {
	case e.Format != format:
		return fmt.Errorf("format %d, this version knows %d: %w", e.Format, format, mail.ErrDamaged)
	case e.ID.String() != strings.TrimSuffix(name, suffix):
		return fmt.Errorf("it is entry %s: %w", e.ID, mail.ErrDamaged)
	case e.Message.IsZero() || len(e.Recipients) == 0:
		return fmt.Errorf("no message or no recipients: %w", mail.ErrDamaged)
	}
	return nil
}
