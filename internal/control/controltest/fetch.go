package controltest

import (
	"bytes"
	"context"
	"io"
	"strings"

	"mailarchive/internal/access"
	"mailarchive/internal/catalog"
	"mailarchive/internal/control"
	"mailarchive/internal/mail"
)

// Fetch hands messages over: those named, or those with the query in their
// subject. With Cut set, the content of each breaks off in the middle.
func (a *Archive) Fetch(_ context.Context, scope access.Scope, q control.FetchRequest, each func(control.Fetched) error) error {
	if err := a.fail("fetch"); err != nil {
		return err
	}
	var chosen []Message
	for _, ref := range q.Refs {
		m, err := a.find("fetch", scope, ref)
		if err != nil {
			return err
		}
		chosen = append(chosen, m)
	}
	if len(q.Refs) == 0 {
		for _, m := range a.read(scope) {
			if strings.Contains(m.Subject, q.Query) {
				chosen = append(chosen, m)
			}
		}
	}
	for i, m := range chosen {
		if err := each(a.fetched(i, m)); err != nil {
			return err
		}
	}
	return nil
}

func (a *Archive) fetched(i int, m Message) control.Fetched {
	f := control.Fetched{
		Row:     catalog.Row{ID: m.ID, Digest: m.SHA256, Size: m.Size, Subject: m.Subject, Received: m.Received, SortDate: m.Received},
		History: []mail.Arrival{{ID: m.ID, Seq: uint64(i + 1), Digest: m.SHA256, Size: m.Size, Received: m.Received, Envelope: m.Envelope}},
		Content: bytes.NewReader(m.Raw),
	}
	for _, to := range m.Envelope.To {
		f.DeliveredTo = append(f.DeliveredTo, to.Address)
	}
	if a.Cut != nil {
		f.Content = io.MultiReader(bytes.NewReader(m.Raw[:len(m.Raw)/2]), failing{a.Cut})
	}
	return f
}
