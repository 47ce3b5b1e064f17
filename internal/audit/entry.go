package audit

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"mailarchive/internal/mail"
)

// Act is what somebody does: 1 to 32 of the characters a-z and "-".
type Act string

// The acts that the archive has a word for.
const (
	ActSignIn       Act = "sign-in"
	ActSignInFailed Act = "sign-in-failed" // the account in Actor if there is one by that name, else nothing: people type passwords there
	ActSignOut      Act = "sign-out"
	ActSearch       Act = "search" // with the snippets that come with it
	ActShow         Act = "show"   // a message as text
	ActRaw          Act = "raw"    // its exact bytes
	ActAttachment   Act = "attachment"
	ActRedeliver    Act = "redeliver"
	ActExport       Act = "export"
	ActImport       Act = "import"
	ActSeal         Act = "seal"
	ActRestore      Act = "restore"
	ActForget       Act = "forget" // an archive file was copied away
	ActSetting      Act = "setting"
	ActSwitch       Act = "switch" // archiving on or off, for some mail or all
	ActAccount      Act = "account"
	ActGrant        Act = "grant"
	ActRevoke       Act = "revoke"
	ActToken        Act = "token"
	ActAudit        Act = "audit"           // this record was read
	ActRecovered    Act = "audit-recovered" // a start found fault with this record
)

// Outcome is what became of an act, as far as is known when it is written.
type Outcome string

// The outcomes. An entry without one is Allowed.
const (
	Allowed Outcome = "allowed" // it happens next
	Denied  Outcome = "denied"
	Done    Outcome = "done"
	Failed  Outcome = "failed"
)

// Limits on an entry. A text that is longer is cut, because a sign-in must be
// recorded whatever was typed; a list that is longer is refused, because an
// entry must not keep silent about a message.
const (
	MaxIDs   = 1000    // an act on more is written as several entries
	MaxTo    = 1000    // likewise
	maxText  = 2 << 10 // bytes
	maxQuery = 8 << 10 // bytes; no longer query is searched for
	maxAct   = 32
)

// Entry is one act. There is no place in it for a password, nor for text that
// is not named here; Change leaves out values of settings that are secret.
type Entry struct {
	Actor   string         // account, or "root" and the like on the command line; empty when not known
	Role    string         // that the actor had
	As      string         // account whose view an administrator took (--as)
	Act     Act            // needed
	Outcome Outcome        // Allowed when empty
	IDs     []mail.ID      // messages it is about, at most MaxIDs
	Object  string         // what else it is about: an account, a file, a switch
	Change  *Change        // of a setting
	Query   string         // as it was typed; at most 8 KiB are kept
	Hits    int64          // of a search or of what Query chose
	To      []mail.Address // who gets what is sent, at most MaxTo
	Reason  string         // that the actor gave
	Client  string         // address that the request came from
	Of      uint64         // seq of the entry whose act this one tells the end of; 0 for none

	// These are given by the log and passed over by Record.

	Seq    uint64      // number, from 1, without a gap
	Time   time.Time   // UTC, milliseconds, never before that of the entry before
	Clock  time.Time   // what the clock said when that was earlier, else zero
	Digest mail.Digest // of the line's exact bytes
	// Inexact names the fields that were cut, or that held bytes which are not
	// UTF-8 and stand as U+FFFD.
	Inexact []string
}

// Change is a new value of a setting.
type Change struct {
	Name     string `json:"name"`
	From     string `json:"from,omitempty"`
	To       string `json:"to,omitempty"`
	Withheld bool   `json:"withheld,omitempty"` // the values are secret and are not kept
}

// secretName reports whether a setting's name says that nobody may read its
// value, whatever the caller says of it.
func secretName(name string) bool {
	name = strings.ToLower(name)
	for _, part := range [...]string{"passw", "secret", "credential"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	for word := range strings.FieldsFuncSeq(name, func(r rune) bool { return r < 'a' || 'z' < r }) {
		if word == "token" || word == "key" || word == "pin" {
			return true
		}
	}
	return false
}

// withhold returns the change without values that nobody may read.
func (c *Change) withhold() *Change {
	if c == nil {
		return nil
	}
	kept := *c
	kept.Withheld = c.Withheld || secretName(c.Name)
	if kept.Withheld {
		kept.From, kept.To = "", ""
	}
	return &kept
}

// check returns what is wrong with the entry. Errors wrap mail.ErrBadInput or
// mail.ErrTooLarge.
func (e *Entry) check() error {
	notName := func(r rune) bool { return r != '-' && (r < 'a' || 'z' < r) }
	switch {
	case e.Act == "" || len(e.Act) > maxAct || strings.ContainsFunc(string(e.Act), notName):
		return fmt.Errorf("%.40q is no act: %w", e.Act, mail.ErrBadInput)
	case len(e.IDs) > MaxIDs:
		return fmt.Errorf("%d messages in one entry, %d at most: %w", len(e.IDs), MaxIDs, mail.ErrTooLarge)
	case len(e.To) > MaxTo:
		return fmt.Errorf("%d recipients in one entry, %d at most: %w", len(e.To), MaxTo, mail.ErrTooLarge)
	}
	switch e.Outcome {
	case "", Allowed, Denied, Done, Failed:
		return nil
	}
	return fmt.Errorf("%.40q is no outcome: %w", e.Outcome, mail.ErrBadInput)
}

// fit returns text in at most limit bytes of UTF-8, and whether that is all of
// it.
func fit(text string, limit int) (string, bool) {
	if len(text) <= limit && utf8.ValidString(text) {
		return text, true
	}
	text = strings.ToValidUTF8(text, "\uFFFD")
	cut := min(len(text), limit)
	for cut < len(text) && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut], false
}
