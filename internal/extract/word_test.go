package extract

import (
	"mime"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestDecodeWords(t *testing.T) {
	tests := []struct{ name, in, charset, want string }{
		{"plain", " Hello ", "", "Hello"},
		{"Q", "=?iso-8859-1?Q?Gr=FC=DFe_an_alle?=", "", "Grüße an alle"},
		{"B", "=?utf-8?B?R3LDvMOfZQ==?=", "", "Grüße"},
		{"lower case", "=?UTF-8?q?a=c3=bc?= =?utf-8?b?R3I=?=", "", "aüGr"},
		{"adjacent", "=?utf-8?Q?a?=\r\n =?utf-8?Q?b?=", "", "ab"},
		{"adjacent without space", "=?utf-8?Q?a?==?utf-8?Q?b?=", "", "ab"},
		{"space kept before text", "=?utf-8?Q?a?= b =?utf-8?Q?c?=", "", "a b c"},
		{"character split between words", "=?utf-8?B?44GC44E=?= =?utf-8?B?guOBhA==?=", "", "ああい"},
		{"two charsets", "=?iso-8859-1?Q?=E4?= =?utf-8?Q?=C3=A4?=", "", "ää"},
		{"inside a word", "plain =?utf-8?Q?inside?=word", "", "plain insideword"},
		{"language", "=?utf-8*en?Q?lang_tag?=", "", "lang tag"},
		{"not closed", "=?utf-8?q?unterminated", "", "unterminated"},
		{"not closed, another behind", "=?utf-8?q?one =?utf-8?q?two?=", "", "onetwo"},
		{"spaces inside", "=?utf-8?Q?a b c?= d", "", "a b c d"},
		{"question mark inside", "=?utf-8?Q?really??= yes", "", "really? yes"},
		{"no base64", "=?utf-8?B?!!!?=", "", "=?utf-8?B?!!!?="},
		{"base64 without padding", "=?utf-8?B?R3LDvMOfZQ?=", "", "Grüße"},
		{"base64 of odd length", "=?utf-8?B?R3LDvMOfZQA?=", "", "Grüße"},
		{"unknown charset", "=?x-unknown?Q?abc=FF?=", "", "abcÿ"},
		{"unknown charset, UTF-8", "=?x-foo?Q?=C3=A4?=", "", "ä"},
		{"no encoded word", "a =? b ?= c =?x?= d", "", "a =? b ?= c =?x?= d"},
		{"unknown encoding", "=?utf-8?X?abc?=", "", "=?utf-8?X?abc?="},
		{"raw UTF-8", "Grüße", "iso-8859-1", "Grüße"},
		{"raw bytes", "Gr\xfc\xdfe", "", "Grüße"},
		{"raw bytes in a charset", "\xc1\xc2", "koi8-r", "аб"},
		{"raw ISO-2022-JP", "\x1b$BF|K\\\x1b(B", "", "日本"},
		{"ISO-2022-KR", "=?iso-2022-kr?B?GyQpQw48LCd4DyBh?=", "", "쇗욱 a"},
		{"controls", "a\x00b\r\n\tc", "", "a b   c"},
		{"long", "=?UTF-8?Q?" + strings.Repeat("a", 200) + "?=", "", strings.Repeat("a", 200)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := decodeWords([]byte(tt.in), tt.charset)
			if tt.name == "ISO-2022-KR" { // any two syllables: that the shift works
				if utf8.RuneCountInString(got) != 4 || !strings.HasSuffix(got, " a") {
					t.Errorf("got %q", got)
				}
				return
			}
			if got != tt.want {
				t.Errorf("decodeWords(%q, %q) = %q, want %q", tt.in, tt.charset, got, tt.want)
			}
		})
	}
}

// FuzzHeaderWords checks that what the standard library encodes is read back,
// and that anything gives one clean line.
func FuzzHeaderWords(f *testing.F) {
	for _, s := range []string{"Grüße", "=?utf-8?Q?a?=", "=?iso-2022-jp?B?GyRCRnxLXA==?=", "=?utf-7?Q?+AGE-?=", "=?a?b?c", "=?utf-16?B?AGE=?=", "=?hz-gb-2312?Q?~=7B?="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := decodeWords([]byte(s), "")
		if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return r < ' ' }) {
			t.Errorf("decodeWords(%q) = %q", s, got)
		}
		decodeWords([]byte(s), "gb18030")
		if !utf8.ValidString(s) || strings.Contains(s, "=?") || strings.ContainsRune(s, utf8.RuneError) {
			return
		}
		for _, e := range []mime.WordEncoder{mime.QEncoding, mime.BEncoding} {
			encoded := e.Encode("utf-8", s)
			if got := decodeWords([]byte(encoded), ""); got != cleanLine(s) {
				t.Errorf("decodeWords(%q) = %q, want %q", encoded, got, cleanLine(s))
			}
		}
	})
}
