package app

import (
	"mailarchive/internal/catalog"
	"mailarchive/internal/control"
	"mailarchive/internal/mail"
	"mailarchive/internal/retrieve"
	"mailarchive/internal/search"
)

// shown gives a message that was read the form in which it is printed. What
// was read of it just now goes before what the catalog says.
func shown(v retrieve.View) control.Shown {
	row := v.Row
	row.Subject, row.MessageID = v.Read.Subject, v.Read.MessageID
	row.From, row.To, row.Cc, row.Bcc = v.Read.From, v.Read.To, v.Read.Cc, v.Read.Bcc
	row.Attachments, row.Problems = v.Read.Attachments, v.Read.Problems
	s := control.Shown{
		Hit: search.NewHit(catalog.Hit{Row: row}), MessageID: row.MessageID, Bcc: search.People(row.Bcc),
		Problems: append([]string{}, row.Problems...), Text: v.Read.Text, Arrivals: []control.ArrivalShown{},
	}
	for _, a := range v.History {
		s.Arrivals = append(s.Arrivals, arrivalShown(a))
	}
	return s
}

func arrivalShown(a mail.Arrival) control.ArrivalShown {
	s := control.ArrivalShown{
		ID: a.ID, Seq: a.Seq, Received: a.Received, Source: a.Envelope.Source,
		From: string(a.Envelope.From), To: []string{}, Client: a.Envelope.Client,
	}
	for _, to := range a.Envelope.To {
		s.To = append(s.To, string(to.Address))
	}
	if o := a.Envelope.Origin; o != nil {
		s.Path, s.Folder, s.Flags, s.Owner = o.Path, o.Folder, o.Flags, string(o.Owner)
	}
	return s
}
