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
	"mailarchive/internal/redeliver"
)

// redeliver is `redeliver`.
func (p *program) redeliver() *cobra.Command {
	var q control.RedeliverRequest
	var asJSON bool
	c := &cobra.Command{
		Use:   "redeliver ID…",
		Short: "Send messages again",
		Long: `Redeliver sends messages again: to those that To and Cc name, with --envelope to
all that they were really delivered to, or with --to to other addresses. They
arrive as they were, below a block of Resent- fields, from the archive's own
address. A message that SMTP would change goes as an attachment with its exact
bytes, as any does with --attach.

What is to be sent goes into a queue on disk and is tried until it is delivered,
refused, or given up after redeliver-give-up: "mail-archive queue" shows it.
Domains that are not in local-domains get nothing without --external.`,
		Example: `  mail-archive redeliver 01KB3G5V7Q8W9X0Y1Z2A3B4C5D --dry-run
  mail-archive redeliver 01KB3G5V --to ann@example.org
  mail-archive redeliver --query 'to:ann@example.org date:2026-03-14' --to ann@example.org`,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, args []string) error {
			q.Refs = args
			if (len(args) > 0) == (q.Query != "") {
				return &usageError{errors.New("either IDs or --query say what to send")}
			}
			return p.withArchive(c, false, func(ctx context.Context, a control.Archive) error {
				return p.runRedeliver(ctx, a, q, asJSON)
			})
		},
	}
	c.Flags().StringVar(&q.Query, "query", "", "send all messages that this query finds (10,000 at most)")
	c.Flags().StringArrayVar(&q.To, "to", nil, "send to this address instead of the original recipients (may be repeated)")
	c.Flags().BoolVar(&q.Envelope, "envelope", false, "send to all that it was really delivered to, BCC and lists included")
	c.Flags().BoolVar(&q.External, "external", false, "send to domains too that are not ours")
	c.Flags().BoolVar(&q.Attach, "attach", false, "send each message as an attachment")
	c.Flags().BoolVarP(&q.DryRun, "dry-run", "n", false, "only say who would get what")
	c.Flags().StringVar(&q.Reason, "reason", "", "why, for the record of who did what")
	c.Flags().BoolVar(&asJSON, "json", false, "print a line of JSON for each message")
	return c
}

func (p *program) runRedeliver(ctx context.Context, a control.Archive, q control.RedeliverRequest, asJSON bool) error {
	r, err := a.Redeliver(ctx, scope(), q)
	if q.Query != "" {
		p.point(err, q.Query)
	}
	if err != nil {
		return err
	}
	out := bufio.NewWriter(p.out)
	problems, leftOut := 0, 0
	for _, m := range r.Messages {
		leftOut += len(m.LeftOut)
		if m.Problem != "" {
			problems++
		}
		if asJSON {
			err = errors.Join(err, writeJSON(out, m))
		} else {
			writeRedelivered(out, m)
		}
	}
	if !asJSON {
		fmt.Fprintln(out, redeliveredText(r, problems))
	}
	if err := errors.Join(err, out.Flush()); err != nil {
		return err
	}
	return redeliverAdvice(r, problems, leftOut)
}

func redeliveredText(r control.Redelivery, problems int) string {
	what := plural(r.Recipients, "delivery") + " of " + plural(len(r.Messages)-problems, "message")
	if r.DryRun {
		return what + " would be sent."
	}
	return what + " queued."
}

// redeliverAdvice is an error when something was not sent that was asked for.
func redeliverAdvice(r control.Redelivery, problems, leftOut int) error {
	advice := ""
	switch {
	case problems == 0 && leftOut == 0:
		return nil
	case leftOut > 0 && r.NoLocalDomains:
		advice = "No domain is known to be ours: set local-domains in the configuration, or use --external."
	case leftOut > 0:
		advice = "--external sends to domains that are not ours too."
	}
	if problems > 0 {
		return &advised{fmt.Errorf("%s of %s cannot be sent", countText(problems), plural(len(r.Messages), "message")), advice}
	}
	return &advised{fmt.Errorf("%s left out", plural(leftOut, "recipient")), advice}
}

func writeRedelivered(w io.Writer, m control.RedeliveredMessage) {
	fmt.Fprintf(w, "%s  %s\n", m.ID, safe(m.Subject))
	if m.Problem != "" {
		fmt.Fprintf(w, "  not sent: %s\n", safe(m.Problem))
	}
	if len(m.To) > 0 {
		fmt.Fprintf(w, "  to %s\n", safe(addressesText(m.To)))
	}
	reasons, of := []string{}, map[string][]string{}
	for _, l := range m.LeftOut {
		if of[l.Reason] == nil {
			reasons = append(reasons, l.Reason)
		}
		of[l.Reason] = append(of[l.Reason], l.Address)
	}
	for _, reason := range reasons {
		fmt.Fprintf(w, "  not to %s: %s\n", safe(addressesText(of[reason])), safe(reason))
	}
	if m.Why != "" && m.Problem == "" {
		fmt.Fprintf(w, "  %s: %s\n", m.Form, m.Why)
	}
}

