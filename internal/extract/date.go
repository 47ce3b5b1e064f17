package extract

import (
	"strings"
	"time"
)

// parseDate reads the date of a Date or Received header: RFC 5322 3.3, its
// obsolete forms (4.3) and what programs have written instead: asctime, ISO
// 8601, month and day the other way round, dots in times, AM and PM, years of
// two digits, comments anywhere, no day of the week, no zone (then UTC). ok
// is false when no date can be made out. The result is in UTC.
func parseDate(value string) (t time.Time, ok bool) {
	if len(value) > maxDate {
		value = value[:maxDate]
	}
	d := dateParts{month: -1, year: -1, day: -1}
	for _, token := range dateTokens(value) {
		d.take(token)
	}
	return d.time()
}

// maxDate is the longest date that is read, comments included.
const maxDate = 300

// dateTokens splits at white space and commas, outside of comments.
func dateTokens(value string) []string {
	if strings.IndexByte(value, '(') >= 0 {
		value = string(stripComments([]byte(value)))
	}
	return strings.FieldsFunc(value, func(r rune) bool {
		return r <= ' ' || r == ',' || r == '"' || r == '(' || r == ')' || r == '\u00a0'
	})
}

// dateParts collects what the tokens of a date say; -1 is not yet said.
type dateParts struct {
	year, month, day     int
	hour, minute, second int
	clock, zoned         bool
	offset               int // seconds east of UTC
	numbers              []number
	pm, am               bool
}

type number struct{ value, digits int }

func (d *dateParts) take(token string) {
	switch {
	case d.takeClock(token), d.takeZone(token), d.takeMonth(token):
	case d.takeDashed(token):
	default:
		if n, ok := parseNumber(token); ok {
			d.numbers = append(d.numbers, n)
		}
	}
}

func parseNumber(s string) (number, bool) {
	for _, suffix := range [...]string{"st", "nd", "rd", "th", "."} {
		s = strings.TrimSuffix(s, suffix)
	}
	if len(s) == 0 || len(s) > 4 {
		return number{}, false
	}
	n := number{digits: len(s)}
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return number{}, false
		}
		n.value = n.value*10 + int(c-'0')
	}
	return n, true
}

// takeClock reads hh:mm, hh:mm:ss and hh:mm:ss.fraction, also with dots for
// colons, with a zone or AM/PM right behind.
func (d *dateParts) takeClock(token string) bool {
	if d.clock {
		return false
	}
	digits := strings.TrimLeft(token, "0123456789:.")
	zone := token[len(token)-len(digits):]
	clock := token[:len(token)-len(zone)]
	fields := strings.Split(clock, ":")
	if len(fields) == 1 {
		if fields = strings.Split(clock, "."); len(fields) != 3 || len(fields[0]) > 2 || len(fields[2]) != 2 {
			return false
		}
	}
	if len(fields) < 2 || len(fields) > 3 {
		return false
	}
	var v [3]number
	for i, f := range fields {
		f, _, _ = strings.Cut(f, ".")
		n, ok := parseNumber(f)
		if !ok || n.digits > 2 {
			return false
		}
		v[i] = n
	}
	if v[0].value > 24 || v[1].value > 59 || v[2].value > 60 {
		return false
	}
	d.hour, d.minute, d.second, d.clock = v[0].value, v[1].value, v[2].value, true
	if zone != "" {
		d.takeZone(zone)
	}
	return true
}

// takeZone reads +hhmm, +hh:mm, +hh, -hhmm, the letters of RFC 5322 4.3 and
// some more, "GMT+2", and AM and PM.
func (d *dateParts) takeZone(token string) bool {
	upper := strings.ToUpper(token)
	switch upper {
	case "AM":
		d.am = true
		return true
	case "PM":
		d.pm = true
		return true
	}
	for _, prefix := range [...]string{"GMT", "UTC", "UT"} {
		if rest, found := strings.CutPrefix(upper, prefix); found && rest != "" {
			upper = rest
			break
		}
	}
	if upper[0] == '+' || upper[0] == '-' {
		return d.takeOffset(upper)
	}
	hours, known := zoneHours(upper)
	if known && d.clock && !d.zoned {
		d.offset, d.zoned = int(hours*3600), true
	}
	return known
}

func (d *dateParts) takeOffset(s string) bool {
	sign := 1
	if s[0] == '-' {
		sign = -1
	}
	digits := s[1 : len(s)-len(strings.TrimLeft(s[1:], "0123456789:"))]
	n, ok := parseNumber(shorten(strings.ReplaceAll(digits, ":", ""), len("hhmm")))
	if !ok || !d.clock || d.zoned {
		return false
	}
	if n.digits <= 2 {
		n.value *= 100
	}
	d.offset, d.zoned = sign*(n.value/100*3600+n.value%100*60), true
	return true
}

