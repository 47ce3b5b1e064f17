package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"mailarchive/internal/catalog"
	"mailarchive/internal/control"
	"mailarchive/internal/mail"
	"mailarchive/internal/search"
	"mailarchive/internal/web/inert"
)

type attachment = search.Attachment

// maxText is how much of a text the page shows, in bytes. All of it is in the
// source.
const maxText = 256 << 10

// messagePage is the page of one message, and its pane beside the list.
type messagePage struct {
	control.Shown
	content
	Way       mail.Direction
	ShownText string
	Pieces    []piece // of ShownText
	Title     []piece // the subject
	Cut       bool    // the text goes on
	// Away says that the bytes are in an archive file that cannot be read here:
	// only what the catalog knows is shown, and Problems names the file.
	Away      bool
	Query     string
	Remote    int    // images from other servers
	Frame     string // address of the formatted text; "" when there is none
	Once      bool   // remote content is shown this time
	Delivered []delivered
	First     control.ArrivalShown
}

// delivered is somebody whom the envelope names.
type delivered struct {
	Address string
	Role    string // "to", "cc", "bcc" or "hidden": no header names them
}

// Hidden is how many recipients no header names.
func (p messagePage) Hidden() (n int) {
	for _, d := range p.Delivered {
		if d.Role == "hidden" {
			n++
		}
	}
	return n
}

// Back is the address of the list that the reader came from.
func (p messagePage) Back() string {
	if p.Query == "" {
		return "/search"
	}
	return searchPath(p.Query, nil)
}

// FrameSize is the class of the frame's height. A sandboxed frame cannot be
// measured from outside, so the length of its text has to tell.
func (p messagePage) FrameSize() string {
	const short, long = 600, 4000 // characters
	switch {
	case len(p.ShownText) < short && strings.Count(p.ShownText, "\n") < 12:
		return "is-short"
	case len(p.ShownText) > long:
		return "is-long"
	}
	return "is-usual"
}

// Base is where the pieces of the message are.
func (p messagePage) Base() string { return "/message/" + p.ID.String() }

// Asked is the query behind the address of the page, to keep it.
func (p messagePage) Asked() string { return "?" + encode(url.Values{"q": {p.Query}}) }

// Times are the dates when they tell more than one.
func (p messagePage) Times() bool { return p.Date.Sub(p.Received).Abs().Seconds() > 60 }

func (s *Server) message(v *visit) error { return s.showMessage(v, "message") }

func (s *Server) pane(v *visit) error { return s.showMessage(v, "pane") }

func (s *Server) showMessage(v *visit, name string) error {
	page, err := s.readMessage(v)
	if err != nil {
		return err
	}
	return v.show(name, http.StatusOK, page)
}

// readMessage reads all that the page shows.
func (s *Server) readMessage(v *visit) (messagePage, error) {
	ref := v.r.PathValue("id")
	shown, err := s.Archive.Show(v.ctx(), v.who.Scope, ref)
	if err != nil {
		return messagePage{}, err
	}
	p := messagePage{Shown: shown, Query: v.r.URL.Query().Get("q"), Way: v.direction(shown.Hit)}
	p.ShownText = shown.Text[:runeStart(shown.Text, maxText)]
	p.Cut = len(p.ShownText) < len(shown.Text)
	marker := s.Language.Marker(p.Query)
	p.Pieces, p.Title = marked(marker, catalog.Body, p.ShownText), marked(marker, catalog.Subject, shown.Subject)
	p.Delivered = recipients(shown)
	if len(shown.Arrivals) > 0 {
		p.First = shown.Arrivals[0]
	}
	raw, err := s.Archive.Open(v.ctx(), v.who.Scope, shown.ID.String(), ToPage)
	if errors.Is(err, mail.ErrElsewhere) {
		p.Away, p.Files = true, awayFiles(shown.Attachments)
		return p, nil
	}
	if err != nil {
		return p, err
	}
	p.content, err = readContent(raw, false)
	if err := errors.Join(err, raw.Close()); err != nil {
		return p, err
	}
	p.Files = described(p.Files, shown.Attachments)
	return p, v.addFrame(&p)
}

// addFrame adds the address of the formatted text, if there is any, and how
// much of it is elsewhere.
func (v *visit) addFrame(p *messagePage) error {
	for _, html := range p.HTML {
		page, err := inert.Clean(strings.NewReader(string(html)), inert.Options{})
		if err != nil {
			return err
		}
		p.Remote += page.Remote
		p.Frame = p.Base() + "/frame"
	}
	if token := v.r.URL.Query().Get("remote"); p.Frame != "" && v.mayShowRemote(p.ID, token) {
		p.Once = true
		p.Frame += "?" + url.Values{"remote": {token}}.Encode()
	}
	return nil
}

// recipients tells of whom the envelope names whether a header names them too.
func recipients(m control.Shown) (list []delivered) {
	for _, address := range m.DeliveredTo {
		d := delivered{address, "hidden"}
		for _, named := range []struct {
			role   string
			people []string
		}{{"to", m.To}, {"cc", m.Cc}, {"bcc", m.Bcc}} {
			if d.Role == "hidden" && slices.ContainsFunc(named.people, func(person string) bool {
				_, its := splitPerson(person)
				return strings.EqualFold(its, address)
			}) {
				d.Role = named.role
			}
		}
		list = append(list, d)
	}
	return list
}