// addressesShown is how many addresses a line names; --json has all.
const addressesShown = 8

func addressesText(list []string) string {
	if len(list) > addressesShown {
		return strings.Join(list[:addressesShown], ", ") + fmt.Sprintf(" and %s more", countText(len(list)-addressesShown))
	}
	return strings.Join(list, ", ")
}

// queue is `queue`.
func (p *program) queue() *cobra.Command {
	c := &cobra.Command{
		Use:   "queue",
		Short: "Show, retry and cancel what is to be sent again",
		Long: `Queue lists what redelivery has to send or has sent in the last 30 days, newest
first: each message with the state of its recipients.`,
		Example: `  mail-archive queue
  mail-archive queue show 01KB3G5V
  mail-archive queue retry`,
		Args: cobra.NoArgs,
	}
	var waiting bool
	list := p.queueAction("list [ENTRY…]", "List the queue", control.QueueList, cobra.ArbitraryArgs)
	for _, command := range []*cobra.Command{c, list} {
		command.Flags().BoolVar(&waiting, "waiting", false, "only what is not finished")
	}
	var asJSON bool
	c.Flags().BoolVar(&asJSON, "json", false, "print a line of JSON for each entry")
	c.RunE = func(c *cobra.Command, _ []string) error {
		return p.runQueue(c, control.QueueRequest{Action: control.QueueList, Waiting: waiting}, asJSON, false)
	}
	c.AddCommand(list,
		p.queueAction("show ENTRY…", "Show what became of each recipient", control.QueueList, cobra.MinimumNArgs(1)),
		p.queueAction("retry [ENTRY…]", "Try at once; also what was refused or given up, when it is named", control.QueueRetry, cobra.ArbitraryArgs),
		p.queueAction("cancel ENTRY…", "Send no further attempt", control.QueueCancel, cobra.MinimumNArgs(1)))
	return c
}

func (p *program) queueAction(use, short string, action control.QueueAction, arguments cobra.PositionalArgs) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: use, Short: short, Args: arguments, ValidArgsFunction: cobra.NoFileCompletions,
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		q := control.QueueRequest{Action: action, Entries: args}
		if flag := c.Flags().Lookup("waiting"); flag != nil {
			q.Waiting = flag.Value.String() == "true"
		}
		return p.runQueue(c, q, asJSON, len(args) > 0)
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print a line of JSON for each entry")
	return c
}

func (p *program) runQueue(c *cobra.Command, q control.QueueRequest, asJSON, whole bool) error {
	return p.withArchive(c, false, func(ctx context.Context, a control.Archive) error {
		queue, err := a.Queue(ctx, scope(), q)
		out := bufio.NewWriter(p.out)
		waiting := 0
		for _, e := range queue.Entries {
			waiting += e.Count(redeliver.Waiting)
			if asJSON {
				err = errors.Join(err, writeJSON(out, e))
			} else {
				p.writeEntry(out, e, whole)
			}
		}
		if !asJSON && err == nil && len(queue.Entries) == 0 {
			fmt.Fprintln(out, "Nothing is in the queue.")
		}
		if err := errors.Join(err, out.Flush()); err != nil {
			return err
		}
		for _, d := range queue.Damaged {
			fmt.Fprintln(p.std.Err, "note: "+safe(d))
		}
		if waiting > 0 && !queue.Sending {
			fmt.Fprintln(p.std.Err, `note: no server runs; "mail-archive serve" sends what waits`)
		}
		return nil
	})
}

// writeEntry writes an entry in a line, and with whole each recipient below.
func (p *program) writeEntry(w io.Writer, e control.QueueEntry, whole bool) {
	fmt.Fprintf(w, "%s  %s  %s  %s\n", e.ID, minuteText(e.Created, p.loaded.Timezone.Location()), stateText(e), safe(e.Subject))
	if !whole {
		return
	}
	fmt.Fprintf(w, "  message %s, asked for by %s\n", e.Message, safe(e.By))
	for _, r := range e.Recipients {
		fmt.Fprintf(w, "  %-9s  %s\n", r.State, safe(string(r.Address)))
		if r.Answer != "" {
			fmt.Fprintf(w, "             %s\n", safe(r.Answer))
		}
	}
	if _, done := e.Finished(); !done {
		fmt.Fprintf(w, "  next try %s, given up %s\n", minuteText(e.Next, p.loaded.Timezone.Location()), minuteText(e.Until, p.loaded.Timezone.Location()))
	}
	if e.Trouble != "" {
		fmt.Fprintf(w, "  %s\n", safe(e.Trouble))
	}
}

// stateText is "2 sent, 1 waiting".
func stateText(e control.QueueEntry) string {
	var parts []string
	for _, s := range []redeliver.State{redeliver.Sent, redeliver.Waiting, redeliver.Refused, redeliver.Expired, redeliver.Cancelled} {
		if n := e.Count(s); n > 0 {
			parts = append(parts, countText(n)+" "+string(s))
		}
	}
	return strings.Join(parts, ", ")
}
