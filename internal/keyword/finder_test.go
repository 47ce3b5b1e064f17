package keyword

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/catalog/token"
)

func TestPieces(t *testing.T) {
	tests := []struct{ text, want string }{
		{"the pump, (leaks)!", "the pump leaks"},
		{"RE-2026/00417: NW-180, 180-440-B; 2026-TP-044", "RE-2026/00417 NW-180 180-440-B 2026-TP-044"},
		{"4500-7719 26-3391 2027-2031 833/2014 SPR/2026/118 GS-2026/0031", "4500-7719 26-3391 2027-2031 833/2014 SPR/2026/118 GS-2026/0031"},
		{"12 417 13.489,00 2,5 5% 10.06.2026 2026-05-07 12/31/2026 09:15 14h 10th 095/125 1.2.3.4", ""},
		{"16MB erp-db1 mt8188 v5.4-rc5 3D-Drucker", "16MB erp-db1 mt8188 v5.4-rc5 3D-Drucker"},
		{"d6c73a5f2be1 1f0e4a77 550e8400-e29b-41d4-a716-446655440000", ""},
		{"TWFpbCBBcmNoaXZlIGlzIGEgcHJvZ3JhbSB0aGF0IGtlZXBz x9Qz7Lp2Ka", ""},
		{"https://kay.example/leak?x=1 www.kay.example tom@kay.example kay.example mx1.kay.example <http://a.b>", ""},
		{"l'installation don’t O-Ringe Super-Duplex Ein-/Ausgang", "l installation don t O-Ringe Super-Duplex Ein Ausgang"},
		{"done.Next sound/soc/codecs/rt711.c Makefile.am snd_soc_probe mute/unmute 2.Modify", "done Next rt711.c Makefile.am snd_soc_probe mute unmute Modify"},
		{"насосы αντλίες דליפה مضخة 펌프", "насосы αντλίες דליפה مضخة 펌프"},
		{"契約書案を拝見いたしました。シンガポールとする", "契約書案 拝見 シンガポール"},
		{"合同的条款和NW-220价格", "合同 条款 NW-220 价格"},
		{"เรียกคืนชุดซีล 2026-08-B", "2026-08-B"},
		{strings.Repeat("x", 61) + " " + strings.Repeat("x/", 200), ""},
		{"\xff\xfe pump\xffseal", "pump seal"},
	}
	for _, test := range tests {
		var got []string
		pieces(test.text, func(piece string, _ kind, at int) {
			got = append(got, piece)
			if !strings.Contains(test.text[at:], piece) {
				t.Errorf("pieces of %q: %q is not at or behind %d", test.text, piece, at)
			}
		})
		if diff := cmp.Diff(strings.Fields(test.want), append([]string{}, got...)); diff != "" {
			t.Errorf("pieces of %q (-want +got):\n%s", test.text, diff)
		}
	}
}

func TestCandidates(t *testing.T) {
	tests := []struct{ name, subject, text, first string }{
		{"subject before text", "Leaking impeller", "The gasket is fine.", "leaking, impeller, gasket"},
		{"code whole", "Rechnung RE-2026/00417", "Bitte prüfen.", "re 2026 00417, rechnung, prufen"},
		{"often before once", "", "impeller gasket impeller impeller gasket bearing", "impeller, gasket, bearing"},
		{"name before word", "", "we asked whether Szczecin could deliver gaskets", "szczecin, deliver, gaskets"},
		{"german nouns", "", "Wir haben die Dichtung im Laden gekauft und dann sorgfältig eingebaut.", "dichtung, laden, sorgfaltig, eingebaut, gekauft"},
		{"stop words of three languages", "Re: AW: the und les", "We will be there. Wir sind da. Nous sommes ici. January Montag mercredi", ""},
		{"mail's own words", "Fwd: newsletter", "Sent from my iPhone\nunsubscribe click", ""},
		{"compound of stop words", "", "Pourriez-vous aujourd'hui", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := termsOf(Candidates(test.subject, test.text)); got != test.first {
				t.Errorf("got %q, want %q", got, test.first)
			}
		})
	}
}

func TestShownIsTheMostCommonForm(t *testing.T) {
	got := Candidates("", "DICHTUNG fehlt. Eine Dichtung, die Dichtung! Die dichtung.")
	if len(got) == 0 || got[0].Shown != "Dichtung" || got[0].Term != "dichtung" {
		t.Errorf("candidates: %+v, want Dichtung shown first", got)
	}
}

