package seal

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"mailarchive/internal/mail"
)

// The endings of archive files.
const (
	PlainSuffix     = ".tgz" // gzip of tar
	EncryptedSuffix = ".enc" // OpenPGP around it
	indexSuffix     = ".idx" // positions, beside either
)

// Month is a month of a year in the archive's time zone.
type Month struct {
	Year  int
	Month time.Month
}

// MonthOf returns the month that t falls into in the zone.
func MonthOf(t time.Time, zone *time.Location) Month {
	t = t.In(zone)
	return Month{t.Year(), t.Month()}
}

// String is the month as files are named: "Oct-2026", English in any locale.
func (m Month) String() string { return fmt.Sprintf("%s-%04d", m.Month.String()[:3], m.Year) }

// End returns the first moment after the month in the zone.
func (m Month) End(zone *time.Location) time.Time {
	return time.Date(m.Year, m.Month+1, 1, 0, 0, 0, 0, zone)
}

// Name is what the name of an archive file says.
type Name struct {
	Month     Month
	Part      int // 0 for the first of a month, else the number behind it
	Encrypted bool
}

// String is the file's name: "Oct-2026.tgz", "Oct-2026-1.enc".
func (n Name) String() string {
	if n.Encrypted {
		return n.stem() + EncryptedSuffix
	}
	return n.stem() + PlainSuffix
}

func (n Name) stem() string {
	if n.Part == 0 {
		return n.Month.String()
	}
	return n.Month.String() + "-" + strconv.Itoa(n.Part)
}

// ParseName reads the name of an archive file, without a folder. The error
// wraps [mail.ErrBadInput].
func ParseName(s string) (Name, error) {
	var n Name
	stem, plain := strings.CutSuffix(s, PlainSuffix)
	if !plain {
		stem, n.Encrypted = strings.CutSuffix(s, EncryptedSuffix)
	}
	parts := strings.Split(stem, "-")
	if len(parts) == 3 {
		n.Part, _ = strconv.Atoi(parts[2])
	}
	if len(parts) >= 2 {
		if t, err := time.Parse("Jan-2006", parts[0]+"-"+parts[1]); err == nil {
			n.Month = Month{t.Year(), t.Month()}
		}
	}
	if n.String() != s { // one spelling only: no "oct-2026", no "-0", no "-01"
		return Name{}, fmt.Errorf("%q is not the name of an archive file (Oct-2026.tgz, Oct-2026-1.enc): %w", s, mail.ErrBadInput)
	}
	return n, nil
}
