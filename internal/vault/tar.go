package vault

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"mailarchive/internal/mail"
)

// tarBlock is the unit of a tar file: a header takes one, content is filled up
// with zeros to a multiple (POSIX.1-2017, pax, "ustar Interchange Format").
const tarBlock = 512

const (
	recordSuffix  = ".json"
	contentSuffix = ".eml"
)

// padded returns size rounded up to whole blocks.
func padded(size int64) int64 { return (size + tarBlock - 1) / tarBlock * tarBlock }

// pad appends the zeros that fill b up to whole blocks.
func pad(b []byte) []byte {
	return append(b, make([]byte, padded(int64(len(b)))-int64(len(b)))...)
}

// appendTarHeader appends the ustar header of one file. Size is in bytes and
// below 8 GiB.
func appendTarHeader(dst []byte, name string, size int64, modified time.Time) []byte {
	var h [tarBlock]byte
	copy(h[0:100], name)
	copy(h[100:108], "0000644")
	copy(h[108:116], "0000000")
	copy(h[116:124], "0000000")
	copy(h[124:136], fmt.Sprintf("%011o", size))
	copy(h[136:148], fmt.Sprintf("%011o", max(0, modified.Unix())))
	h[156] = '0' // regular file
	copy(h[257:265], "ustar\x0000")
	copy(h[329:337], "0000000")
	copy(h[337:345], "0000000")
	copy(h[148:156], fmt.Sprintf("%06o\x00 ", tarChecksum(&h)))
	return append(dst, h[:]...)
}

// tarChecksum adds the header's bytes, its own field counted as spaces.
func tarChecksum(h *[tarBlock]byte) int {
	sum := 0
	for i, c := range h {
		if i >= 148 && i < 156 {
			c = ' '
		}
		sum += int(c)
	}
	return sum
}

// tarEntry is a header as this package writes it, read back.
type tarEntry struct {
	id     mail.ID
	suffix string // recordSuffix or contentSuffix
	size   int64
}

// parseTarHeader reads a header that appendTarHeader wrote.
func parseTarHeader(b []byte) (tarEntry, error) {
	var e tarEntry
	if len(b) < tarBlock {
		return e, fmt.Errorf("tar header is cut: %w", mail.ErrDamaged)
	}
	h := (*[tarBlock]byte)(b)
	sum, err := strconv.ParseInt(string(h[148:154]), 8, 32)
	if err != nil || int(sum) != tarChecksum(h) || string(h[257:262]) != "ustar" {
		return e, fmt.Errorf("tar header does not add up: %w", mail.ErrDamaged)
	}
	name := strings.TrimRight(string(h[:100]), "\x00")
	for _, suffix := range []string{recordSuffix, contentSuffix} {
		if text, ok := strings.CutSuffix(name, suffix); ok {
			e.suffix = suffix
			e.id, err = mail.ParseID(text)
		}
	}
	if err != nil || e.suffix == "" {
		return e, fmt.Errorf("tar entry %q is none of the vault's: %w", name, mail.ErrDamaged)
	}
	size, err := strconv.ParseUint(string(h[124:135]), 8, 63) // takes no sign
	if err != nil {
		return e, fmt.Errorf("tar entry %s has no size: %w", name, mail.ErrDamaged)
	}
	e.size = int64(size)
	return e, nil
}
