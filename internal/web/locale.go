package web

import (
	"embed"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"
)

//go:embed lang
var languageFiles embed.FS

// locale is a language: its texts by key, and how it writes numbers and dates.
// A file more in lang is a language more.
type locale struct {
	tag    string
	texts  map[string]string
	months []string // short names
	days   []string // short names, Sunday first
}

// locales are the languages there are; the first is the usual one.
type locales struct {
	list    []*locale
	matcher language.Matcher
}

// usualLanguage is spoken to who asks for none that there is.
const usualLanguage = "en"

// loadLocales reads the languages. They are part of the program: one that
// cannot be read is a bug.
func loadLocales() locales {
	entries, err := languageFiles.ReadDir("lang")
	if err != nil {
		panic(err)
	}
	var all locales
	for _, e := range entries {
		content, err := languageFiles.ReadFile("lang/" + e.Name())
		if err != nil {
			panic(err)
		}
		l := &locale{tag: strings.TrimSuffix(e.Name(), ".json")}
		if err := json.Unmarshal(content, &l.texts); err != nil {
			panic(fmt.Errorf("language %s: %w", l.tag, err))
		}
		l.months, l.days = strings.Fields(l.texts["months"]), strings.Fields(l.texts["days"])
		all.list = append(all.list, l)
		if l.tag == usualLanguage {
			last := len(all.list) - 1
			all.list[0], all.list[last] = all.list[last], all.list[0]
		}
	}
	var tags []language.Tag
	for _, l := range all.list {
		tags = append(tags, language.Make(l.tag))
	}
	all.matcher = language.NewMatcher(tags)
	return all
}

func (all locales) has(tag string) bool {
	for _, l := range all.list {
		if l.tag == tag {
			return true
		}
	}
	return false
}

// choose returns the language that somebody has chosen, or the best of those
// that the browser asks for.
func (all locales) choose(chosen, accepted string) *locale {
	for _, l := range all.list {
		if l.tag == chosen {
			return l
		}
	}
	const longest = 1 << 10
	if len(accepted) > longest {
		accepted = accepted[:max(strings.LastIndexByte(accepted[:longest], ','), 0)]
	}
	wanted, _, err := language.ParseAcceptLanguage(accepted)
	if err != nil || len(wanted) == 0 {
		return all.list[0]
	}
	_, index, _ := all.matcher.Match(wanted...)
	return all.list[index]
}

// text is the text of a key with its values put in. A key that there is not
// stands for itself: a test finds it.
func (l *locale) text(key string, values ...any) string {
	text, ok := l.texts[key]
	if !ok {
		return key
	}
	if len(values) == 0 {
		return text
	}
	return fmt.Sprintf(text, values...)
}

// number writes a number with its thousands apart.
func (l *locale) number(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if digits[0] == '-' {
		sign, digits = "-", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + l.texts["number.group"] + digits[i:]
	}
	return sign + digits
}

// decimal writes a number with one digit behind the point, none from ten on.
func (l *locale) decimal(f float64) string {
	if f >= 9.95 {
		return l.number(int64(f + .5))
	}
	return strings.Replace(strconv.FormatFloat(f, 'f', 1, 64), ".", l.texts["number.point"], 1)
}

// size writes a number of bytes, in powers of 1024 like the query language.
func (l *locale) size(bytes int64) (number, unit string) {
	if bytes < 1024 {
		return l.number(bytes), "B"
	}
	f, unit := float64(bytes)/1024, "kB"
	for _, larger := range []string{"MB", "GB", "TB"} {
		if f < 1023.5 {
			break
		}
		f, unit = f/1024, larger
	}
	return l.decimal(f), unit
}

// date writes a time by the layout of a key: {d} {mon} {yyyy} and so on.
func (l *locale) date(key string, t time.Time) string {
	return strings.NewReplacer(
		"{wd}", l.days[t.Weekday()], "{d}", strconv.Itoa(t.Day()), "{mon}", l.months[t.Month()-1], "{yyyy}", strconv.Itoa(t.Year()),
		"{hh}", t.Format("15"), "{mm}", t.Format("04"), "{ss}", t.Format("05"), "{zone}", t.Format("-07:00"), "{ms}", fmt.Sprintf("%03d", t.Nanosecond()/1e6),
	).Replace(l.text(key))
}

// span writes a length of time in the unit that fits.
func (l *locale) span(d time.Duration) string {
	d = max(d, 0)
	switch {
	case d < time.Minute:
		return l.text("span.seconds", l.number(int64(d/time.Second)))
	case d < time.Hour:
		return l.text("span.minutes", l.number(int64(d/time.Minute)))
	case d < 48*time.Hour:
		return l.text("span.hours", l.number(int64(d/time.Hour)))
	}
	return l.text("span.days", l.number(int64(d/(24*time.Hour))))
}
