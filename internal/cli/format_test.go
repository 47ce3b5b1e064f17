package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"mailarchive/internal/control"
	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
)

func TestSizeText(t *testing.T) {
	tests := map[uint64]string{0: "0 B", 999: "999 B", 1000: "1.0 kB", 9949: "9.9 kB", 9960: "10 kB", 999_499: "999 kB", 999_500: "1.0 MB", 1_500_000_000: "1.5 GB", 1 << 63: "9.2 EB"}
	for n, want := range tests {
		if got := sizeText(n); got != want {
			t.Errorf("sizeText(%d) = %q, want %q", n, got, want)
		}
		if len(sizeText(n)) > sizeWidth {
			t.Errorf("%q does not fit its column", sizeText(n))
		}
	}
}

func TestCountText(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", -1000: "-1,000", -999: "-999", 1234567: "1,234,567"} {
		if got := countText(n); got != want {
			t.Errorf("countText(%d) = %q, want %q", n, got, want)
		}
	}
	if plural(1, "byte") != "1 byte" || plural(2000, "byte") != "2,000 bytes" {
		t.Error("plural")
	}
}

func TestFit(t *testing.T) {
	tests := []struct {
		s     string
		width int
		want  string
	}{{"abc", 5, "abc  "}, {"abcdef", 5, "abcd…"}, {"寸法寸法", 5, "寸法…"}, {"寸法寸法", 6, "寸法… "}, {"", 2, "  "}}
	for _, test := range tests {
		if got := fit(test.s, test.width); got != test.want || columns().StringWidth(got) != test.width {
			t.Errorf("fit(%q, %d) = %q, want %q", test.s, test.width, got, test.want)
		}
	}
}

func TestClockText(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0:00", 5 * time.Second: "0:05", 750 * time.Second: "12:30", 11100 * time.Second: "3:05:00"} {
		if got := clockText(d); got != want {
			t.Errorf("clockText(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestWrapCell(t *testing.T) {
	if diff := cmp.Diff([]string{"one two", "three", "averylongword"}, wrapCell("one two three averylongword", 8)); diff != "" {
		t.Error(diff)
	}
}

func TestShortPeople(t *testing.T) {
	if got := shortPeople([]string{"Ann <x> E <a@x>", "b@x", "Group", " <c@x>", "D <d@x"}); got != "Ann <x> E, b@x, Group,  <c@x>, D <d@x" {
		t.Error(got)
	}
}

func TestIndexedText(t *testing.T) {
	tests := map[[2]uint64]string{
		{5, 5}: "all of them indexed: everything stored can be found",
		{5, 3}: "3 indexed: 2 to go",
		{3, 5}: `5 indexed: more than stored; "mail-archive reindex" puts that right`,
	}
	for n, want := range tests {
		if got := indexedText(control.Stats{Stored: n[0], Indexed: n[1]}); got != want {
			t.Errorf("%v: %q", n, got)
		}
	}
}

func TestLongListsAreCut(t *testing.T) {
	if got := joinSome(make([]int, listed+5)); !strings.HasSuffix(got, ", and 5 more (--json lists all)") {
		t.Error(got)
	}
	if got := joinSome([]int{1, 2}); got != "1, 2" {
		t.Error(got)
	}
}

// The table of the exit codes.
func TestExitCodes(t *testing.T) {
	tests := []struct {
		err  error
		want int
	}{
		{nil, ExitDone},
		{errors.New("disk"), ExitFailed},
		{errFindings, ExitFailed},
		{mail.ErrNotFound, ExitNothing},
		{nothingFound{}, ExitNothing},
		{mail.ErrBadInput, ExitUsage},
		{mail.ErrAmbiguous, ExitUsage},
		{&usageError{errors.New("flag")}, ExitUsage},
		{mail.ErrNotAllowed, ExitFailed},
		{mail.ErrDamaged, ExitFailed},
		{mail.ErrRetry, ExitFailed},
		{mail.ErrFull, ExitFailed},
		{mail.ErrTooLarge, ExitFailed},
	}
	for _, test := range tests {
		if got := exitCode(test.err); got != test.want {
			t.Errorf("%v: %d, want %d", test.err, got, test.want)
		}
		if test.err == nil {
			continue
		}
		if got := exitCode(&advised{fmt.Errorf("search: %w", test.err), ""}); got != test.want {
			t.Errorf("wrapped %v: %d, want %d", test.err, got, test.want)
		}
	}
}

func TestAdvice(t *testing.T) {
	p := &program{}
	for err, want := range map[error]string{
		fs.ErrPermission:                       "as root",
		mail.ErrNotAllowed:                     "as root",
		mail.ErrFull:                           "Make space",
		mail.ErrDamaged:                        "verify",
		mail.ErrAmbiguous:                      "more characters",
		mail.ErrNotFound:                       "lists messages",
		fmt.Errorf("m: %w", mail.ErrAmbiguous): "search message-id:",
	} {
		if got := p.advice(nil, fmt.Errorf("x: %w", err)); !strings.Contains(got, want) {
			t.Errorf("%v: %q", err, got)
		}
	}
	if got := p.advice(nil, errors.New("x")); got != "" {
		t.Errorf("%q", got)
	}
}

func TestLockHolder(t *testing.T) {
	folder := t.TempDir()
	if who := lockHolder(folder); who != "" {
		t.Errorf("nobody: %q", who)
	}
	lock, err := durable.TakeLock(filepath.Join(folder, "lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	if who := lockHolder(folder); !strings.Contains(who, fmt.Sprintf("process %d (", os.Getpid())) {
		t.Errorf("this process: %q", who)
	}
	table := []byte("1: POSIX  ADVISORY  WRITE 5 08:01:77 0 EOF\n2: FLOCK  ADVISORY  WRITE 6 08:01:77 0 EOF\n2: -> FLOCK x\nrubbish\n")
	if got := holderOf(table, 8<<8|1, 77); got != "6" {
		t.Errorf("holder %q, want 6", got)
	}
	if got := describeProcess("none"); got != "process none" {
		t.Error(got)
	}
}
