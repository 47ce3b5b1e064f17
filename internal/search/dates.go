package search

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"mailarchive/internal/catalog"
)

const dateHint = "write 2026-03-01, 2026-03, 2026, today, yesterday or 7d (days; also w, m, y)"

// dates reads a year, a month or a day, or two of them with ".." between.
// before: ends where it begins, after: begins there, date: is all of it.
func (p *parser) dates(name string, value piece) (catalog.Node, error) {
	text := strings.ToLower(value.text)
	if value.begun || strings.Contains(text, "*") {
		return nil, p.fail(value.pos, "a date takes no *", "a year or a month is all of it: date:2026, date:2026-03")
	}
	if first, last, two := strings.Cut(text, ".."); two && name == "date" {
		return p.datesBetween(first, last, value)
	}
	b, ok := p.stretch(text)
	if !ok {
		return nil, p.fail(value.pos, fmt.Sprintf("%q is no date", value.text), dateHint)
	}
	switch name {
	case "after":
		return catalog.Between{Since: b.Since}, nil
	case "before":
		return catalog.Between{Before: b.Since}, nil
	}
	return b, nil
}

// datesBetween reads both ends of a range, the last day included; one of them
// may be missing.
func (p *parser) datesBetween(first, last string, value piece) (catalog.Node, error) {
	var b catalog.Between
	for _, side := range []struct {
		text string
		set  func(catalog.Between)
	}{
		{first, func(s catalog.Between) { b.Since = s.Since }},
		{last, func(s catalog.Between) { b.Before = s.Before }},
	} {
		if side.text == "" {
			continue
		}
		s, ok := p.stretch(side.text)
		if !ok {
			return nil, p.fail(value.pos, fmt.Sprintf("%q is no date", side.text), dateHint)
		}
		if relative(side.text) { // as an end it is that day, not all since
			s.Before = s.Since.AddDate(0, 0, 1)
		}
		side.set(s)
	}
	if b.Since.IsZero() && b.Before.IsZero() || !b.Since.IsZero() && !b.Before.IsZero() && !b.Since.Before(b.Before) {
		return nil, p.fail(value.pos, fmt.Sprintf("%q is no stretch of time", value.text), "write the earlier date first, as in date:2026-01..2026-03")
	}
	return b, nil
}

// stretch is the time that a date names. 7d is from seven days ago on.
func (p *parser) stretch(text string) (catalog.Between, bool) {
	now := p.language.Now.In(p.language.Zone)
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, p.language.Zone)
	switch text {
	case "today":
		return catalog.Between{Since: today, Before: today.AddDate(0, 0, 1)}, true
	case "yesterday":
		return catalog.Between{Since: today.AddDate(0, 0, -1), Before: today}, true
	}
	for _, form := range []struct {
		layout              string
		years, months, days int
	}{{"2006", 1, 0, 0}, {"2006-01", 0, 1, 0}, {"2006-01-02", 0, 0, 1}} {
		since, err := time.ParseInLocation(form.layout, text, p.language.Zone)
		if err == nil {
			return catalog.Between{Since: since, Before: since.AddDate(form.years, form.months, form.days)}, true
		}
	}
	return ago(text, today)
}

// relative reports whether a date counts back from today.
func relative(text string) bool {
	rest := strings.TrimLeft(text, "0123456789")
	return len(rest) == 1 && len(text) > 1
}

// ago reads a number of days, weeks, months or years before today.
func ago(text string, today time.Time) (catalog.Between, bool) {
	if text == "" {
		return catalog.Between{}, false
	}
	n, err := strconv.ParseUint(text[:len(text)-1], 10, 16)
	if err != nil {
		return catalog.Between{}, false
	}
	back := -int(n)
	var since time.Time
	switch text[len(text)-1] {
	case 'd':
		since = today.AddDate(0, 0, back)
	case 'w':
		since = today.AddDate(0, 0, 7*back)
	case 'm':
		since = today.AddDate(0, back, 0)
	case 'y':
		since = today.AddDate(back, 0, 0)
	default:
		return catalog.Between{}, false
	}
	return catalog.Between{Since: since, Before: today.AddDate(0, 0, 1)}, true
}
