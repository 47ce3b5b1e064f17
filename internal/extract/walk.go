package extract

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"strings"
)

// walk is the reading of one message.
type walk struct {
	*Extractor
	m            Message
	text         text
	top          header // of the message itself
	charset      string // the first that is named, for raw 8-bit headers
	parts        int
	participants int
	credit       int64 // bytes that may still be read in nested messages

	visit   func(*Part) bool // told of each part, see Parts; nil when nobody asked
	stopped bool             // visit has seen enough
}

// place is where in the tree a part stands.
type place struct {
	depth int    // multiparts and messages around it
	level int    // messages around it
	usual string // its media type when it names none (RFC 2045 5.2, RFC 2046 5.1.5)
}

// message reads a message: the one handed in at level 0, or one inside.
func (w *walk) message(r io.Reader, at place) {
	s := w.source(at.level)
	s.reset(r)
	s.begin()
	h := readHeader(s, w.limits.Headers)
	if at.level == 0 {
		w.top = h
	} else {
		w.nestedHeader(&h)
	}
	at.usual = "text/plain"
	w.entity(s, &h, at)
}

// begin takes what may stand before the header and is not part of it: the
// "From " line of an mbox, and white space when a field that mail has comes
// behind it.
func (s *source) begin() {
	start, _ := s.br.Peek(lineBuffer)
	if bytes.IndexByte(start, '\r') >= 0 && bytes.IndexByte(start, '\n') < 0 {
		s.br = bufio.NewReaderSize(macLines{s.br}, lineBuffer)
	}
	start = bytes.TrimPrefix(start, []byte("\ufeff"))
	if isEnvelopeLine(start) {
		s.line()
		return
	}
	all, _ := s.br.Peek(s.br.Buffered())
	field := bytes.TrimLeft(start, " \t\r\n")
	if name, _, ok := splitField(field[:min(len(field), 100)]); ok && isKnown(name) {
		s.br.Discard(len(all) - len(field))
	}
}

// isEnvelopeLine reports whether b begins like the line that mbox files put
// before a message.
func isEnvelopeLine(b []byte) bool {
	return bytes.HasPrefix(b, []byte("From ")) || bytes.HasPrefix(b, []byte(">From "))
}

// source returns the line reader for messages at a level.
func (w *walk) source(level int) *source {
	for len(w.sources) <= level {
		w.sources = append(w.sources, &source{})
	}
	return w.sources[level]
}

// nestedHeader writes the header of a message inside into the text: there it
// is found like the rest of what was forwarded.
func (w *walk) nestedHeader(h *header) {
	var m Message
	f := fieldReader{walk: w, charset: w.declared(h)}
	for _, field := range h.fields {
		f.read(&m, field)
	}
	w.text.paragraph()
	w.text.line(m.Subject)
	for _, people := range [][]Participant{m.From, m.Sender, m.ReplyTo, m.To, m.Cc, m.Bcc} {
		for _, p := range people {
			w.text.line(strings.TrimSpace(p.Name + " " + p.Address))
		}
	}
	w.text.write(f.extras.b)
	w.text.paragraph()
}

// declared is the charset that a header names for its body.
func (w *walk) declared(h *header) string {
	_, ps := parseParams(h.first(kindType))
	if c := cleanLine(string(ps.get("charset"))); c != "" {
		return c
	}
	return w.charset
}

// entity reads the content behind a header, down to the boundary that ends
// it.
func (w *walk) entity(s *source, h *header, at place) {
	if !h.known && len(h.raw) > 0 {
		w.plain(h.raw) // looked like fields, but none that mail has
	}
	if len(h.junk) > 0 {
		w.plain(h.junk)
	}
	p := w.newPart(h, at)
	w.parts++
	inside := at.depth < w.limits.Depth
	switch {
	case p.isMultipart() && inside:
		w.multipart(s, p, at)
	case p.isMessage() && inside:
		w.nested(s, p, at)
	default:
		if p.isMultipart() || p.isMessage() {
			w.problem(fmt.Sprintf("parts nested deeper than %d not taken apart", w.limits.Depth))
		}
		w.leaf(s, p, at.level)
	}
}

