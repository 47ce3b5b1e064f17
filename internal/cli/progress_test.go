package cli

import (
	"errors"
	"strings"
	"testing"
	"time"

	"mailarchive/internal/capture/importer"
	"mailarchive/internal/control"
)

// testMeter returns a meter, what it wrote, and a way to let time pass.
func testMeter(terminal bool) (*meter, *strings.Builder, func(time.Duration)) {
	now := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	var b strings.Builder
	m := &meter{w: &b, terminal: terminal, width: 100, clock: func() time.Time { return now }, label: "verify", begun: now, shown: now, at: now}
	return m, &b, func(d time.Duration) { now = now.Add(d) }
}

func TestBarOnATerminal(t *testing.T) {
	m, b, pass := testMeter(true)
	m.update(control.Progress{Done: 0, Total: 1000, Unit: "messages"})
	if b.Len() != 0 {
		t.Errorf("drawn at once: %q; short work should stay silent", b)
	}
	for i := int64(1); i <= 5; i++ {
		pass(time.Second)
		m.update(control.Progress{Done: 100 * i, Total: 1000, Unit: "messages"})
	}
	draws := strings.Split(b.String(), "\r\x1b[K")
	if want := "verify [==========          ] 50%  500 of 1,000 messages  100/s  0:05 left"; draws[len(draws)-1] != want {
		t.Errorf("bar %q, want %q", draws[len(draws)-1], want)
	}
	m.clear()
	m.clear()
	if got := strings.Count(b.String(), "\r\x1b[K"); !strings.HasSuffix(b.String(), "\r\x1b[K") || got != 6 {
		t.Errorf("the bar was not taken away once: %q", b)
	}
}

func TestLinesElsewhere(t *testing.T) {
	m, b, pass := testMeter(false)
	for i := int64(1); i <= 25; i++ {
		pass(time.Second)
		m.update(control.Progress{Done: i * 1_000_000, Total: 50_000_000, Unit: "bytes"})
	}
	want := "verify 20%  10 MB of 50 MB  1.0 MB/s  0:40 left\nverify 40%  20 MB of 50 MB  1.0 MB/s  0:30 left\n"
	if b.String() != want {
		t.Errorf("lines:\n%swant\n%s", b, want)
	}
	m.clear()
	if b.String() != want {
		t.Error("clear wrote something")
	}
}

func TestProgressWithoutATotal(t *testing.T) {
	m, _, _ := testMeter(true)
	if got := m.text(control.Progress{Done: 1234, Unit: "files found"}, 0); got != "verify  1,234 files found" {
		t.Errorf("%q", got)
	}
	m.rate = 50
	if got := m.text(control.Progress{Done: 2000, Total: 1000, Unit: "messages"}, m.left(control.Progress{Done: 2000, Total: 1000})); !strings.Contains(got, "100%") || strings.Contains(got, "left") {
		t.Errorf("more than all: %q", got)
	}
}

func TestImportProgress(t *testing.T) {
	m, b, pass := testMeter(false)
	m.label = "import"
	s := &importShow{meter: m, report: &reportFile{}}
	for _, p := range []importer.Progress{
		{Phase: importer.Scanning, Files: 1200},
		{Phase: importer.Reading, Items: 500, Bytes: 25e6, TotalBytes: 100e6, Rate: 5e6, ItemRate: 1234.5, Left: 15 * time.Second},
		{Phase: importer.Waiting, Items: 500, Bytes: 25e6, TotalBytes: 100e6, Reason: "disk\x1b full"},
		{Phase: importer.Done},
	} {
		pass(10 * time.Second)
		s.progress(p)
		s.progress(p) // at once again: not shown
	}
	want := `import  1,200 files found
import 25%  25 MB of 100 MB  5.0 MB/s  0:15 left  500 messages, 1,234/s
import 25%  25 MB of 100 MB  waiting: disk\x1b full
`
	if b.String() != want {
		t.Errorf("lines:\n%swant\n%s", b, want)
	}
}

func TestFirstFailuresAreNamed(t *testing.T) {
	m, b, _ := testMeter(false)
	s := &importShow{meter: m, report: &reportFile{}}
	for range failuresShown + 5 {
		s.outcome(importer.Outcome{Path: "/m\x07box", Index: 3, Outcome: importer.Failed, Reason: "too large"})
		s.outcome(importer.Outcome{Path: "/well", Outcome: importer.Stored})
	}
	line := "failed: /m\\x07box, message 3: too large\n"
	if b.String() != strings.Repeat(line, failuresShown) {
		t.Errorf("shown: %s", b)
	}
}

func TestReportThatCannotBeWritten(t *testing.T) {
	r, err := openReport("/dev/full")
	if err != nil {
		t.Skip(err)
	}
	if err := r.write(importer.Outcome{Path: "x"}); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err == nil || !strings.Contains(err.Error(), "write report") {
		t.Errorf("Close: %v", err)
	}
	s := &importShow{report: &reportFile{}, failed: errors.New("kept")}
	s.outcome(importer.Outcome{Outcome: importer.Stored})
	if s.failed == nil {
		t.Error("the first error of the report was forgotten")
	}
}
