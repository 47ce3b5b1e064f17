package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"mailarchive/internal/control"
)

// audit is `audit`.
func (p *program) audit() *cobra.Command {
	var q control.AuditRequest
	var since, until string
	var asJSON, verify bool
	var heads []string
	c := &cobra.Command{
		Use:   "audit",
		Short: "Show who searched, read, sent and changed what, and check that record",
		Long: `Audit lists the record of who did what, newest first. The record is written before
the act, is chained by digests, and lies in JSON lines in the folder audit, with a
recipe to check it with jq and sha256sum beside it.

--verify reads all of it and names what was edited, removed, reordered or cut off.
--head prints the number and digest of the newest entry: kept elsewhere, it proves
later with --verify --expect that nothing up to it was changed.`,
		Example: `  mail-archive audit --actor ann --since 2026-11-01
  mail-archive audit --verify
  mail-archive audit --head >> /media/usb/heads`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return p.withArchive(c, false, func(ctx context.Context, a control.Archive) error {
				if verify {
					return p.verifyAudit(ctx, a, heads, asJSON)
				}
				if err := p.auditDates(&q, since, until); err != nil {
					return err
				}
				return p.listAudit(ctx, a, q, asJSON)
			})
		},
	}
	c.Flags().StringVar(&since, "since", "", "from this date on, as in 2026-11-01")
	c.Flags().StringVar(&until, "until", "", "before this date")
	c.Flags().StringVar(&q.Actor, "actor", "", "only what this account did")
	c.Flags().StringSliceVar(&q.Acts, "act", nil, "only these acts: search, show, raw, export, redeliver, seal, restore …")
	c.Flags().IntVar(&q.Limit, "limit", defaultLimit, "entries to list at most; 0 lists all")
	c.Flags().Uint64Var(&q.Before, "before", 0, "go on below the entry of this number")
	c.Flags().BoolVar(&q.HeadOnly, "head", false, "print number and digest of the newest entry")
	c.Flags().BoolVar(&verify, "verify", false, "read the whole record and check it")
	c.Flags().StringArrayVar(&heads, "expect", nil, "with --verify: a line of --head that the record must hold (may be repeated)")
	c.Flags().BoolVar(&asJSON, "json", false, "print a line of JSON for each entry")
	return c
}

func (p *program) auditDates(q *control.AuditRequest, since, until string) error {
	for _, d := range []struct {
		text string
		to   *time.Time
		flag string
	}{{since, &q.From, "since"}, {until, &q.Until, "until"}} {
		if d.text == "" {
			continue
		}
		t, err := time.ParseInLocation(time.DateOnly, d.text, p.loaded.Timezone.Location())
		if err != nil {
			return &usageError{fmt.Errorf("--%s %s: a date such as 2026-11-01", d.flag, d.text)}
		}
		*d.to = t
	}
	return nil
}

func (p *program) listAudit(ctx context.Context, a control.Archive, q control.AuditRequest, asJSON bool) error {
	out := bufio.NewWriter(p.out)
	n := 0
	end, err := a.Audit(ctx, scope(), q, func(e control.AuditEntry) error {
		n++
		if asJSON {
			return writeJSON(out, e)
		}
		p.writeAudit(out, e)
		return nil
	})
	if q.HeadOnly && err == nil {
		fmt.Fprintln(out, end.Head)
	}
	if err := errors.Join(err, out.Flush()); err != nil {
		return err
	}
	if !q.HeadOnly && n == 0 {
		return &advised{errors.New("no entry matches"), ""}
	}
	if q.Limit > 0 && n == q.Limit && end.Next > 1 {
		fmt.Fprintf(p.std.Err, "%s; the next page: --before=%d\n", countText(n), end.Next)
	}
	return nil
}

// writeAudit writes an entry in a line.
func (p *program) writeAudit(w io.Writer, e control.AuditEntry) {
	var about []string
	add := func(label, text string) {
		if text != "" {
			about = append(about, label+safe(text))
		}
	}
	add("query ", e.Query)
	if len(e.IDs) > 0 {
		add("", joinSome(e.IDs))
	}
	add("", e.Object)
	add("to ", strings.Join(e.To, ", "))
	add("as ", e.As)
	add("because ", e.Reason)
	add("from ", e.Client)
	if e.Of > 0 {
		add("ends ", fmt.Sprint(e.Of))
		if e.Hits > 0 {
			add("", plural(e.Hits, "hit"))
		}
	}
	actor := e.Actor
	if actor == "" {
		actor = "-"
	}
	fmt.Fprintf(w, "%d  %s  %s  %s %s  %s\n", e.Seq, secondText(e.Time, p.loaded.Timezone.Location()), safe(actor), safe(e.Act), safe(e.Outcome), strings.Join(about, "; "))
}

func (p *program) verifyAudit(ctx context.Context, a control.Archive, heads []string, asJSON bool) error {
	f := p.findings("audit", asJSON)
	v, err := a.VerifyAudit(ctx, scope(), control.AuditVerify{Heads: heads}, f.report())
	if err := f.end(err); err != nil {
		return err
	}
	if asJSON {
		err = writeJSON(p.out, map[string]control.AuditVerified{"verified": v})
	} else if v.Findings == 0 {
		_, err = fmt.Fprintf(p.out, "The record is whole, up to %s.\n", v.Head)
	} else {
		_, err = fmt.Fprintf(p.out, "%s.\n", plural(v.Findings, "finding"))
	}
	if err == nil && v.Findings > 0 {
		err = errFindings
	}
	return err
}
