package web

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"mailarchive/internal/extract"
	"mailarchive/internal/mail"
	"mailarchive/internal/retrieve"
)

// filePolicy is the policy of what a stranger wrote: it can do nothing.
const filePolicy = "default-src 'none'; sandbox; frame-ancestors 'none'"

// eml answers with the exact bytes of a message, as a file.
func (s *Server) eml(v *visit) error {
	return s.bytes(v, func(h http.Header, id mail.ID) {
		h.Set("Content-Type", "message/rfc822")
		h.Set("Content-Disposition", disposition(id.String()+".eml"))
	})
}

// source answers with the exact bytes of a message, as text.
func (s *Server) source(v *visit) error {
	return s.bytes(v, func(h http.Header, _ mail.ID) { h.Set("Content-Type", "text/plain; charset=utf-8") })
}

func (s *Server) bytes(v *visit, describe func(http.Header, mail.ID)) error {
	id, err := mail.ParseID(v.r.PathValue("id"))
	if err != nil {
		return fmt.Errorf("message: %w", mail.ErrNotFound)
	}
	raw, err := s.Archive.Open(v.ctx(), v.who.Scope, id.String(), retrieve.ToRead)
	if err != nil {
		return err
	}
	defer raw.Close()
	v.w.Header().Set("Content-Security-Policy", filePolicy)
	describe(v.w.Header(), id)
	v.cutOff(v.send(raw))
	return nil
}

// send copies content to the client.
func (v *visit) send(r io.Reader) error {
	w := &steady{w: v.w, control: http.NewResponseController(v.w), now: v.s.Now}
	_, err := io.Copy(w, r)
	return err
}

// cutOff cuts the connection when sending failed in the middle: what came must
// not look whole.
func (v *visit) cutOff(err error) {
	if err == nil {
		return
	}
	if v.ctx().Err() == nil {
		v.s.Log.WarnContext(v.ctx(), "download cut off", "step", "web", "route", v.r.Pattern, "error", err)
	}
	panic(http.ErrAbortHandler)
}

// steady gives a slow client time as long as it takes something: the server's
// limit is for the whole answer.
type steady struct {
	w       io.Writer
	control *http.ResponseController
	now     func() time.Time
}

// takePatience is how long a client may take for one piece.
const takePatience = time.Minute

func (s *steady) Write(p []byte) (int, error) {
	// A writer without deadlines, in a test, has none to move.
	_ = s.control.SetWriteDeadline(s.now().Add(takePatience))
	return s.w.Write(p)
}

// file answers with an attachment, always as a file to keep.
func (s *Server) file(v *visit) error {
	return s.part(v, func(p *extract.Part, f file) (io.Reader, error) {
		v.w.Header().Set("Content-Type", "application/octet-stream")
		v.w.Header().Set("Content-Disposition", disposition(f.Name))
		return p, nil
	})
}

// look answers with an attachment to be looked at: an image of pixels, by its
// first bytes and not by what it says it is, or plain text.
func (s *Server) look(v *visit) error {
	return s.part(v, func(p *extract.Part, f file) (io.Reader, error) {
		if !f.Look {
			return nil, fmt.Errorf("preview: %w", mail.ErrNotFound)
		}
		if f.Icon != "image" {
			v.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			return p.Text(), nil
		}
		start := make([]byte, sniffed)
		n, _ := io.ReadFull(p, start) // a short file is all start
		kind := pictureKind(start[:n])
		if kind == "" {
			return nil, fmt.Errorf("preview: %w", mail.ErrNotFound)
		}
		v.w.Header().Set("Content-Type", kind)
		return io.MultiReader(bytes.NewReader(start[:n]), p), nil
	})
}

// part answers with the content of the part that the address names.
func (s *Server) part(v *visit, describe func(*extract.Part, file) (io.Reader, error)) error {
	wanted, err := strconv.Atoi(v.r.PathValue("part"))
	id, idErr := mail.ParseID(v.r.PathValue("id"))
	if err := errors.Join(err, idErr); err != nil {
		return fmt.Errorf("file: %w", mail.ErrNotFound)
	}
	raw, err := s.Archive.Open(v.ctx(), v.who.Scope, id.String(), ToAttachment)
	if err != nil {
		return err
	}
	defer raw.Close()
	number, failed := 0, fmt.Errorf("file: %w", mail.ErrNotFound)
	var sent error
	err = extract.New(extract.DefaultLimits()).Parts(raw, func(p *extract.Part) bool {
		if number++; number < wanted {
			return true
		}
		if number > wanted || p.Index < 0 {
			return false
		}
		var r io.Reader
		if r, failed = describe(p, newFile(number, p)); failed == nil {
			v.w.Header().Set("Content-Security-Policy", filePolicy)
			sent = v.send(r)
		}
		return false
	})
	if failed == nil {
		v.cutOff(errors.Join(sent, err))
		return nil
	}
	return errors.Join(failed, err)
}
