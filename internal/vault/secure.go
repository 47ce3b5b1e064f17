package vault

import (
	"errors"
	"fmt"
	"io"
	"os"

	"mailarchive/internal/durable"
)

// unsure is a commit that can be read and may not be on disk: the last one that
// a start finds. A killed process leaves bytes in memory, and when their sync
// had failed just before, another one would say nil without having written them
// (durable.File). The next record would name one that power loss takes away.
type unsure struct {
	segment  int
	off, end int64 // of the commit, its mark included
}

// secure brings the commit that is unsure to disk and returns its file, which
// stands at the commit's end. After an error, which wraps mail.ErrFull or
// mail.ErrRetry, it is unsure as before, and nothing may be written that follows
// it. A disk that is full must not keep anybody from reading, but a file system
// that never writes in place has no room even for the same bytes; so the next
// commit tries again.
func (w *writer) secure() (durable.File, error) {
	u := w.unsure
	file, err := w.v.fs.OpenFile(w.v.path(u.segment, segmentSuffix), os.O_RDWR, 0)
	if err != nil {
		return nil, kind(err)
	}
	err = u.rewrite(file)
	if err == nil {
		err = renewLength(file, u.end)
	}
	if err == nil {
		_, err = file.Seek(u.end, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("last commit of segment %d: %w", u.segment, kind(err)), file.Close())
	}
	w.unsure = nil
	return file, nil
}

// rewrite writes the commit over itself and syncs it.
func (u *unsure) rewrite(f durable.File) error {
	if _, err := f.Seek(u.off, io.SeekStart); err != nil {
		return err
	}
	b := make([]byte, min(u.end-u.off, windowSize))
	for off := u.off; off < u.end; off += int64(len(b)) {
		b = b[:min(u.end-off, int64(len(b)))]
		if n, err := f.ReadAt(b, off); n < len(b) {
			return err
		}
		if _, err := f.Write(b); err != nil {
			return err
		}
	}
	return f.Sync()
}

// renewLength sets a file's length to the one that it has, by way of a longer
// one, and syncs it. Bytes written over others do not change it, so that a sync
// has nothing to do for a length that an earlier one failed for, and power loss
// would cut the file. Not by way of a shorter one: that could be what is on disk
// when the power goes. A byte too many is torn; the commit before it has to be
// on disk by then, because only the last stretch of a segment may be torn.
func renewLength(f durable.File, length int64) error {
	if err := f.Truncate(length + 1); err != nil {
		return err
	}
	if err := f.Truncate(length); err != nil {
		return err
	}
	return f.Sync()
}
