package durable

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// temporarySuffix marks files that were being written when a crash came.
const temporarySuffix = ".tmp"

// WriteFile puts a whole file at name. When it returns nil the new bytes and
// their name survive power loss. Else, and after power loss at any moment, name
// is the old file, if there was one, or the new one, each whole: the new one
// only if the rename was done and the sync of the folder failed, when nothing
// is known until a later call succeeds. Calling it again is safe. The folder
// must exist. Two calls for one name at once are the caller's to prevent.
func WriteFile(fsys FS, name string, perm fs.FileMode, write func(io.Writer) error) error {
	temporary := name + temporarySuffix
	err := writeNew(fsys, temporary, perm, write)
	if err == nil {
		err = fsys.Rename(temporary, name)
	}
	if err != nil {
		if rerr := fsys.Remove(temporary); !errors.Is(rerr, fs.ErrNotExist) {
			err = errors.Join(err, rerr)
		}
		return err
	}
	return fsys.SyncDir(filepath.Dir(name))
}

// writeNew makes a file and syncs its bytes. What an interrupted call left
// under the name goes first: it may have other permission bits, and bytes that
// an earlier sync has failed for.
func writeNew(fsys FS, name string, perm fs.FileMode, write func(io.Writer) error) error {
	const flags = os.O_WRONLY | os.O_CREATE | os.O_EXCL
	f, err := fsys.OpenFile(name, flags, perm)
	if errors.Is(err, fs.ErrExist) {
		if err = fsys.Remove(name); err != nil {
			return err
		}
		f, err = fsys.OpenFile(name, flags, perm)
	}
	if err != nil {
		return err
	}
	if err = write(f); err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// MakeFolder makes name and what is missing above it. When it returns nil, all
// these names survive power loss, also those that were there before: whoever
// made them (an administrator's mkdir, a process of ours that was killed) may
// not have synced them, and all that is stored below would go with the name.
// So each folder on the way is synced, from the root or the working folder
// down; one that is there and that we may not read is its owner's to sync.
// Calling it again, after an error too, is safe.
func MakeFolder(fsys FS, name string, perm fs.FileMode) error {
	parent := filepath.Dir(name)
	if parent == name {
		return nil // the root, or the working folder
	}
	if err := MakeFolder(fsys, parent, perm); err != nil {
		return err
	}
	err := fsys.Mkdir(name, perm)
	if err == nil {
		return keepFolder(fsys, name, parent)
	}
	info, serr := fsys.Stat(name)
	switch {
	case serr != nil:
		return err // what Mkdir said: it is not there and cannot be made
	case !info.IsDir():
		return fmt.Errorf("%s is in the way, a file and not a folder: %w", name, syscall.ENOTDIR)
	}
	if err := fsys.SyncDir(parent); !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return nil
}

// keepFolder syncs the name of a new folder. If that fails the folder goes, so
// that the next try makes it anew: a second sync of the same name may say nil
// and be wrong (see [File]).
func keepFolder(fsys FS, name, parent string) error {
	err := fsys.SyncDir(parent)
	if err != nil {
		err = errors.Join(err, fsys.Remove(name))
	}
	return err
}

// Move renames a file, in place of the one that has newname if there is one.
// When it returns nil the new name survives power loss. Else, and after power
// loss at any moment, the file is under the old name, the new one, or (between
// two folders) both. Its bytes are the caller's to have synced.
func Move(fsys FS, oldname, newname string) error {
	if err := fsys.Rename(oldname, newname); err != nil {
		return err
	}
	from, to := filepath.Dir(oldname), filepath.Dir(newname)
	if err := fsys.SyncDir(to); err != nil || from == to {
		return err
	}
	return fsys.SyncDir(from)
}

// RemoveTemporary takes away what interrupted calls of WriteFile left in the
// folder; none may be running. It does not sync: after power loss they may be
// back, which harms nobody.
func RemoveTemporary(fsys FS, folder string) error {
	entries, err := fsys.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() || !strings.HasSuffix(e.Name(), temporarySuffix) {
			continue
		}
		if err := fsys.Remove(filepath.Join(folder, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
