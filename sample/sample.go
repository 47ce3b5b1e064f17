// Package sample is a mailbox that the project wrote itself: the mail of an
// invented trading house over seven months, to show the archive to a new user,
// to test with and to take pictures of.
//
// In come the texts in mail/*.txt, embedded in the program; out go messages
// with their envelopes, the same bytes at every call. Nothing is read from or
// written to disk, so there is nothing that a crash could leave. All names are
// invented and all domains are reserved ones (RFC 2606).
package sample

import (
	"embed"
	"fmt"
)

//go:embed mail/*.txt
var texts embed.FS

// Message is one message as the gateway of the trading house would hand it to
// the archive.
type Message struct {
	// Key names the message in the texts, for example "leak-02".
	Key string
	// From is the reverse-path without angle brackets, empty for bounces and
	// automatic answers.
	From string
	// To are the envelope recipients: those in To, Cc and Bcc, with lists
	// replaced by their members. Mail from outside has only recipients inside,
	// for the gateway never learns of the others.
	To []string
	// Data is the message, its lines ended by CRLF, none longer than 998 bytes.
	Data []byte
	// UTF8 says that headers or envelope need SMTPUTF8 (RFC 6531).
	UTF8 bool
}

// Messages returns all messages in the order of their dates. The caller may
// keep and change what it gets. A mistake in the embedded texts is a bug of
// ours and panics.
func Messages() []Message {
	messages, err := compose(texts)
	if err != nil {
		panic(fmt.Sprintf("sample: %v", err))
	}
	return messages
}
