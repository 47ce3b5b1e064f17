// Package smtp speaks SMTP (RFC 5321) and LMTP (RFC 2033). It knows no
// archive.
//
// In come connections; out go calls of a [Session]: a sender, recipients, and
// a reader of the exact bytes of a message. The package itself writes nothing
// to disk. A positive reply leaves only after [Session.Data] returned it, so
// what is safe then is what the session made safe before it said so. A crash
// leaves connections cut off, whose peers got no yes and try again.
//
// Arguments are kept as the bytes that came: no address is rewritten, no
// parameter dropped, nothing added to a message. What real senders send is
// accepted, see [ParsePath]. What a command line or a message may cost is
// bounded by [Limits].
//
// The server answers what RFC 5321 asks; page doc/rfc.md lists the sections
// followed and the departures.
package smtp
