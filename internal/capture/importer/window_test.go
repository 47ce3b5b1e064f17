package importer

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestNameDate(t *testing.T) {
	for _, tt := range []struct{ name, want string }{
		{"2010-10-31-0001", "2010-10-31"},
		{"20101031_17", "2010-10-31"},
		{"2010.10.31.eml", "2010-10-31"},
		{"msg-20101031120000.123", "2010-10-31"},
		{"20101031T120000", "2010-10-31"},
		{"201010311200", "2010-10-31"},
		{"mail_2010_01_02_5", "2010-01-02"},
		{"10-10-31_5", "2010-10-31"},
		{"1288526400.12", "2010-10-31"},
		{"1288526400", "2010-10-31"},
		{"20101331", ""},
		{"2010-02-30", ""},
		{"120101031", ""},
		{"2010103199999", ""},
		{"12345", ""},
		{"01K0000000000000000000000A.eml", ""},
		{"99-10-31", "2099-10-31"}, // two digits are of this century, as the old system has them
		{"", ""},
	} {
		got := ""
		if d, ok := nameDate(tt.name, time.UTC); ok {
			got = d.Format(time.DateOnly)
		}
		if got != tt.want {
			t.Errorf("nameDate(%q) = %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestBack(t *testing.T) {
	zone := time.FixedZone("", 2*3600)
	for _, tt := range []struct {
		start         time.Time
		days          int
		since, before string
	}{
		{time.Date(2010, 3, 1, 15, 0, 0, 0, zone), 1, "2010-03-01T00:00:00+02:00", "2010-03-02T00:00:00+02:00"},
		{time.Date(2012, 3, 1, 0, 0, 0, 0, zone), 2, "2012-02-29T00:00:00+02:00", "2012-03-02T00:00:00+02:00"},
		{time.Date(2010, 12, 31, 23, 59, 0, 0, time.UTC), 31, "2010-12-01T00:00:00Z", "2011-01-01T00:00:00Z"},
	} {
		since, before := Back(tt.start, tt.days)
		if since.Format(time.RFC3339) != tt.since || before.Format(time.RFC3339) != tt.before {
			t.Errorf("Back(%v, %d) = %v, %v", tt.start, tt.days, since, before)
		}
	}
}

// TestSpoolWindow imports a folder like the old system's: any file name, a
// date in it or the file's own.
func TestSpoolWindow(t *testing.T) {
	root := tree(t, map[string]string{
		"messages/2010-10-30-1": "To: a@b\n\nbefore",
		"messages/2010-10-31-1": "To: a@b\n\nin",
		"messages/20101101.2":   "no header at all, but mail",
		"messages/2010-11-02-1": "To: a@b\n\nafter",
		"messages/17":           "To: a@b\n\nby its own time",
		"messages/18":           "To: a@b\n\nby its own time, too late",
		"messages/2010-10-31-2": "",
		"messages/.2010-10-31":  "To: a@b\n\nhidden",
	})
	for name, day := range map[string]int{"17": 31, "18": 33} {
		at := time.Date(2010, 10, day, 12, 0, 0, 0, time.UTC)
		if err := os.Chtimes(filepath.Join(root, "messages", name), at, at); err != nil {
			t.Fatal(err)
		}
	}
	since, before := Back(time.Date(2010, 11, 1, 12, 0, 0, 0, time.UTC), 2)
	a := newFake()
	_, outcomes := importAll(t, a, Options{Paths: []string{root}, Format: FormatSpool, Since: since, Before: before})
	const f = "messages"
	want := []told{
		{"messages/.2010-10-31", "", "skipped", "hidden file"},
		{"messages/17", f, "stored", ""},
		{"messages/18", f, "skipped", "dated 2010-11-02, outside the dates asked for"},
		{"messages/2010-10-30-1", f, "skipped", "dated 2010-10-30, outside the dates asked for"},
		{"messages/2010-10-31-1", f, "stored", ""},
		{"messages/2010-10-31-2", f, "skipped", "empty file"},
		{"messages/2010-11-02-1", f, "skipped", "dated 2010-11-02, outside the dates asked for"},
		{"messages/20101101.2", f, "stored", ""},
	}
	if diff := cmp.Diff(want, tell(root, outcomes)); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	day := time.Date(2010, 10, 31, 0, 0, 0, 0, time.UTC)
	if got := a.one(t, "2010-10-31-1").envelope.Origin.Delivered; !got.Equal(day) {
		t.Errorf("a copy of a file of 2010-10-31 was delivered %v", got)
	}
	if got := a.one(t, "17").envelope.Origin.Delivered; !got.IsZero() {
		t.Errorf("a file without a date in its name was delivered %v", got)
	}
	// The rest comes in without bounds, and nothing twice.
	sum, _ := importAll(t, a, Options{Paths: []string{root}, Format: FormatSpool})
	if sum.Stored != 3 || sum.Already != 3 || sum.Failed != 0 {
		t.Errorf("without bounds: %+v", sum)
	}
}

// TestSpoolTime: the file's own time is finer than the day in its name, where
// it agrees with it.
func TestSpoolTime(t *testing.T) {
	noon := time.Date(2010, 10, 31, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name     string
		modified time.Time
		want     time.Time
	}{
		{"2010-10-31-1", noon, noon},
		{"2010-10-31-1", noon.Add(24 * time.Hour), noon.Add(24 * time.Hour)},
		{"2010-10-31-1", noon.AddDate(5, 0, 0), noon.Truncate(24 * time.Hour)},
		{"17", noon, time.Time{}},
	} {
		if got := spoolTime(tt.name, tt.modified); !got.Equal(tt.want) {
			t.Errorf("spoolTime(%q, %v) = %v, want %v", tt.name, tt.modified, got, tt.want)
		}
	}
}
