package token

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// class says what a character does to words.
type class uint8

const (
	separator class = iota
	letter          // part of a word
	dense           // of a script without spaces
	mark            // kept; part of the character before it
	dropped         // as if it were not there
)

// entry is the class of a character and what it becomes.
type entry struct {
	class class
	text  string
}

// tableEnd is the first character that is not in the table: behind Latin,
// Greek, Cyrillic, Armenian, Hebrew and Arabic. All marks before it are
// dropped, so that each character folds by itself.
const tableEnd = 0x700

// table holds the characters from 0x80 up to tableEnd, folded. It is never
// changed.
var table = makeTable()

func makeTable() (t [tableEnd - utf8.RuneSelf]entry) {
	for i := range t {
		t[i] = tableEntry(rune(i) + utf8.RuneSelf)
	}
	return t
}

func tableEntry(r rune) entry {
	c := classOf(r)
	if c != letter {
		return entry{class: c}
	}
	var b strings.Builder
	for _, r := range norm.NFKC.String(string(r)) {
		if classOf(r) == letter {
			b.WriteString(foldRune(r))
		}
	}
	if b.Len() == 0 {
		return entry{class: separator}
	}
	return entry{letter, b.String()}
}

// classOf returns the class of a character that is not folded yet.
func classOf(r rune) class {
	switch {
	case r < utf8.RuneSelf:
		if 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' {
			return letter
		}
		return separator
	case isPlainDense(r):
		return dense
	case unicode.Is(foldedMarks, r) || r == tatweel:
		return dropped
	case unicode.Is(unicode.Cf, r):
		if r == zeroWidthSpace {
			return separator
		}
		return dropped
	case unicode.In(r, unicode.Mn, unicode.Mc, unicode.Me):
		return mark
	case r == apostrophe || !unicode.In(r, unicode.L, unicode.N):
		return separator
	case r == prolonged || unicode.In(r, denseScripts()...):
		return dense
	}
	return letter
}

const (
	apostrophe     = '\u02bc' // a letter by its category, written for '
	tatweel        = '\u0640' // stretches an Arabic word
	zeroWidthSpace = '\u200b'
	prolonged      = '\u30fc' // lengthens a vowel in kana; of no script of its own
)

// IsDense reports whether a character is of a script without spaces, in which
// each begins a word (see the package comment).
func IsDense(r rune) bool {
	const first = 0x0e00 // Thai is the lowest of them
	return r >= first && classOf(r) == dense
}

func denseScripts() []*unicode.RangeTable {
	return []*unicode.RangeTable{
		unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Bopomofo,
		unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar, unicode.Yi, unicode.Tangut, unicode.Nushu,
	}
}

// isPlainDense knows the common characters of Chinese, Japanese, Korean and
// Thai that are their own folded form.
func isPlainDense(r rune) bool {
	return 0x4e00 <= r && r <= 0x9fff || 0x3041 <= r && r <= 0x3096 || 0x30a1 <= r && r <= 0x30fa || r == prolonged ||
		0xac00 <= r && r <= 0xd7a3 || 0x0e01 <= r && r <= 0x0e30 || r == 0x0e32 || 0x0e40 <= r && r <= 0x0e45
}

// foldedMarks are the combining marks that are left out: those of Latin,
// Greek, Cyrillic, Hebrew and Arabic, those for symbols, and variation
// selectors. It is never changed.
var foldedMarks = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x0300, 0x036f, 1}, {0x0483, 0x0489, 1}, {0x0591, 0x05bd, 1}, {0x05bf, 0x05bf, 1}, {0x05c1, 0x05c2, 1},
		{0x05c4, 0x05c5, 1}, {0x05c7, 0x05c7, 1}, {0x0610, 0x061a, 1}, {0x064b, 0x065f, 1}, {0x0670, 0x0670, 1},
		{0x06d6, 0x06dc, 1}, {0x06df, 0x06e4, 1}, {0x06e7, 0x06e8, 1}, {0x06ea, 0x06ed, 1}, {0x08d3, 0x08ff, 1},
		{0x180b, 0x180d, 1}, {0x1ab0, 0x1aff, 1}, {0x1dc0, 0x1dff, 1}, {0x20d0, 0x20ff, 1}, {0xfe00, 0xfe0f, 1},
		{0xfe20, 0xfe2f, 1},
	},
	R32: []unicode.Range32{{0xe0100, 0xe01ef, 1}},
}

// slow writes the characters that are neither in the table nor plain, up to
// the next that is no part of a word, and returns how much of s that was.
// They are normalised together, since marks combine with what is before them.
func (w *writer) slow(s string) int {
	n := slowSpan(s)
	if n == 0 {
		_, size := utf8.DecodeRuneInString(s)
		w.end()
		return size
	}
	span := s[:n]
	if !norm.NFKC.IsNormalString(span) {
		span = norm.NFKC.String(span)
	}
	for _, r := range span {
		switch classOf(r) {
		case separator:
			w.end()
		case letter:
			w.word(foldRune(r))
		case dense:
			w.dense(r)
		case mark:
			w.mark(r)
		}
	}
	return n
}

// maxSpan bounds what is normalised at once.
const maxSpan = 4096

func slowSpan(s string) int {
	n := 0
	for n < len(s) {
		r, size := utf8.DecodeRuneInString(s[n:])
		c := classOf(r)
		if r < tableEnd && c != dropped || c == separator || r == utf8.RuneError && size == 1 || n > maxSpan && c != mark {
			break
		}
		n += size
	}
	return n
}

// foldRune folds one letter or digit of normalised text (NFKC). The result
// may be several: æ and ß.
func foldRune(r rune) string {
	switch {
	case r < utf8.RuneSelf:
		return strings.ToLower(string(r))
	case unicode.Is(unicode.Nd, r):
		return string('0' + digitValue(r))
	}
	var b strings.Builder
	for _, part := range norm.NFD.String(string(r)) {
		if !unicode.Is(foldedMarks, part) {
			b.WriteString(foldLetter(part))
		}
	}
	return b.String()
}

// digitValue returns the value of a decimal digit: each script has ten in a
// row (Unicode 4.6).
func digitValue(r rune) rune {
	for zero := r; ; zero-- {
		if !unicode.Is(unicode.Nd, zero-1) || r-zero == 9 {
			return r - zero
		}
	}
}

// foldLetter gives the lower case of a letter, and a common form to letters
// that are written one for the other.
func foldLetter(r rune) string {
	r = unicode.ToLower(r)
	switch r {
	case 'ß':
		return "ss"
	case 'æ':
		return "ae"
	case 'œ':
		return "oe"
	case 'þ':
		return "th"
	case 'ø':
		return "o"
	case 'đ', 'ð':
		return "d"
	case 'ł':
		return "l"
	case 'ħ':
		return "h"
	case 'ŧ':
		return "t"
	case 'ı':
		return "i"
	case 'ς':
		return "σ"
	case 'ӏ':
		return "і"
	case 'ٱ':
		return "ا"
	case 'ى', 'ی':
		return "ي"
	case 'ة':
		return "ه"
	case 'ک':
		return "ك"
	}
	return string(r)
}
