package cli

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSafe(t *testing.T) {
	tests := []struct{ in, want string }{
		{"plain ä 寸 👩‍👧", "plain ä 寸 👩‍👧"},
		{"a\tb\r\nc\rd", "a b c d"},
		{"\x1b[2J", `\x1b[2J`},
		{"\u009b31m", `\u009b31m`},
		{"\x7f\x00", `\x7f\x00`},
		{"\u202egnp.exe", `\u202egnp.exe`},
		{"\u2066\u200f\u2028", `\u2066\u200f\u2028`},
		{"bad \xff\xc3", `bad \xff\xc3`},
		{"soft\u00adhyphen", `soft\u00adhyphen`},
		{"\U000e0041", `\U000e0041`},
		{"می\u200cخواهم", "می\u200cخواهم"},
		{"�", "�"},
	}
	for _, test := range tests {
		if got := safe(test.in); got != test.want {
			t.Errorf("safe(%q) = %q, want %q", test.in, got, test.want)
		}
	}
	if got, want := safeLines("a\tb\r\nc\rd\x1b\n"), "a\tb\nc\\x0dd\\x1b\n"; got != want {
		t.Errorf("safeLines: %q, want %q", got, want)
	}
}

// What is shown never commands the terminal, and JSON says the same as ever.
func FuzzSafe(f *testing.F) {
	for _, s := range []string{"\x1b]0;x\a", "\u202e\U000e0001", "a\xffb", "\r\n\t", `\u202e"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got := safe(s); !utf8.ValidString(got) || strings.IndexFunc(got, unsafe) >= 0 {
			t.Errorf("safe(%q) = %q", s, got)
		}
		for line := range strings.SplitSeq(safeLines(s), "\n") {
			if got := strings.ReplaceAll(line, "\t", ""); !utf8.ValidString(got) || strings.IndexFunc(got, unsafe) >= 0 {
				t.Errorf("safeLines(%q) has %q", s, line)
			}
		}
		line, err := jsonLine(map[string]string{"s": s})
		if err != nil {
			t.Fatal(err)
		}
		if strings.IndexFunc(strings.TrimSuffix(string(line), "\n"), unsafe) >= 0 {
			t.Errorf("unsafe JSON %q", line)
		}
		var back map[string]string
		if err := json.Unmarshal(line, &back); err != nil || back["s"] != strings.ToValidUTF8(s, "�") && utf8.ValidString(s) {
			t.Errorf("%q came back as %q, %v", s, back["s"], err)
		}
	})
}
