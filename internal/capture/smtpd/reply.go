package smtpd

import (
	"crypto/rand"
	"errors"

	"mailarchive/internal/mail"
	"mailarchive/internal/smtp"
)

// notFromThere is said in place of a greeting (RFC 5321 3.1).
var notFromThere = smtp.Reply{Code: 554, Status: "5.7.1", Text: "Your network may not hand in mail here"}

// replyTo is the one table from kinds of error to replies. What is not in it
// is a temporary failure: in doubt the sender keeps the mail.
func replyTo(err error) smtp.Reply {
	if r, ok := errors.AsType[smtp.Reply](err); ok {
		return r // the protocol's own: over the limit that was offered
	}
	for _, row := range []struct {
		kind  error
		reply smtp.Reply
	}{
		{mail.ErrTooLarge, smtp.Reply{Code: 552, Status: "5.3.4", Text: "Message is larger than this archive takes"}},
		{mail.ErrFull, smtp.Reply{Code: 452, Status: "4.3.1", Text: "Not enough space, try again later"}},
		{mail.ErrNotAllowed, smtp.Reply{Code: 550, Status: "5.7.1", Text: "Not allowed here"}},
	} {
		if errors.Is(err, row.kind) {
			return row.reply
		}
	}
	return smtp.Reply{Code: 451, Status: "4.3.0", Text: "Message could not be stored, try again later"}
}

// newName names one refusal in reply and log.
func newName() string { return rand.Text()[:8] }
