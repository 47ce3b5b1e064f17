package catalogtest

import (
	"encoding/binary"
	"fmt"
	"time"

	"mailarchive/internal/catalog"
	"mailarchive/internal/extract"
	"mailarchive/internal/mail"
)

// start is when the first arrival of a made-up vault was received.
var start = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// Document makes an arrival number seq, received seq seconds after 9:00 UTC on
// 1 March 2026, with content of its own; change alters it.
func Document(seq uint64, change func(*catalog.Document)) catalog.Document {
	received := start.Add(time.Duration(seq) * time.Second)
	d := catalog.Document{
		Arrival: mail.Arrival{
			ID: idFor(seq, received), Seq: seq, Digest: mail.Sum(fmt.Appendf(nil, "content %d", seq)),
			Size: int64(1000 + seq), Received: received, Envelope: mail.Envelope{Source: "smtp"},
		},
		SortDate: received,
	}
	d.Text = fmt.Sprintf("text of number%d", seq)
	if change != nil {
		change(&d)
	}
	return d
}

// idFor makes the same ID each time; IDs rise with seq.
func idFor(seq uint64, t time.Time) mail.ID {
	var id mail.ID
	binary.BigEndian.PutUint64(id[:8], uint64(t.UnixMilli())<<16)
	binary.BigEndian.PutUint64(id[8:], seq)
	return id
}

// SameContent makes an arrival number seq of the content of other.
func SameContent(seq uint64, other catalog.Document, change func(*catalog.Document)) catalog.Document {
	return Document(seq, func(d *catalog.Document) {
		d.Message, d.SortDate = other.Message, other.SortDate
		d.Arrival.Digest, d.Arrival.Size = other.Arrival.Digest, other.Arrival.Size
		if change != nil {
			change(d)
		}
	})
}

// person reads "Name <address>" or an address.
func person(name, address string) extract.Participant {
	return extract.Participant{Name: name, Address: address}
}

func recipients(addresses ...mail.Address) []mail.Recipient {
	var list []mail.Recipient
	for _, a := range addresses {
		list = append(list, mail.Recipient{Address: a})
	}
	return list
}