// tooMany reports whether no further part is to be read.
func (w *walk) tooMany() bool {
	if w.parts <= w.limits.Parts {
		return false
	}
	w.problem(fmt.Sprintf("parts beyond %d left out", w.limits.Parts))
	return true
}

// plain adds text that stands where none belongs.
func (w *walk) plain(b []byte) {
	w.text.paragraph()
	w.text.write([]byte(raw(b, w.charset)))
	w.text.paragraph()
}

// multipart reads the parts of a multipart (RFC 2046 5.1). Text before the
// first and behind the last is searched too: when the boundary is wrong, that
// is all there is. Only the usual notice to old mail programs is left out.
func (w *walk) multipart(s *source, p *part, at place) {
	boundary := s.boundary(p.boundary())
	if boundary == "" {
		w.problem("multipart without boundary read as text")
		w.leaf(s, p, at.level)
		return
	}
	mine := len(s.bounds)
	s.bounds = append(s.bounds, "--"+boundary)
	before := len(w.text.b)
	w.outside(s)
	if s.hit == mine && isNotice(w.text.b[min(before, len(w.text.b)):]) {
		w.text.b = w.text.b[:before]
	}
	inner := place{at.depth + 1, at.level, "text/plain"}
	if p.mediaType == "multipart/digest" {
		inner.usual = "message/rfc822"
	}
	for s.hit == mine && !s.last {
		s.hit = -1
		if w.tooMany() {
			s.bounds = s.bounds[:mine]
			s.skip()
			return
		}
		h := readHeader(s, w.limits.Headers)
		w.entity(s, &h, inner)
		s.skip()
	}
	s.bounds = s.bounds[:mine]
	if s.hit == mine {
		s.hit = -1
		w.outside(s)
	}
}

// outside reads text outside of parts up to the next boundary.
func (w *walk) outside(s *source) {
	w.text.paragraph()
	b := w.body(s, nil)
	w.chars.reset(b, mixed{})
	w.text.readAll(&w.chars, w.copyBuf)
	s.skip()
}

// isNotice reports whether a preamble is the sentence that says "this is a
// multi-part message in MIME format".
func isNotice(preamble []byte) bool {
	const longest = 500
	return len(preamble) < longest && bytes.Contains(preamble, []byte("MIME"))
}

// boundary returns the boundary that parts are really divided by: the one
// declared, unless it is not near the beginning and another one is there.
func (s *source) boundary(declared string) string {
	near, _ := s.br.Peek(lineBuffer)
	near = append(bytes.Clone(s.pushed), near...)
	if declared != "" && bytes.Contains(near, []byte("--"+declared)) {
		return declared
	}
	if found := guessBoundary(near); found != "" {
		return found
	}
	return declared
}

// guessBoundary finds the first line that begins with two hyphens and has a
// Content- field below it.
func guessBoundary(b []byte) string {
	const longest = 200 // RFC 2046 5.1.1 allows 70
	for len(b) > 0 {
		var line []byte
		line, b, _ = bytes.Cut(b, []byte("\n"))
		line = bytes.TrimRight(line, " \t\r")
		if len(line) > 2 && len(line) < longest && bytes.HasPrefix(line, []byte("--")) && hasContentField(b) {
			return string(line[2:])
		}
	}
	return ""
}

func hasContentField(b []byte) bool {
	const name = "content-"
	return len(b) > len(name) && strings.EqualFold(string(b[:len(name)]), name)
}

// nested reads a message in a message. It is listed as an attachment too.
func (w *walk) nested(s *source, p *part, at place) {
	b := w.body(s, transferFor(p.encoding, true))
	m := &meter{r: b, h: sha256.New()}
	index := len(w.m.Attachments)
	listed := w.list(Attachment{Name: p.name, Type: p.mediaType})
	w.tell(p, index, listed, at.level, m)
	w.message(budget{m, &w.credit}, place{at.depth + 1, at.level + 1, ""})
	if w.credit <= 0 {
		w.problem("messages nested too deep and large, not read to the end")
	}
	drain(m, w.copyBuf) // what the walk left, for the digest
	if listed {
		w.m.Attachments[index].Size = m.n
		m.h.Sum(w.m.Attachments[index].Digest[:0])
	}
	w.release(b)
}
