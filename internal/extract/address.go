package extract

import (
	"bytes"
	"strings"
)

// addressReader reads address lists (RFC 5322 3.4, obsolete forms of 4.4
// included) and what senders make of them. A bad entry never costs the
// others: whatever a reader would take for an address comes out.
//
// Commas and semicolons separate entries. Quotes, comments and angle brackets
// that are not closed are taken as ordinary characters. A group gives its
// members; an empty one, such as "undisclosed-recipients:;", gives a
// Participant with only a name.
type addressReader struct {
	charset string // of raw 8-bit names; may be empty
	text    string // the field as UTF-8, encoded-words still in place
	pos     int
	limit   int // participants at most
	list    []Participant
	entry   entry
	open    int  // up to here no comment closes
	unended int  // up to here no quote closes
	inner   bool // the text is the content of an encoded-word
}

// entry is the mailbox being read.
type entry struct {
	words    []string // atoms and quoted strings outside of brackets
	spaced   []bool   // white space or a comment stands before the word
	comments []string
	angle    string // inside of <>
	hasAngle bool
	named    int  // words before the bracket
	at       bool // a word has an @
	space    bool
}

// addresses returns the participants of an address field, at most limit.
func addresses(value []byte, charset string, limit int) []Participant {
	r := addressReader{charset: charset, text: cleanLine(raw(value, charset)), limit: limit}
	r.read()
	return r.list
}

func (r *addressReader) read() {
	for r.pos < len(r.text) && len(r.list) < r.limit {
		switch c := r.text[r.pos]; c {
		case ' ', '\t':
			r.pos++
			r.entry.space = true
		case ',', ';':
			r.pos++
			r.finish()
		case ':':
			r.pos++
			r.colon()
		case '"':
			r.word(r.quotedEnd())
		case '(':
			r.comment()
		case '<':
			r.angle()
		case '>':
			r.pos++
		default:
			r.word(r.atomEnd())
		}
	}
	if len(r.list) < r.limit {
		r.finish()
	}
}

// word takes the text up to end as one word.
func (r *addressReader) word(end int) {
	e := &r.entry
	e.add(r.text[r.pos:end])
	r.pos = end
}

func (e *entry) add(word string) {
	e.words = append(e.words, word)
	e.spaced = append(e.spaced, e.space)
	e.space = false
	e.at = e.at || strings.Contains(word, "@")
}

// atomEnd finds the end of an atom. An encoded-word is one atom whatever
// characters it holds.
func (r *addressReader) atomEnd() int {
	if rest := r.text[r.pos:]; strings.HasPrefix(rest, "=?") {
		if w, ok := parseWord([]byte(rest[:min(len(rest), maxWord)])); ok {
			return r.pos + w.length
		}
	}
	end := strings.IndexAny(r.text[r.pos+1:], " \t,;:\"(<")
	if end < 0 {
		return len(r.text)
	}
	if i := strings.Index(r.text[r.pos+1:r.pos+1+end], "=?"); i >= 0 {
		end = i
	}
	return r.pos + 1 + end
}

// maxWord is the longest encoded-word that is recognised in an address list;
// RFC 2047 2 allows 75 characters.
const maxWord = 2000

// maxName is the longest name or address kept, in bytes. RFC 5321 4.5.3.1 has
// addresses of 254.
const maxName = 2000

// maxQuoted is how far a closing quote, parenthesis or bracket is looked for.
const maxQuoted = 2000

// quotedEnd finds the end of a quoted string, quotes included. A quote that
// is not closed, or only behind an address, is an atom of its own.
func (r *addressReader) quotedEnd() int {
	limit := min(len(r.text), r.pos+maxQuoted)
	for i := r.pos + 1; i < limit && r.pos >= r.unended; i++ {
		switch r.text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	r.unended = max(r.unended, limit)
	return r.pos + 1
}

// comment reads a comment, which may hold others (RFC 5322 3.2.2).
func (r *addressReader) comment() {
	depth := 0
	limit := min(len(r.text), r.pos+maxQuoted)
	for i := r.pos; i < limit && r.pos >= r.open; i++ {
		switch r.text[i] {
		case '\\':
			i++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				r.entry.comments = append(r.entry.comments, r.text[r.pos+1:i])
				r.entry.space = true
				r.pos = i + 1
				return
			}
		}
	}
	r.open = max(r.open, limit)
	r.pos++ // not closed: what follows is read as words
	r.entry.space = true
}

// angle reads "<…>". A second one in an entry begins a new entry, whose name
// is what stands between.
func (r *addressReader) angle() {
	if e := r.entry; e.hasAngle {
		r.entry.words, r.entry.spaced = e.words[:e.named], e.spaced[:e.named]
		r.finish()
		r.entry.words, r.entry.spaced = e.words[e.named:], e.spaced[e.named:]
	}
	r.entry.named = len(r.entry.words)
	inside := r.text[r.pos+1:]
	end := angleEnd(inside)
	r.entry.angle = inside[:end]
	r.entry.hasAngle = true
	r.pos = min(len(r.text), r.pos+1+end)
	if r.pos < len(r.text) && r.text[r.pos] == '>' {
		r.pos++
	}
}

// angleEnd finds the closing bracket, outside of quotes. Without one the
// address ends at the next comma, semicolon or opening bracket.
func angleEnd(inside string) int {
	inQuotes, fallback := false, -1
	for i := 0; i < len(inside) && i < maxQuoted; i++ {
		switch c := inside[i]; {
		case c == '\\' && inQuotes:
			i++
		case c == '"':
			inQuotes = !inQuotes
		case c == '>' && !inQuotes:
			return i
		case c == '<' && !inQuotes:
			if fallback >= 0 {
				return fallback
			}
			return i
		case (c == ',' || c == ';') && fallback < 0 && !strings.HasPrefix(inside, "@"):
			fallback = i
		}
	}
	if end := strings.IndexByte(inside[:min(len(inside), maxQuoted)], '>'); end >= 0 && inQuotes {
		return end
	}
	if fallback >= 0 {
		return fallback
	}
	return len(inside)
}

