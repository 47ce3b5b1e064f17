package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"mailarchive/internal/control"
	"mailarchive/internal/mail"
)

// Widths of the columns that do not grow.
const (
	dateWidth   = len("2026-11-24 13:05")
	sizeWidth   = len("999 kB")
	gap         = "  "
	wideEnough  = 130 // for the ID to stand in the row itself
	leastPeople = 10
)

// table lists hits, two lines each: the row, and what was found.
type table struct {
	w      io.Writer
	zone   *time.Location
	width  int
	wide   bool
	person int // width of from and to each
	begun  bool
	bold   bool // what was found is shown bold
}

func newTable(w io.Writer, width int, zone *time.Location) *table {
	t := &table{w: w, zone: zone, width: width, wide: width >= wideEnough}
	rest := width - dateWidth - sizeWidth - 4*len(gap)
	if t.wide {
		rest -= mail.IDLength + len(gap)
	}
	t.person = max(rest/4, leastPeople)
	return t
}

// subject is the width that is left for it.
func (t *table) subject() int {
	used := dateWidth + sizeWidth + 2*t.person + 4*len(gap)
	if t.wide {
		used += mail.IDLength + len(gap)
	}
	return max(t.width-used, leastPeople)
}

func (t *table) hit(h control.Hit) error {
	if !t.begun {
		t.begun = true
		if err := t.row("DATE", "FROM", "TO", "SUBJECT", "SIZE", "ID"); err != nil {
			return err
		}
	}
	to := shortPeople(h.To)
	if to == "" {
		to = strings.Join(h.DeliveredTo, ", ")
	}
	err := t.row(minuteText(h.Date, t.zone), safe(shortPeople(h.From)), safe(to), safe(h.Subject), sizeText(uint64(h.Size)), h.ID.String())
	if err != nil {
		return err
	}
	return t.second(h)
}

func (t *table) row(date, from, to, subject, size, id string) error {
	cells := []string{fit(date, dateWidth), fit(from, t.person), fit(to, t.person), fit(subject, t.subject()), fmt.Sprintf("%*s", sizeWidth, size)}
	if t.wide {
		cells = append(cells, id)
	}
	_, err := fmt.Fprintln(t.w, strings.Join(cells, gap))
	return err
}

// second is the line below: the ID where it found no place, keywords and the
// snippet.
func (t *table) second(h control.Hit) error {
	found, before := "", gap
	if len(h.Keywords) > 0 {
		found = "[" + cut(safe(strings.Join(h.Keywords, ", ")), t.width/3) + "]" // room for the snippet
	}
	if found != "" && h.Snippet != "" {
		found += gap
	}
	snippet, marks := safeMarked(h.Snippet, h.Marks)
	start := len(found)
	found += snippet
	switch {
	case !t.wide:
		before += h.ID.String() + gap
	case found == "":
		return nil
	}
	found = cut(found, t.width-len(before))
	if t.bold {
		found = found[:min(start, len(found))] + embolden(found[min(start, len(found)):], marks)
	}
	_, err := fmt.Fprintln(t.w, strings.TrimRight(before+found, " "))
	return err
}
