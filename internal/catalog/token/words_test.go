package token

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

func TestWords(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"nothing", " \t\r\n-–—", ""},
		{"case", "Hello WORLD", "hello world"},
		{"invoice", "RE-2026/00417", "re 2026 00417"},
		{"version", "v1.2.3-rc4", "v1 2 3 rc4"},
		{"url", "https://Example.org/a_b?c=d%20e", "https example org a b c d 20e"},
		{"apostrophes", "don't don’t donʼt", "don t don t don t"},
		{"german", "Größenübersicht STRASSE straße ẞ", "grossenubersicht strasse strasse ss"},
		{"composed and not", "é e\u0301 É", "e e e"},
		{"polish", "Zażółć gęślą jaźń Łódź", "zazolc gesla jazn lodz"},
		{"nordic", "Ærø Þór Åse", "aero thor ase"},
		{"vietnamese", "Hợp đồng", "hop dong"},
		{"turkish", "İstanbul ısı", "istanbul isi"},
		{"greek", "Ξεσκεπάζω ΣΟΦΌΣ σοφός", "ξεσκεπαζω σοφοσ σοφοσ"},
		{"cyrillic", "Ёлка Йод ещё", "елка иод еще"},
		{"arabic", "العَقْد المرفـــق أحمد إلى مدرسة", "العقد المرفق احمد الي مدرسه"},
		{"persian yeh and kaf", "یک", "يك"},
		{"hebrew", "שָׁלוֹם", "שלום"},
		{"digits of scripts", "٢٠٢٦ २०२६ ２０２６", "2026 2026 2026"},
		{"full width and ligature", "ＡＢＣ ﬁn", "abc fin"},
		{"hindi keeps its marks", "हिन्दी में", "हिन्दी में"},
		{"soft hyphen and joiners", "Über\u00admorgen a\u200db \ufeffc", "ubermorgen ab c"},
		{"zero width space", "a\u200bb", "a b"},
		{"symbols", "10 € 5™ ✓", "10 5"},
		{"han", "日本語", "日本 本語 語"},
		{"one character", "茶", "茶"},
		{"han and latin", "第3回ABC会議", "第 3 回 abc 会議 議"},
		{"kana", "ｶﾞｰﾄﾞ ガード", "ガー ード ド ガー ード ド"},
		{"hangul, also apart", "계약서 " + norm.NFD.String("계약서"), "계약 약서 서 계약 약서 서"},
		{"thai with its marks", "ที่แนบ", "ที่แ แน นบ บ"},
		{"no UTF-8", "a\xffb\xc3", "a b"},
		{"NUL", "a\x00b", "a b"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := strings.Join(Words(tt.text), " ")
			if got != norm.NFC.String(tt.want) && got != tt.want {
				t.Errorf("Words(%q) = %q, want %q", tt.text, got, tt.want)
			}
		})
	}
}

func TestLongWordsAreCutAlike(t *testing.T) {
	for _, long := range []string{
		strings.Repeat("a", 1000), strings.Repeat("ü", 100), strings.Repeat("द", 100), "ab" + strings.Repeat("д", 40),
		"日" + strings.Repeat("\u0e31", 100), strings.Repeat("a", 127) + "日",
	} {
		words := Words(long)
		if len(words) == 0 {
			t.Fatalf("no words of %.20q", long)
		}
		for _, w := range words {
			if len(w) > MaxWord || !utf8.ValidString(w) {
				t.Errorf("Words(%.20q…) gives %q of %d bytes", long, w, len(w))
			}
		}
		if again := Words("x " + long + " y"); !contains(again, words) {
			t.Errorf("%.20q… is cut differently in a text: %q and %q", long, again, words)
		}
	}
}

