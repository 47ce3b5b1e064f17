// Package durable is the only code of the archive that syncs, renames and
// makes folders.
//
// In come file operations and whole files to be written; out go files whose
// bytes and names survive power loss once the call that promises it returned
// nil: [File.Sync] for the bytes of a file, [FS.SyncDir] for the names in a
// folder, [WriteFile] and [MakeFolder] for both. A crash before that leaves
// any part of the change, in any order; [WriteFile] leaves the old file or the
// new one, and maybe a temporary file that [RemoveTemporary] clears away.
//
// [OS] is the real file system. Package durabletest has one that forgets.
package durable

import (
	"io"
	"io/fs"
)

// File is an open file. Reads at an offset may run beside writes; writes are
// the caller's to order.
type File interface {
	io.Reader
	io.ReaderAt
	io.Writer
	io.Closer
	// Seek moves the place of the next Read and Write.
	Seek(offset int64, whence int) (int64, error)
	// Truncate cuts or extends the file to size bytes.
	Truncate(size int64) error
	// Sync returns nil when all bytes written so far and the file's length
	// survive power loss. After an error nothing is known about what was
	// written since the last success: a second Sync may say nil and be wrong,
	// so it must not be tried (https://danluu.com/fsyncgate/).
	Sync() error
	// Stat describes the file.
	Stat() (fs.FileInfo, error)
}

// FS is a file system as the archive uses it. Paths are as package os takes
// them; errors answer to errors.Is with fs.ErrNotExist, fs.ErrExist and
// syscall.ENOSPC.
type FS interface {
	// OpenFile opens name with the flags and permission bits of package os.
	// A file that it makes has a lasting name only after SyncDir.
	OpenFile(name string, flag int, perm fs.FileMode) (File, error)
	// Rename puts oldname in the place of newname at once; lasting only after
	// SyncDir of both folders. A crash before that leaves it under the old
	// name, the new one or, between two folders, both. newname may not be a
	// folder.
	Rename(oldname, newname string) error
	// Remove takes away a file or an empty folder; lasting only after SyncDir.
	Remove(name string) error
	// Mkdir makes one folder; lasting only after SyncDir of its parent.
	Mkdir(name string, perm fs.FileMode) error
	// ReadDir lists a folder sorted by name.
	ReadDir(name string) ([]fs.DirEntry, error)
	// Stat describes name, following links.
	Stat(name string) (fs.FileInfo, error)
	// SyncDir returns nil when the names in the folder survive power loss: not
	// its own name, nor the bytes of its files. After an error the same holds
	// as for File.Sync; names that are made anew can be synced again.
	SyncDir(name string) error
	// Free returns the bytes that an ordinary user can still write there.
	Free(name string) (uint64, error)
}
