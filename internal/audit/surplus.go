package audit

import (
	"errors"
	"os"
	"slices"

	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
)

// dropSurplus moves aside what the first line of a later file says belongs to
// nobody: bytes behind the length of a file that was given up after a failed
// sync, and all of a file that it passes over. They came back with a crash.
// head is what the head file names: it was acknowledged.
func (l *Log) dropSurplus(parts []part, head Head) ([]part, error) {
	for i := len(parts) - 1; i > 0; i-- {
		first, err := l.firstLine(parts[i])
		if errors.Is(err, mail.ErrDamaged) || err == nil && first.Closed == nil {
			continue
		}
		if err != nil {
			return nil, err
		}
		kept, err := l.dropBefore(parts[:i], first, head)
		if err != nil {
			return nil, err
		}
		parts = append(kept, parts[i:]...)
		i = len(kept)
	}
	return parts, nil
}

// dropBefore does so for the files before one that begins with the line.
func (l *Log) dropBefore(before []part, first *line, head Head) ([]part, error) {
	at := len(before) - 1
	for at >= 0 && before[at].name != first.Closed.File {
		at--
	}
	kept, length := slices.Clone(before), first.Closed.Length
	if at < 0 || at == len(before)-1 && before[at].size <= length {
		return kept, nil // Verify has a word for it when bytes are missing
	}
	if whole, err := l.endsBefore(before[at], first); !whole || err != nil {
		return kept, err
	}
	for i := at; i < len(before); i++ {
		line, err := l.acknowledged(before[i], length, first.Seq, head)
		if err != nil {
			return nil, err
		}
		if line > 0 {
			l.found(Finding{Kind: Surplus, File: before[i].name, First: line, Last: line, What: "a later file says that it belongs to nobody, and it was acknowledged; nothing was moved"})
			return kept, nil
		}
		length = 0
	}
	kept, length = kept[:at], first.Closed.Length
	for i := at; i < len(before); i++ {
		if before[i].size > length {
			if err := l.moveAside(before[i].name, length, before[i].size); err != nil {
				return nil, err
			}
		}
		if i == at && length > 0 {
			kept = append(kept, part{before[at].name, min(before[at].size, length)})
		}
		length = 0
	}
	return kept, nil
}

// endsBefore reports whether the entry before the line ends where it says. If
// not, the file was changed, and moving its end would change it more.
func (l *Log) endsBefore(p part, first *line) (whole bool, err error) {
	if first.Closed.Length == 0 {
		return true, nil // the file never had an entry
	}
	err = l.withPart(p, func(f durable.File, size int64) error {
		if size < first.Closed.Length {
			return mail.ErrDamaged
		}
		_, _, err := endsWith(f, first.Closed.Length, Head{first.Seq - 1, first.Prev})
		return err
	})
	if errors.Is(err, mail.ErrDamaged) {
		l.found(Finding{
			Kind: Edited, File: p.name, Offset: first.Closed.Length, First: first.Seq - 1, Last: first.Seq - 1,
			What: "the next file names an entry that does not end here; nothing was moved",
		})
		return false, nil
	}
	return err == nil, err
}

// acknowledged returns an entry behind off that somebody was told of, whatever
// a later file says: one before seq, or the head's. It returns 0 for none.
func (l *Log) acknowledged(p part, off int64, seq uint64, head Head) (found uint64, err error) {
	err = l.withPart(p, func(f durable.File, size int64) error {
		return eachLine(f, min(off, size), size, func(s span) error {
			line, err := decode(s.text)
			if err == nil && (line.Seq < seq || line.Seq == head.Seq && mail.Sum(s.text) == head.SHA256) {
				found = line.Seq
				return errStop
			}
			return nil
		})
	})
	if errors.Is(err, errStop) {
		err = nil
	}
	return found, err
}

// firstLine reads the line that a file begins with. Errors of what it says
// wrap mail.ErrDamaged.
func (l *Log) firstLine(p part) (*line, error) {
	f, err := l.fs.OpenFile(l.path(p.name), os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s, err := newLines(f, 0, p.size).next()
	if err != nil {
		return nil, err
	}
	return decode(s.text)
}
