package app

import (
	"errors"
	"testing"
	"time"

	"mailarchive/internal/mail"
)

func TestRush(t *testing.T) {
	for _, c := range []struct {
		name   string
		source string
		rate   int // messages a second
		err    error
		want   bool
	}{
		{"nothing", "smtp", 0, nil, false},
		{"a busy day", "smtp", 500, nil, false},
		{"a rush", "smtp", 3000, nil, true},
		{"a rush by LMTP", "lmtp", 3000, nil, true},
		{"an import", "import:eml", 9000, nil, false},
		{"refusals", "smtp", 3000, errors.New("full"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
			r := rush{now: func() time.Time { return now }}
			for range 3 * c.rate / 10 {
				r.observe(&mail.Envelope{Source: c.source}, 1, 0, c.err)
				now = now.Add(time.Second / time.Duration(c.rate))
			}
			if r.on() != c.want {
				t.Errorf("%d messages a second: %v, want %v", c.rate, r.on(), c.want)
			}
			if now = now.Add(time.Second); r.on() {
				t.Error("still a rush a second later")
			}
		})
	}
}
