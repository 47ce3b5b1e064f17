package keyword

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// hasDense reports whether a chunk holds a script without spaces.
func hasDense(chunk string) bool {
	for _, r := range chunk {
		if r >= 0x3040 && isDense(r) {
			return true
		}
	}
	return false
}

func isDense(r rune) bool {
	return r >= 0x3041 && r <= 0x30ff || r >= 0x3400 && r <= 0x9fff || r >= 0x20000 && r <= 0x3ffff
}

// Lengths of runs in characters.
const (
	minRun      = 2
	maxHan      = 6
	minKatakana = 3
	maxKatakana = 12
)

// runs takes Chinese and Japanese apart into runs of Han, cut at particles,
// and of Katakana. What stands between is taken as other text.
func runs(chunk string, at int, found func(string, kind, int)) {
	start, count, script := 0, 0, byte(0)
	flush := func(end int) {
		piece := chunk[start:end]
		switch {
		case script == 'h' && strings.HasPrefix(chunk[end:], "様"): // who is addressed
		case script == 'h':
			hanRun(piece, count, at+start, found)
		case script == 'k' && count >= minKatakana && count <= maxKatakana:
			found(piece, run, at+start)
		case script == 'x' && len(piece) <= 4*maxPiece:
			split(piece, at+start, found)
		}
	}
	var before rune
	for i, r := range chunk {
		s := scriptOf(r)
		if s == 'h' && strings.ContainsRune(units, r) && isNumeral(before) {
			s = 0
		}
		before = r
		if s != script {
			flush(i)
			start, count, script = i, 0, s
		}
		count++
	}
	flush(len(chunk))
}

// hanRun takes a run of Han as it is, without what says only where something
// is; one that is too long is cut in front of the characters that often begin
// a word.
func hanRun(piece string, count, at int, found func(string, kind, int)) {
	if count > maxHan {
		_, first := utf8.DecodeRuneInString(piece)
		i := strings.IndexAny(piece[first:], units+places)
		if i < 0 {
			return
		}
		i += first
		hanRun(piece[:i], utf8.RuneCountInString(piece[:i]), at, found)
		hanRun(piece[i:], utf8.RuneCountInString(piece[i:]), at+i, found)
		return
	}
	if last, size := utf8.DecodeLastRuneInString(piece); count > minRun && strings.ContainsRune(places, last) {
		piece, count = piece[:len(piece)-size], count-1
	}
	if count >= minRun {
		found(piece, run, at)
	}
}

// Characters that are a word of their own in some places and a part of one in
// others: 5月, but 月刊; 会議中, but 中国.
const (
	units  = "年月日" // behind a number
	places = "上下中" // at the end of a run of three or more
)

// isNumeral knows what stands in front of a unit.
func isNumeral(r rune) bool {
	return unicode.Is(unicode.Nd, r) || strings.ContainsRune(numerals, r)
}

const numerals = "一二三四五六七八九十百千〇元数"

// scriptOf returns h for Han, k for Katakana, x for what has spaces, and
// else 0.
func scriptOf(r rune) byte {
	switch {
	case r >= 0x30a1 && r <= 0x30fa || r == 'ー':
		return 'k'
	case r >= 0x3400 && r <= 0x9fff:
		if strings.ContainsRune(particles, r) {
			return 0
		}
		return 'h'
	case r < 0x2000:
		return 'x'
	}
	return 0
}

// particles are Chinese words of one character that join others.
const particles = "的了是在和与及我们你他她它有不为对将请您这那就也都而或被把给让向从到等以于一二三四五六七八九十时分個个号様"
