package extract

import (
	"bytes"
	"fmt"
	"io"
)

// Part is a leaf of a message, or a message inside, with its content. The
// content is there until the function returns that was given the Part.
type Part struct {
	// Index is the part's place in Message.Attachments, -1 when it is not
	// listed there: then it is text of the message's own.
	Index int
	Name  string // file name, decoded; may be empty
	Type  string // media type in lower case
	// ContentID names the part within the message, without angle brackets (RFC
	// 2392); empty when it has none.
	ContentID string
	// Attached says that the sender wants it shown as a file (RFC 2183 2.2).
	Attached bool
	// Level is how many messages stand around it: 0 for a part of the message
	// itself.
	Level int

	content io.Reader
	walk    *walk
	part    *part
}

// Read gives the content without its transfer encoding.
func (p *Part) Read(b []byte) (int, error) { return p.content.Read(b) }

// Text gives the content of a text part as UTF-8. It takes the place of Read,
// and is for one part at a time.
func (p *Part) Text() io.Reader {
	w := p.walk
	w.chars.reset(p.content, mixed{})
	w.chars.t = w.decoder(p.part, w.chars.peek())
	w.chars.buf = bytes.TrimPrefix(w.chars.buf, []byte("\ufeff"))
	return &w.chars
}

// IsHTML reports whether the content is HTML.
func (p *Part) IsHTML() bool { return p.part.isHTML() }

// Parts reads the message from r and calls visit for each leaf and each
// message inside, in their order, until it returns false or the message ends.
// Content that visit leaves is passed over; that of a message inside which it
// reads is not taken apart. The parts are those that Extract finds with the
// same limits. The error is only ever r's own.
func (x *Extractor) Parts(r io.Reader, visit func(*Part) bool) error {
	w := &walk{Extractor: x, credit: workFloor, visit: visit}
	w.text = text{limit: 1, cut: true} // nobody asks for the text
	in := &whole{r: r, credit: &w.credit, factor: int64(x.limits.Work), stopped: &w.stopped}
	w.guard(func() { w.message(in, place{}) })
	if in.err != nil {
		return fmt.Errorf("parts: read message: %w", in.err)
	}
	return nil
}

// tell shows a part to who asked for parts.
func (w *walk) tell(p *part, index int, listed bool, level int, content io.Reader) {
	if w.visit == nil || w.stopped {
		return
	}
	if !listed {
		index = -1
	}
	w.stopped = !w.visit(&Part{
		Index: index, Name: p.name, Type: p.mediaType, ContentID: p.contentID, Attached: p.attached, Level: level,
		content: content, walk: w, part: p,
	})
}
