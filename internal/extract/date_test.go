package extract

import (
	"net/mail"
	"testing"
	"time"
)

func TestParseDate(t *testing.T) {
	const want = "2021-06-12T08:30:05Z"
	tests := []struct{ in, want string }{
		{"Sat, 12 Jun 2021 08:30:05 +0000", want},
		{"Sat, 12 Jun 2021 10:30:05 +0200 (CEST)", want},
		{"12 Jun 2021 03:30:05 -0500", want},
		{"(comment) Sat (x), 12 (y) Jun 2021 08:30:05 GMT", want},
		{"Saturday, 12 June 2021 08:30:05 UT", want},
		{"Sat,12 Jun 2021 08:30:05 Z", want},
		{"Sat Jun 12 08:30:05 2021", want},
		{"Sat Jun 12 10:30:05 CEST 2021", want},
		{"Jun 12, 2021 8:30:05 AM", want},
		{"Jun 12th, 2021 8:30:05 am", want},
		{"12-Jun-2021 08:30:05", want},
		{"12-JUN-2021 08:30:05", want},
		{"2021-06-12T08:30:05Z", want},
		{"2021-06-12 10:30:05 +02:00", want},
		{"2021-06-12T10:30:05.123+02:00", want},
		{"Sat, 12 Jun 2021 08.30.05 +0000", want},
		{"12.06.2021 08:30:05", want},
		{"06/12/2021 08:30:05", want},
		{"Sat, 12 Jun 21 08:30:05 EST", "2021-06-12T13:30:05Z"},
		{"Sat, 12 Jun 99 08:30:05 PDT", "1999-06-12T15:30:05Z"},
		{"Sat, 12 Jun 121 08:30:05 +0000", "2021-06-12T08:30:05Z"},
		{"Sat, 12 Jun 0102 08:30:05 +0000", "2002-06-12T08:30:05Z"},
		{"Sat, 12 Jun 2021 08:30 +0000", "2021-06-12T08:30:00Z"},
		{"Sat, 12 Jun 2021 08:30:05 GMT+2", "2021-06-12T06:30:05Z"},
		{"Sat, 12 Jun 2021 08:30:05 +9999", "2021-06-12T08:30:05Z"},
		{"Sat, 12 Jun 2021 12:30:05 AM", "2021-06-12T00:30:05Z"},
		{"Sat, 12 Jun 2021 11:30:05 PM", "2021-06-12T23:30:05Z"},
		{"12 Jun 2021", "2021-06-12T00:00:00Z"},
		{"31/12/2021 08:30", "2021-12-31T08:30:00Z"},
		{"", ""},
		{"yesterday", ""},
		{"Sat, 99 Foo 2021", ""},
		{"12:30:05", ""},
	}
	for _, tt := range tests {
		got, ok := parseDate(tt.in)
		if !ok {
			if tt.want != "" {
				t.Errorf("parseDate(%q) reads nothing, want %s", tt.in, tt.want)
			}
			continue
		}
		if s := got.Format(time.RFC3339); s != tt.want {
			t.Errorf("parseDate(%q) = %s, want %s", tt.in, s, tt.want)
		}
	}
}

// FuzzDate checks that what net/mail reads is read alike.
func FuzzDate(f *testing.F) {
	for _, s := range []string{"Sat, 12 Jun 2021 08:30:05 +0200", "12 Jun 21 08:30 EST", "2021-06-12T08:30:05Z", "12-Jun-2021", "8:30 PM Jun 12 2021", "Jun", "+", "T"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := parseDate(s)
		if ok && (got.Year() < 1 || got.Year() > 9999 || got.Location() != time.UTC) {
			t.Errorf("parseDate(%q) = %v", s, got)
		}
		want, err := mail.ParseDate(s)
		if err != nil || want.Year() < 1000 || want.Year() > 9000 || len(s) > 60 {
			return
		}
		if name, offset := want.Zone(); offset%60 != 0 || offset == 0 && name != "" && name != "UTC" && name != "GMT" || offset > 14*3600 || offset < -14*3600 {
			return // net/mail knows fewer zones than RFC 5322 4.3
		}
		if !ok || !got.Equal(want) {
			t.Errorf("parseDate(%q) = %v %v, net/mail reads %v", s, got, ok, want)
		}
	})
}