// zoneHours knows the zones of RFC 5322 4.3 and a few that are common. The
// military letters say nothing that can be relied on (4.3), so they are UTC.
func zoneHours(s string) (float64, bool) {
	switch s {
	case "Z", "GMT", "UTC", "UT", "WET":
		return 0, true
	case "EST", "CDT":
		return -5, true
	case "EDT", "AST":
		return -4, true
	case "CST", "MDT":
		return -6, true
	case "MST", "PDT":
		return -7, true
	case "PST":
		return -8, true
	case "BST", "CET", "MET", "MEZ":
		return 1, true
	case "CEST", "MEST", "MESZ", "EET", "SAST":
		return 2, true
	case "EEST", "MSK":
		return 3, true
	case "IST":
		return 5.5, true
	case "HKT", "SGT":
		return 8, true
	case "JST", "KST":
		return 9, true
	case "AEST":
		return 10, true
	}
	return 0, len(s) == 1 && s[0] >= 'A' && s[0] <= 'Z'
}

const monthNames = "janfebmaraprmayjunjulaugsepoctnovdec"

func monthOf(s string) int {
	if len(s) < 3 {
		return -1
	}
	i := strings.Index(monthNames, strings.ToLower(s[:3]))
	if i < 0 || i%3 != 0 {
		return -1
	}
	return i/3 + 1
}

func (d *dateParts) takeMonth(token string) bool {
	m := monthOf(token)
	if m < 0 || d.month >= 0 || strings.ContainsAny(token, "-/0123456789") {
		return false
	}
	d.month = m
	return true
}

// takeDashed reads 2021-06-12 (also with a time behind a T), 12-Jun-2021,
// 12/Jun/21, 12.06.2021 and 06/12/2021. Of two numbers with slashes the first
// is the month, as in the country that writes dates so, unless it cannot be.
func (d *dateParts) takeDashed(token string) bool {
	date, clock := token, ""
	if t := strings.IndexByte(token, 'T'); t > 0 && token[t-1] <= '9' {
		date, clock = token[:t], token[t+1:]
	}
	fields := strings.FieldsFunc(date, func(r rune) bool { return r == '-' || r == '/' || r == '.' })
	if len(fields) != 3 || d.day >= 0 {
		return false
	}
	first, ok1 := parseNumber(fields[0])
	last, ok3 := parseNumber(fields[2])
	middle, ok2 := parseNumber(fields[1])
	if m := monthOf(fields[1]); m > 0 {
		middle, ok2 = number{m, 2}, true
	}
	switch {
	case !ok1 || !ok2 || !ok3:
		return false
	case first.digits > 2:
		d.year, d.month, d.day = fullYear(first), middle.value, last.value
	case strings.Contains(date, "/") && first.value <= 12 && monthOf(fields[1]) < 0:
		d.month, d.day, d.year = first.value, middle.value, fullYear(last)
	default:
		d.day, d.month, d.year = first.value, middle.value, fullYear(last)
	}
	if clock != "" {
		d.takeClock(clock)
	}
	return true
}

// fullYear completes a year of two or three digits (RFC 5322 4.3), also when
// zeros stand before them.
func fullYear(n number) int {
	switch {
	case n.digits == 2 && n.value < 50:
		return n.value + 2000
	case n.value < 1000:
		return n.value + 1900
	}
	return n.value
}

// time puts the parts together. Numbers not yet placed are day and year in
// that order; the first is the year when it cannot be a day.
func (d *dateParts) time() (time.Time, bool) {
	for _, n := range d.numbers {
		switch {
		case d.day < 0 && n.digits <= 2 && n.value >= 1 && n.value <= 31:
			d.day = n.value
		case d.year < 0 && n.digits >= 2:
			d.year = fullYear(n)
		}
	}
	switch {
	case d.pm && d.hour < 12:
		d.hour += 12
	case d.am && d.hour == 12:
		d.hour = 0
	}
	if d.year < 1 || d.year > 9998 || d.month < 1 || d.month > 12 || d.day < 1 || d.day > 31 {
		return time.Time{}, false
	}
	if max(d.offset, -d.offset) >= 24*3600 {
		d.offset = 0 // no such zone
	}
	t := time.Date(d.year, time.Month(d.month), d.day, d.hour, d.minute, d.second, 0, time.UTC)
	return t.Add(-time.Duration(d.offset) * time.Second), true
}
