package keyword

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// reader goes through the lines of a text and tells the author's own from
// others'.
type reader struct {
	rest       string
	start      []byte // the folded beginning of the current line
	paragraphs int    // begun, of the author's own
	lines      int    // of the current paragraph
	signature  signature
	named      bool // the paragraph is what a name stands above: the end of a signature
	patch      bool // within one
	calendar   bool // within an iCalendar object
	forwarded  bool // a forwarded message begins
}

// next returns the next line that is the author's own, trimmed, which is empty
// at the end of a paragraph; false at the end of the text.
func (r *reader) next() (line string, more bool) {
	for r.rest != "" {
		line := r.line()
		if line == "" {
			r.lines, r.named = 0, false
			return "", true
		}
		before := len(r.rest)
		if r.ends(line) {
			r.rest = ""
			return "", false
		}
		if len(r.rest) != before { // of an introduction in two lines
			continue
		}
		if line, ok := r.own(line); ok {
			r.lines++
			return line, true
		}
	}
	return "", false
}

// line takes a line off the rest.
func (r *reader) line() string {
	line, rest, _ := strings.Cut(r.rest, "\n")
	r.rest = rest
	return strings.TrimSpace(line)
}

// peek returns the next line that is not empty.
func (r *reader) peek() string {
	rest := r.rest
	for range 4 {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		if line = strings.TrimSpace(line); line != "" {
			return line
		}
	}
	return ""
}

// ends reports whether everything from this line on is somebody else's.
func (r *reader) ends(line string) bool {
	switch {
	case isDivider(line):
		if isForward(line) {
			r.forwarded = true
			return false
		}
		return line[0] != '_' || endsBelow(r.peek())
	case r.forwarded:
		return false
	case isHeaderBlock(line, r.rest):
		return true
	case r.intro(line):
		next := r.peek()
		return next != "" && !isQuoted(next)
	}
	return false
}

// intro reports whether a line is, or begins, one like "On ... wrote:", and
// takes its second line off the rest.
func (r *reader) intro(line string) bool {
	if isIntro(line) {
		return true
	}
	if !isIntroStart(line) {
		return false
	}
	if next, _, _ := strings.Cut(r.rest, "\n"); !isIntroEnd(strings.TrimSpace(next)) {
		return false
	}
	r.line()
	return true
}

// own returns what is the author's own of a line, false when nothing is.
func (r *reader) own(line string) (string, bool) {
	switch {
	case isQuoted(line) || isIntro(line) || isDivider(line):
		return "", false
	case r.calendar:
		r.calendar = line != "END:VCALENDAR"
		return "", false
	case r.patch && line != "--":
		return patchPath(line)
	}
	r.start = foldStart(r.start[:0], line)
	if greeted, ok := cutGreeting(line, r.start); ok {
		r.signature, r.forwarded = none, false
		return greeted, greeted != ""
	}
	if r.signature == dashed || r.signature == closed && !isProse(line) {
		return "", false
	}
	r.signature = none
	if r.isName(line) {
		r.named = true
	}
	switch {
	case r.named:
		return "", false
	case line == "--":
		r.signature, r.patch = dashed, false
		return "", false
	case isClosing(line, r.start):
		r.signature = closed
		return "", false
	case line == "BEGIN:VCALENDAR":
		r.calendar = true
		return "", false
	case isPatch(line):
		r.patch = true
		return patchPath(line)
	case isField(line) || isContact(line) || isDiffStat(line):
		return "", false
	}
	if r.lines == 0 {
		r.paragraphs++
	}
	r.forwarded = false
	return line, true
}

// signature says whether a line is part of one, and what began it. A greeting
// ends it: the same text follows once more, from its HTML part, or another.
type signature uint8

const (
	none   signature = iota
	closed           // by "Kind regards": prose ends it too
	dashed           // by "-- " (RFC 3676 4.3)
)

// isProse tells a sentence from a line of a signature.
func isProse(line string) bool {
	return len(line) > 50 && strings.Count(line, " ") >= 8 && !strings.ContainsAny(line, "·|•@")
}

func isQuoted(line string) bool { return line[0] == '>' || line[0] == '|' }

// isDivider knows what mail programs put above the message that is answered.
func isDivider(line string) bool {
	if len(line) < 10 || line[0] != '-' && line[0] != '_' && line[0] != 'B' && line[0] != 'A' {
		return false
	}
	if strings.Trim(line, "_") == "" {
		return len(line) >= 20 // Outlook's line
	}
	inner := strings.Trim(line, "- ")
	if line[0] == '-' && (len(inner) > 60 || !strings.HasPrefix(line, "--")) {
		return false
	}
	return isForward(line) || line[0] == '-' && hasAny(inner, "Original", "Ursprüngl", "Message d", "origine", "Messaggio", "Mensaje orig", "Oorspronkelijk")
}

// endsBelow tells by what follows whether a line of underscores ends the text,
// as Outlook and mailing lists draw it, or is an ornament.
func endsBelow(next string) bool {
	return hasPrefix(strings.TrimLeft(next, "*"), headerStarts...) || hasAny(next, "mailing list", "http")
}

func isForward(line string) bool {
	return hasAny(line, "Forwarded message", "Forwarded Message", "Begin forwarded", "Weitergeleitete", "Anfang der weitergeleiteten", "Message transféré", "Message transf")
}

func hasAny(s string, parts ...string) bool {
	for _, part := range parts {
		if strings.Contains(s, part) {
			return true
		}
	}
	return false
}

