package extract

import (
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/transform"
)

// mixed reads UTF-8 and takes each byte that is not part of it as
// Windows-1252.
type mixed struct {
	transform.NopResetter
	named bool // the text says it is UTF-8
}

func (mixed) Transform(dst, src []byte, atEOF bool) (nDst, nSrc int, err error) {
	if n := min(len(dst), len(src)); utf8.Valid(src[:n]) && (n == len(src)) {
		return copy(dst, src), n, nil
	}
	for nSrc < len(src) {
		if c := src[nSrc]; c < utf8.RuneSelf {
			if nDst == len(dst) {
				return nDst, nSrc, transform.ErrShortDst
			}
			dst[nDst] = c
			nDst++
			nSrc++
			continue
		}
		if !atEOF && !utf8.FullRune(src[nSrc:]) {
			return nDst, nSrc, transform.ErrShortSrc
		}
		r, size := utf8.DecodeRune(src[nSrc:])
		if r == utf8.RuneError && size == 1 {
			r = charmap.Windows1252.DecodeByte(src[nSrc])
		}
		if nDst+utf8.RuneLen(r) > len(dst) {
			return nDst, nSrc, transform.ErrShortDst
		}
		nDst += utf8.EncodeRune(dst[nDst:], r)
		nSrc += size
	}
	return nDst, nSrc, nil
}

// shifted reads the 7-bit forms of Korean (RFC 1557) and Chinese (RFC 1922):
// between SO and SI each byte stands for the one with the high bit set.
type shifted struct {
	charset encoding.Encoding
	dec     transform.Transformer
	on      bool // after SO
}

func newShifted(e encoding.Encoding) *shifted {
	return &shifted{charset: e, dec: e.NewDecoder()}
}

func (s *shifted) Reset() { s.on = false; s.dec.Reset() }

// Transform gives the bytes to the 8-bit decoder in runs that fit dst. One
// character takes at most four bytes on either side.
func (s *shifted) Transform(dst, src []byte, atEOF bool) (nDst, nSrc int, err error) {
	for nSrc < len(src) {
		if len(dst)-nDst < 8 {
			return nDst, nSrc, transform.ErrShortDst
		}
		c := src[nSrc]
		switch {
		case c == 0x0e || c == 0x0f:
			s.on = c == 0x0e
			nSrc++
		case c == 0x1b:
			n := escapeLength(src[nSrc:])
			if n == 0 && !atEOF {
				return nDst, nSrc, transform.ErrShortSrc
			}
			nSrc += max(n, 1)
		case !s.on || c <= ' ':
			s.on = s.on && c != '\n' // RFC 1557 2: a line ends in ASCII
			dst[nDst] = c & 0x7f
			nDst++
			nSrc++
		default:
			if nSrc+1 == len(src) {
				if !atEOF {
					return nDst, nSrc, transform.ErrShortSrc
				}
				return nDst, len(src), nil // half a character
			}
			pair := [2]byte{c | 0x80, src[nSrc+1] | 0x80}
			n, _, _ := s.dec.Transform(dst[nDst:], pair[:], true)
			nDst += n
			nSrc += 2
		}
	}
	return nDst, nSrc, nil
}

// escapeLength is the length of the designation that src begins with: ESC $ )
// or ESC $ * and a letter. 0 means that src is too short to tell.
func escapeLength(src []byte) int {
	if len(src) < 4 {
		return 0
	}
	if src[1] == '$' && (src[2] == ')' || src[2] == '*') {
		return 4
	}
	return 1
}

// utf7 reads UTF-7 (RFC 2152).
type utf7 struct {
	transform.NopResetter
	// text is what a run says: a character of three bytes for 16 bits at most.
	text [2 * maxUTF7Run]byte
}

func (u *utf7) Transform(dst, src []byte, atEOF bool) (nDst, nSrc int, err error) {
	for nSrc < len(src) {
		if src[nSrc] != '+' {
			if len(dst)-nDst < utf8.UTFMax {
				return nDst, nSrc, transform.ErrShortDst
			}
			nDst += utf8.EncodeRune(dst[nDst:], charmap.Windows1252.DecodeByte(src[nSrc]))
			nSrc++
			continue
		}
		text, used, whole := u.run(src[nSrc:])
		if !whole && !atEOF && len(src)-nSrc < maxUTF7Run {
			return nDst, nSrc, transform.ErrShortSrc
		}
		if len(dst)-nDst < len(text) {
			return nDst, nSrc, transform.ErrShortDst
		}
		nDst += copy(dst[nDst:], text)
		nSrc += used
	}
	return nDst, nSrc, nil
}

// maxUTF7Run is the longest run of modified base64 that is read; what is
// longer is cut there.
const maxUTF7Run = 1024

// run reads one "+base64-" run. whole is false when src ends before the run
// does. The text is good until the next call.
func (u *utf7) run(src []byte) (text []byte, used int, whole bool) {
	src = src[:min(len(src), maxUTF7Run)]
	end := 1
	for end < len(src) && base64Value(src[end]) < 64 {
		end++
	}
	used, whole = end, end < len(src)
	if whole && src[end] == '-' {
		used++
		if end == 1 {
			return src[:1], used, true
		}
	}
	if text = u.decode(src[1:end]); len(text) == 0 {
		return src[:used], used, whole
	}
	return text, used, whole
}

// decode reads digits of base64 as UTF-16; bits behind the last unit are
// padding.
func (u *utf7) decode(digits []byte) []byte {
	text := u.text[:0]
	var high rune // of a pair of surrogates (RFC 2781 2.2), 0 when none is open
	var bits uint32
	n := 0
	for _, d := range digits {
		bits = bits<<6 | uint32(base64Value(d))
		if n += 6; n < 16 {
			continue
		}
		n -= 16
		unit := rune(bits >> n & 0xffff)
		switch pair := utf16.DecodeRune(high, unit); {
		case high != 0 && pair != utf8.RuneError:
			text = utf8.AppendRune(text, pair)
			high = 0
			continue
		case high != 0:
			text = utf8.AppendRune(text, utf8.RuneError)
			high = 0
		}
		if unit >= 0xd800 && unit < 0xdc00 {
			high = unit
			continue
		}
		text = utf8.AppendRune(text, unit) // a low surrogate alone becomes U+FFFD
	}
	if high != 0 {
		text = utf8.AppendRune(text, utf8.RuneError)
	}
	return text
}
