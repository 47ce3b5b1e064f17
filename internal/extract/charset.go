package extract

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
	"golang.org/x/text/transform"
)

// decoderFor returns what turns bytes of the named charset into UTF-8. known
// is false when the name means nothing to us; the decoder is then the one for
// no charset at all.
//
// Labels are read the way mail means them: ISO-8859-1 is Windows-1252 (as the
// WHATWG Encoding Standard has it), GB2312 and GBK are GB18030, which holds
// both, and US-ASCII, UTF-8 and unknown labels are [mixed], which loses no
// byte whichever they are.
func decoderFor(label string) (t transform.Transformer, known bool) {
	label = strings.ToLower(strings.Trim(label, " \t\"'<>"))
	label, _, _ = strings.Cut(label, "*") // RFC 2231 5: charset*language
	switch label {
	case "utf-8", "utf8", "x-utf_8j", "unicode-1-1-utf-8", "utf-8-mac":
		return mixed{named: true}, true
	case "us-ascii", "ascii", "ansi_x3.4-1968", "646",
		"", "unknown", "x-unknown", "unknown-8bit", "default", "8bit", "7bit", "binary", "none", "x-user-defined", "_autodetect", "_autodetect_all":
		return mixed{}, true
	case "utf-7", "unicode-1-1-utf-7", "x-unicode-2-0-utf-7", "csunicode11utf7", "utf7":
		return &utf7{}, true
	case "iso-2022-kr", "csiso2022kr":
		return newShifted(korean.EUCKR), true
	case "iso-2022-cn", "iso-2022-cn-ext":
		return newShifted(simplifiedchinese.GB18030), true
	case "gb2312", "gbk", "gb_2312-80", "x-gbk", "cp936", "ms936", "windows-936", "euc-cn", "csgb2312", "gb18030", "gb18030-2000", "gb18030-2022", "chinese":
		return simplifiedchinese.GB18030.NewDecoder(), true
	case "utf-16", "utf16":
		return unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewDecoder(), true
	case "utf-32", "utf32":
		return utf32.UTF32(utf32.BigEndian, utf32.UseBOM).NewDecoder(), true
	case "utf-32be":
		return utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM).NewDecoder(), true
	case "utf-32le":
		return utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM).NewDecoder(), true
	}
	if e := lookup(label); e != nil {
		return e.NewDecoder(), true
	}
	return mixed{}, false
}

// lookup finds an encoding by the names of the Encoding Standard, of IANA and
// those that older mail programs made up.
func lookup(label string) encoding.Encoding {
	if e, err := htmlindex.Get(label); err == nil && e != encoding.Replacement {
		return e
	}
	for _, index := range []*ianaindex.Index{ianaindex.MIME, ianaindex.IANA} {
		if e, err := index.Encoding(label); err == nil && e != nil && e != encoding.Replacement {
			return e
		}
	}
	switch label {
	case "cp932", "ms932", "windows-932", "x-ms-cp932":
		return japanese.ShiftJIS
	case "iso-2022-jp-2", "iso-2022-jp-1", "iso-2022-jp-3", "iso-2022-jp-ms", "cp50220", "cp50221", "jis":
		return japanese.ISO2022JP
	case "cp949", "ms949", "uhc", "ks_c_5601", "ksc5601", "x-windows-949":
		return korean.EUCKR
	case "latin-1", "iso8859_1", "iso_8859_1", "iso-8859", "latin1-ascii":
		return charmap.Windows1252
	case "macroman", "x-mac-roman", "mac-roman":
		return charmap.Macintosh
	}
	if renamed := rename(label); renamed != label {
		return lookup(renamed)
	}
	return nil
}

// rename brings names such as cp1252, win-1252, iso8859-2, iso_8859-2 and
// cp437 into the form that the indexes know.
func rename(label string) string {
	digits := strings.TrimLeft(label, "abcdefghijklmnopqrstuvwxyz-_ ")
	word := strings.Trim(label[:len(label)-len(digits)], "-_ ")
	switch {
	case word == "iso" && strings.HasPrefix(digits, "8859") && len(digits) > 5:
		return "iso-8859-" + strings.Trim(digits[4:], "-_ ")
	case len(digits) == 4 && strings.HasPrefix(digits, "125"):
		return "windows-" + digits
	case (word == "cp" || word == "ibm" || word == "ms" || word == "dos") && len(digits) == 3:
		return "ibm" + digits
	}
	return label
}

// raw decodes header text that says no charset: UTF-8 if it is valid, since
// no other charset is that by chance for long, else what its escape sequences
// say, else the charset that the message declares for its body.
func raw(b []byte, charset string) string {
	if !hasShift(b) && utf8.Valid(b) {
		return string(b)
	}
	if t, _ := decoderFor(charset); isMixed(t) {
		charset = ""
	}
	return labelled(b, charset)
}

// labelled decodes a short string as its label says. Without a usable label
// it is read by its escape sequences, else as a mixture of UTF-8 and
// Windows-1252.
func labelled(b []byte, label string) string {
	t, _ := decoderFor(label)
	if isMixed(t) {
		if t = sniffShift(b, t); isMixed(t) && utf8.Valid(b) {
			return string(b)
		}
	}
	out, _, err := transform.Bytes(t, b)
	if err != nil {
		out, _, _ = transform.Bytes(mixed{}, b)
	}
	return strings.ToValidUTF8(string(out), "\uFFFD")
}

func isMixed(t transform.Transformer) bool {
	_, ok := t.(mixed)
	return ok
}

// hasShift reports whether b holds an escape sequence of ISO 2022 that
// changes to a character set of Japanese or Korean. Terminals use others.
func hasShift(b []byte) bool {
	for {
		i := bytes.IndexByte(b, 0x1b)
		if i < 0 || i+2 >= len(b) {
			return false
		}
		if b = b[i+1:]; b[0] == '$' && strings.IndexByte("@B()", b[1]) >= 0 || b[0] == '(' && strings.IndexByte("JI", b[1]) >= 0 {
			return true
		}
	}
}

// sniffShift recognises ISO-2022-JP and ISO-2022-KR (RFC 1468, RFC 1557) in
// text that t would read as a mixture; text that says it is UTF-8 is not
// doubted.
func sniffShift(b []byte, t transform.Transformer) transform.Transformer {
	switch {
	case t == mixed{named: true} || !hasShift(b):
		return t
	case bytes.Contains(b, []byte("\x1b$)C")):
		return newShifted(korean.EUCKR)
	}
	return japanese.ISO2022JP.NewDecoder()
}

// hasNUL reports whether text of that charset has NUL bytes in it.
func hasNUL(label string) bool {
	label = strings.ToLower(label)
	return strings.HasPrefix(label, "utf-16") || strings.HasPrefix(label, "utf-32") || strings.Contains(label, "ucs")
}
