package vault

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
)

const (
	segmentSuffix = ".tar.zst"
	// maxSegmentRecords keeps an index, and the memory that the open segment's
	// positions take, at some megabytes.
	maxSegmentRecords = 1 << 16
)

// segment is one file of the vault, as far as it is committed. All fields are
// guarded by Vault.mu. Entries only ever grows, until Release writes the file
// anew: that takes Vault.swap too, so that whoever holds it finds positions and
// file that belong together.
type segment struct {
	number      int
	length      int64 // bytes up to the end of the last commit
	first, last uint64
	lastID      mail.ID // of record last
	// entries are the positions of an open segment, and of a closed one whose
	// index could not be written; otherwise nil and on disk.
	entries []entry
	counts
	// replaces is the file as it was closed, when this one was written anew.
	// It is known of the tail, and of others once they were read.
	replaces *Closed
	// generation counts how often the file was written anew. Vault.swap guards
	// it alone.
	generation int
	// pins counts the appends that name content in it; releasing says that
	// no more may.
	pins      int
	releasing bool
}

// empty reports whether nothing was committed to the segment yet.
func (s *segment) empty() bool { return s.first == 0 }

// extend makes the entries of a commit that ends at end part of the segment.
func (s *segment) extend(entries []entry, end int64) {
	s.length = end
	if len(entries) == 0 {
		return
	}
	if s.empty() {
		s.first = entries[0].seq
	}
	last := entries[len(entries)-1]
	s.last, s.lastID = last.seq, last.id
	s.entries = append(s.entries, entries...)
	for i := range entries {
		s.counts.add(entries[i].flags)
	}
}

// path returns the name of a file of the segment with that number.
func (v *Vault) path(number int, suffix string) string {
	return filepath.Join(v.folder, fmt.Sprintf("%09d%s", number, suffix))
}

// segmentNumber reads the number out of a file name.
func segmentNumber(name string) (int, bool) {
	digits, ok := strings.CutSuffix(name, segmentSuffix)
	if !ok || len(digits) != 9 {
		return 0, false
	}
	n := 0
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, n > 0
}

// openSegment opens a segment's file for reading.
func (v *Vault) openSegment(number int) (durable.File, error) {
	return v.fs.OpenFile(v.path(number, segmentSuffix), os.O_RDONLY, 0)
}

// createSegment makes the file of a new segment; when it returns nil the empty
// file has a lasting name. (Its bytes are synced with the first commit.) After
// an error the name goes again, as far as that is possible.
func (v *Vault) createSegment(number int) (durable.File, error) {
	name := v.path(number, segmentSuffix)
	f, err := v.fs.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if err := v.fs.SyncDir(v.folder); err != nil {
		return nil, errors.Join(err, f.Close(), v.fs.Remove(name))
	}
	return f, nil
}
