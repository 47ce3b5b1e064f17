package mail

import (
	"strings"
	"time"
)

// Address is an envelope address without its angle brackets and source route,
// as the bytes that came: any case, any character set, possibly just
// "postmaster". The empty Address is the null reverse-path of RFC 5321 4.5.5.
type Address string

// Split returns local part and domain. The domain is empty when there is no @;
// an @ inside a quoted local part belongs to the local part (RFC 5321 4.1.2).
func (a Address) Split() (local, domain string) {
	i := strings.LastIndexByte(string(a), '@')
	if i < 0 || a[len(a)-1] == '"' { // no domain ends so: all is one quoted string
		return string(a), ""
	}
	return string(a[:i]), string(a[i+1:])
}

// Recipient is one RCPT TO: the forward-path and the parameters behind it
// (NOTIFY=, ORCPT= of RFC 3461), each as it came.
type Recipient struct {
	Address Address
	Params  []string
}

// Envelope tells how content was handed in: by whom, for whom, from where.
type Envelope struct {
	// Source is the way in: "smtp", "lmtp", "import:eml", "import:mbox",
	// "import:maildir".
	Source string
	// From is the reverse-path of MAIL FROM; FromParams what stood behind it
	// (SIZE=, BODY=, RET=, ENVID=, SMTPUTF8), each as it came.
	From       Address
	FromParams []string
	// To lists the forward-paths in the order they came.
	To []Recipient
	// Client is IP:port of the peer, Helo its EHLO, HELO or LHLO argument,
	// Auth the name it signed in with, TLS version and cipher; empty when
	// there is none.
	Client, Helo, Auth, TLS string
	// Origin says where imported content was found; nil for mail that came
	// over a connection.
	Origin *Origin
}

// Origin is the place that an import found content at.
type Origin struct {
	// Path is the file, as absolute path; for an mbox the file that holds it.
	Path string
	// Folder is the mail folder, "/" between levels, empty for the inbox.
	Folder string
	// Flags are Maildir flag letters or mbox Status letters, each once, sorted.
	Flags string
	// Owner is whose mailbox it was, when the import was told.
	Owner Address
	// Delivered is when the source says the content was delivered: the mbox
	// "From " line or the time in a Maildir name. Zero when it says nothing.
	Delivered time.Time
	// FromLine is the mbox "From " line without its line end.
	FromLine string
	// Key is the same for the same item at each run of an import and differs
	// between items, equal copies in one mailbox included.
	Key Digest
}

// Arrival is one event of content coming in, as the vault recorded it. It is
// acknowledged: its bytes and record are on disk.
type Arrival struct {
	ID       ID
	Seq      uint64 // gapless from 1 within a vault
	Digest   Digest // of the content's exact bytes
	Size     int64  // of the content, in bytes
	Received time.Time
	Envelope Envelope
}
