package sample

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// write puts together the text of a message: body, signature, quotation.
func (d *draft) write() {
	d.own = d.body
	if d.get("list") != "" {
		d.own += "\n\n" + d.unsubscribe()
	}
	d.sign = d.signature()
	d.quoted = d.quotation()
	d.text = d.own
	if d.sign != "" {
		d.text += "\n\n" + d.dashes() + d.sign
	}
	if d.quoted != "" {
		d.text += "\n\n" + d.quoted
	}
}

// dashes begin a signature (RFC 3676 4.3); Outlook does not write them.
func (d *draft) dashes() string {
	if d.from.agent.outlook {
		return ""
	}
	return "-- \n"
}

func (d *draft) unsubscribe() string {
	url := "https://www." + d.from.domain() + "/abo/" + d.hex("abo", 12)
	if d.lang == "de" {
		return "Sie wollen nichts mehr von uns lesen? Hier abmelden: " + url
	}
	return "Unsubscribe: " + url
}

// signature is the outsider's own; for one of ours the short one among
// colleagues and the one with the company's particulars for the world.
func (d *draft) signature() string {
	switch {
	case d.get("sign") == "none":
		return ""
	case !d.from.ours() || d.from.phone == "":
		return d.from.signature
	case d.internal():
		return fmt.Sprintf("%s\n%s, Tel. %s", d.from.name, d.from.title(d.lang), d.from.phone[len(d.from.phone)-4:])
	}
	lines := []string{d.from.name, d.from.title(d.lang), "",
		"Nordwind Maritime GmbH · Speicherkai 12 · 20457 Hamburg",
		fmt.Sprintf("%s · %s · www.nordwind.example", d.from.phone, d.from.address)}
	return strings.Join(append(lines, particulars(d.lang)...), "\n")
}

// particulars must stand in a German company's letters (GmbHG § 35a).
func particulars(lang string) []string {
	if lang == "de" {
		return []string{"Geschäftsführerin: Dr. Sabine Heller · Sitz: Hamburg · Amtsgericht Hamburg HRB 000000", "",
			"Diese E-Mail enthält vertrauliche Informationen. Sind Sie nicht der richtige Adressat, informieren Sie bitte den Absender und löschen Sie diese E-Mail."}
	}
	return []string{"Managing Director: Dr. Sabine Heller · Registered office: Hamburg · Local court Hamburg HRB 000000", "",
		"This e-mail contains confidential information. If you are not the intended recipient, please inform the sender and delete it."}
}

func (d *draft) internal() bool {
	for _, list := range [][]person{d.to, d.cc, d.bcc} {
		for _, p := range list {
			if !p.ours() {
				return false
			}
		}
	}
	return true
}

// quotation is the parent's text under a line or block that says whose it is.
func (d *draft) quotation() string {
	if d.parent == nil || d.get("quote") == "none" {
		return ""
	}
	if d.get("forward") != "" || d.from.agent.outlook {
		return d.above() + "\n\n" + d.parent.text
	}
	return d.attribution() + "\n" + prefixed(d.parent.text)
}

func prefixed(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ">") || line == "" {
			lines[i] = ">" + line
		} else {
			lines[i] = "> " + line
		}
	}
	return strings.Join(lines, "\n")
}

func (d *draft) attribution() string {
	p := d.parent
	switch d.lang {
	case "de":
		return fmt.Sprintf("Am %s schrieb %s:", p.date.Format("02.01.2006 um 15:04"), p.from.name)
	case "fr":
		return fmt.Sprintf("Le %s, %s a écrit :", p.date.Format("02/01/2006 à 15:04"), p.from.name)
	case "pl":
		return fmt.Sprintf("W dniu %s, %s pisze:", p.date.Format("02.01.2006 o 15:04"), p.from.name)
	}
	return fmt.Sprintf("On %s, %s wrote:", p.date.Format("2 January 2006 at 15:04"), p.from.name)
}

// above is the block that Outlook puts over what it quotes.
func (d *draft) above() string {
	p := d.parent
	names := []string{"-----Original Message-----", "From", "Sent", "To", "Cc", "Subject"}
	sent := p.date.Format("Monday, January 2, 2006 3:04 PM")
	if d.lang == "de" {
		names = []string{"-----Ursprüngliche Nachricht-----", "Von", "Gesendet", "An", "Cc", "Betreff"}
		sent = germanDate(p.date)
	}
	lines := []string{names[0], names[1] + ": " + listed(p.from), names[2] + ": " + sent, names[3] + ": " + listed(p.to...)}
	if len(p.cc) > 0 {
		lines = append(lines, names[4]+": "+listed(p.cc...))
	}
	return strings.Join(append(lines, names[5]+": "+p.subject), "\n")
}

func listed(people ...person) string {
	var list []string
	for _, p := range people {
		list = append(list, fmt.Sprintf("%s <%s>", p.name, p.address))
	}
	return strings.Join(list, "; ")
}

func germanDate(t time.Time) string {
	days := strings.Fields("Sonntag Montag Dienstag Mittwoch Donnerstag Freitag Samstag")
	months := strings.Fields("Januar Februar März April Mai Juni Juli August September Oktober November Dezember")
	return fmt.Sprintf("%s, %d. %s %s", days[t.Weekday()], t.Day(), months[t.Month()-1], t.Format("2006 15:04"))
}

const (
	lineWidth = 72  // characters, as mail programs break lines
	maxLine   = 990 // bytes: RFC 5321 4.5.3.1.6 allows 998 without the line end
)

// wrapped breaks long lines at spaces and repeats the marks of quotation. With
// flowed, a broken line of ours ends in a space (RFC 3676 4.2).
func wrapped(text string, flowed bool) string {
	var out []string
	for _, line := range strings.Split(text, "\n") {
		mark, rest := quoteMark(line)
		soft := flowed && mark == ""
		if soft && line != "-- " {
			rest = stuffed(strings.TrimRight(rest, " "))
		}
		for {
			head, tail := breakAt(rest, lineWidth-len(mark))
			if tail == "" {
				out = append(out, mark+rest)
				break
			}
			if soft {
				head += " "
			}
			out = append(out, mark+head)
			rest = tail
		}
	}
	return strings.Join(out, "\n")
}

// stuffed keeps a line from being taken for a quotation (RFC 3676 4.4).
func stuffed(line string) string {
	if strings.HasPrefix(line, " ") || strings.HasPrefix(line, ">") || strings.HasPrefix(line, "From ") {
		return " " + line
	}
	return line
}

func quoteMark(line string) (mark, rest string) {
	rest = strings.TrimLeft(line, ">")
	mark = line[:len(line)-len(rest)]
	if mark != "" && strings.HasPrefix(rest, " ") {
		mark, rest = mark+" ", rest[1:]
	}
	return mark, rest
}

// breakAt cuts a line at the last space within width characters. A line that
// begins with spaces is a table's and stays whole, as does one without spaces.
func breakAt(line string, width int) (head, tail string) {
	if utf8.RuneCountInString(line) <= width || strings.HasPrefix(line, "  ") {
		return line, ""
	}
	cut, n := -1, 0
	for i, r := range line {
		if r == ' ' && (n <= width || cut < 0) {
			cut = i
		}
		if n++; n > width && cut >= 0 {
			break
		}
	}
	if cut < 0 {
		return line, ""
	}
	return strings.TrimRight(line[:cut], " "), line[cut+1:]
}
