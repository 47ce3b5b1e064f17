package audit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
)

const (
	fileSuffix  = ".jsonl"
	monthLayout = "2006-01"
	// maxPart is how many files a month may have: one more for each fault of
	// the disk. Three digits keep them in order of their names.
	maxPart = 999
)

// part is one file of the record.
type part struct {
	name string // "2026-11.jsonl", or "2026-11_002.jsonl" after a fault
	size int64  // bytes that count
}

// partName returns the name of a month's file number n, from 1. Sorted as
// bytes the names are in order of time.
func partName(month string, n int) string {
	if n == 1 {
		return month + fileSuffix
	}
	return fmt.Sprintf("%s_%03d%s", month, n, fileSuffix)
}

// monthOf returns the month of a file's name, and whether it is one of ours.
func monthOf(name string) (string, bool) {
	base, ok := strings.CutSuffix(name, fileSuffix)
	month, number, numbered := strings.Cut(base, "_")
	if _, err := time.Parse(monthLayout, month); !ok || err != nil {
		return "", false
	}
	if numbered && (len(number) != 3 || strings.Trim(number, "0123456789") != "" || number < "002") {
		return "", false
	}
	return month, true
}

func (l *Log) path(name string) string { return filepath.Join(l.folder, name) }

// list returns the files in order. An empty one is what a crash or a failed
// sync left; its name may not last, so it goes and is made anew.
func (l *Log) list() ([]part, error) {
	entries, err := l.fs.ReadDir(l.folder)
	if err != nil {
		return nil, err
	}
	var parts []part
	for _, e := range entries {
		if _, ok := monthOf(e.Name()); !ok || e.IsDir() {
			continue
		}
		info, err := l.fs.Stat(l.path(e.Name()))
		if err != nil {
			return nil, err
		}
		if info.Size() == 0 {
			if err := l.fs.Remove(l.path(e.Name())); err != nil {
				return nil, err
			}
			continue
		}
		parts = append(parts, part{e.Name(), info.Size()})
	}
	slices.SortFunc(parts, func(a, b part) int { return strings.Compare(a.name, b.name) })
	return parts, nil
}

// nextNumber is that of a month's next file: behind all those that hold
// entries, whatever smaller number a crash left free.
func (l *Log) nextNumber(month string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.parts) == 0 {
		return 1
	}
	name := l.parts[len(l.parts)-1].name
	for n := maxPart; n > 0; n-- {
		if partName(month, n) == name {
			return n + 1
		}
	}
	return 1
}

// create makes the next file of a month; its name is synced. One that comes to
// nothing is removed: only a name that is made anew can be made sure.
func (l *Log) create(month string) (durable.File, string, error) {
	for n := l.nextNumber(month); n <= maxPart; n++ {
		name := partName(month, n)
		f, err := l.fs.OpenFile(l.path(name), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, "", err
		}
		if err := l.fs.SyncDir(l.folder); err != nil {
			return nil, "", errors.Join(err, f.Close(), l.fs.Remove(l.path(name)))
		}
		return f, name, nil
	}
	return nil, "", fmt.Errorf("month %s has %d files: %w", month, maxPart, mail.ErrRetry)
}

// kind marks an error of the file system with what a caller can do about it.
func kind(err error) error {
	switch {
	case err == nil, errors.Is(err, mail.ErrFull), errors.Is(err, mail.ErrRetry):
		return err
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%w: %w", mail.ErrFull, err)
	}
	return fmt.Errorf("%w: %w", mail.ErrRetry, err)
}
