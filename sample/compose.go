package sample

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"sort"
	"strings"
	"time"
)

// draft is a message whose people, date and place in a thread are known.
type draft struct {
	block
	cast         cast
	from         person
	to, cc, bcc  []person
	lang         string
	date         time.Time
	id           string // Message-ID with its angle brackets
	subject      string
	parent       *draft // the message that this one answers or forwards
	text         string // body, signature and quotation, a line per paragraph
	own          string // of it the body
	sign, quoted string // of it the signature and the quotation
	data         []byte // when finished
}

// composer turns blocks into messages, older ones first, so that answers can
// quote.
type composer struct {
	cast cast
	done map[string]*draft
}

// compose reads the texts and makes all messages, ordered by date.
func compose(fsys fs.FS) ([]Message, error) {
	people, blocks, err := readAll(fsys)
	if err != nil {
		return nil, err
	}
	c := composer{done: map[string]*draft{}}
	if c.cast, err = newCast(people); err != nil {
		return nil, err
	}
	drafts, err := c.order(blocks)
	if err != nil {
		return nil, err
	}
	messages := make([]Message, 0, len(drafts))
	for _, d := range drafts {
		m, err := c.finish(d)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", d.key, err)
		}
		messages = append(messages, m)
	}
	return messages, nil
}

func (c *composer) order(blocks []block) ([]*draft, error) {
	drafts := make([]*draft, 0, len(blocks))
	for _, b := range blocks {
		d, err := c.resolve(b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", b.key, err)
		}
		drafts = append(drafts, d)
	}
	sort.Slice(drafts, func(i, j int) bool {
		a, b := drafts[i], drafts[j]
		if !a.date.Equal(b.date) {
			return a.date.Before(b.date)
		}
		return a.key < b.key
	})
	return drafts, nil
}

// resolve looks up people and date; the thread comes later.
func (c *composer) resolve(b block) (*draft, error) {
	d := &draft{block: b, cast: c.cast}
	var err error
	if d.from, err = c.cast.find(b.get("from")); err != nil {
		return nil, err
	}
	for name, list := range map[string]*[]person{"to": &d.to, "cc": &d.cc, "bcc": &d.bcc} {
		if *list, err = c.cast.findAll(b.get(name)); err != nil {
			return nil, err
		}
	}
	if a, named := agents()[b.get("agent")]; named {
		d.from.agent = a
	}
	d.lang = or(b.get("lang"), d.from.lang)
	d.date, err = time.Parse("2006-01-02 15:04 -0700", b.get("date"))
	d.date = d.date.Add(time.Duration(d.hash("second")[0]%60) * time.Second)
	d.id = d.makeID()
	return d, err
}

// hash returns bytes that depend on the message's key and a word only, for
// what a mail program would draw by lot.
func (d *draft) hash(word string) []byte {
	sum := sha256.Sum256([]byte(d.key + "/" + word))
	return sum[:]
}

func (d *draft) hex(word string, n int) string {
	return hex.EncodeToString(d.hash(word))[:n]
}

// makeID returns a Message-ID as the sender's program would make it
// (RFC 5322 3.6.4).
func (d *draft) makeID() string {
	left := d.date.UTC().Format("20060102150405.") + d.hex("id", 10)
	switch {
	case d.from.agent.outlook:
		left = strings.ToUpper("am0pr04mb" + d.hex("id", 24))
	case d.from.agent.form == "flowed":
		h := d.hex("id", 32)
		left = strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
	}
	domain := d.from.domain()
	if !ascii(domain) {
		domain = "mail.example"
	}
	return "<" + left + "@" + domain + ">"
}

// finish makes the bytes and the envelope.
func (c *composer) finish(d *draft) (Message, error) {
	if _, twice := c.done[d.key]; twice {
		return Message{}, fmt.Errorf("key used twice")
	}
	if err := c.thread(d); err != nil {
		return Message{}, err
	}
	d.write()
	body, err := c.body(d)
	if err != nil {
		return Message{}, err
	}
	if d.data, err = d.assemble(body); err != nil {
		return Message{}, err
	}
	c.done[d.key] = d
	return c.envelope(d)
}

// thread finds the message that d answers or forwards, and from it the
// recipient and the subject where the text does not give them.
func (c *composer) thread(d *draft) error {
	key := or(d.get("reply"), d.get("forward"))
	if key != "" {
		if d.parent = c.done[key]; d.parent == nil {
			return fmt.Errorf("answers %q, which is not there or not older", key)
		}
	}
	d.subject = d.get("subject")
	if d.subject == "" && d.parent != nil {
		d.subject = d.prefix() + bare(d.parent.subject)
	}
	if len(d.to) == 0 && d.parent != nil {
		d.to = []person{d.parent.from}
	}
	if len(d.to) == 0 {
		return fmt.Errorf("no recipient")
	}
	return nil
}

func (d *draft) prefix() string {
	german := d.lang == "de" && d.from.agent.outlook
	switch {
	case d.get("forward") != "" && german:
		return "WG: "
	case d.get("forward") != "":
		return "Fwd: "
	case german:
		return "AW: "
	}
	return "Re: "
}

// bare takes the marks of answers and forwards off a subject.
func bare(subject string) string {
	for _, mark := range []string{"AW: ", "Re: ", "WG: ", "Fwd: "} {
		if rest, found := strings.CutPrefix(subject, mark); found {
			return bare(rest)
		}
	}
	return subject
}

// references lists the thread, oldest first (RFC 5322 3.6.4).
func (d *draft) references() []string {
	var ids []string
	for p := d.parent; p != nil; p = p.parent {
		ids = append([]string{p.id}, ids...)
	}
	return ids
}

// envelope says whom the gateway delivers to.
func (c *composer) envelope(d *draft) (Message, error) {
	m := Message{Key: d.key, From: d.from.address, Data: d.data, UTF8: d.has("smtputf8", "yes")}
	switch {
	case d.get("envelope-from") == "<>":
		m.From = "" // RFC 3834 3.3, RFC 3464
	case d.get("list") != "":
		m.From = "bounce-" + d.hex("bounce", 8) + "@" + d.from.domain()
	}
	people := append(append(append([]person{}, d.to...), d.cc...), d.bcc...)
	if explicit := d.get("rcpt"); explicit != "" {
		var err error
		if people, err = c.cast.findAll(explicit); err != nil {
			return m, err
		}
	}
	var err error
	if m.To, err = c.cast.deliver(people, d.from.ours()); err == nil && len(m.To) == 0 {
		err = fmt.Errorf("nobody to deliver to")
	}
	return m, err
}
