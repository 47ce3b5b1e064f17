package cli

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/mail"
)

func TestManualCommandLine(t *testing.T) {
	today := time.Date(2026, 3, 31, 23, 0, 0, 0, time.UTC)
	for _, test := range []struct{ args, want []string }{
		{[]string{"-a", "redeliver", "-r", "01KB"}, []string{"redeliver", "01KB"}},
		{[]string{"-a=redeliver", "-e=ann@example.org", "01KB"}, []string{"redeliver", "--to", "ann@example.org", "01KB"}},
		{[]string{"-a", "redeliver", "-e", "ann@example.org", "01KB"}, []string{"redeliver", "--to", "ann@example.org", "01KB"}},
		{[]string{"-a", "archive"}, []string{"archive", "--month", "2026-02"}},
		{[]string{"-a", "archive", "-s=26-01-15"}, []string{"archive", "--month", "2025-12"}},
		{[]string{"-a", "archive", "-s=2024-03-31"}, []string{"archive", "--month", "2024-02"}},
		{[]string{"-a", "import"}, []string{"import", "--spool"}},
		{[]string{"--data", "/srv/a", "-a", "import", "-s=26-02-28", "-d=7"},
			[]string{"--data", "/srv/a", "import", "--spool", "--start", "2026-02-28", "--days", "7"}},
		{[]string{"--data=/srv/a", "-a", "archive"}, []string{"--data=/srv/a", "archive", "--month", "2026-02"}},
	} {
		got, asked, err := fromManual(test.args, today)
		if err != nil || !asked {
			t.Errorf("%q: asked %v, %v", test.args, asked, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.args, diff)
		}
	}
}

func TestManualMistakes(t *testing.T) {
	for _, args := range [][]string{
		{"-a"}, {"-a", "delete"}, {"-a", "redeliver", "01KB"}, {"-a", "redeliver", "-r"},
		{"-a", "redeliver", "-r", "-e=ann@example.org", "01KB"}, {"-a", "redeliver", "-r", "01KB", "01KC"},
		{"-a", "archive", "-s=yesterday"}, {"-a", "archive", "-s=26-02-30"}, {"-a", "archive", "-d=3"},
		{"-a", "archive", "now"}, {"-a", "import", "-s"}, {"-a", "import", "-x"},
	} {
		if got, asked, err := fromManual(args, time.Now()); !asked || !errors.Is(err, mail.ErrBadInput) {
			t.Errorf("%q: %q, asked %v, %v; want ErrBadInput", args, got, asked, err)
		}
	}
}

// A command line of today stays as it is.
func TestNotOfTheManual(t *testing.T) {
	for _, args := range [][]string{
		{"search", "--limit", "3", "invoice"}, {"search", "-a"}, {"--data", "-a", "stats"}, {"--", "-a"}, {},
	} {
		got, asked, err := fromManual(args, time.Now())
		if diff := cmp.Diff(args, got); asked || err != nil || diff != "" {
			t.Errorf("%q: asked %v, %v: %s", args, asked, err, diff)
		}
	}
}
