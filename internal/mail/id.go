package mail

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// ID names one arrival: a ULID, that is 48 bits of Unix milliseconds and 80
// random bits, written as 26 characters of Crockford's base 32
// (https://github.com/ulid/spec). IDs of one vault rise strictly in the order
// of its arrivals, as numbers and as text.
type ID [16]byte

// IDLength is the number of characters in the text of an [ID].
const IDLength = 26

const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// NextID returns an ID for an arrival at t that is larger than prev. The
// random bits are drawn anew unless t falls in prev's millisecond or before
// it; then prev counts up by one, as the ULID specification has it.
func NextID(prev ID, t time.Time) ID {
	var id ID
	// A clock before 1970 must not make the ID larger than all that follow.
	binary.BigEndian.PutUint64(id[:8], uint64(max(t.UnixMilli(), 0))<<16)
	if string(id[:6]) <= string(prev[:6]) && prev != (ID{}) {
		return prev.successor()
	}
	rand.Read(id[6:]) // never fails (crypto/rand)
	id[6] &= 0x7f     // room to count up within the millisecond
	return id
}

func (id ID) successor() ID {
	for i := len(id) - 1; i >= 0; i-- {
		id[i]++
		if id[i] != 0 {
			break
		}
	}
	return id
}

// Time returns the millisecond that the ID was made for, in UTC.
func (id ID) Time() time.Time {
	return time.UnixMilli(int64(binary.BigEndian.Uint64(id[:8]) >> 16)).UTC()
}

// IsZero reports whether the ID names nothing.
func (id ID) IsZero() bool { return id == ID{} }

// String returns the 26 characters of the ID, upper case.
func (id ID) String() string {
	var text [IDLength]byte
	hi, lo := binary.BigEndian.Uint64(id[:8]), binary.BigEndian.Uint64(id[8:])
	for i := IDLength - 1; i >= 0; i-- {
		text[i] = crockford[lo&31]
		lo = lo>>5 | hi<<59
		hi >>= 5
	}
	return string(text[:])
}

// ParseID reads the 26 characters of an ID in either case. Crockford's
// look-alikes (I and L for 1, O for 0) are not taken: an ID is copied, not
// typed. The error wraps [ErrBadInput].
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != IDLength || s[0] > '7' {
		return id, fmt.Errorf("%q is not a message ID (26 characters 0-9 A-Z): %w", s, ErrBadInput)
	}
	var hi, lo uint64
	for i := range len(s) { // bytes: "ſ" in upper case is "S", but no digit
		c := s[i]
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		v := strings.IndexByte(crockford, c)
		if v < 0 {
			return ID{}, fmt.Errorf("%q is not a message ID (%q never stands in one): %w", s, s[i], ErrBadInput)
		}
		hi = hi<<5 | lo>>59
		lo = lo<<5 | uint64(v)
	}
	binary.BigEndian.PutUint64(id[:8], hi)
	binary.BigEndian.PutUint64(id[8:], lo)
	return id, nil
}

// IDRange returns the smallest and the largest ID whose text begins with
// prefix (1 to 26 characters, either case). The error wraps [ErrBadInput].
func IDRange(prefix string) (first, last ID, err error) {
	missing := IDLength - len(prefix)
	if missing >= 0 && missing < IDLength {
		if first, err = ParseID(prefix + strings.Repeat("0", missing)); err == nil {
			last, err = ParseID(prefix + strings.Repeat("Z", missing))
			return first, last, err
		}
	}
	return ID{}, ID{}, fmt.Errorf("%q is not the beginning of a message ID (1 to 26 characters 0-9 A-Z): %w", prefix, ErrBadInput)
}

// MarshalText writes the text of the ID, for JSON.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (id *ID) UnmarshalText(b []byte) (err error) {
	*id, err = ParseID(string(b))
	return err
}
