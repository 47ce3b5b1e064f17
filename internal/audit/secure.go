package audit

import (
	"fmt"
	"io"

	"mailarchive/internal/durable"
)

// secure brings the last commit of a file, in [off, end), to disk. A killed
// process leaves bytes in memory, and when their sync had failed just before,
// another one would say nil without having written them (durable.File). So
// they are written over themselves first. The next entry would name one that
// power loss takes away.
func secure(f durable.File, off, end int64) error {
	if err := rewrite(f, off, end); err != nil {
		return fmt.Errorf("last commit: %w", err)
	}
	if err := renewLength(f, end); err != nil {
		return fmt.Errorf("length of the last file: %w", err)
	}
	return nil
}

func rewrite(f durable.File, off, end int64) error {
	if _, err := f.Seek(off, io.SeekStart); err != nil {
		return err
	}
	b := make([]byte, min(end-off, maxLine))
	for ; off < end; off += int64(len(b)) {
		b = b[:min(end-off, int64(len(b)))]
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
// one, and syncs it: bytes written over others do not change it, so that a sync
// has nothing to do for a length that an earlier one failed for, and power loss
// would cut the file. A byte too many is torn.
func renewLength(f durable.File, length int64) error {
	if err := f.Truncate(length + 1); err != nil {
		return err
	}
	if err := f.Truncate(length); err != nil {
		return err
	}
	return f.Sync()
}
