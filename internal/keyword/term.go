package keyword

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// kind is what sort of term a piece of text is.
type kind uint8

const (
	nothing kind = iota
	word         // of letters, perhaps with hyphens
	code         // an invoice or part number, a version, an identifier
	name         // a file's or a host's name
	run          // of Han or Katakana
)

// Sizes of a piece in bytes.
const (
	maxPiece = 60 // longer ones are encoded data
	maxCode  = 32
	// minEncoded is the least length of what isEncoded looks at: base64 has
	// lines of 60 to 76.
	minEncoded = 32
)

// pieces calls found with each piece of a line that may be a term, in order.
// A piece is what stands between spaces, without punctuation around it, whole
// where letters and digits are joined by "-", "/", "_", "." or "'".
func pieces(line string, found func(piece string, k kind, at int)) {
	for i := 0; i < len(line); {
		start := i
		dense := false
		for i < len(line) && line[i] != ' ' && line[i] != '\t' {
			dense = dense || line[i] >= 0xe3
			i++
		}
		chunk := line[start:i]
		i++
		switch {
		case len(chunk) < 2 || isAddress(chunk) || len(chunk) >= minEncoded && isEncoded(chunk):
		case dense && hasDense(chunk):
			runs(chunk, start, found)
		case len(chunk) <= 4*maxPiece:
			split(chunk, start, found)
		}
	}
}

// isAddress knows URLs and mail addresses.
func isAddress(chunk string) bool {
	for i := range len(chunk) {
		switch chunk[i] {
		case '@':
			return true
		case ':':
			if strings.HasPrefix(chunk[i:], "://") {
				return true
			}
		}
	}
	return strings.HasPrefix(chunk, "www.") || strings.HasPrefix(chunk, "mailto:")
}

// isEncoded knows base64 and the like: capitals inside and no hyphen.
func isEncoded(chunk string) bool {
	rises := 0
	for i := 1; i < len(chunk); i++ {
		if chunk[i] == '-' || chunk[i] == '_' {
			return false
		}
		if chunk[i] >= 'A' && chunk[i] <= 'Z' && (chunk[i-1] >= 'a' && chunk[i-1] <= 'z' || chunk[i-1] >= '0' && chunk[i-1] <= '9') {
			rises++
		}
	}
	return rises > 3
}

// split takes a chunk apart at all that does not join.
func split(chunk string, at int, found func(string, kind, int)) {
	for i := 0; i < len(chunk); {
		n, digits := span(chunk[i:])
		if n > 1 && n <= maxPiece {
			classify(chunk[i:i+n], digits, at+i, found)
		}
		if n == 0 {
			_, n = utf8.DecodeRuneInString(chunk[i:])
		}
		i += n
	}
}

// span returns how many bytes of letters, digits and what joins them s begins
// with, and how many of them are digits.
func span(s string) (n, digits int) {
	for n < len(s) {
		if size := letterSize(s[n:]); size > 0 {
			if s[n] <= '9' {
				digits++
			}
			n += size
			continue
		}
		join := joinSize(s[n:])
		if n == 0 || join == 0 || letterSize(s[n+join:]) == 0 {
			return n, digits
		}
		n += join
	}
	return n, digits
}

// letterSize returns the bytes of the letter or digit that s begins with, 0
// when there is none.
func letterSize(s string) int {
	if s == "" {
		return 0
	}
	switch c := s[0]; {
	case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9':
		return 1
	case c < utf8.RuneSelf:
		return 0
	}
	r, size := utf8.DecodeRuneInString(s)
	if !isLetter(r) {
		return 0
	}
	return size
}

func joinSize(s string) int {
	switch c := s[0]; {
	case c == '-' || c == '/' || c == '_' || c == '.' || c == '\'':
		return 1
	case strings.HasPrefix(s, "’"):
		return len("’")
	}
	return 0
}

// isLetter reports whether a character that is not ASCII is part of a word.
// Thai and its neighbours are left out: without a dictionary there is no
// telling where their words end.
func isLetter(r rune) bool {
	if 0x0e00 <= r && r <= 0x0eff || 0x1000 <= r && r <= 0x109f || 0x1780 <= r && r <= 0x17ff {
		return false
	}
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsMark(r) || r == '\u00ad')
}

