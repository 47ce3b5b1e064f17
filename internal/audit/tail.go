package audit

import (
	"errors"
	"fmt"
	"io"
	"os"

	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
)

// tail is the end of the record as a start finds it.
type tail struct {
	end    tip
	off    int64 // where the last entry ends in its file
	commit int64 // where its commit begins
	closed bool  // nothing may be written behind it: the next entry begins a new file
}

// findTail reads the newest file from the place that the head file names, or
// from its beginning, and moves aside what is torn. When nothing is left of it,
// the file before has the last entry.
func (l *Log) findTail(parts []part, m *mark) (tail, []part, error) {
	for len(parts) > 0 {
		last := len(parts) - 1
		t, err := l.scanTail(parts, m)
		if err != nil {
			return tail{}, nil, fmt.Errorf("%s: %w", parts[last].name, err)
		}
		if t.off > 0 {
			parts[last].size = t.off
			return t, parts, nil
		}
		parts = parts[:last]
	}
	return tail{}, nil, nil
}

// scanTail reads the last of the files. off stays 0 when all of it was torn.
func (l *Log) scanTail(parts []part, m *mark) (tail, error) {
	p := parts[len(parts)-1]
	f, err := l.fs.OpenFile(l.path(p.name), os.O_RDONLY, 0)
	if err != nil {
		return tail{}, err
	}
	defer f.Close()
	t, err := l.startTail(f, p, m)
	if err == nil {
		err = t.follow(f, p.size)
	}
	if err != nil || t.off == p.size {
		return t, err
	}
	if t.off == 0 {
		if t.end, err = l.endOf(parts[:len(parts)-1], m); err != nil {
			return tail{}, err
		}
	}
	rest, err := lookBehind(f, t, p.size)
	if err != nil {
		return tail{}, err
	}
	if !rest.later && (m == nil || m.Seq <= t.end.Seq) {
		return t, l.moveAside(p.name, t.off, p.size)
	}
	l.found(Finding{
		Kind: Unreadable, File: p.name, Offset: t.off, First: t.end.Seq + 1, Last: max(rest.end.Seq, t.end.Seq+1),
		What: "entries that were acknowledged do not follow the one before; the record goes on in a new file",
	})
	if rest.end.Seq > t.end.Seq {
		t.end = rest.end
	}
	t.off, t.commit, t.closed = p.size, min(t.off, rest.commit), true
	return t, nil
}

// startTail returns where to begin: at the head's place if that is in this file
// and right, else at the file's beginning.
func (l *Log) startTail(f io.ReaderAt, p part, m *mark) (tail, error) {
	if m == nil || m.File != p.name || m.Length > p.size {
		return tail{}, nil
	}
	line, start, err := endsWith(f, m.Length, m.Head)
	if errors.Is(err, mail.ErrDamaged) {
		l.found(Finding{Kind: Edited, File: m.File, Offset: start, First: m.Seq, Last: m.Seq, What: "it is not the entry that the head file names"})
		return tail{}, nil
	}
	if err != nil {
		return tail{}, err
	}
	return tail{end: tip{m.Head, line.time()}, off: m.Length, commit: start}, nil
}

// endOf returns the last entry of the files that follows the one before, for a
// newer file whose first line cannot be read.
func (l *Log) endOf(parts []part, m *mark) (end tip, err error) {
	for last := len(parts) - 1; last >= 0 && end.Seq == 0 && err == nil; last-- {
		err = l.withPart(parts[last], func(f durable.File, size int64) error {
			t, err := l.startTail(f, part{parts[last].name, size}, m)
			if err == nil {
				err = t.follow(f, size)
			}
			end = t.end
			return err
		})
	}
	return end, err
}

var errStop = errors.New("stop")

// follow goes on as long as each line follows the one before. A file's first
// line need not: what is missing before it is for Verify to tell.
func (t *tail) follow(f io.ReaderAt, size int64) error {
	commit := uint64(0)
	err := eachLine(f, t.off, size, func(s span) error {
		line, err := decode(s.text)
		if err != nil || s.off > 0 && (line.Seq != t.end.Seq+1 || line.Prev != t.end.SHA256) {
			return errStop
		}
		if line.Commit != commit {
			commit, t.commit = line.Commit, s.off
		}
		t.end, t.off = tip{Head{line.Seq, mail.Sum(s.text)}, line.time()}, s.end
		return nil
	})
	if errors.Is(err, errStop) {
		return nil
	}
	return err
}

// behind is what stands behind a line that does not follow.
type behind struct {
	end    tip   // the last line that can be read
	commit int64 // where its commit begins
	later  bool  // it was on disk for certain, and no crash broke it
}

// lookBehind tells a torn end from a damaged one. A commit is begun only when
// the one before is on disk; so a break with a later commit behind it is not
// what a crash leaves. Nor is a line that can be read and does not follow: a
// crash leaves zeros where bytes did not come.
func lookBehind(f io.ReaderAt, t tail, size int64) (behind, error) {
	b := behind{commit: size}
	first, commit := uint64(0), uint64(0)
	err := eachLine(f, t.off, size, func(s span) error {
		line, err := decode(s.text)
		if err != nil {
			return nil
		}
		b.later = b.later || s.off == t.off
		if first == 0 {
			first = line.Commit
		}
		b.later = b.later || line.Commit > t.end.Seq+1 && t.end.Seq > 0 || line.Commit != first
		if line.Commit != commit {
			commit, b.commit = line.Commit, s.off
		}
		b.end = tip{Head{line.Seq, mail.Sum(s.text)}, line.time()}
		return nil
	})
	return b, err
}
