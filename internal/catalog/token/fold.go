package token

import (
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
	text  []byte
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
	var text []byte
	for _, r := range norm.NFKC.String(string(r)) {
		if classOf(r) == letter {
			text = appendFolded(text, r, []byte(string(r)))
		}
	}
	if len(text) == 0 {
		return entry{class: separator}
	}
	return entry{letter, text}
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
	w.span = w.span[:0]
	if span := s[:n]; norm.NFKC.QuickSpanString(span) == n {
		w.span = append(w.span, span...)
	} else {
		w.compose(span)
	}
	w.normal(w.span)
	return n
}

// compose appends the normal form of s to span. The iterator is one for all:
// the other functions of package norm make one a call.
func (w *writer) compose(s string) {
	if w.iter == nil {
		w.iter = new(norm.Iter)
	}
	for w.iter.InitString(norm.NFKC, s); !w.iter.Done(); {
		w.span = append(w.span, w.iter.Next()...)
	}
}

// normal writes normalised text.
func (w *writer) normal(span []byte) {
	for len(span) > 0 {
		r, size := utf8.DecodeRune(span)
		own := span[:size]
		span = span[size:]
		if utf8.RuneSelf <= r && r < tableEnd {
			w.folded(&table[r-utf8.RuneSelf])
			continue
		}
		switch classOf(r) {
		case separator:
			w.end()
		case letter:
			w.letter = appendFolded(w.letter[:0], r, own)
			w.word(w.letter)
		case dense:
			w.dense(r)
		case mark:
			w.mark(r)
		}
	}
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

// appendFolded folds one letter or digit of normalised text (NFKC), given with
// its bytes. The result may be several: æ and ß.
func appendFolded(dst []byte, r rune, bytes []byte) []byte {
	switch {
	case 'A' <= r && r <= 'Z':
		return append(dst, byte(r)+'a'-'A')
	case r < utf8.RuneSelf:
		return append(dst, byte(r))
	case unicode.Is(unicode.Nd, r):
		return append(dst, byte('0'+digitValue(r)))
	}
	parts := norm.NFD.Properties(bytes).Decomposition()
	if parts == nil {
		parts = bytes
	}
	for len(parts) > 0 {
		part, size := utf8.DecodeRune(parts)
		parts = parts[size:]
		if !unicode.Is(foldedMarks, part) {
			dst = appendLetter(dst, part)
		}
	}
	return dst
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

// appendLetter gives the lower case of a letter, and a common form to letters
// that are written one for the other.
func appendLetter(dst []byte, r rune) []byte {
	r = unicode.ToLower(r)
	switch r {
	case 'ß':
		return append(dst, "ss"...)
	case 'æ':
		return append(dst, "ae"...)
	case 'œ':
		return append(dst, "oe"...)
	case 'þ':
		return append(dst, "th"...)
	case 'ø':
		return append(dst, "o"...)
	case 'đ', 'ð':
		return append(dst, "d"...)
	case 'ł':
		return append(dst, "l"...)
	case 'ħ':
		return append(dst, "h"...)
	case 'ŧ':
		return append(dst, "t"...)
	case 'ı':
		return append(dst, "i"...)
	case 'ς':
		return append(dst, "σ"...)
	case 'ӏ':
		return append(dst, "і"...)
	case 'ٱ':
		return append(dst, "ا"...)
	case 'ى', 'ی':
		return append(dst, "ي"...)
	case 'ة':
		return append(dst, "ه"...)
	case 'ک':
		return append(dst, "ك"...)
	}
	return utf8.AppendRune(dst, r)
}
