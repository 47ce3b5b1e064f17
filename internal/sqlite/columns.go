package sqlite

import (
	"bytes"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"

	"mailarchive/internal/extract"
	"mailarchive/internal/mail"
)

// raw is a string of any bytes in a JSON column. What is not UTF-8 stands as
// base64 behind a NUL; so does what begins with a NUL itself.
type raw string

// MarshalText implements [encoding.TextMarshaler].
func (r raw) MarshalText() ([]byte, error) {
	if utf8.ValidString(string(r)) && !strings.HasPrefix(string(r), "\x00") {
		return []byte(r), nil
	}
	return base64.StdEncoding.AppendEncode([]byte{0}, []byte(r)), nil
}

// UnmarshalText reads what MarshalText wrote.
func (r *raw) UnmarshalText(b []byte) error {
	coded, ok := bytes.CutPrefix(b, []byte{0})
	if !ok {
		*r = raw(b)
		return nil
	}
	b, err := base64.StdEncoding.AppendDecode(nil, coded)
	*r = raw(b)
	return err
}

// envelopeColumn is a mail.Envelope in few letters; the import key has a
// column of its own.
type envelopeColumn struct {
	Source     string            `json:"s,omitempty"`
	From       raw               `json:"f,omitempty"`
	FromParams []raw             `json:"fp,omitempty"`
	To         []recipientColumn `json:"t,omitempty"`
	Client     raw               `json:"c,omitempty"`
	Helo       raw               `json:"h,omitempty"`
	Auth       raw               `json:"a,omitempty"`
	TLS        raw               `json:"l,omitempty"`
	Origin     *originColumn     `json:"o,omitempty"`
}

type recipientColumn struct {
	Address raw   `json:"a"`
	Params  []raw `json:"p,omitempty"`
}

type originColumn struct {
	Path      raw   `json:"p,omitempty"`
	Folder    raw   `json:"f,omitempty"`
	Flags     raw   `json:"g,omitempty"`
	Owner     raw   `json:"o,omitempty"`
	Delivered int64 `json:"d,omitempty"` // Unix nanoseconds
	FromLine  raw   `json:"l,omitempty"`
}

// encodeEnvelope returns the columns envelope and import_key.
func encodeEnvelope(e mail.Envelope) (text string, key []byte, err error) {
	c := envelopeColumn{
		Source: e.Source, From: raw(e.From), FromParams: convert[raw](e.FromParams),
		Client: raw(e.Client), Helo: raw(e.Helo), Auth: raw(e.Auth), TLS: raw(e.TLS),
	}
	for _, r := range e.To {
		c.To = append(c.To, recipientColumn{raw(r.Address), convert[raw](r.Params)})
	}
	if o := e.Origin; o != nil {
		key = o.Key[:]
		c.Origin = &originColumn{
			Path: raw(o.Path), Folder: raw(o.Folder), Flags: raw(o.Flags),
			Owner: raw(o.Owner), FromLine: raw(o.FromLine),
		}
		if !o.Delivered.IsZero() {
			c.Origin.Delivered = o.Delivered.UnixNano()
		}
	}
	text, err = encode(c)
	return text, key, err
}

func decodeEnvelope(text string, key []byte) (mail.Envelope, error) {
	var c envelopeColumn
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return mail.Envelope{}, err
	}
	e := mail.Envelope{
		Source: c.Source, From: mail.Address(c.From), FromParams: convert[string](c.FromParams),
		Client: string(c.Client), Helo: string(c.Helo), Auth: string(c.Auth), TLS: string(c.TLS),
	}
	for _, r := range c.To {
		e.To = append(e.To, mail.Recipient{Address: mail.Address(r.Address), Params: convert[string](r.Params)})
	}
	if o := c.Origin; o != nil {
		e.Origin = &mail.Origin{
			Path: string(o.Path), Folder: string(o.Folder), Flags: string(o.Flags),
			Owner: mail.Address(o.Owner), FromLine: string(o.FromLine),
		}
		copy(e.Origin.Key[:], key)
		if o.Delivered != 0 {
			e.Origin.Delivered = time.Unix(0, o.Delivered).UTC()
		}
	}
	return e, nil
}

func convert[To, From ~string](list []From) []To {
	var out []To
	for _, s := range list {
		out = append(out, To(s))
	}
	return out
}

// personColumn is role, name and address.
type personColumn [3]string

// The roles of people and, with the last three, of address terms.
const (
	roleFrom      = "f"
	roleTo        = "t"
	roleCc        = "c"
	roleBcc       = "b"
	roleDelivered = "d" // envelope recipient
	roleEnvelope  = "e" // envelope sender
	roleOwner     = "o" // of an imported mailbox
)

// searchedRoles are those that a search in any role looks into. A term for "any
// role" in the index would spare it five look-ups and cost a part of the
// index.
func searchedRoles() []string {
	return []string{roleFrom, roleTo, roleCc, roleBcc, roleDelivered, roleEnvelope}
}

func encodePeople(m *extract.Message) (string, error) {
	people := []personColumn{}
	for _, list := range []struct {
		role   string
		people []extract.Participant
	}{{roleFrom, m.From}, {roleTo, m.To}, {roleCc, m.Cc}, {roleBcc, m.Bcc}} {
		for _, p := range list.people {
			people = append(people, personColumn{list.role, p.Name, p.Address})
		}
	}
	return encode(people)
}

// attachmentColumn is an extract.Attachment in few letters.
type attachmentColumn struct {
	Name   string `json:"n,omitempty"`
	Type   string `json:"t,omitempty"`
	Size   int64  `json:"s"`
	Digest []byte `json:"d"`
}

func encodeAttachments(list []extract.Attachment) (sql.NullString, error) {
	columns := make([]attachmentColumn, len(list))
	for i, a := range list {
		columns[i] = attachmentColumn{a.Name, a.Type, a.Size, a.Digest[:]}
	}
	return encodeList(columns)
}

// encodeList returns NULL for an empty list.
func encodeList[T any](list []T) (sql.NullString, error) {
	if len(list) == 0 {
		return sql.NullString{}, nil
	}
	text, err := encode(list)
	return sql.NullString{String: text, Valid: true}, err
}

func decodeList[T any](text sql.NullString) (list []T, err error) {
	if text.Valid {
		err = json.Unmarshal([]byte(text.String), &list)
	}
	return list, err
}

// encode is json.Marshal without the escapes that only HTML needs.
func encode(v any) (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return strings.TrimSuffix(b.String(), "\n"), err
}
