package extract

import (
	"testing"
	"time"

	"mailarchive/internal/mail"
)

func TestSortDate(t *testing.T) {
	received := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	day := 24 * time.Hour
	ago := func(d time.Duration) time.Time { return received.Add(-d) }
	old := time.Date(1999, 1, 2, 3, 4, 5, 0, time.UTC)
	tests := []struct {
		name      string
		source    string
		date      time.Time
		hops      []time.Time
		delivered time.Time
		want      time.Time
	}{
		{"date", "smtp", ago(time.Hour), nil, time.Time{}, ago(time.Hour)},
		{"a little ahead", "smtp", ago(-day), nil, time.Time{}, ago(-day)},
		{"too far ahead", "smtp", ago(-day - 1), nil, time.Time{}, received},
		{"live, a month late", "smtp", ago(30 * day), nil, time.Time{}, ago(30 * day)},
		{"live, later than that", "lmtp", ago(31 * day), []time.Time{ago(time.Minute)}, time.Time{}, ago(time.Minute)},
		{"import, old", "import:mbox", old, []time.Time{ago(day)}, time.Time{}, old},
		{"import, before 1980", "import:mbox", time.Unix(0, 0), []time.Time{old}, ago(day), old},
		{"newest believable hop", "smtp", time.Time{}, []time.Time{ago(-9 * day), ago(time.Hour), ago(2 * time.Hour)}, time.Time{}, ago(time.Hour)},
		{"import, by its source", "import:maildir", time.Time{}, nil, old, old},
		{"import, source wrong", "import:maildir", time.Time{}, nil, ago(-9 * day), received},
		{"nothing", "import:eml", time.Time{}, nil, time.Time{}, received},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := Message{Date: tt.date, ReceivedDates: tt.hops}
			a := mail.Arrival{Received: received, Envelope: mail.Envelope{Source: tt.source}}
			if !tt.delivered.IsZero() {
				a.Envelope.Origin = &mail.Origin{Delivered: tt.delivered}
			}
			if got := SortDate(m, a); !got.Equal(tt.want) {
				t.Errorf("SortDate = %v, want %v", got, tt.want)
			}
		})
	}
}
