package vault

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"mailarchive/internal/mail"
)

// FormatVersion is the version of the vault's format that this package writes.
// A vault stays in the first one until something goes into it that the first
// one does not know (see upgrade); its arrivals stay as they are in both.
const FormatVersion = 2

// arrivalFormat is the format of the record of an arrival.
const arrivalFormat = 1

// timeLayout is RFC 3339 in UTC with milliseconds, always three digits.
const timeLayout = "2006-01-02T15:04:05.000Z"

// Record is one entry of the chain, as ID.json holds it. The order of fields
// is the order in the file. Strings in it may hold any bytes: those that are
// not UTF-8 stand in Base64, and the plain field is then for people to read.
type Record struct {
	Format   int         `json:"format"`
	Vault    UUID        `json:"vault"`
	Seq      uint64      `json:"seq"`
	Prev     mail.Digest `json:"prev"`
	Salt     string      `json:"salt"`
	Kind     string      `json:"kind"`
	ID       mail.ID     `json:"id"`
	SHA256   mail.Digest `json:"sha256"`
	Size     int64       `json:"size"`
	Received string      `json:"received"`

	Source     string              `json:"source"`
	MailFrom   string              `json:"mail_from"`
	MailParams []string            `json:"mail_params,omitempty"`
	RcptTo     []string            `json:"rcpt_to"`
	RcptParams map[string][]string `json:"rcpt_params,omitempty"`
	Client     string              `json:"client,omitempty"`
	Helo       string              `json:"helo,omitempty"`
	Auth       string              `json:"auth,omitempty"`
	TLS        string              `json:"tls,omitempty"`
	Import     *importRecord       `json:"import,omitempty"`

	// BytesIn is the ID of the arrival whose .eml holds the content, when
	// this record has none of its own.
	BytesIn *mail.ID `json:"bytes_in,omitempty"`
	// Closed stands in the first record of a segment: the segment before it.
	Closed *Closed `json:"closed,omitempty"`

	// Note is what a record says that is not about content: an object of
	// JSON, a Seal for KindSeal.
	Note json.RawMessage `json:"note,omitempty"`
	// Original is the exact bytes of the record that the content came with,
	// for KindRestored and KindReturned, and Origin the arrival that it, or a
	// record in it, tells of.
	Original string  `json:"original,omitempty"`
	Origin   *Record `json:"-"`

	// Base64 holds the exact bytes of the strings above that are not UTF-8,
	// by name ("mail_from") or name and place ("rcpt_to/3", from 0).
	Base64 map[string]string `json:"base64,omitempty"`
}

// Closed names a finished segment, its length in bytes and its digest.
type Closed struct {
	Segment int         `json:"segment"`
	Length  int64       `json:"length"`
	SHA256  mail.Digest `json:"sha256"`
}

type importRecord struct {
	Path      string       `json:"path"`
	Folder    string       `json:"folder,omitempty"`
	Flags     string       `json:"flags,omitempty"`
	Owner     string       `json:"owner,omitempty"`
	Delivered string       `json:"delivered,omitempty"`
	FromLine  string       `json:"from_line,omitempty"`
	Key       *mail.Digest `json:"key,omitempty"`
}

// setEnvelope writes the envelope into the record.
func (r *Record) setEnvelope(e mail.Envelope) {
	r.Source, r.MailFrom, r.MailParams = e.Source, string(e.From), e.FromParams
	r.Client, r.Helo, r.Auth, r.TLS = e.Client, e.Helo, e.Auth, e.TLS
	r.RcptTo = make([]string, len(e.To))
	for i, to := range e.To {
		r.RcptTo[i] = string(to.Address)
		if len(to.Params) > 0 {
			if r.RcptParams == nil {
				r.RcptParams = map[string][]string{}
			}
			r.RcptParams[strconv.Itoa(i)] = to.Params
		}
	}
	if o := e.Origin; o != nil {
		r.Import = &importRecord{Path: o.Path, Folder: o.Folder, Flags: o.Flags, Owner: string(o.Owner), FromLine: o.FromLine}
		if !o.Delivered.IsZero() {
			r.Import.Delivered = o.Delivered.UTC().Format(time.RFC3339)
		}
		if o.Key != (mail.Digest{}) {
			r.Import.Key = &o.Key
		}
	}
}

// texts calls visit with the name and the place of each string that came from
// outside.
func (r *Record) texts(visit func(name string, s *string)) {
	list := func(name string, list []string) {
		for i := range list {
			visit(name+"/"+strconv.Itoa(i), &list[i])
		}
	}
	visit("source", &r.Source)
	visit("mail_from", &r.MailFrom)
	list("mail_params", r.MailParams)
	list("rcpt_to", r.RcptTo)
	for i, params := range r.RcptParams {
		list("rcpt_params/"+i, params)
	}
	visit("client", &r.Client)
	visit("helo", &r.Helo)
	visit("auth", &r.Auth)
	visit("tls", &r.TLS)
	if r.Import != nil {
		visit("import/path", &r.Import.Path)
		visit("import/folder", &r.Import.Folder)
		visit("import/flags", &r.Import.Flags)
		visit("import/owner", &r.Import.Owner)
		visit("import/from_line", &r.Import.FromLine)
	}
}

