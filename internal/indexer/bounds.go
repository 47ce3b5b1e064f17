package indexer

import (
	"fmt"

	"mailarchive/internal/catalog/token"
	"mailarchive/internal/extract"
)

// The most that the text of one message takes in the index, and so its subject
// and its names together. Ordinary text of the greatest length that extraction
// gives (4 MiB) stays below: in scripts without spaces it becomes 1.4 million
// words and 9.8 MB. There are characters that become eleven times that.
const (
	maxWords     = 3 << 19
	maxWordBytes = 10 << 20
)

// bound cuts what would take too much in the index.
func bound(m *extract.Message) {
	if n := token.Fit(m.Text, maxWords, maxWordBytes); n < len(m.Text) {
		m.Text = m.Text[:n]
		m.Problems = append(m.Problems, fmt.Sprintf("text has more words than are indexed, cut after %d bytes", n))
	}
	if n := token.Fit(m.Subject, maxWords, maxWordBytes); n < len(m.Subject) {
		m.Subject = m.Subject[:n]
		m.Problems = append(m.Problems, fmt.Sprintf("subject has more words than are indexed, cut after %d bytes", n))
	}
	boundNames(m)
}

// boundNames leaves out the names behind those that are enough.
func boundNames(m *extract.Message) {
	names := namesOf(m)
	most := 0
	for _, name := range names {
		most += token.MostGrowth * len(*name)
	}
	if most <= maxWordBytes {
		return
	}
	var words []byte
	room, dropped := maxWordBytes, 0
	for _, name := range names {
		words = token.AppendText(words[:0], *name)
		if room -= len(words); room < 0 && len(words) > 0 {
			*name = ""
			dropped++
		}
	}
	if dropped > 0 {
		m.Problems = append(m.Problems, fmt.Sprintf("names have more words than are indexed, %d of them left out", dropped))
	}
}

// namesOf returns the names of people and attachments.
func namesOf(m *extract.Message) (names []*string) {
	for _, list := range [][]extract.Participant{m.From, m.Sender, m.ReplyTo, m.To, m.Cc, m.Bcc} {
		for i := range list {
			names = append(names, &list[i].Name)
		}
	}
	for i := range m.Attachments {
		names = append(names, &m.Attachments[i].Name)
	}
	return names
}
