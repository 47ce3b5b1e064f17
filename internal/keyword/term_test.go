package keyword

import (
	"testing"
)

func TestIsCode(t *testing.T) {
	tests := []struct {
		piece string
		want  bool
	}{
		{"RE-2026/00417", true},
		{"NW-180", true},
		{"2026-08-B", true},
		{"2026-TP-044", true},
		{"NK-26-90177", true},
		{"4500-7719", true},
		{"26-3391", true},
		{"833/2014", true},
		{"mt8188", true},
		{"R10000", true},
		{"v5.4-rc5", true},
		{"16MB", true},
		{"T2", false}, // too short to tell
		{"14h", false},
		{"5kW", false},
		{"10th", false},
		{"1.2.3.4", false},
		{"2026-05-07", false},
		{"2026-05", false},
		{"7-5-2026", false},
		{"12/31/99", false},
		{"9-17", false},
		{"095/125", false},
		{"00417", false},
		{"deadbeef99", false},
		{"550e8400-e29b-41d4-a716-446655440000", false},
		{"a1b2c3d4", false},
		{"x9Qz7Lp2Ka", false},
	}
	for _, test := range tests {
		if got := isCode(test.piece); got != test.want {
			t.Errorf("isCode(%q) = %v, want %v", test.piece, got, test.want)
		}
	}
}

func TestKinds(t *testing.T) {
	tests := []struct {
		text string
		want kind
	}{
		{"impeller", word},
		{"Super-Duplex", word},
		{"NW-180", code},
		{"pump.c", name},
		{"snd_probe", name},
		{"drivers/net/8139.c", name},
		{"契約書", run},
		{"シンガポール", run},
		{"kay.example", nothing},
		{"100", nothing},
		{"한국어", word},
		{"ひらがな", nothing},
	}
	for _, test := range tests {
		got := nothing
		pieces(test.text, func(_ string, k kind, _ int) { got = k })
		if got != test.want {
			t.Errorf("%q is of kind %d, want %d", test.text, got, test.want)
		}
	}
}

func TestIsEncoded(t *testing.T) {
	for chunk, want := range map[string]bool{
		"TWFpbCBBcmNoaXZlIGlzIGEgcHJvZ3JhbQ==":       true,
		"Donaudampfschifffahrtsgesellschaftskapitän": false,
		"SomethingWithManyCapitals-AndAHyphenToo":    false,
	} {
		if got := isEncoded(chunk); got != want {
			t.Errorf("isEncoded(%q) = %v, want %v", chunk, got, want)
		}
	}
}

func TestBeginsSentence(t *testing.T) {
	for before, want := range map[string]bool{
		"":             true,
		"The pump. ":   true,
		"Really? (":    true,
		"Er sagte: „":  true,
		"- ":           true,
		"the ":         false,
		"die „":        false,
		"größte ":      false,
		"the pump, \"": false,
	} {
		if got := beginsSentence(before); got != want {
			t.Errorf("beginsSentence(%q) = %v, want %v", before, got, want)
		}
	}
}

func TestDiffStat(t *testing.T) {
	for line, want := range map[string]bool{
		"drivers/pump.c          |  12 +++---": true,
		"drivers/pump.png | Bin 0 -> 12 bytes": true,
		"pumps and seals | 12 of them":         false,
		"pump | seal":                          false,
	} {
		if got := isDiffStat(line); got != want {
			t.Errorf("isDiffStat(%q) = %v, want %v", line, got, want)
		}
	}
}

func TestField(t *testing.T) {
	for line, want := range map[string]bool{
		"Signed-off-by: Tom":             true,
		"X-Postfix-Sender: rfc822; a@b":  true,
		"Date: Mon, 4 May 2026":          true,
		"Preis: 12 Euro":                 false,
		"O-Ringe 12: fehlen":             false,
		"Hamburg-Altona:Bremen":          false,
		"the-pump: it leaks":             false,
		"X":                              false,
		"Ein Wort zur Sache-selbst: nun": false,
	} {
		if got := isField(line); got != want {
			t.Errorf("isField(%q) = %v, want %v", line, got, want)
		}
	}
}

func TestWeigh(t *testing.T) {
	shown := [3]surface{{"pumps", 1}}
	tests := []struct {
		name            string
		lighter, weight term
		german          bool
	}{
		{"more often", term{kind: word, count: 1, lower: 1}, term{kind: word, count: 2, lower: 2}, false},
		{"in the subject", term{kind: word, count: 4, lower: 4}, term{kind: word, count: 1, lower: 1, subject: 1}, false},
		{"capital inside", term{kind: word, count: 1, lower: 1}, term{kind: word, count: 1, capital: 1}, false},
		{"German verb", term{kind: word, count: 3, lower: 3}, term{kind: word, count: 1, capital: 1}, true},
		{"file", term{kind: name, count: 1}, term{kind: word, count: 1, lower: 1}, false},
		{"code", term{kind: word, count: 1, capital: 1}, term{kind: code, count: 1}, false},
		{"endless", term{kind: word, count: 3, lower: 3}, term{kind: word, count: 1 << 20, lower: 1 << 20}, false},
	}
	for _, test := range tests {
		test.lighter.shown, test.weight.shown = shown, shown
		if a, b := test.lighter.weigh(test.german), test.weight.weigh(test.german); a >= b || a <= 0 {
			t.Errorf("%s: weights %d and %d, want the second to be more", test.name, a, b)
		}
	}
}
