package vault

import (
	"errors"

	"mailarchive/internal/mail"
)

// sector is the unit that a disk writes whole or not at all, in bytes.
const sector = 512

// missesSector reports whether a commit whose digest is wrong is one that power
// loss cut short: a frame of it does not decode, and in that frame is a sector
// of zeros only, which is how a sector reads that was never written. A frame
// that decodes may hold zeros as it likes: a message of noise with zeros in the
// middle is stored as it is.
func (sc *scanner) missesSector(s span) (bool, error) {
	for _, f := range s.frames {
		_, err := sc.decode(f)
		if err == nil {
			continue
		}
		if !errors.Is(err, mail.ErrDamaged) {
			return false, err
		}
		if empty, err := sc.w.emptySector(f, s.off); empty || err != nil {
			return empty, err
		}
	}
	return false, nil
}

// emptySector reports whether one of the sectors that the frame lies in is
// empty, as far as it belongs to the commit, which begins at off.
func (w *window) emptySector(f frameSpan, off int64) (bool, error) {
	for at := f.off - f.off%sector; at < f.off+int64(f.size); at += sector {
		from := max(at, off)
		b, err := w.at(from, int(at+sector-from))
		if err != nil {
			return false, err
		}
		if allZero(b) {
			return true, nil
		}
	}
	return false, nil
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
