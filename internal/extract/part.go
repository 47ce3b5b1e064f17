package extract

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// part is what the header of a part says about its content.
type part struct {
	mediaType   string // lower case
	encoding    string // Content-Transfer-Encoding as it stands
	charset     string
	name        string
	description string
	contentID   string // without its angle brackets
	attached    bool   // Content-Disposition: attachment
	params      params
}

func (w *walk) newPart(h *header, at place) *part {
	mediaType, ps := parseParams(h.first(kindType))
	disposition, dps := parseParams(h.first(kindDisposition))
	p := &part{
		mediaType:   mediaTypeOf(mediaType, at.usual),
		encoding:    string(bytes.TrimSpace(stripComments(h.first(kindEncoding)))),
		charset:     cleanLine(string(ps.get("charset"))),
		description: decodeWords(h.first(kindDescription), w.charset),
		contentID:   messageID(h.first(kindContentID), w.charset),
		attached:    disposition == "attachment",
		params:      ps,
	}
	if w.charset == "" {
		w.charset = p.charset
	}
	if p.name = dps.text("filename", w.charset); p.name == "" {
		p.name = ps.text("name", w.charset)
	}
	return p
}

// mediaTypeOf reads a media type (RFC 2045 5.1). What is none stands for the
// usual one (5.2), and a bare "text" for text/plain, as old mail had it.
func mediaTypeOf(s, usual string) string {
	s = strings.Join(strings.Fields(cleanLine(s)), "")
	const longest = 127 // each half, RFC 4288 4.2
	switch {
	case s == "text":
		return "text/plain"
	case strings.Count(s, "/") != 1 || len(s) > 2*longest+1 || strings.HasPrefix(s, "/") || strings.HasSuffix(s, "/"):
		return usual
	}
	return s
}

func (p *part) isMultipart() bool { return strings.HasPrefix(p.mediaType, "multipart/") }

// isMessage reports whether the content is a message (RFC 2046 5.2.1, RFC 6532
// 3.7).
func (p *part) isMessage() bool {
	switch p.mediaType {
	case "message/rfc822", "message/global", "message/news":
		return true
	case "message/partial":
		return string(p.params.get("number")) == "1" // begins with the header (RFC 2046 5.2.2)
	}
	return false
}

// headerOnly reports whether the content is the header of a message (RFC 6522
// 4).
func (p *part) headerOnly() bool {
	switch p.mediaType {
	case "text/rfc822-headers", "message/rfc822-headers", "message/global-headers", "text/rfc822-header":
		return true
	}
	return false
}

// isText reports whether the content is to be searched as text. Reports on
// delivery (RFC 3464) and the like are.
func (p *part) isText() bool {
	return strings.HasPrefix(p.mediaType, "text/") || strings.HasPrefix(p.mediaType, "message/") || p.isMultipart() ||
		p.isHTML() || p.mediaType == "application/ics"
}

func (p *part) isHTML() bool {
	return p.mediaType == "text/html" || p.mediaType == "application/xhtml+xml" || p.mediaType == "text/x-amp-html"
}

// listed reports whether the part is an attachment: not the message's own
// text.
func (p *part) listed() bool {
	return p.attached || p.name != "" || !p.isText()
}

func (p *part) boundary() string {
	value, _, ok := p.params.extended("boundary")
	if !ok {
		value = p.params.get("boundary")
	}
	return string(bytes.TrimRight(value, " \t"))
}

// list adds an attachment and reports whether there was room.
func (w *walk) list(a Attachment) bool {
	if len(w.m.Attachments) >= w.limits.Attachments {
		w.problem(fmt.Sprintf("attachments beyond %d left out", w.limits.Attachments))
		return false
	}
	w.m.Attachments = append(w.m.Attachments, a)
	return true
}

// body takes a body reader for a part of s.
func (w *walk) body(s *source, t transfer) *body {
	b := &body{}
	if n := len(w.bodies); n > 0 {
		b, w.bodies = w.bodies[n-1], w.bodies[:n-1]
	}
	b.reset(s, t)
	return b
}

