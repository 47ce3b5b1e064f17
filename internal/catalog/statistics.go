package catalog

import (
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"time"

	"mailarchive/internal/catalog/token"
	"mailarchive/internal/mail"
)

// Statistics count messages, not arrivals: each distinct content once, at its
// sort date, with the direction and the envelope of its first arrival. What
// could not be read yet is counted when it can.

// Unit is the length of a period.
type Unit string

// The units. Months and years are those of the calendar in UTC.
const (
	Hour  Unit = "hour"
	Day   Unit = "day"
	Month Unit = "month"
	Year  Unit = "year"
)

// Amount is a number of messages and the bytes of their contents.
type Amount struct {
	Messages uint64 `json:"messages"`
	Bytes    uint64 `json:"bytes"`
}

// Add adds one message of that size.
func (a *Amount) Add(size int64) {
	a.Messages++
	a.Bytes += uint64(size)
}

// Start returns when the period begins that t falls into, in UTC; ok is false
// for a unit that there is not.
func (u Unit) Start(t time.Time) (start time.Time, ok bool) {
	t = t.UTC()
	year, month, day := t.Date()
	switch u {
	case Hour:
		return t.Truncate(time.Hour), true
	case Day:
	case Month:
		day = 1
	case Year:
		month, day = time.January, 1
	default:
		return time.Time{}, false
	}
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC), true
}

// Period is what falls into one period.
type Period struct {
	Start time.Time `json:"start"`
	Amount
	// Ways has the part of each direction; the rest has none.
	Ways map[mail.Direction]Amount `json:"ways"`
}

// Dimension is a property whose values are counted.
type Dimension string

// The dimensions. A message counts once for each distinct value.
const (
	BySender    Dimension = "sender"    // whole address of From, folded (token.Address)
	ByRecipient Dimension = "recipient" // whole addresses of To, Cc, Bcc and envelope recipients of its first arrival
	ByDomain    Dimension = "domain"    // domains of both
	ByKeyword   Dimension = "keyword"
	ByDirection Dimension = "direction" // "in", "out", "internal" or ""
	BySize      Dimension = "size"      // lower bound of a class in bytes: 0, then powers of two from 1024
)

// Tally is one value of a dimension and how much has it. Of a keyword, which is
// counted by its words as package token folds them, Value is the form that the
// most messages write, of several the first in order of bytes.
type Tally struct {
	Value string `json:"value"`
	Amount
}

// Counted is what statistics look at in a message.
type Counted struct {
	Size       int64
	Way        mail.Direction
	Senders    []string // addresses as they were written
	Recipients []string
	Keywords   []string
}

// Values returns the values that a message counts for in a dimension, each
// once; ok is false for a dimension that there is not.
func (c *Counted) Values(of Dimension) (values []string, ok bool) {
	switch of {
	case BySender:
		return folded(c.Senders, wholeOf), true
	case ByRecipient:
		return folded(c.Recipients, wholeOf), true
	case ByDomain:
		return folded(slices.Concat(c.Senders, c.Recipients), domainOf), true
	case ByKeyword:
		return folded(c.Keywords, wordsOf), true
	case ByDirection:
		return []string{string(c.Way)}, true
	case BySize:
		return []string{sizeClass(c.Size)}, true
	}
	return nil, false
}

// Forms returns the keywords as the message writes them, by the values that it
// counts for.
func (c *Counted) Forms() map[string]string {
	forms := make(map[string]string, len(c.Keywords))
	for _, k := range c.Keywords {
		if v := wordsOf(k); v != "" && forms[v] == "" {
			forms[v] = k
		}
	}
	return forms
}

// Dimensions are all there are.
func Dimensions() []Dimension {
	return []Dimension{BySender, ByRecipient, ByDomain, ByKeyword, ByDirection, BySize}
}

func folded(list []string, fold func(string) string) []string {
	var values []string
	seen := make(map[string]bool, len(list)) // a message may have ten thousand recipients
	for _, s := range list {
		if v := fold(s); v != "" && !seen[v] {
			seen[v] = true
			values = append(values, v)
		}
	}
	return values
}

func wholeOf(address string) string  { return token.Address(address).Whole }
func domainOf(address string) string { return token.Address(address).Domain }
func wordsOf(keyword string) string  { return strings.Join(token.Words(keyword), " ") }

// sizeClass is the largest power of two that is not above the size, from 1024
// on; 0 for what is smaller.
func sizeClass(size int64) string {
	if size < 1024 {
		return "0"
	}
	return strconv.FormatInt(1<<(bits.Len64(uint64(size))-1), 10)
}
