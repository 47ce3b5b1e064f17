package extract

import (
	"time"

	"mailarchive/internal/mail"
)

// Message is what could be read of one message: decoded headers, text and the
// list of attachments. All strings are valid UTF-8 without NUL.
type Message struct {
	// MessageID is the Message-ID header without its angle brackets, as it
	// stands otherwise; empty when there is none.
	MessageID string
	// Date is the Date header in UTC (RFC 5322 3.3, read leniently), zero when
	// there is none that can be read.
	Date time.Time
	// ReceivedDates are the times of the Received headers, topmost (newest)
	// first, at most MaxReceived of them.
	ReceivedDates []time.Time
	Subject       string

	From, Sender, ReplyTo, To, Cc, Bcc []Participant

	// InReplyTo and References are message identifiers without brackets.
	InReplyTo, References []string

	// Headers are the other header fields of the message that are worth a search
	// by name, decoded, in order (List-Id, Reply-To, User-Agent, X-Spam-Status,
	// ...), at most MaxHeaders of them, each cut at 1,000 bytes. See [Kept].
	Headers []Header

	// Text is the searchable text: plain parts as they are, HTML parts as
	// their visible text, nested messages with their headers, in order,
	// separated by blank lines. Cut at Limits.Text.
	Text string

	Attachments []Attachment

	// Keywords are the terms that set the message apart.
	Keywords []string

	// Problems say, each once, what could not be read and why; empty when all
	// was. A message with problems is stored and found like any other.
	Problems []string
}

// Version numbers what Extract makes of a message: a catalog that was made with
// another one is made again.
const Version = 3

// MaxHeaders is the most fields in Message.Headers.
const MaxHeaders = 200

// Header is one header field (RFC 5322 2.2).
type Header struct {
	Name  string // in lower case
	Value string // decoded
}

// Participant is one mailbox of an address header (RFC 5322 3.4).
type Participant struct {
	Name    string // display name, decoded; may be empty
	Address string // addr-spec without brackets; may lack a domain
}

// Attachment is a part that is not the message's own text.
type Attachment struct {
	Name   string      // file name, decoded; may be empty
	Type   string      // media type in lower case, "application/pdf"
	Size   int64       // of the decoded content, in bytes
	Digest mail.Digest // of the decoded content
}
