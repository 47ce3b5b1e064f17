package extract

import (
	"strings"
	"time"

	"mailarchive/internal/mail"
)

// Bounds of a believable date. Mail with dates before 1980 comes from broken
// clocks; one day ahead covers every time zone; live mail that is a month late
// has a wrong date rather than such a delay.
const (
	firstYear   = 1980
	maxAhead    = 24 * time.Hour
	maxLateLive = 30 * 24 * time.Hour
)

// SortDate places a message in time: its Date header if that can be believed,
// else the newest believable Received header, else what the source of an
// import says, else the time it was received here. It is in UTC.
func SortDate(m Message, a mail.Arrival) time.Time {
	live := !strings.HasPrefix(a.Envelope.Source, "import")
	if believable(m.Date, a.Received, live) {
		return m.Date.UTC()
	}
	for _, t := range m.ReceivedDates {
		if believable(t, a.Received, live) {
			return t.UTC()
		}
	}
	if o := a.Envelope.Origin; o != nil && believable(o.Delivered, a.Received, false) {
		return o.Delivered.UTC()
	}
	return a.Received.UTC()
}

func believable(t, received time.Time, live bool) bool {
	if t.Year() < firstYear || t.After(received.Add(maxAhead)) {
		return false
	}
	return !live || !t.Before(received.Add(-maxLateLive))
}
