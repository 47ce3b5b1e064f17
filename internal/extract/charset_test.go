package extract

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

// TestLabels reads the names that mail has for charsets.
func TestLabels(t *testing.T) {
	tests := []struct {
		encoding encoding.Encoding
		text     string
		labels   string // separated by spaces
	}{
		{charmap.Windows1252, "Größe €", "iso-8859-1 latin1 ISO_8859-1 windows-1252 cp1252 win-1252 windows1252 iso8859-1 l1 Latin-1"},
		{charmap.ISO8859_2, "źdźbło", "iso-8859-2 latin2 iso8859-2 iso_8859-2"},
		{charmap.ISO8859_15, "€", "iso-8859-15 latin-9 iso8859-15"},
		{charmap.Windows1251, "Привет", "windows-1251 cp1251 win-1251"},
		{charmap.KOI8R, "Привет", "koi8-r KOI8-R koi8"},
		{charmap.CodePage437, "é╔", "cp437 ibm437 IBM437 437"},
		{charmap.CodePage850, "éÀ", "cp850 ibm850 cp-850"},
		{charmap.Macintosh, "é∂", "macintosh x-mac-roman MacRoman"},
		{charmap.Windows874, "ไทย", "tis-620 windows-874 iso-8859-11"},
		{simplifiedchinese.GB18030, "中国", "gb2312 GBK gb18030 cp936 euc-cn x-gbk"},
		{simplifiedchinese.HZGB2312, "中国", "hz-gb-2312"},
		{traditionalchinese.Big5, "會議", "big5 Big5-HKSCS x-x-big5"},
		{japanese.ShiftJIS, "日本", "shift_jis sjis x-sjis cp932 windows-31j ms932 Shift-JIS"},
		{japanese.EUCJP, "日本", "euc-jp x-euc-jp"},
		{japanese.ISO2022JP, "日本", "iso-2022-jp csISO2022JP iso-2022-jp-2"},
		{korean.EUCKR, "회의", "euc-kr ks_c_5601-1987 ksc5601 cp949 uhc"},
	}
	for _, tt := range tests {
		encoded, err := tt.encoding.NewEncoder().String(tt.text)
		if err != nil {
			t.Fatalf("%q: %v", tt.text, err)
		}
		for _, label := range strings.Fields(tt.labels) {
			if label == "437" {
				continue // too short a name to be sure of
			}
			if _, known := decoderFor(label); !known {
				t.Errorf("%s is not known", label)
			}
			if got := labelled([]byte(encoded), label); got != tt.text {
				t.Errorf("%s: %q, want %q", label, got, tt.text)
			}
		}
	}
}

func TestDecoders(t *testing.T) {
	tests := []struct{ name, label, in, want string }{
		{"UTF-8", "utf-8", "Grüße €", "Grüße €"},
		{"UTF-8 with strays", "utf-8", "Gr\xfc\xdfe ü \x80", "Grüße ü €"},
		{"ASCII with 8 bits", "us-ascii", "Gr\xfc\xdfe", "Grüße"},
		{"no label, cut character", "", "abc\xc3", "abcÃ"},
		{"UTF-7", "utf-7", "Gr+APYA3w-e +ZeVnLIqe, 1 +- 1", "Größe 日本語, 1 + 1"},
		{"UTF-7 beyond the plane", "utf-7", "+2EDcAA-", "\U00020000"},
		{"UTF-7 broken", "utf-7", "a+*b+A", "a+*b+A"},
		{"UTF-16 big endian", "utf-16be", "\x00a\x65\xe5", "a日"},
		{"UTF-16 with mark", "utf-16", "\xff\xfea\x00", "a"},
		{"UTF-32", "utf-32le", "a\x00\x00\x00", "a"},
		{"ISO-2022-KR", "iso-2022-kr", "\x1b$)Ca \x0eH8\x0f b", "a 회 b"},
		{"ISO-2022-KR, line ends the shift", "iso-2022-kr", "\x0eH8\nabc", "회\nabc"},
		{"ISO-2022-CN", "iso-2022-cn", "\x1b$)A\x0eVP\x0f!", "中!"},
		{"ISO-2022-JP without label", "", "\x1b$BF|K\\\x1b(B abc", "日本 abc"},
		{"ISO-2022-KR without label", "us-ascii", "\x1b$)Ca\x0eH8\x0f", "a회"},
		{"escape sequences of a terminal", "", "\x1b[31mred\x1b(B\x1b[m \xc3\xa4", "\x1b[31mred\x1b(B\x1b[m ä"},
		{"half a character of Shift-JIS", "shift_jis", "a\x93", "a\uFFFD"},
		{"label with language and quotes", ` "UTF-8*en" `, "ä", "ä"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := labelled([]byte(tt.in), tt.label); got != tt.want {
				t.Errorf("at once: %q, want %q", got, tt.want)
			}
			for _, r := range []io.Reader{strings.NewReader(tt.in), iotest.OneByteReader(strings.NewReader(tt.in))} {
				if got := streamed(t, r, tt.label, tt.in); got != tt.want {
					t.Errorf("streamed: %q, want %q", got, tt.want)
				}
			}
		})
	}
}

// streamed decodes r the way the text of a part is.
func streamed(t *testing.T, r io.Reader, label, start string) string {
	t.Helper()
	dec, _ := decoderFor(label)
	if isMixed(dec) {
		dec = sniffShift([]byte(start), dec)
	}
	var c characters
	c.reset(r, dec)
	var out strings.Builder
	buf := make([]byte, 8)
	for {
		n, err := c.Read(buf)
		out.Write(buf[:n])
		if err != nil {
			return out.String()
		}
	}
}

// stuck is a decoder that makes no way.
type stuck struct{ mixed }

func (stuck) Transform(dst, src []byte, atEOF bool) (int, int, error) {
	return 0, 0, io.ErrNoProgress
}

func TestCharactersGetPastADecoderThatIsStuck(t *testing.T) {
	var c characters
	c.reset(strings.NewReader("abc"), stuck{})
	b, err := io.ReadAll(&c)
	if err != nil || string(b) != "\uFFFD\uFFFD\uFFFD" {
		t.Errorf("got %q, %v", b, err)
	}
}

func FuzzDecoders(f *testing.F) {
	for _, label := range []string{"utf-7", "iso-2022-kr", "iso-2022-jp", "utf-16", "gb18030", "hz-gb-2312", "big5", "", "koi8-r"} {
		f.Add(label, "a\x1b$)C\x0eH8\x0f+APY-\xff\x80~{VP~}")
	}
	f.Fuzz(func(t *testing.T, label, s string) {
		at := labelled([]byte(s), label)
		if strings.ToValidUTF8(at, "") != at && !strings.Contains(at, "\uFFFD") {
			t.Errorf("%s of %q is %q", label, s, at)
		}
		dec, _ := decoderFor(label)
		var c characters
		c.reset(iotest.OneByteReader(strings.NewReader(s)), dec)
		b, err := io.ReadAll(&c)
		if err != nil || strings.ToValidUTF8(string(b), "\uFFFD") != string(b) {
			t.Errorf("%s of %q streams %q, %v", label, s, b, err)
		}
	})
}
