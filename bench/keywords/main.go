// Command keywords compares the keywords of the sample mailbox with those
// that a person accepts, and prints the precision of the first five.
//
//	go run ./bench/keywords [-v]
//	go run ./bench/keywords -folder DIR -every 100
//
// judged.tsv has a line for every other message by date: its key, a tab, and
// the terms that a reader accepts, with "; " between. The keywords are made as
// the archive makes them, from an empty archive on, message by message. With
// -folder it prints instead the keywords of some of the .eml files below it.
package main

import (
	"bytes"
	_ "embed"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"mailarchive/internal/catalog/token"
	"mailarchive/internal/extract"
	"mailarchive/internal/keyword"
	"mailarchive/sample"
)

//go:embed judged.tsv
var judgements string

// first is how many keywords of a message are judged.
const first = 5

// goal is the least precision.
const goal = 0.6

func main() {
	verbose := flag.Bool("v", false, "list the keywords that were not accepted")
	folder := flag.String("folder", "", "print the keywords of the .eml files below this folder")
	every := flag.Int("every", 1, "with -folder: print those of every so many messages")
	flag.Parse()
	err := error(nil)
	if *folder != "" {
		err = list(os.Stdout, *folder, *every)
	} else {
		err = run(os.Stdout, *verbose)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "keywords:", err)
		os.Exit(1)
	}
}

func run(out io.Writer, verbose bool) error {
	accepted, err := parse(judgements)
	if err != nil {
		return err
	}
	score, err := judge(accepted, out, verbose)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "messages %d, keywords %d, accepted %d\n", score.messages, score.given, score.good)
	fmt.Fprintf(out, "precision at %d: %.3f (goal %.1f); of the keywords given: %.3f\n",
		first, score.precision(), goal, float64(score.good)/float64(score.given))
	if score.precision() < goal {
		return fmt.Errorf("precision is under %.1f", goal)
	}
	return nil
}

// score counts keywords among the first ones of each message.
type score struct{ messages, given, good int }

// precision counts a missing keyword as a wrong one.
func (s score) precision() float64 { return float64(s.good) / float64(first*s.messages) }

// parse reads the judgements: folded terms by the key of a message.
func parse(text string) (map[string][]string, error) {
	accepted := make(map[string][]string)
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		key, terms, ok := strings.Cut(line, "\t")
		if !ok || accepted[key] != nil {
			return nil, fmt.Errorf("judged.tsv: no tab, or a second line: %q", line)
		}
		for term := range strings.SplitSeq(terms, ";") {
			accepted[key] = append(accepted[key], fold(term))
		}
	}
	return accepted, nil
}

func fold(term string) string { return strings.Join(token.Words(term), " ") }

func judge(accepted map[string][]string, out io.Writer, verbose bool) (score, error) {
	var s score
	extractor := extract.New(extract.DefaultLimits())
	finder, frequencies := keyword.NewFinder(), keyword.NewFrequencies()
	for _, m := range sample.Messages() {
		message, err := extractor.Extract(bytes.NewReader(m.Data))
		if err != nil {
			return s, fmt.Errorf("extract %s: %w", m.Key, err)
		}
		keywords := frequencies.Choose(finder.Candidates(message.Subject, message.Text))
		terms, ok := accepted[m.Key]
		if !ok {
			continue
		}
		good, bad := compare(keywords[:min(first, len(keywords))], terms)
		s.messages++
		s.given += good + len(bad)
		s.good += good
		if verbose && (len(bad) > 0 || len(keywords) < first) {
			fmt.Fprintf(out, "%-12s %d of %d, not accepted: %s; all: %s\n",
				m.Key, good, first, strings.Join(bad, ", "), strings.Join(keywords, ", "))
		}
	}
	if s.messages != len(accepted) {
		return s, fmt.Errorf("judged.tsv has %d messages, the sample mailbox %d of them", len(accepted), s.messages)
	}
	return s, nil
}

// compare returns how many keywords are accepted, and the others.
func compare(keywords, terms []string) (good int, bad []string) {
	for _, k := range keywords {
		if slices.Contains(terms, fold(k)) {
			good++
		} else {
			bad = append(bad, k)
		}
	}
	return good, bad
}
