package importer

import (
	"bytes"
	"strconv"
	"strings"
	"time"
)

// maxFromLine is how long a From_ line may be, in bytes with its line end: an
// envelope sender of 256 (RFC 5321 4.5.3.1.3), a date and room for what else
// mailers wrote. A longer line is text.
const maxFromLine = 1000

var fromSpace = []byte("From ")

// postmark reads a From_ line without its line end: "From ", usually a sender,
// and a date. It reports false when there is no date in it, for then the line is
// text that begins with the word From.
//
// The date is asctime's in the default format of RFC 4155 appendix A and in
// qmail's mbox(5). Real files also have a time zone before or behind the year,
// no seconds, the order of RFC 5322, and words behind the date. A date without
// a zone is taken as UTC (RFC 4155 appendix A says that it is).
func postmark(line []byte) (time.Time, bool) {
	if len(line) > maxFromLine || !bytes.HasPrefix(line, fromSpace) {
		return time.Time{}, false
	}
	words := strings.Fields(string(line[len(fromSpace):]))
	for i := 2; i < len(words); i++ {
		clock, ok := clockTime(words[i])
		if !ok {
			continue
		}
		if t, ok := dateAround(words, i, clock); ok {
			return t, true
		}
	}
	return time.Time{}, false
}

// dateAround reads the date whose clock time is words[i].
func dateAround(words []string, i int, clock time.Duration) (time.Time, bool) {
	if i >= 3 { // 10 Jun 2010 10:00:00 +0200
		month, ok := monthName(words[i-2])
		day, okDay := number(words[i-3], 1, 31)
		year, okYear := number(words[i-1], 1900, 9999)
		if ok && okDay && okYear {
			return dateOf(year, month, day, clock, zoneIn(words[i+1:])), true
		}
	}
	month, ok := monthName(words[i-2]) // Jun 10 10:00:00 2010
	day, okDay := number(words[i-1], 1, 31)
	if !ok || !okDay {
		return time.Time{}, false
	}
	behind := words[i+1 : min(i+4, len(words))] // "2010", "+0200 2010", "PST 2010"
	for j, w := range behind {
		if year, ok := number(w, 1900, 9999); ok && len(w) == 4 {
			zone := zoneIn(behind[:j])
			if j == 0 {
				zone = zoneIn(behind[1:])
			}
			return dateOf(year, month, day, clock, zone), true
		}
	}
	return time.Time{}, false
}

func dateOf(year int, month time.Month, day int, clock, zone time.Duration) time.Time {
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Add(clock - zone)
}

// clockTime reads hh:mm or hh:mm:ss.
func clockTime(s string) (time.Duration, bool) {
	parts := strings.Split(s, ":")
	if len(parts) != 2 && len(parts) != 3 {
		return 0, false
	}
	var total time.Duration
	for i, unit := range []time.Duration{time.Hour, time.Minute, time.Second}[:len(parts)] {
		n, ok := number(parts[i], 0, []int{23, 59, 60}[i])
		if !ok {
			return 0, false
		}
		total += time.Duration(n) * unit
	}
	return total, true
}

// zoneIn returns the offset east of UTC of the first word when that is +hhmm
// or -hhmm. Names of zones are ambiguous and count as UTC.
func zoneIn(words []string) time.Duration {
	if len(words) == 0 || len(words[0]) != 5 || !strings.ContainsRune("+-", rune(words[0][0])) {
		return 0
	}
	h, okH := number(words[0][1:3], 0, 23)
	m, okM := number(words[0][3:], 0, 59)
	if !okH || !okM {
		return 0
	}
	zone := time.Duration(h)*time.Hour + time.Duration(m)*time.Minute
	if words[0][0] == '-' {
		return -zone
	}
	return zone
}

func monthName(s string) (time.Month, bool) {
	if len(s) != 3 {
		return 0, false
	}
	i := strings.Index("janfebmaraprmayjunjulaugsepoctnovdec", strings.ToLower(s))
	return time.Month(i/3 + 1), i >= 0 && i%3 == 0
}

// number reads one to four digits between low and high.
func number(s string, low, high int) (int, bool) {
	if len(s) == 0 || len(s) > 4 || s[0] < '0' || s[0] > '9' {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil && n >= low && n <= high
}
