// Package redeliver sends archived mail again.
//
// In come a [Request] (which messages, for whom) and, from the [Source], exact
// bytes; out go mails to one relay, by SMTP or LMTP. When [Queue.Add] returns,
// the audit record and then the queue entry of each message are on disk,
// synced. What becomes of each recipient is on disk before anything else
// happens for its entry. A crash leaves entries that are gone on with: the
// attempt that it cut short is repeated, so that recipients whose yes was not
// yet written down get the mail a second time, and never any other attempt.
//
// The way of a message: plan.go (who gets what, and why not), queue.go and
// store.go (entries on disk), runner.go (when), attempt.go (one try at the
// relay), compose.go (the bytes that are sent).
//
// # What is sent
//
// The sender is the archive's own, never that of the original. The original
// bytes go behind a block of Resent- fields (RFC 5322 3.6.6). Three things may
// differ from them, none of which breaks a DKIM signature: a message whose
// lines all end in a bare LF, as those of a Maildir do, is sent with CRLF, as
// every mail server does it; a last line without an end gets one (RFC 5321
// 4.1.1.4); and a Bcc field is left out (RFC 5322 3.6.3), since it must not be
// shown to the others. Mail that SMTP would change in other ways goes with its
// exact bytes as an attachment: see [Facts.Form].
//
// Redelivered mail that comes in again carries our identifier and is not
// redelivered itself.
package redeliver