func TestPhrase(t *testing.T) {
	tests := []struct {
		text       string
		open       bool
		want       string
		wantPrefix bool
	}{
		{"", false, "", false},
		{"", true, "", false},
		{"Rechnung", false, "rechnung", false},
		{"Rech", true, "rech", true},
		{"RE-2026/00417", false, "re 2026 00417", false},
		{"日本語", false, "日本 本語", false},
		{"日本", true, "日本", false},
		{"本", false, "本", true},
		{"abc 本", false, "abc 本", true},
		{"日本 abc", false, "日本 本 abc", false},
		{"日本 本", false, "日本 本 本", true},
	}
	for _, tt := range tests {
		words, prefix := Phrase(tt.text, tt.open)
		if got := strings.Join(words, " "); got != tt.want || prefix != tt.wantPrefix {
			t.Errorf("Phrase(%q, %v) = %q, %v, want %q, %v", tt.text, tt.open, got, prefix, tt.want, tt.wantPrefix)
		}
	}
}

// contains reports whether words stand in text one behind the other.
func contains(text, words []string) bool {
	return matches(text, words, false)
}

// matches looks for a phrase the way an engine does.
func matches(text, words []string, prefix bool) bool {
	for i := 0; i+len(words) <= len(text); i++ {
		last := len(words) - 1
		if last < 0 || slices.Equal(text[i:i+last], words[:last]) &&
			(text[i+last] == words[last] || prefix && strings.HasPrefix(text[i+last], words[last])) {
			return true
		}
	}
	return false
}

func TestAppendTextAllocatesNothing(t *testing.T) {
	dst := make([]byte, 0, 4096)
	for _, text := range []string{"Plain ASCII text, with 12 numbers.", "Größe und Öl", "Прошу подтвердить", "日本語の件名と本文です"} {
		if n := testing.AllocsPerRun(100, func() { AppendText(dst, text) }); n > 0 {
			t.Errorf("AppendText(%q) allocates %v times", text, n)
		}
	}
}

var samples = []string{
	"Hello, World! RE-2026/00417", "Größenübersicht: naïve café – 10 € ✓ 漢字 кириллица", "日本語の件名と本文です。会議資料を送ります。",
	"โปรดตรวจสอบสัญญาที่แนบมา", "يرجى مراجعة العقد المرفق", "נא לאשר את החוזה", "첨부된 계약서를 확인해", "हिन्दी में पत्र", "ｶﾞｰﾄﾞ㈱①½ﷺ", "a\xff\x00b",
	"e\u0301\u0323 か\u3099 각", "İŉſẞﬁ™", "ກຸງລາວ မြန်မာ ខ្មែរ",
}

// FuzzWords checks what the package promises of every text.
// TestNothingIsAllocatedForACharacter: a text of characters that stand for many.
func TestNothingIsAllocatedForACharacter(t *testing.T) {
	text := strings.Repeat("\ufdfa \u1e9b\u0323 ክርስቶስ კონსტიტუცია ", 2000)
	dst := make([]byte, 0, MostGrowth*len(text))
	if n := testing.AllocsPerRun(5, func() { AppendText(dst, text) }); n > 50 {
		t.Errorf("%v allocations for %d bytes", n, len(text))
	}
}

// TestMostGrowth looks at every character there is.
func TestMostGrowth(t *testing.T) {
	var dst []byte
	for r := rune(1); r <= unicode.MaxRune; r++ {
		for _, text := range []string{string(r), string(r) + string(r) + string(r), "a" + string(r)} {
			if dst = AppendText(dst[:0], text); len(dst) > MostGrowth*len(text) {
				t.Fatalf("%U: %d bytes of words from %d", r, len(dst), len(text))
			}
		}
	}
}

func TestFit(t *testing.T) {
	latin, hostile := strings.Repeat("ein Wort ", 50_000), strings.Repeat("\ufdfa", 150_000)
	for _, c := range []struct {
		name          string
		text          string
		words, bytes  int
		least, noMore int
	}{
		{"empty", "", 0, 0, 0, 0},
		{"fits by its length", latin[:900], 5400, 12_000, 900, 900},
		{"fits", latin, 100_000, 450_000, len(latin), len(latin)},
		{"a byte too many", latin, 100_000, 449_999, len(latin) - 2*fitStep, len(latin) - 1},
		{"a word too many", latin, 99_999, 450_000, len(latin) - 2*fitStep, len(latin) - 1},
		{"hostile", hostile, 1 << 20, 1 << 20, 1<<20/12 - fitStep, 1<<20/11 + fitStep},
	} {
		n := Fit(c.text, c.words, c.bytes)
		if n < c.least || n > c.noMore {
			t.Errorf("%s: %d, want %d to %d", c.name, n, c.least, c.noMore)
		}
		got := AppendText(nil, c.text[:n])
		if len(got) > c.bytes || bytes.Count(got, []byte(" ")) > c.words || !utf8.ValidString(c.text[:n]) {
			t.Errorf("%s: cut at %d has %d bytes", c.name, n, len(got))
		}
	}
}

