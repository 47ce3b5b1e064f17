package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"

	"mailarchive/internal/catalog"
	"mailarchive/internal/search"
)

// sampled is the number of messages that words are drawn from.
const sampled = 2000

// class are queries of one kind.
type class struct {
	name    string
	queries []string
}

// drawn is a message that words are drawn from.
type drawn struct {
	row   catalog.Row
	words []string // of the text, each once, in order of appearance
	runs  []string // three words next to each other with single spaces between
}

// Words are plain ones, so that no rule of the tokenizer or of the language
// stands between a word here and the word there.
var (
	word = regexp.MustCompile(`\b[a-z]{3,14}\b`)
	run3 = regexp.MustCompile(`(?:^|[ \n])([a-z]{2,14} [a-z]{2,14} [a-z]{2,14})[ \n]`)
	name = regexp.MustCompile(`^[A-Za-z0-9._-]+@[A-Za-z0-9.-]+$`)
)

// source makes queries out of the drawn messages.
type source struct {
	*rand.Rand
	messages     []drawn
	rare, common []string // by how many of the drawn messages have them
}

// draw makes so many queries of each class.
func (b *bench) draw(ctx context.Context, queries int) (classes []class, err error) {
	s := source{Rand: rand.New(rand.NewPCG(3, 50))}
	if err := b.with(ctx, func(from *search.Searcher) error { return s.read(ctx, b, from) }); err != nil {
		return nil, err
	}
	if s.count(); len(s.rare) == 0 || len(s.common) == 0 {
		return nil, fmt.Errorf("%s has too few messages to draw words from", b.data)
	}
	for _, c := range []struct {
		name string
		make func() string // "" when the message that was drawn has not what it takes
	}{
		{"rare word", func() string { return pick(s, s.rare) }},
		{"common word", func() string { return pick(s, s.common) }},
		{"two words of a message", func() string { m := pick(s, s.messages); return pick(s, m.words) + " " + pick(s, m.words) }},
		{"two common words", func() string { return pick(s, s.common) + " " + pick(s, s.common) }},
		{"phrase of three", s.phrase},
		{"prefix", func() string { return s.prefix() + "*" }},
		{"from:", s.sender},
		{"subject:", s.subject},
		{"common, one negated", func() string { return pick(s, s.common) + " -" + pick(s, s.common) }},
		{"negated alone", func() string { return "-" + pick(s, s.common) }},
		{"common, a month", func() string { return pick(s, s.common) + pick(s, s.messages).row.SortDate.Format(" date:2006-01") }},
		{"common, before a day", func() string {
			return pick(s, s.common) + pick(s, s.messages).row.SortDate.Format(" before:2006-01-02")
		}},
		{"OR of a rare and a common", func() string { return pick(s, s.rare) + " OR " + pick(s, s.common) }},
	} {
		made := class{name: c.name}
		for tries := 0; len(made.queries) < queries; tries++ {
			if tries > 100*queries+1000 {
				return nil, fmt.Errorf("%s: too few messages have what it takes", c.name)
			}
			if q := c.make(); q != "" {
				made.queries = append(made.queries, q)
			}
		}
		classes = append(classes, made)
	}
	return classes, nil
}

// read draws messages: each row of the archive has the same chance.
func (s *source) read(ctx context.Context, b *bench, from *search.Searcher) error {
	var rows []catalog.Row
	seen := 0
	q := catalog.Query{Scope: b.scope}
	err := from.Catalog.Search(ctx, q, func(h catalog.Hit) bool {
		if seen++; len(rows) < sampled {
			rows = append(rows, h.Row)
		} else if at := s.IntN(seen); at < sampled {
			rows[at] = h.Row
		}
		return true
	})
	if err != nil {
		return err
	}
	for _, row := range rows {
		text, err := from.Text(ctx, b.scope, row)
		if err != nil {
			return err
		}
		m := drawn{row: row, words: distinct(word.FindAllString(text, 2000))}
		for _, found := range run3.FindAllStringSubmatch(text, 50) {
			m.runs = append(m.runs, found[1])
		}
		if len(m.words) > 0 {
			s.messages = append(s.messages, m)
		}
	}
	return nil
}

// count finds the rare words, which one drawn message has, and the common
// ones, which the most have.
func (s *source) count() {
	messages := map[string]int{}
	for _, m := range s.messages {
		for _, w := range m.words {
			messages[w]++
		}
	}
	for w, n := range messages {
		if n == 1 && len(w) > 5 {
			s.rare = append(s.rare, w)
		} else if n > 1 {
			s.common = append(s.common, w)
		}
	}
	slices.Sort(s.rare) // a map has no order
	slices.SortFunc(s.common, func(a, b string) int {
		if n := messages[b] - messages[a]; n != 0 {
			return n
		}
		return strings.Compare(a, b)
	})
	s.common = s.common[:min(200, len(s.common))]
}

func (s *source) phrase() string {
	m := pick(*s, s.messages)
	if len(m.runs) == 0 {
		return ""
	}
	return `"` + pick(*s, m.runs) + `"`
}

func (s *source) prefix() string {
	w := pick(*s, pick(*s, s.messages).words)
	return w[:min(len(w), 3+s.IntN(3))]
}

func (s *source) sender() string {
	m := pick(*s, s.messages)
	if len(m.row.From) == 0 || !name.MatchString(m.row.From[0].Address) {
		return ""
	}
	return "from:" + m.row.From[0].Address
}

func (s *source) subject() string {
	words := word.FindAllString(pick(*s, s.messages).row.Subject, -1)
	if len(words) == 0 {
		return ""
	}
	return "subject:" + pick(*s, words)
}

func pick[T any](s source, of []T) T { return of[s.IntN(len(of))] }

func distinct(words []string) (list []string) {
	seen := map[string]bool{}
	for _, w := range words {
		if !seen[w] {
			seen[w] = true
			list = append(list, w)
		}
	}
	return list
}
