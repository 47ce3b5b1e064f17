package importer

import (
	"io/fs"
	"syscall"
	"time"
)

// changeTime returns st_ctim.
func changeTime(info fs.FileInfo) (time.Time, bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return time.Time{}, false
	}
	return time.Unix(s.Ctim.Unix()), true
}
