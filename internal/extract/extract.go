package extract

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// Extractor extracts one message after the other and keeps its buffers in
// between. It is for one goroutine at a time; each worker has its own.
type Extractor struct {
	limits  Limits
	sources []*source
	bodies  []*body
	chars   characters
	copyBuf []byte
	textBuf []byte
}

// New returns an Extractor with these limits.
func New(limits Limits) *Extractor {
	return &Extractor{limits: limits.withDefaults(), copyBuf: make([]byte, 32<<10)}
}

// Extract reads one message with an Extractor of its own. See
// [Extractor.Extract].
func Extract(r io.Reader, limits Limits) (Message, error) {
	return New(limits).Extract(r)
}

// Extract reads the message from r to its end. Whatever its content, the
// result holds all that could be read within the limits, and Problems says
// what is missing. The error is only ever r's own: the bytes could not be
// had, and the result is not to be kept.
func (x *Extractor) Extract(r io.Reader) (Message, error) {
	w := &walk{Extractor: x, credit: workFloor}
	w.text = text{b: x.textBuf[:0], limit: x.limits.Text}
	in := &whole{r: r, credit: &w.credit, factor: int64(x.limits.Work), stopped: &w.stopped}
	w.guard(func() { w.message(in, place{}) })
	w.guard(w.finish)
	if in.err != nil {
		return Message{}, fmt.Errorf("extract: read message: %w", in.err)
	}
	return w.m, nil
}

// guard turns a panic into a problem. Ours are bugs that fuzzing should find,
// and a decoder of others may have some left; neither may stop the mail
// behind this message.
func (w *walk) guard(f func()) {
	defer func() {
		if p := recover(); p != nil {
			w.problem(fmt.Sprintf("reading stopped by a bug: %v", p))
		}
	}()
	f()
}

// problem notes, once, what could not be read.
func (w *walk) problem(text string) {
	if len(w.m.Problems) < maxProblems && !slices.Contains(w.m.Problems, text) {
		w.m.Problems = append(w.m.Problems, text)
	}
}

// finish decodes the headers of the message. That comes last since raw 8-bit
// headers are in the charset of the text, which may be named deep inside.
func (w *walk) finish() {
	h, m := &w.top, &w.m
	f := fieldReader{walk: w, charset: w.charset}
	for _, field := range h.fields {
		f.read(m, field)
	}
	f.replies(m)
	f.extras.paragraph()
	if w.text.cut {
		w.problem(fmt.Sprintf("text cut at %d bytes", w.limits.Text))
	}
	if h.cut {
		w.problem(fmt.Sprintf("header fields beyond %d bytes left out", w.limits.Headers))
	}
	w.text.write(f.extras.b)
	w.Extractor.textBuf = w.text.b[:0]
	if cap(w.textBuf) > keptText {
		w.Extractor.textBuf = nil
	}
	m.Text = string(bytes.TrimSpace(w.text.b))
	if !utf8.ValidString(m.Text) {
		m.Text = strings.ToValidUTF8(m.Text, "\uFFFD") // a decoder of others erred
	}
}

// replies lets the people of Reply-To be found like any text, those aside who
// are found by another role. There is no role for them: who is to get the answer
// has neither sent nor received the message.
func (f *fieldReader) replies(m *Message) {
	if len(m.ReplyTo) == 0 {
		return
	}
	folded := func(p Participant) Participant { return Participant{p.Name, strings.ToLower(p.Address)} }
	known := map[Participant]bool{}
	for _, p := range slices.Concat(m.From, m.Sender, m.To, m.Cc, m.Bcc) {
		known[folded(p)] = true
	}
	for _, p := range m.ReplyTo {
		if !known[folded(p)] {
			f.extras.line(strings.TrimSpace(p.Name + " " + p.Address))
		}
	}
}

// keptText is the largest buffer that an Extractor keeps between messages.
const keptText = 1 << 20

