package seal

import (
	"fmt"
	"strings"

	"mailarchive/internal/mail"
)

// Finding is one fault in an archive file and what it costs.
type Finding struct {
	// Offset and Length tell where, in bytes of the file, or for an encrypted
	// one of what is inside the encryption.
	Offset int64     `json:"offset"`
	Length int64     `json:"length"`
	Entry  string    `json:"entry,omitempty"` // of the tar file
	IDs    []mail.ID `json:"ids,omitempty"`   // messages that are lost or not what was sealed
	What   string    `json:"what"`
}

// String is the finding for a person.
func (f Finding) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "at byte %d: ", f.Offset)
	if f.Entry != "" {
		fmt.Fprintf(&b, "%s: ", f.Entry)
	}
	b.WriteString(f.What)
	if len(f.IDs) > 0 {
		b.WriteString("; message")
		for _, id := range f.IDs {
			b.WriteString(" " + id.String())
		}
	}
	return b.String()
}

// Report says what was looked at.
type Report struct {
	Chain    Chain       // as counted, not as CHAIN.json says
	Members  uint64      // gzip members
	Bytes    int64       // length of the file
	SHA256   mail.Digest // of the file
	Findings int
	// Lost are messages that the manifest names and whose bytes are not there or
	// not what was sealed, by number.
	Lost []mail.ID
}
