package web

import "time"

// What templates write in the language of who asks.

// Language is its tag (RFC 5646).
func (v *visit) Language() string { return v.words.tag }

// Languages are all there are, by tag.
func (v *visit) Languages() []choice {
	var list []choice
	for _, l := range v.s.locales.list {
		list = append(list, choice{l.tag, l.text("language"), l.tag == v.look.Language})
	}
	return list
}

// choice is one of several values of a form's field.
type choice struct {
	Value, Text string
	Chosen      bool
}

// T is the text of a key with its values.
func (v *visit) T(key string, values ...any) string { return v.words.text(key, values...) }

// Count is the text of a key for a number of things: key.one or key.other.
func (v *visit) Count(key string, n int) string {
	if n == 1 {
		return v.words.text(key+".one", "1")
	}
	return v.words.text(key+".other", v.words.number(int64(n)))
}

// Number writes a number.
func (v *visit) Number(n uint64) string { return v.words.number(int64(n)) }

// Size writes a number of bytes.
func (v *visit) Size(bytes int64) string {
	number, unit := v.words.size(bytes)
	return number + "\u00a0" + unit
}

// SizeParts writes a number of bytes in two pieces.
func (v *visit) SizeParts(bytes uint64) []string {
	number, unit := v.words.size(int64(bytes))
	return []string{number, unit}
}

// Short writes a date as lists have it: the nearer, the finer.
func (v *visit) Short(t time.Time) string {
	t, now := t.In(v.zone), v.begun.In(v.zone)
	switch {
	case t.Year() == now.Year() && t.YearDay() == now.YearDay():
		return v.words.date("date.time", t)
	case t.Year() == now.Year():
		return v.words.date("date.day-time", t)
	}
	return v.words.date("date.day", t)
}

// Long writes a date to the second, with its zone.
func (v *visit) Long(t time.Time) string { return v.words.date("date.long", t.In(v.zone)) }

// Exact writes a date to the millisecond, with its zone.
func (v *visit) Exact(t time.Time) string { return v.words.date("date.exact", t.In(v.zone)) }

// Day writes the day of a date.
func (v *visit) Day(t time.Time) string { return v.words.date("date.day", t.In(v.zone)) }

// Machine writes a date for programs.
func (v *visit) Machine(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// Ago writes how long ago that was.
func (v *visit) Ago(t time.Time) string { return v.T("ago", v.Span(v.begun.Sub(t))) }

// Span writes a length of time.
func (v *visit) Span(d time.Duration) string { return v.words.span(d) }

// Took is how long the answer took so far, in milliseconds.
func (v *visit) Took() string { return v.words.number(v.s.Now().Sub(v.begun).Milliseconds()) }
