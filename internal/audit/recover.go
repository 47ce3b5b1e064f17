package audit

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
)

// readme lies beside the files and tells how to read and check them without us.
//
//go:embed readme.txt
var readme string

// recover sets right what a crash left and returns a writer that goes on.
func (l *Log) recover() (*writer, error) {
	if err := durable.MakeFolder(l.fs, l.folder, 0o700); err != nil {
		return nil, err
	}
	if err := durable.RemoveTemporary(l.fs, l.folder); err != nil {
		return nil, err
	}
	parts, err := l.list()
	if err != nil {
		return nil, err
	}
	m, err := l.believed(len(parts) > 0)
	if err != nil {
		return nil, err
	}
	var head Head
	if m != nil {
		head = m.Head
	}
	if parts, err = l.dropSurplus(parts, head); err != nil {
		return nil, err
	}
	w, err := l.resume(parts, m)
	if err != nil {
		return nil, err
	}
	l.writeReadme()
	if !l.opened.empty() {
		w.own, err = encodeBody(l.opened.entry())
	}
	return w, err
}

// believed reads the head file, or makes the first one. It returns nil when
// there should be one and is none.
func (l *Log) believed(begun bool) (*mark, error) {
	m, err := l.readMark()
	switch {
	case errors.Is(err, mail.ErrDamaged):
		l.found(Finding{Kind: HeadLost, File: headFile, What: err.Error()})
		return nil, nil
	case err != nil:
		return nil, err
	case m == nil && begun:
		l.found(Finding{Kind: HeadLost, File: headFile, What: "the head file is missing; whether the end was cut off cannot be told"})
		return nil, nil
	case !begun && (m == nil || m.Seq == 0):
		// Before the first entry, so that a missing one is always a finding;
		// anew, because the name of one that is there may not be on disk.
		m = &mark{Format: FormatVersion}
		return m, l.writeMark(*m)
	}
	return m, nil
}

// found notes a fault that the start leaves as it is.
func (l *Log) found(f Finding) {
	if slices.Contains(l.opened.Findings, f) {
		return
	}
	l.opened.Findings = append(l.opened.Findings, f)
	l.log.Error("fault in the audit record", "kind", f.Kind, "file", f.File, "offset", f.Offset, "first", f.First, "last", f.Last, "what", f.What)
}

// resume finds the last entry, makes it sure and opens its file for more.
func (l *Log) resume(parts []part, m *mark) (*writer, error) {
	t, parts, err := l.findTail(parts, m)
	if err != nil {
		return nil, err
	}
	l.parts, l.end = parts, t.end
	w := &writer{l: l}
	if m != nil {
		w.marked = m.Head
	}
	if m != nil && m.Seq > t.end.Seq {
		l.found(Finding{
			Kind: Cut, File: m.File, Offset: t.off, First: t.end.Seq + 1, Last: m.Seq,
			What: "the head file says that these entries were written, and they are not there",
		})
		// What comes next follows the entry that is missing, so that the hole
		// is there for good.
		l.end, t.closed = tip{Head: m.Head, time: t.end.time}, true
	}
	if len(parts) == 0 {
		return w, nil
	}
	return w, l.reopen(w, t, m != nil && m.Head == t.end.Head)
}

// reopen opens the last file. sure says that its last commit was synced.
func (l *Log) reopen(w *writer, t tail, sure bool) error {
	last := l.parts[len(l.parts)-1]
	f, err := l.fs.OpenFile(l.path(last.name), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if !sure && t.commit < t.off {
		err = secure(f, t.commit, t.off)
	}
	if err == nil {
		_, err = f.Seek(last.size, io.SeekStart)
	}
	if err != nil || t.closed {
		return errors.Join(err, f.Close())
	}
	w.file = f
	w.month, _ = monthOf(last.name)
	return nil
}

// writeReadme puts the page there when it is not. The record is safe without.
func (l *Log) writeReadme() {
	if _, err := l.fs.Stat(l.path(readmeFile)); err == nil {
		return
	}
	err := durable.WriteFile(l.fs, l.path(readmeFile), 0o644, func(w io.Writer) error {
		_, err := io.WriteString(w, readme)
		return err
	})
	if err != nil {
		l.log.Warn("page on how to read the record not written", "error", err)
	}
}

// entry is what the record itself says of a start that was not smooth.
func (r Recovery) entry() Entry {
	var parts []string
	for _, t := range r.Torn {
		parts = append(parts, fmt.Sprintf("%d bytes behind the last entry of %s moved to %s", t.Length, t.File, t.Kept))
	}
	for _, f := range r.Findings {
		parts = append(parts, f.String())
	}
	return Entry{Actor: "mail-archive", Act: ActRecovered, Outcome: Done, Reason: strings.Join(parts, "; ")}
}
