package vault

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"

	"mailarchive/internal/mail"
)

// UUID names a vault for good: random, RFC 9562 version 4.
type UUID [16]byte

func newUUID() UUID {
	var u UUID
	rand.Read(u[:])         // never fails (crypto/rand)
	u[6] = u[6]&0x0f | 0x40 // version 4, RFC 9562 5.4
	u[8] = u[8]&0x3f | 0x80
	return u
}

// String returns the 36 characters of RFC 9562 4.
func (u UUID) String() string {
	h := hex.EncodeToString(u[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// MarshalText writes the UUID for JSON.
func (u UUID) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (u *UUID) UnmarshalText(b []byte) error {
	raw, err := hex.DecodeString(strings.ReplaceAll(string(b), "-", ""))
	if err != nil || len(raw) != len(u) || len(b) != 36 {
		return fmt.Errorf("%q is not a UUID: %w", b, mail.ErrDamaged)
	}
	copy(u[:], raw)
	return nil
}
