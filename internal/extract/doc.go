// Package extract reads one message and says what stands in it: headers,
// participants, text and attachments.
//
// In come the bytes of a message and [Limits]; out goes a [Message]. It is a
// pure function: nothing is on disk when it returns, a crash leaves nothing,
// and the same bytes and limits always give the same result. It never fails
// and never panics: what cannot be read is named in Message.Problems and all
// the rest is there.
//
// The MIME walk is our own. A parser made for well-formed mail refuses or
// drops what is broken, and an archive has to find that too; the walk here
// reads line by line, so that the memory it takes depends on the limits and
// not on the message. The way of the bytes:
//
//	source  lines, ended by the boundaries of the multiparts around them
//	header  the fields of a message or part
//	walk    message, multipart and leaf, down to Limits.Depth
//	body    a leaf without its transfer encoding, streamed
//	text    a leaf's characters, streamed into Message.Text
//
// Departures from the RFCs, all of them towards reading more, are listed in
// doc/rfc.md.
package extract
