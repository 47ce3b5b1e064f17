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

// show is `show`.
func (p *program) show() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "show ID",
		Short: "Read a message",
		Long: `The ID is one that search lists, the beginning of one if no other begins so, or a
Message-ID.`,
		Example: `  mail-archive show 01KB3G5V7Q8W9X0Y1Z2A3B4C5D
  mail-archive show 01KB3G5V --json
  mail-archive show '<4711@example.org>'`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, args []string) error {
			return p.withArchive(c, false, func(ctx context.Context, a control.Archive) error {
				shown, err := a.Show(ctx, scope(), args[0])
				if err != nil {
					return err
				}
				if asJSON {
					return writeJSON(p.out, shown)
				}
				return p.writePage(shown)
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print a line of JSON")
	return c
}

// raw is `raw`.
func (p *program) raw() *cobra.Command {
	return &cobra.Command{
		Use:   "raw ID",
		Short: "Write a message to standard output, byte for byte as it came in",
		Example: `  mail-archive raw 01KB3G5V7Q8W9X0Y1Z2A3B4C5D > message.eml
  mail-archive raw '<4711@example.org>' | sha256sum`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, args []string) error {
			return p.withArchive(c, false, func(ctx context.Context, a control.Archive) error {
				content, err := a.Raw(ctx, scope(), args[0])
				if err != nil {
					return err
				}
				_, err = io.Copy(p.out, content)
				return errors.Join(err, content.Close())
			})
		},
	}
}

const (
	labelWidth = 14
	// listed is how many entries of a list a page shows; --json has all.
	listed = 100
)

func (p *program) writePage(m control.Shown) error {
	w := bufio.NewWriter(p.out)
	page := &page{w: w, width: p.outputWidth(), zone: p.loaded.Timezone.Location()}
	page.head(m)
	fmt.Fprintln(w)
	fmt.Fprintln(w, strings.TrimRight(safeLines(m.Text), "\n"))
	fmt.Fprintln(w)
	page.arrivals(m.Arrivals)
	return w.Flush()
}

// page writes labelled lines. Errors stay in the buffered writer.
type page struct {
	w     *bufio.Writer
	width int
	zone  *time.Location
}

func (p *page) head(m control.Shown) {
	p.field("Subject", m.Subject)
	p.list("From", m.From)
	p.list("To", m.To)
	p.list("Cc", m.Cc)
	p.list("Bcc", m.Bcc)
	p.list("Delivered to", m.DeliveredTo)
	p.field("Date", secondText(m.Date, p.zone))
	if d := m.Received.Sub(m.Date).Abs(); d > time.Minute {
		p.field("Received", secondText(m.Received, p.zone))
	}
	var attachments []string
	for _, a := range m.Attachments {
		attachments = append(attachments, fmt.Sprintf("%s (%s, %s)", a.Name, a.Type, sizeText(uint64(a.Size))))
	}
	p.list("Attachments", attachments)
	p.list("Keywords", m.Keywords)
	p.field("Message-ID", m.MessageID)
	p.field("ID", m.ID.String())
	p.field("Size", plural(m.Size, "byte"))
	p.field("SHA-256", m.SHA256.String())
	p.list("Not readable", m.Problems)
}

// list writes entries with commas between them, and nothing for none.
func (p *page) list(label string, entries []string) {
	if len(entries) > listed {
		entries = append(entries[:listed:listed], fmt.Sprintf("and %s more (--json lists all)", countText(len(entries)-listed)))
	}
	p.field(label, strings.Join(entries, ", "))
}

func (p *page) field(label, value string) {
	if value == "" {
		return
	}
	lines := wrapCell(safe(value), max(p.width-labelWidth, leastPeople))
	label += ":"
	for _, line := range lines {
		fmt.Fprintf(p.w, "%-*s%s\n", labelWidth, label, line)
		label = ""
	}
}

func (p *page) arrivals(all []control.ArrivalShown) {
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(p.w, "Came in %s:\n", plural(len(all), "time"))
	for i, a := range all {
		if i == listed {
			fmt.Fprintf(p.w, "  and %s more (--json lists all)\n", countText(len(all)-listed))
			return
		}
		fmt.Fprintf(p.w, "  %s  no. %d, %s, by %s\n", a.ID, a.Seq, secondText(a.Received, p.zone), safe(a.Source))
		p.detail("from", a.From)
		to := a.To
		if len(to) > listed {
			to = append(to[:listed:listed], fmt.Sprintf("and %s more", countText(len(to)-listed)))
		}
		p.detail("for", strings.Join(to, ", "))
		p.detail("client", a.Client)
		p.detail("file", a.Path)
		p.detail("folder", a.Folder)
		p.detail("flags", a.Flags)
		p.detail("owner", a.Owner)
	}
}

func (p *page) detail(label, value string) {
	if value != "" {
		fmt.Fprintf(p.w, "    %-6s  %s\n", label, safe(value))
	}
}
