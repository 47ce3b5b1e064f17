package web

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"mailarchive/internal/mail"
	"mailarchive/internal/web/inert"
)

// frame answers with the formatted text of a message, for the sandboxed frame
// on its page. Three walls stand around it: it was made harmless (package
// inert); the sandbox, here and on the frame, gives it an origin of its own, in
// which no script runs; and its policy lets it load nothing but the images that
// are written into it. A frame with an origin of its own sends no cookie, so
// images of the message could not be fetched from a route that asks who reads.
func (s *Server) frame(v *visit) error {
	id, c, err := s.contentOf(v)
	if err != nil {
		return err
	}
	if len(c.HTML) == 0 {
		return fmt.Errorf("formatted text: %w", mail.ErrNotFound)
	}
	remote := v.mayShowRemote(id, v.r.URL.Query().Get("remote"))
	nonce := rand.Text()
	var body, style strings.Builder
	for i, source := range c.HTML {
		page, err := inert.Clean(strings.NewReader(string(source)), inert.Options{
			Inline:      func(id string) string { return c.pictures[id] },
			Remote:      remote,
			Placeholder: func(host string) string { return v.T("message.blocked", host) },
		})
		if err != nil {
			return err
		}
		part := "p" + strconv.Itoa(i) // classes of one part must not meet those of another
		body.WriteString(`<div class="` + part + `">` + page.Body + "</div>")
		for rule := range strings.Lines(page.Style) {
			style.WriteString("." + part + " " + rule)
		}
		if page.Cut {
			body.WriteString("<hr><p>" + html.EscapeString(v.T("message.cut")) + "</p>")
		}
	}
	setFramePolicy(v.w.Header(), nonce, remote)
	_, _ = fmt.Fprintf(v.w, frameDocument, html.EscapeString(v.words.tag), html.EscapeString(v.T("message.formatted")), nonce, frameStyle, style.String(), body.String())
	return nil
}

// setFramePolicy is the policy of the frame. remote lets images, and nothing
// else, come from other servers.
func setFramePolicy(h http.Header, nonce string, remote bool) {
	images := "data:"
	if remote {
		images += " http: https:"
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; img-src "+images+"; style-src 'nonce-"+nonce+"'; "+
		"base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox")
}

// frameDocument has places for language, title, nonce, our style, the
// message's style and its body.
const frameDocument = `<!doctype html>
<html lang="%s"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>%s</title>
<style nonce="%s">%s%s</style></head><body>%s</body></html>
`

// frameStyle is always light paper: mail is written for it.
const frameStyle = `html{color-scheme:light;background:#fff;font:400 87.5%/1.55 system-ui,-apple-system,"Segoe UI",Roboto,Arial,sans-serif}
body{margin:0;padding:1rem 1.25rem;color:#1b1c20;overflow-wrap:break-word}
a{color:#23509e}img{max-width:100%;height:auto}table{max-width:100%}pre{white-space:pre-wrap}hr{border:0;border-top:1px solid #b9b6ae}
.blocked{display:inline-block;box-sizing:border-box;max-width:100%;overflow:hidden;white-space:nowrap;text-overflow:ellipsis;vertical-align:middle;padding:.125rem .5rem;border:1px dashed #87837b;color:#55575f;background:#fff;font-size:.75rem}
.p1,.p2,.p3{border-top:1px solid #b9b6ae}
blockquote{margin-inline:0;padding-inline-start:.75rem;border-inline-start:2px solid #b9b6ae}
`

// contentOf reads the message of the address, images included.
func (s *Server) contentOf(v *visit) (mail.ID, content, error) {
	id, err := mail.ParseID(v.r.PathValue("id"))
	if err != nil {
		return id, content{}, fmt.Errorf("message: %w", mail.ErrNotFound)
	}
	raw, err := s.Archive.Open(v.ctx(), v.who.Scope, id.String(), ToFrame)
	if err != nil {
		return id, content{}, err
	}
	c, err := readContent(raw, true)
	return id, c, errors.Join(err, raw.Close())
}

// remoteFor is how long a request to show remote content is good. It is not
// kept: the next reading of the message blocks it again.
const remoteFor = 2 * time.Minute

// remote leads to the page of a message with its remote content. It takes a
// post of our own page: a link in a message or on another site could otherwise
// make a reader's browser fetch what tells the sender that it was read.
func (s *Server) remote(v *visit) error {
	id, err := mail.ParseID(v.r.PathValue("id"))
	if err != nil {
		return fmt.Errorf("message: %w", mail.ErrNotFound)
	}
	if err := v.r.ParseForm(); err != nil {
		return badForm(err)
	}
	values := url.Values{"q": {v.r.PostForm.Get("q")}, "remote": {v.remoteToken(id, s.Now().Add(remoteFor))}}
	return v.redirect("/message/" + id.String() + "?" + encode(values))
}

// remoteToken says that this session may show the remote content of that
// message until then.
func (v *visit) remoteToken(id mail.ID, until time.Time) string {
	expiry := strconv.FormatInt(until.Unix(), 10)
	m := hmac.New(sha256.New, v.s.key[:])
	_, _ = io.WriteString(m, id.String()+" "+expiry+" "+v.s.token(v.r)) // a hash never fails
	return expiry + "." + hex.EncodeToString(m.Sum(nil))
}

func (v *visit) mayShowRemote(id mail.ID, token string) bool {
	expiry, _, _ := strings.Cut(token, ".")
	seconds, err := strconv.ParseInt(expiry, 10, 64)
	if err != nil {
		return false
	}
	until := time.Unix(seconds, 0)
	return !v.s.Now().After(until) && hmac.Equal([]byte(token), []byte(v.remoteToken(id, until)))
}