// release gives a body reader back.
func (w *walk) release(b *body) { w.bodies = append(w.bodies, b) }

// leaf reads a part that holds no others.
func (w *walk) leaf(s *source, p *part, level int) {
	text := p.isText()
	b := w.body(s, transferFor(p.encoding, text))
	defer w.release(b)
	m := &meter{r: b}
	if p.listed() {
		m.h = sha256.New()
	}
	w.text.line(p.description)
	var start []byte
	if text {
		w.chars.reset(m, mixed{})
		start = w.chars.peek()
		if text = !p.isBinary(start); !text && m.h == nil {
			m.h = sha256.New()
			m.h.Write(start)
		}
	}
	if w.visit != nil {
		listed := m.h != nil && len(w.m.Attachments) < w.limits.Attachments
		w.tell(p, len(w.m.Attachments), listed, level, io.MultiReader(bytes.NewReader(bytes.Clone(start)), m))
	} else if text {
		w.chars.t = w.decoder(p, start)
		w.chars.buf = bytes.TrimPrefix(w.chars.buf, []byte("\ufeff"))
		w.characters(p)
	}
	drain(m, w.copyBuf)
	if m.h != nil {
		a := Attachment{Name: p.name, Type: p.mediaType, Size: m.n}
		m.h.Sum(a.Digest[:0])
		w.list(a)
	}
}

// characters adds the text of a part whose decoder is set.
func (w *walk) characters(p *part) {
	w.text.paragraph()
	before := len(w.text.b)
	if p.isHTML() {
		h := htmlText{out: &w.text}
		h.read(&w.chars)
	} else {
		w.text.readAll(&w.chars, w.copyBuf)
	}
	if block := w.text.b[min(before, len(w.text.b)):]; p.headerOnly() && bytes.Contains(block, []byte("=?")) {
		w.source(len(w.sources)).reset(bytes.NewReader(bytes.Clone(block)))
		h := readHeader(w.sources[len(w.sources)-1], w.limits.Headers)
		w.nestedHeader(&h) // once more, decoded
	}
	w.text.paragraph()
}

// isBinary reports whether what is said to be text begins like something
// else: with NUL bytes, in a charset that has none.
func (p *part) isBinary(start []byte) bool {
	const few = 4 // strays in real text
	nul := bytes.Count(start, []byte{0})
	return nul > few && nul > len(start)/100 && byteOrder(start) == nil && !hasNUL(p.charset)
}

// decoder chooses the decoder of a text by its label, or by its beginning
// when the label is none.
func (w *walk) decoder(p *part, start []byte) transform.Transformer {
	label := p.charset
	if label == "" && p.isHTML() {
		label = metaCharset(start)
	}
	t, known := decoderFor(label)
	if !known {
		w.problem(fmt.Sprintf("unknown charset %.40q read as UTF-8 or Windows-1252", label))
	}
	if !isMixed(t) {
		return t
	}
	if t := byteOrder(start); t != nil {
		return t
	}
	return sniffShift(start, t)
}

// byteOrder recognises UTF-16 by its byte order mark; nil when there is none.
func byteOrder(start []byte) transform.Transformer {
	if bytes.HasPrefix(start, []byte("\xff\xfe")) || bytes.HasPrefix(start, []byte("\xfe\xff")) {
		return unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewDecoder()
	}
	return nil
}

// metaCharset finds the charset that an HTML document names near its
// beginning.
func metaCharset(start []byte) string {
	const near = 1024 // as in the HTML standard, 4.2.5.4
	lower := appendLower(nil, start[:min(len(start), near)])
	_, after, found := bytes.Cut(lower, []byte("charset="))
	if !found {
		return ""
	}
	after = bytes.TrimLeft(after, `"' `)
	end := bytes.IndexAny(after, "\"'>;/ \t\r\n")
	if end <= 0 {
		return ""
	}
	return string(after[:end])
}
