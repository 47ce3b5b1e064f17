package audit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"mailarchive/internal/mail"
)

// FormatVersion is the version of the format that this package writes.
const FormatVersion = 1

const (
	// maxLine is the longest line that is written and read, in bytes with its
	// line feed: MaxTo addresses as long as they can be, and more.
	maxLine = 1 << 20
	// maxLead is what the lead takes at most.
	maxLead = 1 << 10
	// timeLayout is RFC 3339 in UTC with milliseconds, always three digits.
	timeLayout = "2006-01-02T15:04:05.000Z"
)

// lead is the part of a line that the writer knows. The order of fields is the
// order in the file.
type lead struct {
	Format int         `json:"format"`
	Seq    uint64      `json:"seq"`
	Prev   mail.Digest `json:"prev"`
	Commit uint64      `json:"commit"` // seq of the first line that was written and synced together with this one
	Salt   string      `json:"salt"`
	Time   string      `json:"time"`
	Clock  string      `json:"clock,omitempty"`
	Closed *closed     `json:"closed,omitempty"`
}

// closed stands in the first line of a file: the file before it, and the
// length in bytes up to which it counts.
type closed struct {
	File   string `json:"file"`
	Length int64  `json:"length"`
}

// body is the part that the caller knows.
type body struct {
	Actor   string         `json:"actor"`
	Role    string         `json:"role,omitempty"`
	As      string         `json:"as,omitempty"`
	Act     Act            `json:"act"`
	Outcome Outcome        `json:"outcome"`
	Of      uint64         `json:"of,omitempty"`
	IDs     []mail.ID      `json:"ids,omitempty"`
	Object  string         `json:"object,omitempty"`
	Change  *Change        `json:"change,omitempty"`
	Query   *string        `json:"query,omitempty"`
	Hits    *int64         `json:"hits,omitempty"`
	To      []mail.Address `json:"to,omitempty"`
	Reason  string         `json:"reason,omitempty"`
	Client  string         `json:"client,omitempty"`
	Inexact []string       `json:"inexact,omitempty"`
}

// line is one line as it is read.
type line struct {
	lead
	body
}

// encodeBody returns the entry as a JSON object. Errors wrap mail.ErrBadInput
// or mail.ErrTooLarge.
func encodeBody(e Entry) ([]byte, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	b := body{
		Actor: e.Actor, Role: e.Role, As: e.As, Act: e.Act, Outcome: e.Outcome, Of: e.Of, IDs: e.IDs, Object: e.Object,
		Change: e.Change.withhold(), Reason: e.Reason, Client: e.Client, To: append([]mail.Address(nil), e.To...),
	}
	if b.Outcome == "" {
		b.Outcome = Allowed
	}
	if e.Act == ActSearch || e.Query != "" {
		b.Query, b.Hits = &e.Query, &e.Hits
	}
	b.bound()
	text, err := marshal(b)
	if err == nil && len(text) > maxLine-maxLead {
		err = fmt.Errorf("an entry of %d bytes, %d at most: %w", len(text), maxLine-maxLead, mail.ErrTooLarge)
	}
	return text, err
}

// bound cuts what is too long and names it.
func (b *body) bound() {
	fitted := func(name string, text *string, limit int) {
		short, all := fit(*text, limit)
		if *text = short; !all {
			b.Inexact = append(b.Inexact, name)
		}
	}
	fitted("actor", &b.Actor, maxText)
	fitted("role", &b.Role, maxText)
	fitted("as", &b.As, maxText)
	fitted("object", &b.Object, maxText)
	fitted("reason", &b.Reason, maxText)
	fitted("client", &b.Client, maxText)
	if b.Query != nil {
		fitted("query", b.Query, maxQuery)
	}
	if b.Change != nil {
		fitted("change/name", &b.Change.Name, maxText)
		fitted("change/from", &b.Change.From, maxText)
		fitted("change/to", &b.Change.To, maxText)
	}
	for i := range b.To {
		fitted(fmt.Sprint("to/", i), (*string)(&b.To[i]), maxText)
	}
}

// join returns the line of lead and body, line feed included.
func join(l lead, body []byte) ([]byte, error) {
	text, err := marshal(l)
	if err != nil {
		return nil, err
	}
	text[len(text)-1] = ','
	text = append(text, body[1:]...)
	return append(text, '\n'), nil
}

// marshal writes JSON on one line, with "<" and "&" as they are: stock tools
// search in it.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encode entry: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// decode reads the exact bytes of a line, line feed included. Unknown fields
// are passed over: a later minor addition must not make old programs blind.
// Errors wrap mail.ErrDamaged.
func decode(text []byte) (*line, error) {
	if len(text) == 0 || text[len(text)-1] != '\n' {
		return nil, fmt.Errorf("line has no end: %w", mail.ErrDamaged)
	}
	l := &line{}
	if err := json.Unmarshal(text, l); err != nil {
		return nil, fmt.Errorf("line is not JSON (%v): %w", err, mail.ErrDamaged)
	}
	switch {
	case l.Format != FormatVersion:
		return nil, fmt.Errorf("line has format %d, this program reads %d: %w", l.Format, FormatVersion, mail.ErrDamaged)
	case l.Seq == 0 || l.Commit == 0 || l.Commit > l.Seq || l.Act == "":
		return nil, fmt.Errorf("line lacks its number, commit or act: %w", mail.ErrDamaged)
	case l.Closed != nil && l.Closed.Length < 0:
		return nil, fmt.Errorf("line names a negative length: %w", mail.ErrDamaged)
	}
	if _, err := time.Parse(timeLayout, l.Time); err != nil {
		return nil, fmt.Errorf("line %d was written at %.40q, which is no time: %w", l.Seq, l.Time, mail.ErrDamaged)
	}
	return l, nil
}

// time is when the line was written.
func (l *line) time() time.Time {
	t, _ := time.Parse(timeLayout, l.Time) // checked by decode
	return t
}

// entry returns what the line says; digest is that of its bytes.
func (l *line) entry(digest mail.Digest) Entry {
	e := Entry{
		Actor: l.Actor, Role: l.Role, As: l.As, Act: l.Act, Outcome: l.Outcome, Of: l.Of, IDs: l.IDs, Object: l.Object,
		Change: l.Change, To: l.To, Reason: l.Reason, Client: l.Client, Inexact: l.Inexact,
		Seq: l.Seq, Time: l.time(), Digest: digest,
	}
	e.Clock, _ = time.Parse(timeLayout, l.Clock) // zero when absent
	if l.Query != nil {
		e.Query = *l.Query
	}
	if l.Hits != nil {
		e.Hits = *l.Hits
	}
	return e
}
