package sample

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
	"time"
)

// assemble puts the header in front of the body part.
func (d *draft) assemble(body part) ([]byte, error) {
	var h header
	if !d.has("omit", "date") {
		h.add("Date", d.date.Format("Mon, 02 Jan 2006 15:04:05 -0700"))
	}
	if err := h.people(d); err != nil {
		return nil, err
	}
	if !d.has("omit", "subject") {
		subject, err := d.unstructured(d.subject)
		if err != nil {
			return nil, err
		}
		h.add("Subject", subject)
	}
	h.threading(d)
	h.extra(d)
	h.add("MIME-Version", "1.0")
	text := crlf(strings.Join(h.lines, "\n")+"\n") + body.String()
	return []byte(crlf(trace(d)) + d.dkim(text) + text), nil
}

// header gathers folded lines.
type header struct{ lines []string }

func (h *header) add(name, value string) {
	h.lines = append(h.lines, name+": "+strings.ReplaceAll(value, "\r\n", "\n"))
}

// addList folds a list so that lines stay short (RFC 5322 2.2.3).
func (h *header) addList(name string, items []string, between string) {
	const width = 76
	line, n := "", len(name)+2
	for i, item := range items {
		if i < len(items)-1 {
			item += strings.TrimRight(between, " ")
		}
		switch {
		case i == 0:
		case n+len(item) > width:
			line += "\n "
			n = 1
		default:
			line += " "
			n++
		}
		line += item
		n += len(item)
	}
	h.add(name, line)
}

// trace is the Received field of our gateway (RFC 5321 4.4). Only a sole
// recipient is named, and never one that the header hides.
func trace(d *draft) string {
	host, ip, with := "mail."+d.from.domain(), fmt.Sprintf("198.51.100.%d", lot(d.from)), "ESMTPS"
	switch {
	case d.from.phone != "":
		host, ip, with = "client", fmt.Sprintf("10.20.4.%d", lot(d.from)), "ESMTPSA"
	case d.from.ours():
		host, ip, with = "ops."+home, "10.20.1.9", "ESMTP"
	}
	if d.has("smtputf8", "yes") {
		with = "UTF8SMTPS" // RFC 6531 4.3
	}
	line := fmt.Sprintf("Received: from %s (%s [%s])\n\tby mx1.%s (Postfix) with %s id %s", host, host, ip, home, with, strings.ToUpper(d.hex("queue", 11)))
	if len(d.to) == 1 && d.to[0].members == nil && len(d.cc)+len(d.bcc) == 0 && d.get("rcpt") == "" {
		line += "\n\tfor <" + d.to[0].address + ">"
	}
	at := d.date.Add(2 * time.Second).In(hamburg(d.date))
	return line + ";\n\t" + at.Format("Mon, 02 Jan 2006 15:04:05 -0700 (MST)") + "\n"
}

// lot draws the last number of an IP address for a person or domain.
func lot(p person) int {
	sum := sha256.Sum256([]byte(p.domain() + p.phone))
	return 1 + int(sum[0])%250
}

// hamburg is the gateway's time zone in 2026: summer time ended on 25 October
// at 01:00 UTC.
func hamburg(t time.Time) *time.Location {
	const hour = 60 * 60
	if t.Before(time.Date(2026, 10, 25, 1, 0, 0, 0, time.UTC)) {
		return time.FixedZone("CEST", 2*hour)
	}
	return time.FixedZone("CET", hour)
}

func (h *header) people(d *draft) error {
	for _, list := range []struct {
		name   string
		people []person
	}{{"From", []person{d.from}}, {"To", d.to}, {"Cc", d.cc}} {
		if len(list.people) == 0 {
			continue
		}
		var items []string
		for _, p := range list.people {
			item, err := d.mailbox(p)
			if err != nil {
				return err
			}
			items = append(items, item)
		}
		h.addList(list.name, items, ", ")
	}
	return nil
}

// mailbox writes "Name <address>" (RFC 5322 3.4).
func (d *draft) mailbox(p person) (string, error) {
	if p.name == "" {
		return p.address, nil
	}
	name := p.name
	switch {
	case ascii(name) && strings.ContainsAny(name, ".,:;@()<>[]\\"):
		name = `"` + name + `"`
	case !ascii(name):
		var err error
		if name, err = d.unstructured(name); err != nil {
			return "", err
		}
	}
	return name + " <" + p.address + ">", nil
}

// unstructured encodes text for a header in the message's charset, or in
// UTF-8 when that lacks a character.
func (d *draft) unstructured(text string) (string, error) {
	switch {
	case ascii(text):
		return folded(text), nil
	case d.has("smtputf8", "yes"):
		return text, nil
	case d.has("rawheader", "yes"):
		return recode(d.charset(), text)
	}
	letter := d.letter()
	if words, err := encodedWords(d.charset(), text, letter); err == nil {
		return words, nil
	}
	return encodedWords("utf-8", text, letter)
}

// letter is the encoding that is shorter for the language: Q for Latin
// letters, B for others (RFC 2047 4).
func (d *draft) letter() byte {
	switch d.lang {
	case "ar", "el", "he", "ja", "ru", "th", "zh":
		return 'B'
	}
	return 'Q'
}

// folded breaks a long ASCII subject at a space.
func folded(text string) string {
	head, tail := breakAt(text, lineWidth-10)
	if tail == "" {
		return text
	}
	return head + "\n " + folded(tail)
}

func (h *header) threading(d *draft) {
	if !d.has("omit", "message-id") {
		h.add("Message-ID", d.id)
	}
	if refs := d.references(); len(refs) > 0 {
		if d.get("reply") != "" {
			h.add("In-Reply-To", d.parent.id)
		}
		h.addList("References", refs, " ")
	}
}

func (h *header) extra(d *draft) {
	if line := d.from.agent.header; line != "" {
		h.lines = append(h.lines, line)
	}
	h.lines = append(h.lines, d.fields["header"]...)
	list := d.get("list")
	if list == "" {
		return
	}
	h.add("List-Id", list) // RFC 2919
	h.add("List-Unsubscribe", fmt.Sprintf("<https://www.%s/abo/%s>,\n <mailto:abmelden@%s>", d.from.domain(), d.hex("abo", 12), d.from.domain()))
	h.add("List-Unsubscribe-Post", "List-Unsubscribe=One-Click") // RFC 8058
	h.add("Precedence", "bulk")
}

// dkim is a DKIM-Signature (RFC 6376 3.5) over the text when the sender's
// domain has one. Its body hash is right; the signature itself is by no key.
func (d *draft) dkim(text string) string {
	if d.from.dkim == "" {
		return ""
	}
	_, body, _ := strings.Cut(text, "\r\n\r\n")
	bh := sha256.Sum256([]byte(strings.TrimRight(body, "\r\n") + "\r\n")) // 3.4.3
	var sig string
	for i := range 8 {
		sig += string(d.hash(fmt.Sprint("dkim", i)))
	}
	b := strings.TrimRight(strings.ReplaceAll(base64Lines(sig), "\r\n", "\r\n\t "), "\r\n\t ")
	return fmt.Sprintf("DKIM-Signature: v=1; a=rsa-sha256; c=simple/simple; d=%s; s=%s;\r\n\tt=%d; h=Date:From:To:Subject:Message-ID;\r\n\tbh=%s;\r\n\tb=%s\r\n",
		d.from.domain(), d.from.dkim, d.date.Unix(), base64.StdEncoding.EncodeToString(bh[:]), b)
}
