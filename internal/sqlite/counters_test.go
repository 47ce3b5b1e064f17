package sqlite

import (
	"fmt"
	"maps"
	"testing"

	"mailarchive/internal/catalog"
	"mailarchive/internal/catalog/catalogtest"
	"mailarchive/internal/mail"
)

// TestCountInPieces counts messages with more recipients together than sums
// are held in memory.
func TestCountInPieces(t *testing.T) {
	const messages, recipients = 12, 10_000
	db := open(t, Options{})
	defer db.Close()
	for seq := range uint64(messages) {
		d := catalogtest.Document(seq+1, func(d *catalog.Document) {
			d.Arrival.Size = 1
			d.Arrival.Envelope.To = append(d.Arrival.Envelope.To, mail.Recipient{Address: "all@example.org"})
			for i := range recipients {
				d.Arrival.Envelope.To = append(d.Arrival.Envelope.To, mail.Recipient{Address: mail.Address(fmt.Sprintf("%d.%d@example.org", seq, i))})
			}
		})
		if err := db.Apply(t.Context(), []catalog.Document{d}, 0); err != nil {
			t.Fatal(err)
		}
	}
	for of, want := range map[catalog.Dimension]string{catalog.ByRecipient: "all@example.org", catalog.ByDomain: "example.org"} {
		list, err := db.Top(t.Context(), everything(), of, 1)
		if err != nil || len(list) != 1 || list[0].Value != want || list[0].Messages != messages || list[0].Bytes != messages {
			t.Errorf("top %s: %v, %v", of, list, err)
		}
	}
	list, err := db.Top(t.Context(), everything(), catalog.ByRecipient, messages*recipients+10)
	if err != nil || len(list) != messages*recipients+1 {
		t.Errorf("%d recipients, %v", len(list), err)
	}
}

// TestCountedBeforeAndAfterARestart: what waits is in the file.
func TestCountedBeforeAndAfterARestart(t *testing.T) {
	db := open(t, Options{})
	put(t, db, 1, 2)
	total := func() uint64 {
		list, err := db.Top(t.Context(), everything(), catalog.BySize, 9)
		if err != nil {
			t.Fatal(err)
		}
		var n uint64
		for _, tally := range list {
			n += tally.Messages
		}
		return n
	}
	if n := total(); n != 2 {
		t.Errorf("%d counted, want 2", n)
	}
	put(t, db, 3)
	path := db.path
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	var err error
	if db, err = Open(t.Context(), path, Options{}); err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if n := total(); n != 3 {
		t.Errorf("%d counted after a restart, want 3", n)
	}
}

// TestKeywordsAsTheyAreWritten: they are counted whatever their case, shown as
// most messages write them, and found so.
func TestKeywordsAsTheyAreWritten(t *testing.T) {
	db := open(t, Options{})
	defer db.Close()
	var documents []catalog.Document
	for i, keywords := range [][]string{
		{"RE-2026/00417", "会議資料"}, {"re-2026/00417", "Albatros"}, {"RE-2026/00417", "albatros"}, {"albatros", "Café"}, {"CAFÉ", "café"}, {"Re 2026 00417"},
	} {
		documents = append(documents, catalogtest.Document(uint64(i+1), func(d *catalog.Document) { d.Keywords = keywords }))
	}
	if err := db.Apply(t.Context(), documents, 0); err != nil {
		t.Fatal(err)
	}
	list, err := db.Top(t.Context(), everything(), catalog.ByKeyword, 9)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]uint64{}
	for _, tally := range list {
		got[tally.Value] = tally.Messages
		n, _, err := db.Count(t.Context(), everything(), catalog.Text{Field: catalog.Keyword, Value: tally.Value}, 9)
		if err != nil || uint64(n) != tally.Messages {
			t.Errorf("%q is counted %d times and found %d times, %v", tally.Value, tally.Messages, n, err)
		}
	}
	if want := map[string]uint64{"RE-2026/00417": 4, "会議資料": 1, "albatros": 3, "CAFÉ": 2}; !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestKeywordFormsOfAnOlderFile: one without them gets the table, and shows
// keywords as they are counted until it is made again.
func TestKeywordFormsOfAnOlderFile(t *testing.T) {
	db := open(t, Options{})
	d := catalogtest.Document(1, func(d *catalog.Document) { d.Keywords = []string{"RE-2026/00417"} })
	if err := db.Apply(t.Context(), []catalog.Document{d}, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Top(t.Context(), everything(), catalog.ByKeyword, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := db.write.Exec(`DROP TABLE form; PRAGMA user_version = 2`); err != nil {
		t.Fatal(err)
	}
	path := db.path
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	list, err := db.Top(t.Context(), everything(), catalog.ByKeyword, 9)
	if err != nil || len(list) != 1 || list[0].Value != "re 2026 00417" || list[0].Messages != 1 {
		t.Errorf("%v, %v", list, err)
	}
}
