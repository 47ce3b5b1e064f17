package indexer

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"mailarchive/internal/catalog"
	"mailarchive/internal/catalog/catalogtest"
	"mailarchive/internal/catalog/token"
	"mailarchive/internal/extract"
)

// hostile is a character of three bytes that stands for four words.
const hostile = "\ufdfa"

func TestBoundOfWords(t *testing.T) {
	for _, c := range []struct {
		name, text string
		cut        bool
	}{
		{"none", "", false},
		{"the longest text", strings.Repeat("with words of this length ", 4<<20/26), false},
		{"the longest in a script without spaces", strings.Repeat("日本語", 4<<20/9), false},
		{"many words in few characters", strings.Repeat(strings.Repeat(hostile, 20)+"\n", 20_000), true},
		{"words of one letter", strings.Repeat("a ", 2<<20), true},
	} {
		m := extract.Message{Text: c.text}
		bound(&m)
		if cut := len(m.Text) < len(c.text); cut != c.cut || len(m.Problems) > 0 != c.cut {
			t.Errorf("%s: %d of %d bytes kept, problems %q", c.name, len(m.Text), len(c.text), m.Problems)
		}
		if n := len(token.AppendText(nil, m.Text)); n > maxWordBytes {
			t.Errorf("%s: %d bytes of words", c.name, n)
		}
	}
}

func TestBoundOfNames(t *testing.T) {
	ordinary := extract.Message{Subject: "Übersicht"}
	for i := range 25_000 {
		ordinary.To = append(ordinary.To, extract.Participant{Name: fmt.Sprintf("Recipient with a long name, number %d", i)})
	}
	var long extract.Message
	long.Subject = strings.Repeat(hostile, 1<<20)
	for range 20 {
		long.To = append(long.To, extract.Participant{Name: strings.Repeat(hostile, 30_000), Address: "a@example.org"})
	}
	long.Attachments = []extract.Attachment{{Name: strings.Repeat(hostile, 30_000)}}
	for _, m := range []*extract.Message{&ordinary, &long} {
		bound(m)
		total := 0
		for _, name := range namesOf(m) {
			total += len(token.AppendText(nil, *name))
		}
		if total > maxWordBytes || len(token.AppendText(nil, m.Subject)) > maxWordBytes {
			t.Errorf("%d bytes of words in names, %d of %d bytes of subject", total, len(m.Subject), 3<<20)
		}
	}
	if len(ordinary.Problems) > 0 || ordinary.To[24_999].Name == "" {
		t.Errorf("ordinary names: %q", ordinary.Problems)
	}
	if len(long.Problems) != 2 || long.To[0].Name == "" || long.Attachments[0].Name != "" || long.To[19].Address == "" {
		t.Errorf("hostile names: %q", long.Problems)
	}
}

// batches notes how many documents come at once.
type batches struct {
	catalog.Catalog
	sizes []int
}

func (b *batches) Apply(_ context.Context, batch []catalog.Document, _ uint64) error {
	b.sizes = append(b.sizes, len(batch))
	return nil
}

// TestSmallTextsThatBecomeLarge: contents of 100 kB whose words take twelve
// times that go to the catalog a few at a time, not a thousand.
func TestSmallTextsThatBecomeLarge(t *testing.T) {
	s, c := newShelf(), &batches{Catalog: &catalogtest.Memory{}}
	for i := range 60 {
		s.put(fmt.Appendf(nil, "Subject: %d\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n%s\r\n", i, strings.Repeat(hostile, 30_000)), nil)
	}
	ix := newIndexer(s, c)
	ix.Candidates = nil
	if _, err := ix.pass(t.Context(), c, nil); err != nil {
		t.Fatal(err)
	}
	for _, n := range c.sizes {
		if n > batchWeight/(30_000*34)+1 {
			t.Errorf("batches of %v messages", c.sizes)
			break
		}
	}
}
