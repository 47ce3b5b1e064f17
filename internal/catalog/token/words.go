package token

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// AppendText appends the words of text to dst, each with a space behind it.
// It allocates nothing for a character: room in dst, and for what is normalised.
func AppendText(dst []byte, text string) []byte {
	w := writer{dst: dst, start: -1}
	w.text(text)
	return w.dst
}

// MostGrowth is how much longer than a text its words get at most: U+FDFA, of
// three bytes, stands for four words of 34 with their spaces.
const MostGrowth = 12

// fitStep is how finely Fit cuts.
const fitStep = 16 << 10

// Fit returns how much of text has at most so many words, and they, each with a
// space behind it, at most so many bytes. A text that is too long is cut at a
// whole character, a little before that.
func Fit(text string, maxWords, maxBytes int) int {
	if len(text)*MostGrowth <= min(maxBytes, 2*maxWords) { // a word has a byte and its space
		return len(text)
	}
	var room []byte
	for at := 0; at < len(text); {
		end := min(at+fitStep, len(text))
		if space := strings.LastIndexByte(text[at:end], ' '); space > 0 && end < len(text) {
			end = at + space
		}
		for end < len(text) && !utf8.RuneStart(text[end]) {
			end--
		}
		room = AppendText(room[:0], text[at:end])
		maxBytes -= len(room)
		maxWords -= bytes.Count(room, []byte(" "))
		if maxBytes < 0 || maxWords < 0 {
			return at
		}
		at = end
	}
	return len(text)
}

// Words returns the words of text in order.
func Words(text string) []string {
	return strings.Fields(string(AppendText(nil, text)))
}

// Phrase returns the words to look for, next to each other in that order, to
// find a piece of text. The last is the beginning of a word when prefix is
// true: because the asker wants that (open), or because a single character of
// a script without spaces begins a word together with whatever follows it.
func Phrase(text string, open bool) (words []string, prefix bool) {
	w := writer{start: -1}
	w.text(text)
	words = strings.Fields(string(w.dst))
	n := len(words)
	if n == 0 || !endsDense(words[n-1]) {
		return words, open && n > 0
	}
	if w.lastRun > 1 {
		return words[:n-1], false // the pair before it says it all
	}
	return words, true
}

func endsDense(word string) bool {
	r, _ := utf8.DecodeRuneInString(word)
	return classOf(r) == dense
}

// writer writes words behind each other.
type writer struct {
	dst   []byte
	start int // of the open word in dst, -1 when none is open

	// A run of a script without spaces: the last two characters. They are
	// written when it is known that no more marks follow.
	before, current cluster
	lastRun         int // characters in the last run

	span, letter []byte // room for what is normalised and folded
	iter         *norm.Iter
}

// cluster is a character with its marks.
type cluster struct {
	size  int
	bytes [maxCluster]byte
}

func (c *cluster) append(r rune) {
	if n := utf8.RuneLen(r); n > 0 && c.size+n <= maxCluster {
		c.size += utf8.EncodeRune(c.bytes[c.size:], r)
	}
}

// maxCluster is the longest character with its marks, in bytes; two make a
// word. Marks beyond that are dropped.
const maxCluster = MaxWord / 2

// text writes the words of s.
func (w *writer) text(s string) {
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z' || '0' <= c && c <= '9':
			w.ascii(c)
			i++
		case 'A' <= c && c <= 'Z':
			w.ascii(c + ('a' - 'A'))
			i++
		case c < utf8.RuneSelf:
			w.end()
			i++
		default:
			i += w.wide(s[i:])
		}
	}
	w.end()
}

func (w *writer) ascii(c byte) {
	if w.start < 0 {
		w.open()
	}
	if len(w.dst)-w.start < 2*MaxWord { // room for a cut at a whole character
		w.dst = append(w.dst, c)
	}
}

// wide writes what s begins with, which is not ASCII, and returns how much of
// s that was.
func (w *writer) wide(s string) int {
	r, size := utf8.DecodeRuneInString(s)
	switch {
	case r < tableEnd:
		w.folded(&table[r-utf8.RuneSelf])
		return size
	case isPlainDense(r) && !strings.HasPrefix(s[size:], "\u3099") && !strings.HasPrefix(s[size:], "\u309a"):
		w.dense(r)
		return size
	}
	return w.slow(s)
}

func (w *writer) folded(e *entry) {
	switch e.class {
	case separator:
		w.end()
	case letter:
		w.word(e.text)
	}
}

// word appends to the open word, or opens one.
func (w *writer) word(s []byte) {
	if w.start < 0 {
		w.open()
	}
	if len(w.dst)-w.start < 2*MaxWord {
		w.dst = append(w.dst, s...)
	}
}

func (w *writer) open() {
	w.endRun()
	w.start = len(w.dst)
}

// end closes the open word or run.
func (w *writer) end() {
	if w.start >= 0 {
		w.close()
	}
	w.endRun()
}

// close cuts the open word at MaxWord and puts a space behind it.
func (w *writer) close() {
	if n := w.start + MaxWord; len(w.dst) > n {
		for n > w.start && !utf8.RuneStart(w.dst[n]) {
			n--
		}
		w.dst = w.dst[:n]
	}
	if len(w.dst) > w.start {
		w.dst = append(w.dst, ' ')
	}
	w.start = -1
}

// dense takes the next character of a script without spaces.
func (w *writer) dense(r rune) {
	if w.start >= 0 {
		w.close()
	}
	if w.current.size == 0 {
		w.lastRun = 0
	}
	w.pair()
	w.before = w.current
	w.current.size = 0
	w.current.append(r)
	w.lastRun++
}

// mark adds a mark to the current character of a run, or else to a word.
func (w *writer) mark(r rune) {
	if w.current.size > 0 {
		w.current.append(r)
		return
	}
	var b [utf8.UTFMax]byte
	w.word(b[:utf8.EncodeRune(b[:], r)])
}

// pair writes the word of the last two characters, when there are two.
func (w *writer) pair() {
	if w.before.size > 0 {
		w.dst = append(w.dst, w.before.bytes[:w.before.size]...)
		w.dst = append(append(w.dst, w.current.bytes[:w.current.size]...), ' ')
	}
}

// endRun writes what is left of a run.
func (w *writer) endRun() {
	if w.current.size == 0 {
		return
	}
	w.pair()
	w.dst = append(append(w.dst, w.current.bytes[:w.current.size]...), ' ')
	w.before.size, w.current.size = 0, 0
}