// classify says what a piece is, and takes it apart further where it is not
// one term.
func classify(piece string, digits, at int, found func(string, kind, int)) {
	if digits > 0 {
		piece = withoutNumber(piece)
		switch {
		case isPath(piece):
			if base := piece[strings.LastIndexByte(piece, '/')+1:]; len(base) > 3 {
				found(base, name, at)
			}
		case len(piece) <= maxCode && isCode(piece) && !isHost(piece):
			found(piece, code, at)
		}
		return
	}
	if isPlain(piece) {
		found(piece, word, at)
		return
	}
	for part := range strings.FieldsFuncSeq(piece, func(r rune) bool { return r == '/' || r == '\'' || r == '’' }) {
		switch {
		case !strings.ContainsAny(part, "._"):
			found(part, word, at)
		case missesSpace(part):
			for sentence := range strings.SplitSeq(part, ".") {
				found(sentence, word, at)
			}
		case !isHost(part):
			found(part, name, at)
		}
	}
}

// isPlain reports whether a piece is letters and hyphens.
func isPlain(piece string) bool {
	for i := range len(piece) {
		switch piece[i] {
		case '/', '\'', '.', '_', "’"[0]:
			return false
		}
	}
	return true
}

// missesSpace knows two sentences without a space between: "done.Next".
func missesSpace(s string) bool {
	i := strings.IndexByte(s, '.')
	return i > 0 && i+1 < len(s) && s[i+1] >= 'A' && s[i+1] <= 'Z' && s[i-1] >= 'a'
}

// withoutNumber takes off the number of a list's item that no space follows:
// "2.Modify".
func withoutNumber(piece string) string {
	rest := strings.TrimLeft(piece, "0123456789")
	if len(rest) > 3 && len(rest) < len(piece) && rest[0] == '.' && rest[1] >= 'A' {
		return rest[1:]
	}
	return piece
}

// isPath knows the names of files in folders.
func isPath(s string) bool {
	if strings.IndexFunc(s, unicode.IsLower) < 0 { // SPR/2026/118
		return false
	}
	return strings.Count(s, "/") > 1 || strings.Contains(s, "/") && strings.LastIndexByte(s, '.') > len(s)-5
}

// isHost knows the names of hosts by how they end.
func isHost(s string) bool {
	switch s[strings.LastIndexByte(s, '.')+1:] {
	case "com", "org", "net", "edu", "gov", "de", "fr", "uk", "eu", "at", "ch", "it", "es", "nl", "pl", "io", "info", "cz", "jp", "au", "ca", "example", "test", "local":
		return true
	}
	return false
}

// isCode tells numbers that name something (an invoice, a part, a version of
// something) from amounts, dates, digests and encoded data.
func isCode(piece string) bool {
	s := shapeOf(piece)
	switch joined := strings.ContainsAny(piece, "-/_"); {
	case s.hex && s.letters > 0 && s.longest >= 7: // a digest, a UUID
		return false
	case s.switches > 3: // encoded
		return false
	case s.letters == 0:
		return s.digits >= 6 && joined && !strings.Contains(piece, ".") && !isDate(piece) &&
			!(s.digits == 6 && strings.IndexByte(piece, '/') == 3) // 095/125: of a series
	case piece[0] <= '9' && !joined: // 16MB, 3rdparty, but not 10th, 5kW, 14h
		return s.digits >= 2 && s.letters >= 2 && s.upper > 0 || s.digits == 1 && s.letters >= 4
	case strings.Contains(piece, ".") && s.digits > 8 && s.letters < 3:
		return false
	}
	return len(piece) >= 3
}

// shape is what a piece is made of.
type shape struct {
	digits, letters, upper int
	switches               int  // between letters and digits that touch
	longest                int  // run of letters and digits
	hex                    bool // all letters are hexadecimal digits
}

func shapeOf(piece string) shape {
	s := shape{hex: true}
	length := 0
	var before, class byte
	for i := range len(piece) {
		switch c := piece[i]; {
		case '0' <= c && c <= '9':
			class = 'd'
			s.digits++
		case 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || c >= utf8.RuneSelf:
			class = 'l'
			s.letters++
			s.hex = s.hex && (c|0x20) <= 'f'
			if c <= 'Z' {
				s.upper++
			}
		default:
			before, length = 0, 0
			continue
		}
		if before != 0 && before != class {
			s.switches++
		}
		before = class
		length++
		s.longest = max(s.longest, length)
	}
	return s
}

// isDate knows dates and times made of digits.
func isDate(piece string) bool {
	i := strings.IndexAny(piece, "-/_'")
	if i < 0 {
		return false
	}
	a, rest := piece[:i], piece[i+1:]
	if len(a) == 4 {
		return len(rest) == 5 && strings.ContainsAny(rest, "-/") || len(rest) == 2
	}
	return len(a) <= 2 && strings.Count(piece, piece[len(a):len(a)+1]) == 2
}
