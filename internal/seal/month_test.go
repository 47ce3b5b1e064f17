package seal

import (
	"errors"
	"testing"
	"time"

	"mailarchive/internal/mail"
)

func TestNames(t *testing.T) {
	for _, c := range []struct {
		text string
		want Name
	}{
		{"Oct-2026.tgz", Name{Month{2026, time.October}, 0, false}},
		{"Oct-2026-1.enc", Name{Month{2026, time.October}, 1, true}},
		{"Feb-2028-12.tgz", Name{Month{2028, time.February}, 12, false}},
		{"Sep-0999.enc", Name{Month{999, time.September}, 0, true}},
	} {
		got, err := ParseName(c.text)
		if err != nil || got != c.want || got.String() != c.text {
			t.Errorf("%q: %+v, %v", c.text, got, err)
		}
	}
	for _, text := range []string{
		"", "Oct-2026", "oct-2026.tgz", "Oct-2026-0.tgz", "Oct-2026-01.tgz", "Oct-2026--1.tgz", "Oct-2026-1-2.tgz", "Okt-2026.tgz",
		"October-2026.tgz", "Oct-26.tgz", "Oct-2026.tgz.idx", "Oct-2026.tgz.tmp", "x/Oct-2026.tgz", "Oct-2026-99999999999999999999.tgz",
	} {
		if got, err := ParseName(text); !errors.Is(err, mail.ErrBadInput) || got != (Name{}) {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

func TestMonthsInTheirZone(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip(err)
	}
	for _, c := range []struct {
		moment string
		zone   *time.Location
		want   string
		end    string
	}{
		{"2026-10-31T23:30:00Z", time.UTC, "Oct-2026", "2026-11-01T00:00:00Z"},
		{"2026-10-31T23:30:00Z", berlin, "Nov-2026", "2026-11-30T23:00:00Z"},
		{"2026-10-31T22:59:59Z", berlin, "Oct-2026", "2026-10-31T23:00:00Z"},
		{"2028-02-29T23:00:00Z", time.UTC, "Feb-2028", "2028-03-01T00:00:00Z"},
		{"2026-12-31T12:00:00Z", time.UTC, "Dec-2026", "2027-01-01T00:00:00Z"},
		{"2026-03-30T12:00:00Z", berlin, "Mar-2026", "2026-03-31T22:00:00Z"}, // summer time
	} {
		moment, err := time.Parse(time.RFC3339, c.moment)
		if err != nil {
			t.Fatal(err)
		}
		m := MonthOf(moment, c.zone)
		if end := m.End(c.zone).UTC().Format(time.RFC3339); m.String() != c.want || end != c.end {
			t.Errorf("%s in %s: %s until %s, want %s until %s", c.moment, c.zone, m, end, c.want, c.end)
		}
	}
}

func FuzzName(f *testing.F) {
	f.Add("Oct-2026-1.enc")
	f.Fuzz(func(t *testing.T, s string) {
		if n, err := ParseName(s); err == nil && n.String() != s {
			t.Fatalf("%q comes back as %q", s, n)
		}
	})
}
