package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"mailarchive/internal/config"
	"mailarchive/internal/control"
)

// stats is `stats`.
func (p *program) stats() *cobra.Command {
	var asJSON bool
	var by, top, since, before string
	var limit int
	c := &cobra.Command{
		Use:   "stats",
		Short: "Count what is stored, and whether all of it can be found",
		Long: `With --json: arrivals, stored, indexed, in_step, missing, remaking (percent, while
the index is made again), notice, unparseable, bytes_raw, bytes_disk,
archives, bytes_archives, segments, torn, started, last_received, vault, data. An arrival is one message
coming in; the same bytes coming in again are a further arrival of one stored
message.

--by hour, day, month or year draws how much mail there is from each, by the
date of the mail in UTC; --since and --before bound it (2026, 2026-03,
2026-03-01). --top sender, recipient, domain, keyword, direction or size lists
what is most frequent. With --json each is a line.`,
		Example: `  mail-archive stats
  mail-archive stats --by month --since 2026
  mail-archive stats --top domain --limit 20
  mail-archive stats --json | jq '.stored == .indexed'`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, _ []string) error {
			want, err := newWanted(by, top, since, before, limit, asJSON)
			if err != nil {
				return &usageError{err}
			}
			return p.withArchive(c, false, func(ctx context.Context, a control.Archive) error {
				if by != "" || top != "" {
					return p.runStatistics(ctx, a, want)
				}
				s, err := a.Stats(ctx, scope())
				if err != nil {
					return err
				}
				if asJSON {
					return writeJSON(p.out, s)
				}
				return writeStats(p.out, s, p.loaded.Config)
			})
		},
	}
	c.Flags().StringVar(&by, "by", "", "draw mail by hour, day, month or year")
	c.Flags().StringVar(&since, "since", "", "with --by: from that date on")
	c.Flags().StringVar(&before, "before", "", "with --by: up to that date, which is left out")
	c.Flags().StringVar(&top, "top", "", "list the most frequent sender, recipient, domain, keyword, direction or size")
	c.Flags().IntVar(&limit, "limit", defaultTop, "with --top: values to list at most")
	c.Flags().BoolVar(&asJSON, "json", false, "print a line of JSON, or one for each value")
	c.MarkFlagsMutuallyExclusive("by", "top")
	return c
}

func writeStats(out io.Writer, s control.Stats, c config.Config) error {
	w := bufio.NewWriter(out)
	row := func(label, format string, values ...any) {
		fmt.Fprintf(w, "%-*s  %s\n", labelWidth, label, fmt.Sprintf(format, values...))
	}
	zone := c.Timezone.Location()
	row("Messages", "%s stored, %s", countText(s.Stored), indexedText(s))
	if s.Notice != "" {
		row("Index", "%s", safe(s.Notice))
	}
	row("Arrivals", "%s, the last %s", countText(s.Arrivals), secondText(s.LastReceived, zone))
	if s.Unparseable > 0 {
		row("Unparseable", "%s that can be read only in part", countText(s.Unparseable))
	}
	row("Size", "%s of mail, %s on disk%s", sizeText(s.BytesRaw), sizeText(s.BytesDisk+s.BytesArchives), shareText(s))
	if s.Archives > 0 {
		row("Archive files", "%s, %s of them here", plural(s.Archives, "file"), sizeText(s.BytesArchives))
	}
	row("Vault", "%s in %s", safe(s.Vault), plural(s.Segments, "segment"))
	if s.Torn > 0 {
		row("Torn", "%s in vault/torn: what crashes left, none of it acknowledged", plural(s.Torn, "file"))
	}
	row("Data", "%s", safe(c.Data))
	row("Running since", "%s", secondText(s.Started, zone))
	return w.Flush()
}

// indexedText says in words whether stored = indexed.
func indexedText(s control.Stats) string {
	if s.Stored == s.Indexed {
		return "all of them indexed: everything stored can be found"
	}
	if s.Indexed > s.Stored {
		return fmt.Sprintf("%s indexed: more than stored; \"mail-archive reindex\" puts that right", countText(s.Indexed))
	}
	return fmt.Sprintf("%s indexed: %s to go", countText(s.Indexed), countText(s.Stored-s.Indexed))
}

func shareText(s control.Stats) string {
	if s.BytesRaw == 0 {
		return ""
	}
	return fmt.Sprintf(" (%.0f %%)", 100*float64(s.BytesDisk+s.BytesArchives)/float64(s.BytesRaw))
}

// version is `version`.
func (p *program) version() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:               "version",
		Short:             "Print version, commit and formats",
		Example:           "  mail-archive version --json",
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			if asJSON {
				return writeJSON(p.out, p.deps.Version)
			}
			_, err := fmt.Fprintln(p.out, p.deps.Version)
			return err
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print a line of JSON")
	return c
}
