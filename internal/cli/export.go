package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/spf13/cobra"

	"mailarchive/internal/control"
	"mailarchive/internal/export"
)

// exportMail is `export`.
func (p *program) exportMail() *cobra.Command {
	var o exportOptions
	var format string
	c := &cobra.Command{
		Use:   "export QUERY",
		Short: "Write messages to files that other programs read",
		Long: `Export writes all messages that a query finds, or with --id the messages of those
IDs, with their exact bytes and a MANIFEST.jsonl that has a line for each: SHA-256,
envelope, headers, and why a message is missing.

  zip, tgz       messages/ID.eml, MANIFEST.jsonl and README.txt in one file
  mbox           one file, quoted as mboxrd; the manifest lies beside it
  eml, maildir   a folder

Nothing is overwritten. A file has its name only when it is whole; a folder that
was interrupted is gone on with --resume. The output "-" is standard output (zip,
tgz and mbox).`,
		Example: `  mail-archive export from:ann@example.org date:2026-03 --output ann.zip
  mail-archive export --format maildir --output Maildir 'subject:"annual report"'
  mail-archive export --id 01KB3G5V7Q8W9X0Y1Z2A3B4C5D --format mbox --output - | less`,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, args []string) error {
			o.query = strings.Join(args, " ")
			if (len(args) > 0) == (len(o.ids) > 0) {
				return &usageError{errors.New("either a query or --id says what to export")}
			}
			if o.output == "" {
				return &usageError{errors.New("--output says where to: a file, a folder, or - for standard output")}
			}
			var err error
			if o.Format, err = formatFor(format, o.output); err != nil {
				return &usageError{err}
			}
			return p.withArchive(c, false, func(ctx context.Context, a control.Archive) error {
				return p.runExport(ctx, a, o)
			})
		},
	}
	c.Flags().StringVarP(&o.output, "output", "o", "", "file or folder to write, or - for standard output")
	c.Flags().StringVar(&format, "format", "", "eml, mbox, maildir, zip or tgz; else as the output's name ends, or zip")
	c.Flags().StringArrayVar(&o.ids, "id", nil, "a message by its ID (may be repeated)")
	c.Flags().BoolVar(&o.DeliveredTo, "delivered-to", false, `put an "X-Clear-Delivered-To:" line for each envelope recipient in front of each copy`)
	c.Flags().BoolVar(&o.Resume, "resume", false, "go on with a folder that was interrupted")
	c.Flags().StringVar(&o.reason, "reason", "", "why, for the record of who read what")
	c.Flags().BoolVar(&o.asJSON, "json", false, "print the sums as a line of JSON")
	return c
}

type exportOptions struct {
	export.Options
	query, output, reason string
	ids                   []string
	asJSON                bool
}

// formatFor is the format that is asked for, or the one that the name of the
// output says.
func formatFor(format, output string) (export.Format, error) {
	if format != "" {
		return export.ParseFormat(format)
	}
	for _, f := range export.Formats() {
		if !f.IsFolder() && strings.HasSuffix(output, f.Suffix()) {
			return f, nil
		}
	}
	if strings.HasSuffix(output, ".tar.gz") {
		return export.TGZ, nil
	}
	return export.Zip, nil
}

func (p *program) runExport(ctx context.Context, a control.Archive, o exportOptions) error {
	request := control.FetchRequest{Refs: o.ids, Query: o.query, Reason: o.reason}
	o.Total, o.Title = len(o.ids), "the messages that were named"
	if len(o.ids) == 0 {
		end, err := a.Search(ctx, scope(), control.SearchRequest{Query: o.query, Limit: 1}, func(control.Hit) error { return nil })
		p.notice(end)
		p.point(err, o.query)
		if err != nil {
			return err
		}
		if end.Total == 0 {
			return &advised{nothingFound{}, ""}
		}
		o.Total, o.Title = end.Total, "the messages that the query "+o.query+" finds"
		if end.TotalMore {
			o.Total = 0
		}
	}
	meter := p.meter("export")
	o.Progress = func(e export.Progress) {
		meter.update(control.Progress{Done: int64(e.Done), Total: int64(e.Total), Unit: "messages"})
	}
	sum, err := p.writeExport(ctx, fetched(ctx, a, request), o)
	meter.clear()
	if err != nil {
		return err
	}
	return p.exported(sum, o)
}

func (p *program) writeExport(ctx context.Context, messages iter.Seq2[export.Message, error], o exportOptions) (export.Summary, error) {
	switch {
	case o.output == "-":
		return export.ToStream(ctx, messages, p.out, nil, o.Options)
	case o.Format.IsFolder():
		return export.ToFolder(ctx, messages, o.output, o.Options)
	}
	return export.ToFile(ctx, messages, o.output, o.Options)
}

// fetched is the messages of a request as an export takes them.
func fetched(ctx context.Context, a control.Archive, q control.FetchRequest) iter.Seq2[export.Message, error] {
	return func(yield func(export.Message, error) bool) {
		enough := errors.New("the export has ended")
		err := a.Fetch(ctx, scope(), q, func(f control.Fetched) error {
			m := export.Message{Row: f.Row, History: f.History}
			m.Open = func(context.Context) (io.ReadCloser, error) { return io.NopCloser(f.Content), nil }
			if !yield(m, nil) {
				return enough
			}
			return nil
		})
		if err != nil && !errors.Is(err, enough) {
			yield(export.Message{}, err)
		}
	}
}

// exported tells what came of an export.
func (p *program) exported(sum export.Summary, o exportOptions) error {
	for i, f := range sum.Failures {
		if i == failuresShown {
			break
		}
		fmt.Fprintf(p.std.Err, "missing: %s: %s\n", f.ID, safe(f.Err.Error()))
	}
	var err error
	switch {
	case o.output == "-": // it belongs to the messages
	case o.asJSON:
		err = writeJSON(p.out, struct {
			Written int   `json:"written"`
			Missing int   `json:"missing"`
			Bytes   int64 `json:"bytes"`
		}{sum.Written, sum.Failed, sum.Bytes})
	default:
		_, err = fmt.Fprintf(p.out, "%s (%s) written to %s.\n", plural(sum.Written, "message"), sizeText(uint64(sum.Bytes)), safe(o.output))
	}
	if err == nil && sum.Failed > 0 {
		err = &advised{fmt.Errorf("%s could not be written", plural(sum.Failed, "message")), "MANIFEST.jsonl lists each with the reason."}
	}
	return err
}
