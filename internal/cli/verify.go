package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"mailarchive/internal/control"
)

// verify is `verify`.
func (p *program) verify() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "verify",
		Short: "Read everything that is stored and check it",
		Long: `Verify reads every segment of the vault and checks each record's place in the
chain and each message's SHA-256. It changes nothing and may run while mail comes
in. The exit code is 1 when something is wrong.

With --json each finding is a line (segment, offset, length, lost, ids, what,
hint), and the last line has "verified" with the sums.`,
		Example: `  mail-archive verify
  mail-archive verify --json`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, _ []string) error {
			return p.withArchive(c, false, func(ctx context.Context, a control.Archive) error {
				return p.runVerify(ctx, a, asJSON)
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print a line of JSON for each finding")
	return c
}

func (p *program) runVerify(ctx context.Context, a control.Archive, asJSON bool) error {
	f := p.findings("verify", asJSON)
	v, err := a.Verify(ctx, f.meter.update, f.show)
	if err := f.end(err); err != nil {
		return err
	}
	if asJSON {
		err = writeJSON(p.out, map[string]control.Verified{"verified": v})
	} else {
		err = writeVerified(p.out, v, f.found)
	}
	if err == nil && f.found > 0 {
		err = errFindings
	}
	return err
}

func writeFinding(w io.Writer, f control.Finding, asJSON bool) error {
	if asJSON {
		return writeJSON(w, f)
	}
	_, err := fmt.Fprintln(w, findingText(f))
	return err
}

// findingText is "segment 3, offset 123456, 5000 bytes: frame is damaged;
// arrivals 8, 9 are lost; …".
func findingText(f control.Finding) string {
	var b strings.Builder
	if f.Segment > 0 { // segments count from 1; other findings are not about one
		fmt.Fprintf(&b, "segment %d", f.Segment)
		if f.Offset > 0 || f.Length > 0 {
			fmt.Fprintf(&b, ", offset %d", f.Offset)
		}
		if f.Length > 0 {
			fmt.Fprintf(&b, ", %s", plural(f.Length, "byte"))
		}
		b.WriteString(": ")
	}
	b.WriteString(safe(f.What))
	if len(f.Seqs) > 0 {
		fmt.Fprintf(&b, "; lost: no. %s", joinSome(f.Seqs))
	}
	if len(f.IDs) > 0 {
		fmt.Fprintf(&b, "; messages: %s", joinSome(f.IDs))
	}
	if f.Hint != "" {
		b.WriteString("\n  " + safe(f.Hint))
	}
	return b.String()
}

// joinSome writes entries with commas between them, not too many.
func joinSome[T any](all []T) string {
	var texts []string
	for i, one := range all {
		if i == listed {
			texts = append(texts, fmt.Sprintf("and %s more (--json lists all)", countText(len(all)-listed)))
			break
		}
		texts = append(texts, fmt.Sprint(one))
	}
	return strings.Join(texts, ", ")
}

func writeVerified(w io.Writer, v control.Verified, found int) error {
	checked := fmt.Sprintf("%s in %s (%s) checked", plural(v.Arrivals, "arrival"), plural(v.Segments, "segment"), sizeText(v.Bytes))
	if found == 0 {
		_, err := fmt.Fprintf(w, "%s: all is as it was written.\n", checked)
		return err
	}
	_, err := fmt.Fprintf(w, "%s: %s.\n", checked, plural(found, "finding"))
	return err
}

// reindex is `reindex`.
func (p *program) reindex() *cobra.Command {
	return &cobra.Command{
		Use:   "reindex",
		Short: "Make catalog and full text again from the vault",
		Long: `Reindex reads every message in the vault and builds catalog and full text anew.
Search goes on with the old ones until the new ones take their place.`,
		Example:           "  mail-archive reindex",
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, _ []string) error {
			return p.withArchive(c, false, func(ctx context.Context, a control.Archive) error {
				meter := p.meter("reindex")
				err := a.Reindex(ctx, meter.update)
				meter.clear()
				if err != nil {
					return err
				}
				s, err := a.Stats(ctx, scope())
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(p.out, "%s stored, %s.\n", plural(s.Stored, "message"), indexedText(s))
				return err
			})
		},
	}
}
