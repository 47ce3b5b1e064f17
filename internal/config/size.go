package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Size is a number of bytes.
type Size int64

// units are the letters of sizes. They count in 1024 with and without "iB":
// mail systems have always meant that by 10M.
const units = "KMGT"

// UnmarshalText reads "150MiB", "10k", "5M", "1.5G" or a plain number of bytes.
func (s *Size) UnmarshalText(text []byte) error {
	n, err := parseSize(strings.TrimSpace(string(text)))
	if err != nil {
		return &valueError{what: "is not a size", instead: `a number and a unit: "10k", "5M", "150MiB"`}
	}
	*s = n
	return nil
}

func parseSize(text string) (Size, error) {
	number := strings.TrimRightFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	unit := strings.ToUpper(strings.TrimSpace(text[len(number):]))
	factor := 1.0
	if unit != "" && unit != "B" {
		power := strings.IndexByte(units, unit[0])
		if power < 0 || unit[1:] != "" && unit[1:] != "B" && unit[1:] != "IB" {
			return 0, errors.New("no such unit")
		}
		factor = math.Pow(1024, float64(power+1))
	}
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || n < 0 || n*factor >= math.MaxInt64 {
		return 0, errors.New("no such number")
	}
	return Size(n * factor), nil
}

// MarshalText writes what UnmarshalText reads, in the largest unit that fits
// without a remainder.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// String is the text of MarshalText.
func (s Size) String() string {
	for i := len(units) - 1; i >= 0; i-- {
		if unit := Size(1) << (10 * (i + 1)); s >= unit && s%unit == 0 {
			return fmt.Sprintf("%d%ciB", s/unit, units[i])
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

// Duration is a time span.
type Duration time.Duration

// day is the unit that time.ParseDuration lacks.
const day = 24 * time.Hour

// UnmarshalText reads Go's notation ("90s", "5m", "1h30m") and whole or
// broken days ("2d").
func (d *Duration) UnmarshalText(text []byte) error {
	s := strings.TrimSpace(string(text))
	span, err := time.ParseDuration(s)
	if days, ok := strings.CutSuffix(s, "d"); ok {
		var n float64
		n, err = strconv.ParseFloat(days, 64)
		span = time.Duration(n * float64(day))
		if !(n < float64(math.MaxInt64)/float64(day)) {
			err = errors.New("too long")
		}
	}
	if err != nil || span < 0 {
		return &valueError{what: "is not a time span", instead: `a number and a unit: "90s", "5m", "2h", "1d"`}
	}
	*d = Duration(span)
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// String is the text of MarshalText: "5m", not Go's "5m0s".
func (d Duration) String() string {
	span := time.Duration(d)
	if span > 0 && span%day == 0 {
		return fmt.Sprintf("%dd", span/day)
	}
	s := span.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// Span is the value for package time.
func (d Duration) Span() time.Duration { return time.Duration(d) }
