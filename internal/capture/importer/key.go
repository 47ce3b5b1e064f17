package importer

import (
	"crypto/sha256"
	"encoding/binary"
	"strconv"

	"mailarchive/internal/mail"
)

// keyVersion stands in front of what a key is made of; another recipe has
// another version, so that keys of both never meet.
const keyVersion = "mail-archive import key 1"

// itemKey returns the name of a message across runs: SHA-256 over version,
// kind of source, path, digest of the content in hexadecimal and the number of
// messages with this digest before it in the same file, with a NUL behind each.
// For Maildir the path has neither cur or new nor the flags in it, so that a
// message keeps its key when it is read, answered or flagged between two runs.
func itemKey(source, path string, content mail.Digest, before uint32) mail.Digest {
	h := sha256.New()
	for _, part := range []string{keyVersion, source, path, content.String(), strconv.FormatUint(uint64(before), 10)} {
		h.Write([]byte(part)) // never fails (hash.Hash)
		h.Write([]byte{0})
	}
	return mail.Digest(h.Sum(nil))
}

// occurrences counts the messages of one mbox by digest. It keeps 64 bits of
// each, for an mbox may hold millions: two contents that share them have a
// number that is one too high, the same at each run, and still different keys,
// for those have the whole digest in them.
type occurrences map[uint64]uint32

// before returns how many messages of this digest came before, and counts it.
func (o occurrences) before(d mail.Digest) uint32 {
	k := binary.BigEndian.Uint64(d[:8])
	n := o[k]
	o[k] = n + 1
	return n
}
