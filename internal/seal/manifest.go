package seal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"mailarchive/internal/catalog"
	"mailarchive/internal/extract"
	"mailarchive/internal/mail"
	"mailarchive/internal/vault"
)

// About is what was read of a message, all that a catalog's row is made from
// but the text.
type About struct {
	Direction  mail.Direction `json:"direction,omitempty"`
	SortDate   time.Time      `json:"sort_date,omitzero"`
	Date       time.Time      `json:"date,omitzero"` // the Date header
	MessageID  string         `json:"message_id,omitempty"`
	Subject    string         `json:"subject,omitempty"`
	From       []Participant  `json:"from,omitempty"`
	Sender     []Participant  `json:"sender,omitempty"`
	ReplyTo    []Participant  `json:"reply_to,omitempty"`
	To         []Participant  `json:"to,omitempty"`
	Cc         []Participant  `json:"cc,omitempty"`
	Bcc        []Participant  `json:"bcc,omitempty"`
	InReplyTo  []string       `json:"in_reply_to,omitempty"`
	References []string       `json:"references,omitempty"`
	// ReceivedDates are the times of the Received headers, newest first.
	ReceivedDates []time.Time  `json:"received_dates,omitempty"`
	Headers       []Header     `json:"headers,omitempty"`
	Attachments   []Attachment `json:"attachments,omitempty"`
	Keywords      []string     `json:"keywords,omitempty"`
	Problems      []string     `json:"problems,omitempty"`
	Unread        bool         `json:"unread,omitempty"`
}

// Participant is one mailbox of an address header.
type Participant struct {
	Name    string `json:"name,omitempty"`
	Address string `json:"address"`
}

// Header is one header field, its name in lower case, its value decoded.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Attachment is a part that is not the message's own text; size and digest are
// those of the decoded content.
type Attachment struct {
	Name   string      `json:"name,omitempty"`
	Type   string      `json:"type,omitempty"`
	Size   int64       `json:"size"`
	SHA256 mail.Digest `json:"sha256"`
}

// Describe takes from a document what the manifest says of it.
func Describe(d catalog.Document) About {
	a := About{
		Direction: d.Direction, SortDate: d.SortDate, Date: d.Date, MessageID: d.MessageID, Subject: d.Subject,
		From: participants(d.From), Sender: participants(d.Sender), ReplyTo: participants(d.ReplyTo),
		To: participants(d.To), Cc: participants(d.Cc), Bcc: participants(d.Bcc),
		InReplyTo: d.InReplyTo, References: d.References, ReceivedDates: d.ReceivedDates,
		Keywords: d.Keywords, Problems: d.Problems, Unread: d.Unread,
	}
	for _, h := range d.Headers {
		a.Headers = append(a.Headers, Header(h))
	}
	for _, at := range d.Attachments {
		a.Attachments = append(a.Attachments, Attachment{Name: at.Name, Type: at.Type, Size: at.Size, SHA256: at.Digest})
	}
	return a
}

func participants(list []extract.Participant) []Participant {
	var out []Participant
	for _, p := range list {
		out = append(out, Participant(p))
	}
	return out
}

// Document makes the document of an arrival again, without text.
func (a About) Document(arrival mail.Arrival) catalog.Document {
	d := catalog.Document{Arrival: arrival, SortDate: a.SortDate, Direction: a.Direction, Unread: a.Unread}
	d.Message = extract.Message{
		MessageID: a.MessageID, Date: a.Date, ReceivedDates: a.ReceivedDates, Subject: a.Subject,
		From: mailboxes(a.From), Sender: mailboxes(a.Sender), ReplyTo: mailboxes(a.ReplyTo),
		To: mailboxes(a.To), Cc: mailboxes(a.Cc), Bcc: mailboxes(a.Bcc),
		InReplyTo: a.InReplyTo, References: a.References, Keywords: a.Keywords, Problems: a.Problems,
	}
	for _, h := range a.Headers {
		d.Headers = append(d.Headers, extract.Header(h))
	}
	for _, at := range a.Attachments {
		d.Attachments = append(d.Attachments, extract.Attachment{Name: at.Name, Type: at.Type, Size: at.Size, Digest: at.SHA256})
	}
	return d
}

func mailboxes(list []Participant) []extract.Participant {
	var out []extract.Participant
	for _, p := range list {
		out = append(out, extract.Participant(p))
	}
	return out
}

// Line is one line of MANIFEST.jsonl: one arrival.
type Line struct {
	Seq      uint64      `json:"seq"`
	ID       mail.ID     `json:"id"`
	SHA256   mail.Digest `json:"sha256"`
	Size     int64       `json:"size"` // bytes
	Received string      `json:"received"`
	// File is where the bytes stand in the archive file: messages/ID.eml, with
	// the ID of an earlier arrival when that brought the same bytes.
	File string `json:"file"`
	// MailFrom and RcptTo are for people to read; the record has them exactly.
	MailFrom string   `json:"mail_from,omitempty"`
	RcptTo   []string `json:"rcpt_to,omitempty"`
	About
}

// newLine describes an arrival whose bytes the message holder has.
func newLine(r *vault.Record, holder mail.ID, about About) Line {
	l := Line{
		Seq: r.Seq, ID: r.ID, SHA256: r.SHA256, Size: r.Size, Received: r.Received,
		File: contentName(holder), MailFrom: readable(r.MailFrom), About: about,
	}
	for _, to := range r.RcptTo {
		l.RcptTo = append(l.RcptTo, readable(to))
	}
	return l
}

func readable(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }

// encode returns the line with its line feed.
func (l Line) encode() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(l); err != nil {
		return nil, fmt.Errorf("manifest line of %s: %w", l.ID, err)
	}
	return b.Bytes(), nil
}

// decodeLine reads one line. Unknown fields are passed over. Errors wrap
// mail.ErrDamaged.
func decodeLine(b []byte) (Line, error) {
	var l Line
	if err := json.Unmarshal(b, &l); err != nil {
		return l, fmt.Errorf("manifest line is not JSON (%v): %w", err, mail.ErrDamaged)
	}
	if l.Seq == 0 || l.ID.IsZero() || l.Size < 0 {
		return l, fmt.Errorf("manifest line lacks number, ID or size: %w", mail.ErrDamaged)
	}
	return l, nil
}
