package cli

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"mailarchive/internal/catalog"
	"mailarchive/internal/control"
	"mailarchive/internal/mail"
)

// defaultTop is how many values are listed unless told otherwise.
const defaultTop = 10

// keywords is `keywords`.
func (p *program) keywords() *cobra.Command {
	var limit int
	var asJSON bool
	c := &cobra.Command{
		Use:   "keywords",
		Short: "List the most frequent keywords, with how many messages have each",
		Long: `Keywords are the terms that set a message apart from the rest of the archive.
"mail-archive search keyword:WORD" finds the messages that have one.`,
		Example: `  mail-archive keywords
  mail-archive keywords --limit 1000 --json | jq -r .value`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, _ []string) error {
			want, err := newWanted("", string(catalog.ByKeyword), "", "", limit, asJSON)
			if err != nil {
				return &usageError{err}
			}
			return p.withArchive(c, false, func(ctx context.Context, a control.Archive) error {
				return p.runStatistics(ctx, a, want)
			})
		},
	}
	c.Flags().IntVar(&limit, "limit", 50, "keywords to list at most")
	c.Flags().BoolVar(&asJSON, "json", false, "print a line of JSON for each keyword")
	return c
}

// wantedStatistics is what somebody wants to see: periods or values.
type wantedStatistics struct {
	unit          catalog.Unit
	since, before time.Time
	of            catalog.Dimension
	limit         int
	asJSON        bool
}

func newWanted(by, top, since, before string, limit int, asJSON bool) (wantedStatistics, error) {
	w := wantedStatistics{unit: catalog.Unit(by), of: catalog.Dimension(top), limit: limit, asJSON: asJSON}
	if _, ok := w.unit.Start(time.Time{}); by != "" && !ok {
		return w, fmt.Errorf("--by %s: hour, day, month or year", by)
	}
	if top != "" && !slices.Contains(catalog.Dimensions(), w.of) {
		return w, fmt.Errorf("--top %s: sender, recipient, domain, keyword, direction or size", top)
	}
	if limit < 1 {
		return w, fmt.Errorf("--limit %d: a number of values, 1 at least", limit)
	}
	if by == "" && (since != "" || before != "") {
		return w, fmt.Errorf("--since and --before go with --by")
	}
	var err error
	if w.since, err = dateFlag("since", since); err != nil {
		return w, err
	}
	w.before, err = dateFlag("before", before)
	return w, err
}

// dateFlag reads a day, month or year in UTC, in which periods begin.
func dateFlag(name, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{"2006-01-02", "2006-01", "2006"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("--%s %s: a date as 2026-03-01, 2026-03 or 2026", name, text)
}

func (p *program) runStatistics(ctx context.Context, a control.Archive, want wantedStatistics) error {
	before, err := a.Stats(ctx, scope())
	if err != nil {
		return err
	}
	if want.unit != "" {
		periods, err := a.Volume(ctx, scope(), want.unit, want.since, want.before)
		if err != nil {
			return err
		}
		p.noticeOf(ctx, a, before.Notice)
		return p.writeAll(want.asJSON, periodLines(periods, want.unit), func(w io.Writer) error { return writeEach(w, periods) })
	}
	tallies, err := a.Top(ctx, scope(), want.of, want.limit)
	if err != nil {
		return err
	}
	p.noticeOf(ctx, a, before.Notice)
	return p.writeAll(want.asJSON, tallyLines(tallies, want.of), func(w io.Writer) error { return writeEach(w, tallies) })
}

// noticeOf says what should be known of numbers that were taken between the
// notice before and now.
func (p *program) noticeOf(ctx context.Context, a control.Archive, before string) {
	after, err := a.Stats(ctx, scope())
	if err == nil {
		before = cmp.Or(after.Notice, before)
	}
	p.notice(control.SearchEnd{Notice: before})
}

func writeEach[T any](w io.Writer, list []T) error {
	for _, v := range list {
		if err := writeJSON(w, v); err != nil {
			return err
		}
	}
	return nil
}

// writeAll prints bars, or what asLines prints.
func (p *program) writeAll(asJSON bool, bars []bar, asLines func(io.Writer) error) error {
	if len(bars) == 0 {
		return &advised{nothingFound{}, ""}
	}
	w := bufio.NewWriter(p.out)
	if asJSON {
		if err := asLines(w); err != nil {
			return err
		}
	} else {
		drawBars(w, bars, p.outputWidth())
	}
	return w.Flush()
}

// bar is a line of a chart.
type bar struct {
	label  string
	amount catalog.Amount
	note   string // behind the numbers
}

func periodLines(periods []catalog.Period, unit catalog.Unit) []bar {
	layout := map[catalog.Unit]string{
		catalog.Hour: "2006-01-02 15:00", catalog.Day: "Mon 2006-01-02", catalog.Month: "2006-01", catalog.Year: "2006",
	}[unit]
	bars := make([]bar, len(periods))
	for i, p := range periods {
		var ways []string
		for _, way := range []mail.Direction{mail.In, mail.Out, mail.Internal} {
			if n := p.Ways[way].Messages; n > 0 {
				ways = append(ways, countText(n)+" "+string(way))
			}
		}
		bars[i] = bar{p.Start.UTC().Format(layout), p.Amount, strings.Join(ways, ", ")}
	}
	return bars
}

func tallyLines(tallies []catalog.Tally, of catalog.Dimension) []bar {
	bars := make([]bar, len(tallies))
	for i, t := range tallies {
		bars[i] = bar{label: safe(t.Value), amount: t.Amount}
		switch {
		case of == catalog.BySize:
			bars[i].label = classText(t.Value)
		case t.Value == "":
			bars[i].label = "(none)"
		}
	}
	return bars
}

// classText names a class of sizes by its bounds.
func classText(value string) string {
	from, err := strconv.ParseUint(value, 10, 64)
	if err != nil {
		return safe(value)
	}
	if from == 0 {
		return "under 1 KiB"
	}
	for _, unit := range []struct {
		size uint64
		name string
	}{{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if from >= unit.size {
			return fmt.Sprintf("from %d %s", from/unit.size, unit.name)
		}
	}
	return value
}

// Widths of a chart's columns.
const (
	widestLabel = 40
	leastBar    = 10
	amountWidth = len("1,234,567 ") + len("999 kB")
)

// drawBars draws a line for each: label, bar, messages, size, note.
func drawBars(w io.Writer, bars []bar, width int) {
	var label, note int
	var most uint64
	for _, b := range bars {
		label = min(max(label, columns().StringWidth(b.label)), widestLabel)
		note = max(note, len(b.note))
		most = max(most, b.amount.Messages)
	}
	room := max(width-label-amountWidth-note-4*len(gap), leastBar)
	for _, b := range bars {
		line := fit(b.label, label) + gap + barText(b.amount.Messages, most, room) + gap +
			fmt.Sprintf("%9s %*s", countText(b.amount.Messages), sizeWidth, sizeText(b.amount.Bytes)) + gap + b.note
		fmt.Fprintln(w, strings.TrimRight(line, " "))
	}
}

// barText draws n of most in a number of columns, an eighth of one at a time.
func barText(n, most uint64, width int) string {
	eighths := int(float64(n) / float64(most) * float64(8*width))
	if n > 0 {
		eighths = max(eighths, 1)
	}
	text := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		text += string([]rune("▏▎▍▌▋▊▉")[rest-1])
	}
	return text + strings.Repeat(" ", width-(eighths+7)/8)
}
