package seal

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

// maxEntry is what the size field of ustar can say, in bytes.
const maxEntry = 1<<33 - 1

// The entries of an archive file, in order; between the first and the second
// stand the messages.
const (
	readmeName    = "README.txt"
	manifestName  = "MANIFEST.jsonl"
	chainName     = "CHAIN.json"
	sumsName      = "SHA256SUMS"
	messageFolder = "messages/"
	recordSuffix  = ".json"
	contentSuffix = ".eml"
)

func recordName(id mail.ID) string  { return messageFolder + id.String() + recordSuffix }
func contentName(id mail.ID) string { return messageFolder + id.String() + contentSuffix }

// padding returns the number of zeros that follow size bytes of content.
func padding(size int64) int64 { return -size & (tarBlock - 1) }

// tarHeader returns the ustar header of one file. Size is in bytes, at most
// maxEntry.
func tarHeader(name string, size int64, modified time.Time) *[tarBlock]byte {
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
	return &h
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

// entryHead is a tar header as this package writes it, read back.
type entryHead struct {
	name string
	size int64
}

// message returns the ID in the name of a message's entry; suffix tells which
// of the two it is, "" for none.
func (e entryHead) message() (id mail.ID, suffix string) {
	name, ok := strings.CutPrefix(e.name, messageFolder)
	if !ok {
		return mail.ID{}, ""
	}
	for _, suffix := range []string{recordSuffix, contentSuffix} {
		if text, ok := strings.CutSuffix(name, suffix); ok {
			id, err := mail.ParseID(text)
			if err == nil && id.String() == text {
				return id, suffix
			}
		}
	}
	return mail.ID{}, ""
}

// parseTarHeader reads a header that tarHeader wrote. Errors wrap
// mail.ErrDamaged.
func parseTarHeader(b []byte) (entryHead, error) {
	var e entryHead
	if len(b) < tarBlock {
		return e, fmt.Errorf("tar header is cut: %w", mail.ErrDamaged)
	}
	h := (*[tarBlock]byte)(b)
	sum, err := strconv.ParseUint(string(h[148:154]), 8, 32)
	if err != nil || int(sum) != tarChecksum(h) || string(h[257:262]) != "ustar" || h[156] != '0' {
		return e, fmt.Errorf("tar header does not add up: %w", mail.ErrDamaged)
	}
	size, err := strconv.ParseUint(string(h[124:135]), 8, 63) // takes no sign
	e.name = strings.TrimRight(string(h[:100]), "\x00")
	if err != nil {
		return e, fmt.Errorf("tar entry %q has no size: %w", e.name, mail.ErrDamaged)
	}
	e.size = int64(size)
	return e, nil
}