func FuzzWords(f *testing.F) {
	for _, s := range samples {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		joined := string(AppendText(nil, text))
		words := Words(text)
		sparse := true
		for _, w := range words {
			checkWord(t, text, w)
			r, _ := utf8.DecodeRuneInString(w)
			sparse = sparse && classOf(r) != dense
		}
		if want := strings.Join(words, " "); strings.TrimSuffix(joined, " ") != want {
			t.Errorf("AppendText(%q) = %q, want words %q", text, joined, want)
		}
		if sparse && !strings.ContainsFunc(joined, func(r rune) bool { return classOf(r) == dense }) {
			if again := Words(joined); !slices.Equal(again, words) {
				t.Errorf("Words(%q) = %q, again %q", text, words, again)
			}
		}
	})
}

func checkWord(t *testing.T, text, w string) {
	t.Helper()
	bad := func(c rune) bool {
		return c < utf8.RuneSelf && !('a' <= c && c <= 'z' || '0' <= c && c <= '9')
	}
	if len(w) == 0 || len(w) > MaxWord || !utf8.ValidString(w) || strings.ContainsFunc(w, bad) {
		t.Errorf("Words(%q) gives %q", text, w)
	}
}

// FuzzPhrase checks that a piece of a text is found in it as a phrase.
func FuzzPhrase(f *testing.F) {
	for i, s := range samples {
		f.Add(s, i, i+9)
	}
	f.Fuzz(func(t *testing.T, text string, from, to int) {
		piece, ok := cut(text, from, to)
		if !ok {
			return
		}
		words, prefix := Phrase(piece, false)
		if len(words) > 0 && !matches(Words(text), words, prefix) {
			t.Errorf("%q of %q: %q (prefix %v) is not in %q", piece, text, words, prefix, Words(text))
		}
	})
}

// cut returns the piece between two places where a word or, in a script
// without spaces, a character begins or ends.
func cut(text string, from, to int) (string, bool) {
	from, to = from&0xff, to&0xff
	if from > to {
		from, to = to, from
	}
	if to > len(text) || !between(text, from) || !between(text, to) {
		return "", false
	}
	return text[from:to], true
}

func between(text string, i int) bool {
	if i == 0 || i == len(text) {
		return true
	}
	if !utf8.RuneStart(text[i]) {
		return false
	}
	before, _ := utf8.DecodeLastRuneInString(text[:i])
	behind, _ := utf8.DecodeRuneInString(text[i:])
	a, b := classOf(before), classOf(behind)
	// What combines under NFKC with its neighbour is one character with it.
	if norm.NFKC.String(text[:i])+norm.NFKC.String(text[i:]) != norm.NFKC.String(text) {
		return false
	}
	return a == separator && b != mark && b != dropped || b == separator || isPlainDense(before) && isPlainDense(behind)
}

func BenchmarkAppendText(b *testing.B) {
	texts := map[string]string{
		"ascii":    strings.Repeat("The quick brown fox, number 42, jumps over https://example.org/lazy-dog.\n", 200),
		"german":   strings.Repeat("Größenübersicht über die Änderungen für Köln, bitte prüfen.\n", 200),
		"russian":  strings.Repeat("Прошу подтвердить получение договора до пятницы.\n", 200),
		"japanese": strings.Repeat("日本語の件名と本文です。会議資料を送ります。\n", 200),
		"thai":     strings.Repeat("โปรดตรวจสอบสัญญาที่แนบมา ", 200),
		"arabic":   strings.Repeat("يرجى مراجعة العقد المرفق ", 200),
	}
	for name, text := range texts {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			var dst []byte
			for b.Loop() {
				dst = AppendText(dst[:0], text)
			}
		})
	}
}
