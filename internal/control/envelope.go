package control

import (
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"mailarchive/internal/mail"
)

// text carries any bytes through JSON: valid UTF-8 as a string, other bytes as
// {"base64": …}.
type text string

type notText struct {
	Base64 []byte `json:"base64"`
}

// MarshalJSON writes a string or an object.
func (t text) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(t)) {
		return json.Marshal(string(t))
	}
	return json.Marshal(notText{[]byte(t)})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (t *text) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '{' {
		var v notText
		err := json.Unmarshal(b, &v)
		*t = text(v.Base64)
		return err
	}
	return json.Unmarshal(b, (*string)(t))
}

// wireEnvelope is mail.Envelope on the wire.
type wireEnvelope struct {
	Source     text            `json:"source,omitempty"`
	From       text            `json:"from,omitempty"`
	FromParams []text          `json:"from_params,omitempty"`
	To         []wireRecipient `json:"to,omitempty"`
	Client     text            `json:"client,omitempty"`
	Helo       text            `json:"helo,omitempty"`
	Auth       text            `json:"auth,omitempty"`
	TLS        text            `json:"tls,omitempty"`
	Origin     *wireOrigin     `json:"origin,omitempty"`
}

type wireRecipient struct {
	Address text   `json:"address"`
	Params  []text `json:"params,omitempty"`
}

type wireOrigin struct {
	Path      text        `json:"path,omitempty"`
	Folder    text        `json:"folder,omitempty"`
	Flags     text        `json:"flags,omitempty"`
	Owner     text        `json:"owner,omitempty"`
	Delivered time.Time   `json:"delivered,omitzero"`
	FromLine  text        `json:"from_line,omitempty"`
	Key       mail.Digest `json:"key"`
}

// encodeEnvelope writes an envelope as JSON.
func encodeEnvelope(e mail.Envelope) ([]byte, error) {
	w := wireEnvelope{
		Source: text(e.Source), From: text(e.From), FromParams: convert[text](e.FromParams),
		Client: text(e.Client), Helo: text(e.Helo), Auth: text(e.Auth), TLS: text(e.TLS),
	}
	for _, r := range e.To {
		w.To = append(w.To, wireRecipient{text(r.Address), convert[text](r.Params)})
	}
	if o := e.Origin; o != nil {
		w.Origin = &wireOrigin{
			Path: text(o.Path), Folder: text(o.Folder), Flags: text(o.Flags), Owner: text(o.Owner),
			Delivered: o.Delivered, FromLine: text(o.FromLine), Key: o.Key,
		}
	}
	return json.Marshal(w)
}

// decodeEnvelope reads what encodeEnvelope wrote. The error wraps ErrBadInput.
func decodeEnvelope(b []byte) (mail.Envelope, error) {
	var w wireEnvelope
	if err := json.Unmarshal(b, &w); err != nil {
		return mail.Envelope{}, fmt.Errorf("read envelope: %v: %w", err, mail.ErrBadInput)
	}
	e := mail.Envelope{
		Source: string(w.Source), From: mail.Address(w.From), FromParams: convert[string](w.FromParams),
		Client: string(w.Client), Helo: string(w.Helo), Auth: string(w.Auth), TLS: string(w.TLS),
	}
	for _, r := range w.To {
		e.To = append(e.To, mail.Recipient{Address: mail.Address(r.Address), Params: convert[string](r.Params)})
	}
	if o := w.Origin; o != nil {
		e.Origin = &mail.Origin{
			Path: string(o.Path), Folder: string(o.Folder), Flags: string(o.Flags), Owner: mail.Address(o.Owner),
			Delivered: o.Delivered, FromLine: string(o.FromLine), Key: o.Key,
		}
	}
	return e, nil
}

func convert[To, From ~string](from []From) []To {
	if from == nil {
		return nil
	}
	to := make([]To, len(from))
	for i, s := range from {
		to[i] = To(s)
	}
	return to
}

// wireArrival is what Accept answers.
type wireArrival struct {
	ID       mail.ID     `json:"id"`
	Seq      uint64      `json:"seq"`
	Digest   mail.Digest `json:"sha256"`
	Size     int64       `json:"size"`
	Received time.Time   `json:"received"`
}
