package seal

import (
	"fmt"

	"mailarchive/internal/mail"
)

// place is where an entry's tar header begins.
type place struct {
	member int64 // where its member begins in the compressed stream, in bytes
	at     int   // in what the member decodes to
}

// sink takes the entries of a tar file in order.
type sink interface {
	// begin is called for each entry; data with its content, piece by piece;
	// end when it is over, whole or not.
	begin(e entryHead, at place)
	data(b []byte)
	end(whole bool)
	// ended is called for the blocks of zeros behind the last entry.
	ended()
}

// entries cuts the tar file that members hold into entries, and goes on with
// the next whole one when members are missing.
type entries struct {
	to     sink
	inside bool
	left   int64 // content of the current entry
	pad    int64 // zeros behind it
}

// feed takes what one member decodes to. continues says that it begins in the
// middle of an entry. The error, which wraps mail.ErrDamaged, says that there is
// something else than entries in it.
func (s *entries) feed(raw []byte, offset int64, continues bool) error {
	at := 0
	switch {
	case continues && !s.inside:
		return nil // its beginning is lost, which was said
	case !continues && s.inside:
		s.cut()
	}
	for at < len(raw) {
		if s.inside {
			at += s.content(raw[at:])
			continue
		}
		if isZero(raw[at:]) {
			s.to.ended()
			return nil
		}
		head, err := parseTarHeader(raw[at:])
		if err != nil {
			return fmt.Errorf("at byte %d of what the member holds: %w", at, err)
		}
		s.to.begin(head, place{offset, at})
		s.inside, s.left, s.pad = true, head.size, padding(head.size)
		at += tarBlock
		s.finish()
	}
	if s.inside && len(raw) != MemberSize {
		s.cut()
		return fmt.Errorf("it ends in the middle of an entry: %w", mail.ErrDamaged)
	}
	return nil
}

// content hands on what of the current entry stands in b.
func (s *entries) content(b []byte) int {
	n := min(int64(len(b)), s.left)
	if n > 0 {
		s.to.data(b[:n])
	}
	p := min(int64(len(b))-n, s.pad)
	s.left, s.pad = s.left-n, s.pad-p
	s.finish()
	return int(n + p)
}

func (s *entries) finish() {
	if s.inside && s.left == 0 && s.pad == 0 {
		s.inside = false
		s.to.end(true)
	}
}

// cut ends an entry of which more should have come.
func (s *entries) cut() {
	if s.inside {
		s.inside = false
		s.to.end(false)
	}
}

func isZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