// encode returns the bytes of ID.json: one line of JSON and a line feed. The
// record must not be used afterwards, nor must it share its lists with the
// envelope when any string in them is not UTF-8.
func (r *Record) encode() ([]byte, error) {
	if r.Kind != KindArrival {
		return encodeLine(r.Seq, r.short())
	}
	r.texts(func(name string, s *string) {
		if utf8.ValidString(*s) {
			return
		}
		if r.Base64 == nil {
			r.Base64 = map[string]string{}
		}
		r.Base64[name] = base64.StdEncoding.EncodeToString([]byte(*s))
	})
	if r.Base64 != nil {
		r.unshare()
		r.texts(func(_ string, s *string) { *s = strings.ToValidUTF8(*s, "\uFFFD") })
	}
	return encodeLine(r.Seq, r)
}

// encodeLine returns a line of JSON.
func encodeLine(seq uint64, value any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil { // ends in a line feed
		return nil, fmt.Errorf("encode record %d: %w", seq, err)
	}
	return b.Bytes(), nil
}

// unshare copies the lists that setEnvelope took from the caller.
func (r *Record) unshare() {
	r.MailParams = append([]string(nil), r.MailParams...)
	for i, params := range r.RcptParams {
		r.RcptParams[i] = append([]string(nil), params...)
	}
}

// DecodeRecord reads the bytes of an ID.json. Unknown fields are passed over:
// a later minor addition must not make old programs blind. Errors wrap
// mail.ErrDamaged.
func DecodeRecord(b []byte) (*Record, error) { return decodeRecord(b, 0) }

// decodeRecord reads a record that stands in depth others.
func decodeRecord(b []byte, depth int) (*Record, error) {
	r := &Record{}
	if err := json.Unmarshal(b, r); err != nil {
		return nil, fmt.Errorf("record is not JSON (%v): %w", err, mail.ErrDamaged)
	}
	if r.Format < arrivalFormat || r.Format > FormatVersion {
		return nil, fmt.Errorf("record has format %d, this program reads those up to %d: %w", r.Format, FormatVersion, mail.ErrDamaged)
	}
	if r.Seq == 0 || r.ID.IsZero() || r.Size < 0 {
		return nil, fmt.Errorf("record lacks its number, ID or size: %w", mail.ErrDamaged)
	}
	if _, err := time.Parse(timeLayout, r.Received); err != nil {
		return nil, fmt.Errorf("record %d was received at %q, which is no time: %w", r.Seq, r.Received, mail.ErrDamaged)
	}
	if r.Restored() {
		if err := r.openOriginal(depth); err != nil {
			return nil, err
		}
	}
	var bad error
	r.texts(func(name string, s *string) {
		if text, ok := r.Base64[name]; ok {
			exact, err := base64.StdEncoding.DecodeString(text)
			if err != nil {
				bad = fmt.Errorf("record %d: base64 of %s: %w", r.Seq, name, mail.ErrDamaged)
			}
			*s = string(exact)
		}
	})
	return r, bad
}

// Arrival returns what the record says of an arrival. Of one that came out of
// an archive file ID, Received and Envelope are those it had at first.
func (r *Record) Arrival() mail.Arrival {
	if r.Origin != nil {
		a := r.Origin.Arrival()
		a.Seq = r.Seq
		return a
	}
	received, _ := time.Parse(timeLayout, r.Received) // checked by DecodeRecord
	return mail.Arrival{
		ID: r.ID, Seq: r.Seq, Digest: r.SHA256, Size: r.Size, Received: received,
		Envelope: r.envelope(),
	}
}

func (r *Record) envelope() mail.Envelope {
	e := mail.Envelope{
		Source: r.Source, From: mail.Address(r.MailFrom), FromParams: r.MailParams,
		Client: r.Client, Helo: r.Helo, Auth: r.Auth, TLS: r.TLS,
	}
	for i, to := range r.RcptTo {
		e.To = append(e.To, mail.Recipient{Address: mail.Address(to), Params: r.RcptParams[strconv.Itoa(i)]})
	}
	if o := r.Import; o != nil {
		e.Origin = &mail.Origin{Path: o.Path, Folder: o.Folder, Flags: o.Flags, Owner: mail.Address(o.Owner), FromLine: o.FromLine}
		e.Origin.Delivered, _ = time.Parse(time.RFC3339, o.Delivered) // zero when absent
		if o.Key != nil {
			e.Origin.Key = *o.Key
		}
	}
	return e
}
