package search

import (
	"time"

	"mailarchive/internal/catalog"
	"mailarchive/internal/extract"
	"mailarchive/internal/mail"
)

// Hit is a message that was found, in the form in which commands and the API
// print it. Lists are never null. All times are UTC.
type Hit struct {
	ID          mail.ID      `json:"id"`
	Date        time.Time    `json:"date"` // the sort date
	Received    time.Time    `json:"received"`
	From        []string     `json:"from"` // "Name <address>" or an address
	To          []string     `json:"to"`
	Cc          []string     `json:"cc"`
	DeliveredTo []string     `json:"delivered_to"`
	Subject     string       `json:"subject"`
	Size        int64        `json:"size"` // bytes
	SHA256      mail.Digest  `json:"sha256"`
	Attachments []Attachment `json:"attachments"`
	Keywords    []string     `json:"keywords"`
	// Snippet is a line of the text around what was found, Marks the byte
	// ranges in it that were.
	Snippet string   `json:"snippet"`
	Marks   [][2]int `json:"-"`
	// Next is the place behind the hit.
	Next catalog.Position `json:"-"`
}

// Attachment is one attachment of a hit.
type Attachment struct {
	Name   string      `json:"name"`
	Type   string      `json:"type"`
	Size   int64       `json:"size"`
	SHA256 mail.Digest `json:"sha256"`
}

// NewHit gives a row the form of a hit without a snippet.
func NewHit(h catalog.Hit) Hit {
	hit := Hit{
		ID: h.ID, Date: h.SortDate.UTC(), Received: h.Received.UTC(),
		From: People(h.From), To: People(h.To), Cc: People(h.Cc), DeliveredTo: []string{},
		Subject: h.Subject, Size: h.Size, SHA256: h.Digest,
		Attachments: Attachments(h.Attachments), Keywords: append([]string{}, h.Keywords...), Next: h.Next,
	}
	for _, a := range h.DeliveredTo {
		hit.DeliveredTo = append(hit.DeliveredTo, string(a))
	}
	return hit
}

// People writes participants as "Name <address>", or what there is of it.
func People(list []extract.Participant) []string {
	people := make([]string, 0, len(list))
	for _, p := range list {
		switch {
		case p.Name == "":
			people = append(people, p.Address)
		case p.Address == "":
			people = append(people, p.Name)
		default:
			people = append(people, p.Name+" <"+p.Address+">")
		}
	}
	return people
}

// Attachments gives attachments the form in which they are printed.
func Attachments(list []extract.Attachment) []Attachment {
	out := make([]Attachment, 0, len(list))
	for _, a := range list {
		out = append(out, Attachment{a.Name, a.Type, a.Size, a.Digest})
	}
	return out
}
