package export

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"mailarchive/internal/extract"
	"mailarchive/internal/mail"
)

// ManifestName is the manifest's name in a folder or archive file.
const ManifestName = "MANIFEST.jsonl"

// ManifestFormat is the version of the manifest's lines.
const ManifestFormat = 1

// Entry is a line of the manifest: one message. Strings of the envelope that
// are not UTF-8 stand in Base64 with their exact bytes, and the plain field is
// for people to read.
type Entry struct {
	Format int     `json:"format"`
	ID     mail.ID `json:"id"`
	// SHA256 and Size in bytes are those of the message as it was archived.
	SHA256 mail.Digest `json:"sha256"`
	Size   int64       `json:"size"`
	// File holds the message, relative to the export, "/" between folders; in
	// an mbox it is the member whose From_ line is at Offset, in bytes.
	File   string `json:"file,omitempty"`
	Offset *int64 `json:"offset,omitempty"`
	// Written is given when lines were put in front of the message.
	Written *Written `json:"written,omitempty"`
	// Error says why the message is missing.
	Error string `json:"error,omitempty"`

	Received  time.Time      `json:"received"` // by the archive, first arrival
	Date      *time.Time     `json:"date,omitempty"`
	MessageID string         `json:"message_id,omitempty"`
	Subject   string         `json:"subject"`
	From      []string       `json:"from"`
	To        []string       `json:"to"`
	Cc        []string       `json:"cc,omitempty"`
	Bcc       []string       `json:"bcc,omitempty"`
	Arrivals  []EntryArrival `json:"arrivals"`
}

// Written describes the bytes in the export, lines in front included.
type Written struct {
	SHA256 mail.Digest `json:"sha256"`
	Size   int64       `json:"size"`
	Front  int         `json:"front"` // bytes of the lines in front
}

// EntryArrival is one arrival of a message: when and how it came in, from whom
// and for whom. Its names are those of the records in the vault.
type EntryArrival struct {
	ID       mail.ID   `json:"id"`
	Seq      uint64    `json:"seq"`
	Received time.Time `json:"received"`
	Source   string    `json:"source"`
	MailFrom string    `json:"mail_from"`
	RcptTo   []string  `json:"rcpt_to"`
	Client   string    `json:"client,omitempty"`
	Folder   string    `json:"folder,omitempty"`
	Flags    string    `json:"flags,omitempty"`
	// Base64 is keyed by field, "mail_from", or field and place, "rcpt_to/0".
	Base64 map[string]string `json:"base64,omitempty"`
}

// newEntry tells of a message all that does not depend on where it goes.
func newEntry(m *Message) Entry {
	e := Entry{
		Format: ManifestFormat, ID: m.ID, SHA256: m.Digest, Size: m.Size, Received: jsonTime(m.Received),
		MessageID: m.MessageID, Subject: m.Subject,
		From: people(m.From), To: people(m.To), Cc: people(m.Cc), Bcc: people(m.Bcc),
		Arrivals: []EntryArrival{},
	}
	if date := jsonTime(m.Date); !date.IsZero() {
		e.Date = &date
	}
	for _, a := range m.History {
		e.Arrivals = append(e.Arrivals, newEntryArrival(a))
	}
	return e
}

// jsonTime returns t in UTC; zero when its year has no place in JSON
// (RFC 3339 1: years 0 to 9999).
func jsonTime(t time.Time) time.Time {
	if t = t.UTC(); t.Year() < 0 || t.Year() > 9999 {
		return time.Time{}
	}
	return t
}

func people(list []extract.Participant) []string {
	all := make([]string, len(list))
	for i, p := range list {
		switch {
		case p.Name == "":
			all[i] = p.Address
		case p.Address == "":
			all[i] = p.Name
		default:
			all[i] = p.Name + " <" + p.Address + ">"
		}
	}
	return all
}

func newEntryArrival(a mail.Arrival) EntryArrival {
	e := EntryArrival{
		ID: a.ID, Seq: a.Seq, Received: jsonTime(a.Received), Source: a.Envelope.Source,
		RcptTo: make([]string, len(a.Envelope.To)), Client: a.Envelope.Client,
	}
	e.MailFrom = e.text("mail_from", string(a.Envelope.From))
	for i, to := range a.Envelope.To {
		e.RcptTo[i] = e.text("rcpt_to/"+strconv.Itoa(i), string(to.Address))
	}
	if o := a.Envelope.Origin; o != nil {
		e.Folder, e.Flags = e.text("folder", o.Folder), o.Flags
	}
	return e
}

// text returns s as UTF-8 and keeps its exact bytes when it is not.
func (e *EntryArrival) text(name, s string) string {
	if utf8.ValidString(s) {
		return s
	}
	if e.Base64 == nil {
		e.Base64 = map[string]string{}
	}
	e.Base64[name] = base64.StdEncoding.EncodeToString([]byte(s))
	return strings.ToValidUTF8(s, "\uFFFD")
}

// encode writes the entry as one line.
func (e *Entry) encode(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil { // ends in a line feed
		return fmt.Errorf("manifest: %w", err)
	}
	return nil
}
