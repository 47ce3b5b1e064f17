package keyword

import "testing"

func TestStopLists(t *testing.T) {
	counts := make(map[language]int)
	for word, languages := range stops {
		if word == "" {
			t.Error("an empty stop word")
		}
		for _, l := range []language{english, german, french, anywhere} {
			if languages&l != 0 {
				counts[l]++
			}
		}
	}
	for _, l := range []language{english, german, french} {
		if counts[l] < 300 {
			t.Errorf("language %d has %d stop words, want 300", l, counts[l])
		}
	}
	for _, word := range []string{"http", "www", "iphone", "gruss", "cordialement", "unsubscribe", "confidential", "januar", "mercredi", "fur", "the", "les", "e mail"} {
		if stops[word] == 0 {
			t.Errorf("%q is no stop word", word)
		}
	}
	for _, word := range []string{"invoice", "rechnung", "facture", "pumpe", "vertrag", "contrat"} {
		if stops[word] != 0 {
			t.Errorf("%q is a stop word", word)
		}
	}
}

func TestFormulas(t *testing.T) {
	tests := []struct {
		line              string
		greeting, closing bool
	}{
		{"Dear Lars,", true, false},
		{"Sehr geehrter Herr Möller,", true, false},
		{"שלום רב,", true, false},
		{"Hi", true, false},
		{"His pump", false, false},
		{"Hi-fi systems that we sold last year were returned", false, false},
		{"Kind regards,", false, true},
		{"Mit freundlichem Gruß", false, true},
		{"Bien cordialement,", false, true},
		{"С уважением,", false, true},
		{"Best practice", false, false},
		{"Lganz", false, false},
		{"---", false, false},
	}
	for _, test := range tests {
		start := foldStart(nil, test.line)
		if _, got := cutGreeting(test.line, start); got != test.greeting {
			t.Errorf("cutGreeting(%q) = %v, want %v", test.line, got, test.greeting)
		}
		if got := isClosing(test.line, start); got != test.closing {
			t.Errorf("isClosing(%q) = %v, want %v", test.line, got, test.closing)
		}
	}
}
