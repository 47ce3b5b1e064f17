package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"mailarchive/internal/capture/importer"
	"mailarchive/internal/config"
	"mailarchive/internal/control"
	"mailarchive/internal/mail"
)

// failuresShown is how many failed items are named on the screen.
const failuresShown = 10

// importMail is `import`.
func (p *program) importMail() *cobra.Command {
	var o importer.Options
	var in importInput
	var report string
	var asJSON bool
	c := &cobra.Command{
		Use:   "import PATH…",
		Short: "Take in files and folders of mail",
		Long: `Import takes files and folders of single messages (.eml), mbox files, Maildir and
Maildir++ in, as their content says. It never touches its source. A message that
was imported from the same place before is not imported again, so an import that
was interrupted is just started again.

--spool imports the folder of the configuration in which the system before this
one leaves its mail; of one day unless --days says how many.

--report writes the outcome of every item as a line of JSON.`,
		Example: `  mail-archive import ~/Maildir --owner ann@example.org
  mail-archive import --report outcome.jsonl /srv/old/*.mbox
  mail-archive import --format mboxo --folder Lists/golang golang.mbox`,
		RunE: func(c *cobra.Command, args []string) error {
			loaded, err := p.load(c)
			if err != nil {
				return err
			}
			if err := in.fill(&o, args, loaded.Config, p.clock()); err != nil {
				return err
			}
			return p.withArchive(c, true, func(ctx context.Context, a control.Archive) error {
				return p.runImport(ctx, a, o, report, asJSON)
			})
		},
	}
	c.Flags().StringVar(&in.owner, "owner", "", "address whose mailbox it was: its owner sees mail in which no header names them")
	c.Flags().StringVar(&report, "report", "", "file for the outcome of every item, as JSON lines")
	c.Flags().StringVar(&in.format, "format", "auto", "auto, eml, spool (raw messages, any name), mboxrd, mboxo, mboxcl or mboxcl2")
	c.Flags().StringVar(&in.since, "since", "", "only files of this day and later, by the date in their names or else their own")
	c.Flags().StringVar(&in.before, "before", "", "only files of days before this one")
	c.Flags().IntVar(&in.days, "days", 0, "only files of so many days back from today, or from --start")
	c.Flags().StringVar(&in.start, "start", "", "the day that --days counts back from")
	c.Flags().BoolVar(&in.spool, "spool", false, "import the configured spool folder of the old system")
	c.Flags().BoolVar(&o.DeliveredTo, "delivered-to", false, "believe X-Clear-Delivered-To fields as recipients; only for folders that nobody but the old system wrote to")
	c.Flags().StringVar(&in.passwordFile, "password-file", "", "passwords of encrypted archives, one a line; each is tried")
	c.Flags().StringVar(&o.Folder, "folder", "", "mail folder to put in front of the folders found")
	c.Flags().BoolVar(&asJSON, "json", false, "print the sums as a line of JSON")
	return c
}

// importInput is what the flags of an import say.
type importInput struct {
	owner, format, since, before, start, passwordFile string
	days                                              int
	spool                                             bool
}

// fill makes options of the flags and arguments.
func (in importInput) fill(o *importer.Options, args []string, c config.Config, now time.Time) (err error) {
	o.Paths, o.Owner = args, mail.Address(in.owner)
	if o.Format, err = importer.ParseFormat(in.format); err != nil {
		return err
	}
	if in.spool {
		if len(args) > 0 || c.Spool == "" {
			return &usageError{errors.New("--spool takes the folder from the key spool of the configuration, and no path")}
		}
		o.Paths, o.Format, o.DeliveredTo = []string{c.Spool}, importer.FormatSpool, true
		in.days = max(in.days, 1)
	}
	if len(o.Paths) == 0 {
		return &usageError{errors.New("a path says what to import")}
	}
	if in.passwordFile != "" {
		if o.Passwords, err = importer.ReadPasswords(in.passwordFile); err != nil {
			return err
		}
	}
	return in.dates(o, c.Timezone.Location(), now)
}

// dates sets the bounds of the files' dates.
func (in importInput) dates(o *importer.Options, zone *time.Location, now time.Time) error {
	day := func(flag, text string, to *time.Time) error {
		if text == "" {
			return nil
		}
		t, err := time.ParseInLocation(time.DateOnly, text, zone)
		if err != nil {
			return &usageError{fmt.Errorf("--%s %s: a date such as 2026-11-01", flag, text)}
		}
		*to = t
		return nil
	}
	start := now.In(zone)
	err := errors.Join(day("since", in.since, &o.Since), day("before", in.before, &o.Before), day("start", in.start, &start))
	switch {
	case err != nil:
		return err
	case in.days < 0, in.days > 0 && (in.since != "" || in.before != ""), in.start != "" && in.days == 0:
		return &usageError{errors.New("either --since and --before, or --days with --start")}
	case in.days > 0:
		o.Since, o.Before = importer.Back(start, in.days)
	}
	return nil
}

