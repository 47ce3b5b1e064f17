package sample

import (
	"fmt"
	"html"
	"strings"
)

// page is the HTML form of a message as mail programs write it.
func (d *draft) page(images []string) string {
	if s := d.section("html"); s != nil {
		return s.text
	}
	var b strings.Builder
	b.WriteString("<html><head><meta http-equiv=\"Content-Type\" content=\"text/html; charset=" + d.charset() + "\"></head>\n")
	fmt.Fprintf(&b, "<body%s style=\"font-family:Calibri,Arial,sans-serif;font-size:11pt\">\n", d.direction())
	b.WriteString(markup(d.own))
	for _, cid := range images {
		fmt.Fprintf(&b, "<p><img src=\"cid:%s\" alt=\"\"></p>\n", cid)
	}
	if d.sign != "" {
		b.WriteString("<div style=\"color:#44546a;font-size:9pt\">\n" + markup(d.sign) + "</div>\n")
	}
	if d.quoted != "" {
		b.WriteString(d.quotedMarkup())
	}
	if url := d.get("pixel"); url != "" {
		fmt.Fprintf(&b, "<img src=\"%s\" width=\"1\" height=\"1\" alt=\"\" style=\"display:none\">\n", html.EscapeString(url))
	}
	b.WriteString("</body></html>")
	return b.String()
}

func (d *draft) section(name string) *section {
	for i := range d.sections {
		if d.sections[i].name == name {
			return &d.sections[i]
		}
	}
	return nil
}

// direction sets right-to-left writing.
func (d *draft) direction() string {
	if d.lang == "ar" || d.lang == "he" {
		return ` dir="rtl"`
	}
	return ""
}

func (d *draft) quotedMarkup() string {
	if d.from.agent.outlook || d.get("forward") != "" {
		return "<div style=\"border:none;border-top:solid #e1e1e1 1.0pt;padding:3.0pt 0cm 0cm 0cm\">\n" + markup(d.quoted) + "</div>\n"
	}
	return markup(d.quoted)
}

// markup turns lines into paragraphs, tables into <pre>, links into <a> and
// quotations into nested <blockquote>.
func markup(text string) string {
	var b strings.Builder
	depth := 0
	var run []string
	flush := func() {
		b.WriteString(paragraphs(run))
		run = nil
	}
	for _, line := range strings.Split(text, "\n") {
		mark, rest := quoteMark(line)
		level := strings.Count(mark, ">")
		if level != depth {
			flush()
		}
		for ; depth < level; depth++ {
			b.WriteString("<blockquote type=\"cite\">\n")
		}
		for ; depth > level; depth-- {
			b.WriteString("</blockquote>\n")
		}
		run = append(run, rest)
	}
	flush()
	b.WriteString(strings.Repeat("</blockquote>\n", depth))
	return b.String()
}

func paragraphs(lines []string) string {
	var b strings.Builder
	for _, part := range strings.Split(strings.Join(lines, "\n"), "\n\n") {
		part = strings.Trim(part, "\n")
		switch {
		case part == "":
		case strings.HasPrefix(part, "  "):
			b.WriteString("<pre>" + html.EscapeString(part) + "</pre>\n")
		default:
			b.WriteString("<p>" + strings.ReplaceAll(linked(part), "\n", "<br>\n") + "</p>\n")
		}
	}
	return b.String()
}

func linked(text string) string {
	fields := strings.SplitAfter(text, " ")
	for i, f := range fields {
		word := html.EscapeString(f)
		if strings.HasPrefix(f, "https://") {
			url := strings.TrimSpace(word)
			word = fmt.Sprintf("<a href=\"%s\">%s</a>%s", url, url, word[len(url):])
		}
		fields[i] = word
	}
	return strings.Join(fields, "")
}
