package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"mailarchive/internal/control"
	"mailarchive/internal/mail"
)

// defaultLimit is how many hits search shows unless told otherwise.
const defaultLimit = 50

// search is `search`.
func (p *program) search() *cobra.Command {
	var limit int
	var sort, before string
	var asJSON, count bool
	c := &cobra.Command{
		Use:   "search QUERY",
		Short: "List the messages that match, newest first",
		Long: `A query is made of words, "phrases", beginnings of words (rep*) and fields. All
of them must match, unless OR, NOT, - or ( ) say otherwise. An empty query ("")
matches every message.

  from: to: cc: bcc: delivered:     a name, an address, @domain, .domain (and below)
  subject: body: attachment: any:   words of the subject, the text, files' names
  keyword: message-id: id:          a keyword, a Message-ID, the archive's own ID
  header:NAME=words  header:NAME    any other header field
  date:2026-03  date:2025..2026-03  also 2026-03-01, today, yesterday
  after:2026-03-01  before:  after:7d
  larger:10k  smaller:5M  has:attachment  direction:in (out, internal)
  sort:arrival                      in the order in which mail came in

With --count the number of messages is printed and nothing else; with --json
{"total":12,"total_more":false}. Counting ends at 100,000.

With --json each hit is a line: id, date, received, from, to, cc, delivered_to,
subject, size, sha256, attachments, keywords, snippet.`,
		Example: `  mail-archive search invoice
  mail-archive search 'from:ann@example.org "annual report" after:2026-01-01'
  mail-archive search '(invoice OR rechnung*) has:attachment -from:@example.net'
  mail-archive search --count direction:in date:2026-03
  mail-archive search --limit 0 --json delivered:bob@example.org | jq -r .id`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, args []string) error {
			if limit < 0 {
				return &usageError{fmt.Errorf("--limit %d: a number of messages, or 0 for all", limit)}
			}
			if sort != "" && sort != "date" && sort != "arrival" {
				return &usageError{fmt.Errorf("--sort %s: date or arrival", sort)}
			}
			query := strings.Join(args, " ")
			request := control.SearchRequest{Query: query, Limit: limit, After: before, Sort: sort}
			return p.withArchive(c, false, func(ctx context.Context, a control.Archive) error {
				if count {
					return p.runCount(ctx, a, request, asJSON)
				}
				return p.runSearch(ctx, a, request, asJSON, func(place string) string { return nextPage(c, query, place) })
			})
		},
	}
	c.Flags().IntVar(&limit, "limit", defaultLimit, "messages to list at most; 0 lists all")
	c.Flags().StringVar(&sort, "sort", "", "newest first by date (the default) or by arrival in the archive")
	c.Flags().StringVar(&before, "before", "", "go on behind the page that named this place")
	c.Flags().BoolVar(&count, "count", false, "print only how many messages match, counted up to 100,000")
	c.Flags().BoolVar(&asJSON, "json", false, "print a line of JSON for each message")
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return &advised{&usageError{err}, `To look for words that begin with "-", put -- in front of the query; "mail-archive search --help" explains the command.`}
	})
	return c
}

func (p *program) runSearch(ctx context.Context, a control.Archive, q control.SearchRequest, asJSON bool, next func(place string) string) error {
	out := bufio.NewWriter(p.out)
	var list func(control.Hit) error
	if asJSON {
		list = func(h control.Hit) error { return writeJSON(out, h) }
	} else {
		t := newTable(out, p.outputWidth(), p.loaded.Timezone.Location())
		t.bold = p.shining()
		list = t.hit
	}
	hits := 0
	end, err := a.Search(ctx, scope(), q, func(h control.Hit) error {
		hits++
		return list(h)
	})
	p.notice(end)
	p.point(err, q.Query)
	if err := errors.Join(err, out.Flush()); err != nil {
		return err
	}
	if hits == 0 {
		return &advised{nothingFound{}, ""}
	}
	if end.More {
		total := ""
		if q.After == "" {
			total = " of " + totalText(end)
		}
		fmt.Fprintf(p.std.Err, "%s%s; the next page: %s\n", countText(hits), total, next(end.Next))
	}
	return nil
}

// notice says what should be known of the answer, apart from it.
func (p *program) notice(end control.SearchEnd) {
	if end.Notice != "" {
		fmt.Fprintln(p.std.Err, "note: "+safe(end.Notice))
	}
}

// totalText says how many messages match, as far as they were counted.
func totalText(end control.SearchEnd) string {
	if end.TotalMore {
		return "more than " + plural(end.Total, "message")
	}
	return plural(end.Total, "message")
}

// runCount prints how many messages match.
func (p *program) runCount(ctx context.Context, a control.Archive, q control.SearchRequest, asJSON bool) error {
	q.Limit, q.After = 1, "" // the total comes with the first page
	end, err := a.Search(ctx, scope(), q, func(control.Hit) error { return nil })
	p.notice(end)
	p.point(err, q.Query)
	if err != nil {
		return err
	}
	if err := p.writeTotal(end, asJSON); err != nil {
		return err
	}
	if end.Total == 0 {
		return &advised{nothingFound{}, ""}
	}
	return nil
}

// writeTotal prints a number that programs can read. That there are more is on
// standard error, and in the JSON.
func (p *program) writeTotal(end control.SearchEnd, asJSON bool) error {
	if asJSON {
		return writeJSON(p.out, struct {
			Total     int  `json:"total"`
			TotalMore bool `json:"total_more"`
		}{end.Total, end.TotalMore})
	}
	if end.TotalMore {
		fmt.Fprintln(p.std.Err, totalText(end))
	}
	_, err := fmt.Fprintln(p.out, end.Total)
	return err
}

// nothingFound is the absence of hits, which is no fault and needs no advice.
type nothingFound struct{}

func (nothingFound) Error() string { return "no message matches" }
func (nothingFound) Unwrap() error { return mail.ErrNotFound }

func writeJSON(w io.Writer, v any) error {
	line, err := jsonLine(v)
	if err != nil {
		return err
	}
	_, err = w.Write(line)
	return err
}