func (p *program) runImport(ctx context.Context, a control.Archive, o importer.Options, report string, asJSON bool) error {
	outcomes, err := openReport(report)
	if err != nil {
		return err
	}
	show := &importShow{meter: p.meter("import"), report: outcomes}
	o.Report, o.Progress = show.outcome, show.progress
	sum, err := importer.Run(ctx, a, o)
	show.meter.clear()
	err = errors.Join(err, show.failed, outcomes.Close())
	if asJSON {
		err = errors.Join(err, writeJSON(p.out, sums{sum.Stored, sum.Already, sum.Skipped, sum.Failed, sum.Bytes, sum.Elapsed.Seconds()}))
	} else if perr := writeSummary(p.out, sum); err == nil {
		err = perr
	}
	if err == nil && sum.Failed > 0 {
		err = &advised{fmt.Errorf("%s could not be imported", plural(sum.Failed, "item")), importAdvice(report)}
	}
	return err
}

func importAdvice(report string) string {
	if report == "" {
		return "Run it again with --report FILE for all reasons; what is in already is not imported twice."
	}
	return "The reasons are in " + report + "; run it again when they are mended, what is in already is not imported twice."
}

// sums is the summary as JSON.
type sums struct {
	Stored  int     `json:"stored"`
	Already int     `json:"already"`
	Skipped int     `json:"skipped"`
	Failed  int     `json:"failed"`
	Bytes   int64   `json:"bytes"`
	Seconds float64 `json:"seconds"`
}

func writeSummary(w io.Writer, s importer.Summary) error {
	text := plural(s.Stored, "message") + " imported (" + sizeText(uint64(s.Bytes)) + ")"
	for _, part := range []struct {
		n    int
		text string
	}{{s.Already, "there already"}, {s.Skipped, "left aside"}, {s.Failed, "failed"}} {
		if part.n > 0 {
			text += fmt.Sprintf(", %s %s", countText(part.n), part.text)
		}
	}
	if seconds := s.Elapsed.Seconds(); seconds >= 1 && s.Stored > 0 {
		text += fmt.Sprintf(", in %s, %s/s", clockText(s.Elapsed), countText(int64(float64(s.Stored)/seconds)))
	}
	_, err := fmt.Fprintln(w, text+".")
	return err
}

// importShow tells of an import while it runs: outcomes to the report, the
// first failures and progress to the screen.
type importShow struct {
	meter    *meter
	report   *reportFile
	failures int
	failed   error // of the report
}

func (s *importShow) outcome(o importer.Outcome) {
	if err := s.report.write(o); s.failed == nil {
		s.failed = err
	}
	if o.Outcome != importer.Failed {
		return
	}
	s.failures++
	if s.failures > failuresShown {
		return
	}
	s.meter.clear()
	place := o.Path
	if o.Index > 0 {
		place += fmt.Sprintf(", message %d", o.Index)
	}
	fmt.Fprintf(s.meter.w, "failed: %s: %s\n", safe(place), safe(o.Reason))
}

func (s *importShow) progress(p importer.Progress) {
	m := s.meter
	every := lineEvery
	if m.terminal {
		every = drawEvery
	}
	if m.clock().Sub(m.shown) < every {
		return
	}
	m.rate = p.Rate
	shown := control.Progress{Done: p.Bytes, Total: p.TotalBytes, Unit: "bytes"}
	note := fmt.Sprintf("%s, %s/s", plural(p.Items, "message"), countText(int64(p.ItemRate)))
	switch p.Phase {
	case importer.Scanning:
		shown, note = control.Progress{Done: int64(p.Files), Unit: "files found"}, ""
		m.rate = 0
	case importer.Waiting:
		note = "waiting: " + p.Reason
	case importer.Done:
		return
	}
	m.show(shown, p.Left.Round(time.Second), note)
}

// reportFile takes outcomes as JSON lines. The zero value takes them nowhere.
type reportFile struct {
	f *os.File
	w *bufio.Writer
}

func openReport(name string) (*reportFile, error) {
	if name == "" {
		return &reportFile{}, nil
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open report: %w", err)
	}
	return &reportFile{f, bufio.NewWriter(f)}, nil
}

func (r *reportFile) write(o importer.Outcome) error {
	if r.f == nil {
		return nil
	}
	if err := writeJSON(r.w, o); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}

// Close writes what is buffered.
func (r *reportFile) Close() error {
	if r.f == nil {
		return nil
	}
	if err := errors.Join(r.w.Flush(), r.f.Close()); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}
