package sample

import (
	"fmt"
	"path"
	"strings"
)

// part is a MIME entity: its Content-* lines and its encoded body, both with
// CRLF.
type part struct{ head, body string }

// String is the entity as it stands in a message.
func (p part) String() string { return p.head + "\r\n" + p.body }

// multi wraps parts into a multipart (RFC 2046 5.1). Of one part it makes that
// part.
func (d *draft) multi(kind, params string, parts ...part) part {
	if len(parts) == 1 && kind != "report" {
		return parts[0]
	}
	boundary := "=_" + d.hex("boundary/"+kind, 24)
	var b strings.Builder
	for _, p := range parts {
		b.WriteString("--" + boundary + "\r\n" + p.String() + "\r\n")
	}
	b.WriteString("--" + boundary + "--\r\n")
	return part{fmt.Sprintf("Content-Type: multipart/%s;%s\r\n boundary=\"%s\"\r\n", kind, params, boundary), b.String()}
}

// body makes the whole content of a message.
func (c *composer) body(d *draft) (part, error) {
	if d.get("report") != "" {
		return c.report(d)
	}
	images, attachments, err := c.files(d)
	if err != nil {
		return part{}, err
	}
	text, err := d.textParts(images)
	if err != nil {
		return part{}, err
	}
	return d.multi("mixed", "", append([]part{text}, attachments...)...), nil
}

func (d *draft) form() string {
	if d.section("html") != nil || d.get("pixel") != "" {
		return "html"
	}
	for _, s := range d.sections {
		if strings.HasPrefix(s.name, "inline:") {
			return "html"
		}
	}
	return or(d.get("form"), d.from.agent.form)
}

func (d *draft) charset() string { return or(d.get("charset"), "utf-8") }

// textParts is the plain text, or with the HTML form an alternative of both,
// inline images beside the HTML (RFC 2387).
func (d *draft) textParts(images []part) (part, error) {
	form := d.form()
	plain := d.text
	params := ""
	if form != "html" || !d.from.agent.outlook {
		plain = wrapped(plain, form == "flowed")
	}
	if form == "flowed" {
		params = "; format=flowed"
	}
	text, err := d.textPart("plain", params, plain)
	if err != nil || form != "html" {
		return text, err
	}
	page, err := d.textPart("html", "", d.page(d.contentIDs()))
	if err != nil {
		return part{}, err
	}
	related := d.multi("related", " type=\"text/html\";", append([]part{page}, images...)...)
	return d.multi("alternative", "", text, related), nil
}

func (d *draft) textPart(subtype, params, text string) (part, error) {
	raw, err := recode(d.charset(), crlf(text+"\n"))
	if err != nil {
		return part{}, err
	}
	encoding := d.get("encoding")
	if encoding == "" {
		encoding = d.encodingFor(raw)
	}
	coded, err := transfer(encoding, raw)
	head := fmt.Sprintf("Content-Type: text/%s; charset=%s%s\r\nContent-Transfer-Encoding: %s\r\n",
		subtype, d.charset(), params, transferName(encoding))
	return part{head, coded}, err
}

// encodingFor takes 7bit when it will do, else the sender's habit.
func (d *draft) encodingFor(raw string) string {
	long := false
	for _, line := range strings.Split(raw, "\n") {
		long = long || len(line) > maxLine
	}
	switch {
	case long && d.from.agent.encoding == "8bit":
		return "qp"
	case !ascii(raw), long:
		return d.from.agent.encoding
	}
	return "7bit"
}

// contentIDs are those of the inline images, in order (RFC 2392).
func (d *draft) contentIDs() []string {
	var ids []string
	for _, s := range d.sections {
		if name, inline := strings.CutPrefix(s.name, "inline:"); inline {
			ids = append(ids, d.hex(name, 16)+"@"+d.from.domain())
		}
	}
	return ids
}

// files makes the inline images and the attachments.
func (c *composer) files(d *draft) (images, attachments []part, err error) {
	ids := d.contentIDs()
	for _, s := range d.sections {
		name, inline := strings.CutPrefix(s.name, "inline:")
		if name == "html" {
			continue
		}
		p, err := c.file(d, name, s.text)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", name, err)
		}
		if !inline {
			p.head += disposition("attachment", name)
			attachments = append(attachments, p)
			continue
		}
		p.head += fmt.Sprintf("Content-ID: <%s>\r\n", ids[len(images)]) + disposition("inline", name)
		images = append(images, p)
	}
	return images, attachments, nil
}

// disposition names a file (RFC 2183), beyond ASCII by RFC 2231.
func disposition(kind, name string) string {
	if ascii(name) {
		return fmt.Sprintf("Content-Disposition: %s; filename=\"%s\"\r\n", kind, name)
	}
	return fmt.Sprintf("Content-Disposition: %s;\r\n filename*=%s\r\n", kind, percent(name))
}

// file makes one attachment; its kind is told by the ending of its name.
func (c *composer) file(d *draft, name, text string) (part, error) {
	if path.Ext(name) == ".eml" {
		return c.nested(strings.TrimPrefix(text, "message "))
	}
	kind, data, err := render(path.Ext(name), text)
	if err != nil {
		return part{}, err
	}
	return part{"Content-Type: " + kind + "\r\nContent-Transfer-Encoding: base64\r\n", base64Lines(string(data))}, nil
}

// nested is another message as it is (RFC 2046 5.2.1).
func (c *composer) nested(key string) (part, error) {
	d := c.done[key]
	if d == nil {
		return part{}, fmt.Errorf("no earlier message %q", key)
	}
	encoding := "7bit"
	if !ascii(string(d.data)) {
		encoding = "8bit"
	}
	return part{"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: " + encoding + "\r\n", string(d.data)}, nil
}

// report is a notification that a message could not be delivered (RFC 3464):
// the words, the status for machines, the message.
func (c *composer) report(d *draft) (part, error) {
	fields := strings.SplitN(d.get("report"), " ", 4)
	if len(fields) != 4 {
		return part{}, fmt.Errorf("report: want key, address, status and diagnostic")
	}
	text, err := d.textPart("plain", "", wrapped(d.text, false))
	if err != nil {
		return part{}, err
	}
	original, err := c.nested(fields[0])
	if err != nil {
		return part{}, err
	}
	status := fmt.Sprintf("Reporting-MTA: dns; mx1.%s\nX-Postfix-Sender: rfc822; %s\nArrival-Date: %s\n\n"+
		"Final-Recipient: rfc822; %s\nAction: failed\nStatus: %s\nDiagnostic-Code: smtp; %s\n",
		home, d.to[0].address, c.done[fields[0]].date.Format("Mon, 02 Jan 2006 15:04:05 -0700"),
		fields[1], fields[2], fields[3])
	return d.multi("report", " report-type=delivery-status;", text,
		part{"Content-Type: message/delivery-status\r\n", crlf(status)}, original), nil
}
