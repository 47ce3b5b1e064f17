package cli

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/mattn/go-runewidth"
	"golang.org/x/sys/unix"
)

// defaultWidth is the width of what is not a terminal.
const defaultWidth = 120

// terminal reports whether w is one, and its width in columns.
func terminal(w io.Writer) (width int, is bool) {
	f, ok := w.(*os.File)
	if !ok {
		return defaultWidth, false
	}
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	if err != nil {
		return defaultWidth, false
	}
	if size.Col == 0 {
		return defaultWidth, true
	}
	return int(size.Col), true
}

// outputWidth is how wide tables may be: the terminal, or $COLUMNS.
func (p *program) outputWidth() int {
	width, is := terminal(p.std.Out)
	if is {
		return width
	}
	for _, pair := range p.std.Environment {
		if text, ok := strings.CutPrefix(pair, "COLUMNS="); ok {
			if n, err := strconv.Atoi(text); err == nil && n > 0 {
				return n
			}
		}
	}
	return width
}

// columns measures text as a terminal shows it.
func columns() *runewidth.Condition {
	return &runewidth.Condition{StrictEmojiNeutral: true}
}

// fit cuts or fills safe text to exactly width columns.
func fit(s string, width int) string {
	c := columns()
	return c.FillRight(c.Truncate(s, width, "…"), width)
}

// cut cuts safe text to at most width columns.
func cut(s string, width int) string {
	return columns().Truncate(s, max(width, 1), "…")
}

// wrapCell breaks text at spaces into lines of at most width columns.
func wrapCell(s string, width int) []string {
	c := columns()
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(s) {
		if line != "" && c.StringWidth(line)+1+c.StringWidth(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}

// sizeText writes bytes for a person, in decimal units as disks are sold.
func sizeText(n uint64) string {
	const unit = 1000
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, prefix := float64(n)/unit, 0
	for value >= 999.5 && prefix < 5 {
		value /= unit
		prefix++
	}
	if value < 9.95 {
		return fmt.Sprintf("%.1f %cB", value, "kMGTPE"[prefix])
	}
	return fmt.Sprintf("%.0f %cB", value, "kMGTPE"[prefix])
}

// countText writes a number with commas between thousands.
func countText[N int | int64 | uint64](n N) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// plural writes a count with its noun, which takes an s, or ies for
// its ry.
func plural[N int | int64 | uint64](n N, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if stem, y := strings.CutSuffix(noun, "ry"); y {
		return countText(n) + " " + stem + "ries"
	}
	return countText(n) + " " + noun + "s"
}

// minuteText writes a time for a table.
func minuteText(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return "-"
	}
	return t.In(zone).Format("2006-01-02 15:04")
}

// secondText writes a time for a page.
func secondText(t time.Time, zone *time.Location) string {
	if t.IsZero() {
		return "-"
	}
	return t.In(zone).Format("2006-01-02 15:04:05 -07:00")
}

// shortPeople writes mailboxes for a table: of "Name <address>" the name.
func shortPeople(people []string) string {
	texts := make([]string, len(people))
	for i, p := range people {
		texts[i] = p
		if name := strings.LastIndex(p, " <"); name > 0 && strings.HasSuffix(p, ">") {
			texts[i] = p[:name]
		}
	}
	return strings.Join(texts, ", ")
}

func utf16Pair(r rune) (high, low rune) { return utf16.EncodeRune(r) }
