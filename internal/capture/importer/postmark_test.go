package importer

import (
	"strings"
	"testing"
	"time"
)

func TestPostmark(t *testing.T) {
	for line, want := range map[string]string{
		"From a@example.org Thu Jun 10 10:00:00 2010":                    "2010-06-10T10:00:00Z",
		"From a@example.org  Tue Sep  3 00:14:20 2002":                   "2002-09-03T00:14:20Z",
		"From - Mon Jan 01 00:00:00 2024":                                "2024-01-01T00:00:00Z",
		"From Sat Jan  3 01:05:34 1996":                                  "1996-01-03T01:05:34Z",
		"From ???@??? Sun Feb 29 23:59:60 2004":                          "2004-03-01T00:00:00Z",
		"From 12@xxx Fri Apr 04 12:13:14 +0000 2014":                     "2014-04-04T12:13:14Z",
		"From a Thu Jun 10 10:00:00 +0230 2010":                          "2010-06-10T07:30:00Z",
		"From a Thu Jun 10 10:00:00 2010 -0700":                          "2010-06-10T17:00:00Z",
		"From a Thu Jun 10 10:00:00 PDT 2010":                            "2010-06-10T10:00:00Z",
		"From a Thu Jun 10 10:00 2010 remote from b":                     "2010-06-10T10:00:00Z",
		"From a Thu, 10 jun 2010 10:00:00 +0200":                         "2010-06-10T08:00:00Z",
		"From \"a b\"@example.org Thu Jun 10 10:00:00 2010":              "2010-06-10T10:00:00Z",
		"From 40fd1ec80a4396faf85013c66004f8d9 Mon Sep 17 00:00:00 2001": "2001-09-17T00:00:00Z",
		"From here on":                     "",
		"From ":                            "",
		"From":                             "",
		"from a Thu Jun 10 10:00:00 2010":  "",
		">From a Thu Jun 10 10:00:00 2010": "",
		"From a Thu Jun 10 10:00:00":       "",
		"From a Thu Jun 32 10:00:00 2010":  "",
		"From a Thu Jun 10 24:00:00 2010":  "",
		"From a Thu Jun 10 10:00:00 20100": "",
		"From a Thu anf 10 10:00:00 2010":  "",
		"From June 10 at 10:00 in 2010":    "",
		"From a 10:00:00 2010":             "",
		"From " + strings.Repeat("a", 990) + " Jun 10 10:00:00 2010": "",
	} {
		got, ok := postmark([]byte(line))
		text := ""
		if ok {
			text = got.Format(time.RFC3339)
		}
		if text != want {
			t.Errorf("postmark(%q) = %q, want %q", line, text, want)
		}
	}
}

func FuzzPostmark(f *testing.F) {
	for _, s := range []string{"", "From ", fromA, fromA + " +0200", "From a Thu, 10 Jun 2010 10:00 -2359", "From a Jun 1 1:1 1900 x", "From \xff Jan 31 23:59:60 9999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		when, ok := postmark([]byte(line))
		if ok != !when.IsZero() {
			t.Fatalf("postmark(%q) = %v, %v", line, when, ok)
		}
		if !ok {
			return
		}
		if y := when.Year(); y < 1899 || y > 10000 || when.Location() != time.UTC {
			t.Fatalf("postmark(%q) = %v", line, when)
		}
		// Written as RFC 4155 has it, it says the same.
		again, ok := postmark([]byte(when.Format("From a Mon Jan _2 15:04:05 2006")))
		if y := when.Year(); y > 1899 && y < 10000 && (!ok || !again.Equal(when)) {
			t.Fatalf("postmark(%q) = %v, written again %v, %v", line, when, again, ok)
		}
	})
}