// fieldReader decodes header fields into a Message. What has no place there
// goes into extras.
type fieldReader struct {
	*walk
	charset string
	extras  text
	subject bool
}

func (f *fieldReader) read(m *Message, field field) {
	f.extras.limit = maxExtras
	f.named(m, field)
	switch field.kind {
	case kindFrom:
		f.people(&m.From, field.value)
	case kindSender:
		f.people(&m.Sender, field.value)
	case kindReplyTo:
		f.people(&m.ReplyTo, field.value)
	case kindTo:
		f.people(&m.To, field.value)
	case kindCc:
		f.people(&m.Cc, field.value)
	case kindBcc:
		f.people(&m.Bcc, field.value)
	case kindSubject:
		f.subjectLine(m, field.value)
	case kindDate:
		f.date(m, field.value)
	case kindMessageID:
		if m.MessageID == "" {
			m.MessageID = messageID(field.value, f.charset)
		}
	case kindInReplyTo:
		m.InReplyTo = f.identifiers(m.InReplyTo, field.value)
	case kindReferences:
		m.References = f.identifiers(m.References, field.value)
	case kindReceived:
		f.received(m, field.value)
	case kindTextual:
		f.extras.line(decodeWords(field.value, f.charset))
	}
}

// maxExtras bounds the header text that is searched as text.
const maxExtras = 64 << 10

// maxSubject is the longest subject kept, in bytes.
const maxSubject = 8 << 10

// people adds the participants of a field. Fields that stand several times
// are joined.
func (f *fieldReader) people(list *[]Participant, value []byte) {
	room := f.limits.Participants - f.participants
	found := addresses(value, f.charset, room+1)
	if len(found) > room {
		found = found[:room]
		f.problem(fmt.Sprintf("participants beyond %d left out", f.limits.Participants))
	}
	f.participants += len(found)
	*list = append(*list, found...)
}

// subjectLine takes the first subject. Others, and what of it is too long to
// show, are searched as text.
func (f *fieldReader) subjectLine(m *Message, value []byte) {
	s := decodeWords(value, f.charset)
	if f.subject {
		f.extras.line(s)
		return
	}
	m.Subject, f.subject = shorten(s, maxSubject), true
	f.extras.line(s[len(m.Subject):])
}

func (f *fieldReader) date(m *Message, value []byte) {
	if !m.Date.IsZero() {
		return
	}
	t, ok := parseDate(string(value))
	if ok {
		m.Date = t
	} else if len(bytes.TrimSpace(value)) > 0 {
		f.problem("the Date header is no date")
	}
}

// received takes the time behind the last semicolon (RFC 5321 4.4).
func (f *fieldReader) received(m *Message, value []byte) {
	i := bytes.LastIndexByte(value, ';')
	if i < 0 || len(m.ReceivedDates) >= MaxReceived {
		return
	}
	if t, ok := parseDate(string(value[i+1:])); ok {
		m.ReceivedDates = append(m.ReceivedDates, t)
	}
}

// identifiers adds the message identifiers of In-Reply-To or References (RFC
// 5322 3.6.4): what stands in angle brackets, or else each word.
func (f *fieldReader) identifiers(list []string, value []byte) []string {
	s := cleanLine(raw(value, f.charset))
	for _, word := range strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '<' || r == '>' || r == ',' }) {
		if len(list) >= maxIdentifiers {
			break
		}
		if strings.Contains(word, "@") || !strings.Contains(s, "<") {
			list = append(list, word)
		}
	}
	return list
}

// maxIdentifiers bounds In-Reply-To and References; threads are not deeper.
const maxIdentifiers = 1000

// messageID returns what stands between the angle brackets, or all of it.
func messageID(value []byte, charset string) string {
	s := cleanLine(raw(value, charset))
	if i := strings.IndexByte(s, '<'); i >= 0 {
		if j := strings.IndexByte(s[i:], '>'); j > 0 {
			s = s[i+1 : i+j]
		}
	}
	return strings.TrimSpace(strings.Trim(s, "<>"))
}