// colon ends the name of a group, unless it stands in an address or behind
// one, as in "mailto:a@b".
func (r *addressReader) colon() {
	e := &r.entry
	if e.hasAngle || e.at {
		e.add(":")
		return
	}
	name := e.name(r.charset)
	r.entry = entry{}
	rest := strings.TrimLeft(r.text[r.pos:], " \t")
	if (rest == "" || rest[0] == ';') && name != "" {
		r.list = append(r.list, Participant{Name: name})
	}
}

// finish ends an entry and lists what it holds.
func (r *addressReader) finish() {
	e := r.entry
	r.entry = entry{}
	if e.hasAngle {
		r.bracketed(e)
		return
	}
	found := e.bare()
	if len(found) == 0 {
		r.nameOnly(e)
		return
	}
	for i, address := range found {
		p := Participant{Address: clean(address)}
		if i == len(found)-1 {
			p.Name = e.name(r.charset)
		}
		r.list = append(r.list, p)
	}
}

// bracketed lists "name <address>". Some write the address as the name and
// leave the brackets empty.
func (r *addressReader) bracketed(e entry) {
	p := Participant{Name: e.name(r.charset), Address: clean(e.angle)}
	if p.Address == "" {
		if inName := e.bare(); len(inName) > 0 {
			p.Address = clean(inName[0])
			p.Name = e.name(r.charset)
		}
	}
	if p.Name == "" && p.Address == "" {
		return
	}
	r.list = append(r.list, p)
}

// nameOnly lists an entry without an address. An address may hide in an
// encoded-word, which RFC 2047 5 forbids and senders do.
func (r *addressReader) nameOnly(e entry) {
	name := e.name(r.charset)
	if strings.Contains(name, "@") && !r.inner {
		inner := addressReader{text: name, limit: r.limit - len(r.list), inner: true}
		inner.read()
		r.list = append(r.list, inner.list...)
		return
	}
	if name == "" {
		return
	}
	p := Participant{Name: name}
	if len(e.words) == 1 && !strings.HasPrefix(e.words[0], "=?") && e.words[0][0] != '"' {
		p = Participant{Address: name} // a local user: "To: root"
		if len(e.comments) > 0 {
			p = Participant{Address: cleanLine(e.words[0]), Name: decodeWords([]byte(strings.Join(e.comments, " ")), r.charset)}
		}
	}
	r.list = append(r.list, p)
}

// bare takes the addresses out of the words of an entry without brackets and
// leaves the other words. White space around "@" and "." is allowed (RFC 5322
// 4.4); otherwise it separates.
func (e *entry) bare() []string {
	var found, names []string
	var spaced []bool
	for i := 0; i < len(e.words); {
		end := i + 1
		for end < len(e.words) && e.joined(end) {
			end++
		}
		if token := strings.Join(e.words[i:end], ""); isAddress(token) {
			found = append(found, token)
		} else {
			names = append(names, e.words[i:end]...)
			spaced = append(spaced, e.spaced[i:end]...)
		}
		i = end
	}
	if len(found) > 0 {
		e.words, e.spaced = names, spaced
	}
	return found
}

// isAddress reports whether a token without white space looks like local@domain.
// An encoded-word is a name whatever it holds.
func isAddress(token string) bool {
	return strings.Contains(token[1:], "@") && token[len(token)-1] != '"' && !strings.Contains(token, "=?")
}

// joined reports whether word i belongs to the same address as the one before
// it.
func (e *entry) joined(i int) bool {
	before, word := e.words[i-1], e.words[i]
	if !e.spaced[i] {
		return true
	}
	return word[0] == '@' || word == "." || before[len(before)-1] == '@' && len(before) < 80 || before == "."
}

// name puts words and comments together to the display name: "Name (comment)",
// or what there is of it.
func (e *entry) name(charset string) string {
	var b bytes.Buffer
	for i, w := range e.words {
		if i > 0 && e.spaced[i] {
			b.WriteByte(' ')
		}
		if len(w) > 1 && w[0] == '"' && w[len(w)-1] == '"' {
			w = unquote(w[1 : len(w)-1])
		}
		b.WriteString(w)
	}
	name := decodeWords(b.Bytes(), charset)
	if n := len(name); n > 1 && name[0] == '"' && strings.IndexByte(name[1:], '"') == n-2 {
		name = name[1 : n-1] // quotes within an encoded-word
	}
	comment := decodeWords([]byte(strings.Join(e.comments, " ")), charset)
	switch {
	case name == "":
		name = comment
	case comment != "":
		name += " (" + comment + ")"
	}
	return shorten(name, maxName)
}

// unquote undoes quoted-pairs (RFC 5322 3.2.4).
func unquote(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// clean brings what stands in brackets into the form local@domain: without
// source route (RFC 5322 4.4), "mailto:", comments and white space outside of
// quotes.
func clean(address string) string {
	if strings.Contains(address, "=?") {
		address = decodeWords([]byte(address), "")
	}
	if colon := strings.IndexByte(address, ':'); colon >= 0 && strings.HasPrefix(strings.TrimSpace(address), "@") {
		address = address[colon+1:]
	}
	address = string(stripComments([]byte(address)))
	if len(address) > 7 && strings.EqualFold(address[:7], "mailto:") {
		address = address[7:]
	}
	if !strings.Contains(address, `"`) {
		address = strings.Join(strings.Fields(address), "")
	}
	return shorten(strings.Trim(address, " \t<>'"), maxName)
}