// headerStarts begin the header above an answered message. It is never changed.
var headerStarts = []string{"From:", "Von:", "De:", "De :", "Da:", "Van:", "Od:", "Från:"}

// isHeaderBlock knows the header that Outlook puts above the message that is
// answered, by its first line and one of the next.
func isHeaderBlock(line, rest string) bool {
	if len(line) > 300 || !hasPrefix(strings.TrimLeft(line, "*"), headerStarts...) {
		return false
	}
	for range 6 {
		line, after, _ := strings.Cut(rest, "\n")
		rest = after
		if hasPrefix(strings.TrimLeft(line, "* "), "Sent:", "Gesendet:", "Envoyé", "Inviato:", "Enviado", "Verzonden:", "Wysłano:", "Subject:", "Betreff:", "Objet") {
			return true
		}
	}
	return false
}

func hasPrefix(s string, prefixes ...string) bool {
	for _, prefix := range prefixes {
		if strings.HasPrefix(s, prefix) {
			return true
		}
	}
	return false
}

// isIntro knows the line above a quotation: "On ... wrote:".
func isIntro(line string) bool {
	if len(line) > 250 || line[len(line)-1] != ':' {
		return false
	}
	return isIntroEnd(line) && (isIntroStart(line) || strings.ContainsAny(line, "@<"))
}

func isIntroStart(line string) bool {
	return len(line) < 250 && hasPrefix(line, "On ", "Am ", "Le ", "Il ", "El ", "W dniu", "Op ", "Den ", "Em ", "At ", "In ", "*On ") &&
		strings.ContainsAny(line, "0123456789@")
}

func isIntroEnd(line string) bool {
	if line == "" || line[len(line)-1] != ':' && !strings.HasSuffix(line, ": ") || len(line) > 250 {
		return false
	}
	return hasAny(line, "wrote", "writes", "schrieb", "a écrit", "scritto", "escribió", "pisze", "napisał", "schreef", "skrev", "escreveu", "said:", "geschrieben")
}

// isPatch knows where a patch begins.
func isPatch(line string) bool {
	return hasPrefix(line, "diff --git ", "diff -", "--- a/", "Index: ", "@@ -")
}

// patchPath returns the name of the file that a patch changes: nothing else in
// it are words.
func patchPath(line string) (string, bool) {
	if path, ok := strings.CutPrefix(line, "+++ "); ok {
		path, _, _ = strings.Cut(path, "\t")
		return path[strings.LastIndexByte(path, '/')+1:], true
	}
	return "", false
}

// isDiffStat knows a line of what a patch changes: "drivers/net.c | 12 +++---".
func isDiffStat(line string) bool {
	if line[0] >= '0' && line[0] <= '9' && hasAny(line, " file changed, ", " files changed, ") {
		return true
	}
	if strings.IndexByte(line, '|') < 0 {
		return false
	}
	path, counts, ok := strings.Cut(line, " | ")
	counts = strings.TrimLeft(counts, " ")
	return ok && counts != "" && (counts[0] >= '0' && counts[0] <= '9' || strings.HasPrefix(counts, "Bin")) &&
		!strings.Contains(strings.TrimRight(path, " "), " ")
}

// isField knows the fields of reports and trailers: Signed-off-by,
// Diagnostic-Code, and "Date:" where it stands behind a forwarded "From:".
func isField(line string) bool {
	name, value, ok := strings.Cut(line, ":")
	if !ok || len(name) < 2 || len(name) > 30 || name[0] < 'A' || name[0] > 'Z' {
		return false
	}
	if value != "" && value[0] != ' ' {
		return false
	}
	switch name {
	case "From", "To", "Cc", "Bcc", "Date", "Sent", "Link", "Fixes", "Von", "An", "Gesendet", "Datum", "De", "Envoyé", "Action", "Status", "Organization":
		return true
	}
	hyphen := strings.IndexByte(name, '-')
	return hyphen > 0 && strings.IndexFunc(name, func(c rune) bool { return c != '-' && !unicode.IsLetter(c) }) < 0
}

// isContact knows lines with a telephone number, with several things side by
// side, and with nothing but a person and an address.
func isContact(line string) bool {
	if len(line) > 160 {
		return false
	}
	if strings.Count(line, " · ")+strings.Count(line, " | ") > 1 {
		return true
	}
	if hasDigit(line) && hasAny(line, "Tel.", "Tel:", "Telefon", "Phone:", "Fax:", "Fax ", "HRB ", "Mobil:", "Mobile:", "Tél", "+49 ", "+33 ", "+44 ", "+1 ") {
		return true
	}
	return strings.IndexByte(line, '@') > 0 && strings.Count(line, " ") < 6 && strings.Contains(line[strings.LastIndexByte(line, ' ')+1:], "@")
}

func hasDigit(s string) bool {
	for i := range len(s) {
		if s[i] >= '0' && s[i] <= '9' {
			return true
		}
	}
	return false
}

// isName knows a name that stands alone behind the text, as people sign.
func (r *reader) isName(line string) bool {
	if r.lines > 0 || r.paragraphs == 0 || len(line) > 40 || strings.Count(line, " ") > 2 {
		return false
	}
	for word := range strings.FieldsSeq(line) {
		first, _ := utf8.DecodeRuneInString(word)
		if !unicode.IsUpper(first) || strings.ContainsAny(word, "0123456789:;!?/") {
			return false
		}
	}
	return true
}
