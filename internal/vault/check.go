package vault

import (
	"crypto/sha256"
	"fmt"
	"io"

	"mailarchive/internal/mail"
)

// checkContent reads the content of a record and compares its digest. Content
// that stands in another record is that one's to check. The frame in hand stays
// there.
func (sc *scanner) checkContent(fd found) error {
	switch {
	case fd.flags&entryBytes == 0:
		return nil
	case fd.flags&entryLarge != 0:
		return sc.checkLarge(fd)
	case mail.Sum(fd.inline) != fd.digest:
		return otherDigest(fd)
	}
	return nil
}

func otherDigest(fd found) error {
	return fmt.Errorf("content of %s has another digest than its record says: %w", fd.id, mail.ErrDamaged)
}

// chunkError is a damaged frame of large content.
type chunkError struct {
	frameSpan
	err error
}

func (e *chunkError) Error() string { return e.err.Error() }
func (e *chunkError) Unwrap() error { return e.err }

// checkLarge hashes content that stands in frames of its own.
func (sc *scanner) checkLarge(fd found) error {
	content := &chunkReader{w: sc.w, codec: sc.codec, left: fd.size}
	h := sha256.New()
	for _, c := range fd.chunks {
		content.off = c.off
		if _, err := io.Copy(h, io.LimitReader(content, min(ChunkSize, content.left))); err != nil {
			return &chunkError{c, fmt.Errorf("content of %s: %w", fd.id, err)}
		}
	}
	if mail.Digest(h.Sum(nil)) != fd.digest {
		return otherDigest(fd)
	}
	return nil
}