func TestCodesDoNotFlood(t *testing.T) {
	var text strings.Builder
	for i := range 50 {
		fmt.Fprintf(&text, "The impeller wheel%c AB-2026-%04d\n", 'a'+i%26, i)
	}
	codes := 0
	for _, c := range Candidates("", text.String())[:MaxKeywords] {
		if strings.HasPrefix(c.Term, "ab 2026") {
			codes++
		}
	}
	if codes > maxCodes {
		t.Errorf("%d of the first %d candidates are codes, want at most %d", codes, MaxKeywords, maxCodes)
	}
}

// checkCandidates checks what holds for any message.
func checkCandidates(t *testing.T, candidates []Candidate) {
	t.Helper()
	if len(candidates) > MaxCandidates {
		t.Errorf("%d candidates, want at most %d", len(candidates), MaxCandidates)
	}
	seen := make(map[string]bool)
	for i, c := range candidates {
		if want := strings.Join(token.Words(c.Shown), " "); c.Term != want || c.Term == "" {
			t.Errorf("term of %q is %q, want %q", c.Shown, c.Term, want)
		}
		if seen[c.Term] {
			t.Errorf("%q is there twice", c.Term)
		}
		seen[c.Term] = true
		if len(c.Shown) > maxPiece || !utf8.ValidString(c.Shown) {
			t.Errorf("shown: %q", c.Shown)
		}
		if c.Weight <= 0 || i > 0 && c.Weight > candidates[i-1].Weight {
			t.Errorf("weight %v of %q, behind %v", c.Weight, c.Term, candidates)
		}
	}
}

func TestHostileText(t *testing.T) {
	var unique strings.Builder
	for i := range 200_000 {
		fmt.Fprintf(&unique, "w%cord%c%c%c%c ", 'a'+i%26, 'a'+i/26%26, 'a'+i/676%26, 'a'+i/17576%26, 'a'+i%23)
	}
	tests := map[string]string{
		"one letter":     strings.Repeat("a", 1<<20),
		"short words":    strings.Repeat("pump ", 1<<18),
		"unique words":   unique.String(),
		"empty lines":    strings.Repeat("\n", 1<<20),
		"quotes":         strings.Repeat("> ", 1<<19),
		"joiners":        strings.Repeat("a-", 1<<19),
		"introductions":  strings.Repeat("On 1\n", 1<<18),
		"headers":        strings.Repeat("From: a\n", 1<<17),
		"han":            strings.Repeat("契約", 1<<17),
		"not UTF-8":      strings.Repeat("\xff\xe3", 1<<19),
		"marks":          "a" + strings.Repeat("\u0301", 1<<18),
		"one line":       strings.Repeat("Pump. ", 1<<18),
		"one paragraph":  strings.Repeat("confidential recipient sender pump\n", 1<<15),
		"cut in a rune":  strings.Repeat("x", maxText-1) + "ü",
		"greetings only": strings.Repeat("Hi\n", 1<<18),
	}
	finder := NewFinder()
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			checkCandidates(t, finder.Candidates(text, text))
			allocated := testing.AllocsPerRun(1, func() { finder.Candidates(text, text) })
			if allocated > 1_000 {
				t.Errorf("%v allocations", allocated)
			}
		})
	}
}

func TestFinderIsDeterministicAndShared(t *testing.T) {
	texts := []string{letter, "The pump leaks.", "", strings.Repeat("pump seal 4500-7719 ", 999), "契約書案を拝見"}
	finder := NewFinder()
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for i := range 40 {
				text := texts[i%len(texts)]
				if got, want := finder.Candidates("Subject", text), Candidates("Subject", text); !reflect.DeepEqual(got, want) {
					t.Errorf("candidates of %.40q differ: %v and %v", text, got, want)
				}
			}
		})
	}
	group.Wait()
}

func FuzzCandidates(f *testing.F) {
	f.Add("Re: Invoice RE-2026/00417", letter)
	f.Add("", "On 13 May 2026 at 09:15, Tom wrote:\n> x\n-- \nTom")
	f.Add("契約書案", "diff --git a/x b/x\n+++ b/x.c\n-- \n1.2")
	f.Add("\xff", "-----Original Message-----\nVon: x\nBetreff: y")
	f.Add("’", "1’234’567 a.b.C.D ___ x/y/z1")
	f.Add("", "BEGIN:VCALENDAR\n\n--\n\nHi\nBest regards\n|\n:")
	finder := NewFinder()
	f.Fuzz(func(t *testing.T, subject, text string) {
		got := finder.Candidates(subject, text)
		checkCandidates(t, got)
		if again := Candidates(subject, text); !reflect.DeepEqual(got, again) {
			t.Errorf("not deterministic: %v, then %v", got, again)
		}
	})
}
