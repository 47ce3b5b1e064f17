// Package durabletest has a disk in memory that forgets what was not synced.
//
// In come the calls of [durable.FS]; out goes what Linux would answer, and
// from [Disk.Crash] another disk in one of the states that power loss could
// leave. Nothing is ever on a real disk. What [durable.File.Sync] and
// [Disk.SyncDir] returned nil for is there after every crash; of everything
// else any part may be:
//
//   - Bytes: each sector that was written since the last sync holds any of the
//     contents it had since then, independent of the others; the file has any
//     of the lengths it had. Where it grew and the bytes did not come, it reads
//     zeros.
//   - Names: each creating, renaming and removing that was not followed by a
//     SyncDir of its folder has happened or not; those that touch one name keep
//     their order. With [Options.Journal] all those of one folder keep it. A
//     rename within a folder is whole; one between folders leaves both names,
//     the new one or the old one (with Journal never both), and needs SyncDir
//     of both. Folders that hold a lost folder's name make all in it lost.
//   - A failed Sync or SyncDir: what it was to make lasting may be on disk or
//     not, is read back as if it were, and no later sync changes that
//     (https://danluu.com/fsyncgate/) but for the sectors and names that are
//     written again.
//
// This is harsher than ext4 or XFS, where a sync of one file takes other
// changes along. Rights are not checked; there are no links and no O_SYNC; a
// folder cannot be opened as a file.
package durabletest

import (
	"errors"
	"io/fs"
	"sync"
	"syscall"
	"time"

	"mailarchive/internal/durable"
)

// ErrCrashed is what every operation returns on a disk that has lost power.
var ErrCrashed = errors.New("the power is gone")

// Options shapes a [Disk]. The zero Options is the harshest.
type Options struct {
	// Sector is the number of bytes that are written whole or not at all;
	// 0 is 512.
	Sector int
	// Journal keeps the order of name changes within a folder over a crash.
	Journal bool
	// Capacity is the sum of file lengths that fit, in bytes; 0 is 1 TiB.
	Capacity int64
}

const (
	defaultSector   = 512
	defaultCapacity = 1 << 40
)

// Disk is a file system in memory. All methods may be called at once from
// several goroutines. Paths are cleaned and start at the root, with a slash or
// without.
type Disk struct {
	options Options

	mu       sync.Mutex
	root     *node
	pending  []*change         // of names, in the order they were made
	last     map[place]*change // the newest pending one at each place
	used     int64             // sum of the lengths of all files
	clock    time.Time         // moves with each operation, to be repeatable
	crashed  bool
	ops      int
	faults   map[int]Fault
	before   func(Op) Fault
	capacity int64
}

var _ durable.FS = (*Disk)(nil)

// New returns an empty disk.
func New(o Options) *Disk {
	if o.Sector == 0 {
		o.Sector = defaultSector
	}
	if o.Capacity == 0 {
		o.Capacity = defaultCapacity
	}
	return &Disk{
		options:  o,
		root:     newFolder(0o755),
		last:     map[place]*change{},
		clock:    time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		faults:   map[int]Fault{},
		capacity: o.Capacity,
	}
}

// SetCapacity changes how many bytes fit. Files that are over it stay whole.
func (d *Disk) SetCapacity(bytes int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.capacity = bytes
}

// Free returns the bytes that still fit. The name must exist.
func (d *Disk) Free(name string) (uint64, error) {
	var free int64
	err := d.look("statfs", name, func(*node) error {
		free = max(d.capacity-d.used, 0)
		return nil
	})
	return uint64(free), err
}

// look runs a question about what name shows. It is not counted.
func (d *Disk) look(what, name string, ask func(*node) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	err := error(ErrCrashed)
	if !d.crashed {
		var n *node
		if n, err = d.find(name); err == nil {
			err = ask(n)
		}
	}
	if err != nil {
		return &fs.PathError{Op: what, Path: name, Err: err}
	}
	return nil
}

// resize gives a file another length; what is new reads as zeros.
func (d *Disk) resize(n *node, size int64) {
	d.used += size - n.length()
	n.truncate(size, d.options.Sector)
	n.changed = d.clock
}

// release gives the space of a file back that has no name and no reader left.
func (d *Disk) release(n *node) {
	if !n.folder && n.links == 0 && n.handles == 0 {
		d.used -= n.length()
	}
}

// room returns how many of size bytes at offset fit into the file, and ENOSPC
// when that is not all.
func (d *Disk) room(n *node, offset int64, size int) (int, error) {
	over := offset + int64(size) - n.length() - max(d.capacity-d.used, 0)
	if over <= 0 || offset+int64(size) <= n.length() {
		return size, nil
	}
	return max(size-int(min(over, int64(size))), 0), syscall.ENOSPC
}
