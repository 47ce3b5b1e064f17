package keyword

import (
	"strings"
	"testing"
)

// letter is 3 kB of a German text with quotation and signature.
var letter = strings.Repeat(`Sehr geehrter Herr Möller,

wir kommen Ihnen bei den Laufrädern mit 5 % entgegen, das sind 431,00 EUR. Ohne die Lager beträgt der
Gesamtpreis damit 13.489,00 EUR netto. Der Nachlass gilt bei Bestellung RE-2026/00417 bis zum 13. Mai.
Für fremde Lager können wir allerdings keine Gewährleistung auf den Rundlauf der Welle übernehmen.

The price is JPY 2,150,000 each, FOB Kobe. The surveyor of the class must attend the type test on 27 July;
please arrange this on your side. Sea freight to Gdańsk takes about 38 days, so 4 September is not possible.

Mit freundlichen Grüßen

Felix Krüger
Vertriebsinnendienst

`, 4)

func BenchmarkCandidates(b *testing.B) {
	finder := NewFinder()
	b.SetBytes(int64(len(letter)))
	b.ReportAllocs()
	for b.Loop() {
		finder.Candidates("Anfrage Ersatzteile NW-180", letter)
	}
}

func BenchmarkChoose(b *testing.B) {
	candidates := Candidates("Anfrage Ersatzteile NW-180", letter)
	frequencies := NewFrequencies()
	b.ReportAllocs()
	for b.Loop() {
		frequencies.Choose(candidates)
	}
}
