package durabletest

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"syscall"

	"mailarchive/internal/durable"
)

// knownFlags are those that OpenFile understands. O_CLOEXEC is of no account.
const knownFlags = os.O_RDONLY | os.O_WRONLY | os.O_RDWR | os.O_APPEND |
	os.O_CREATE | os.O_EXCL | os.O_TRUNC | syscall.O_CLOEXEC

// OpenFile opens a file as os.OpenFile does. A new file has a lasting name
// after SyncDir of its folder. Folders give EISDIR.
func (d *Disk) OpenFile(name string, flag int, perm fs.FileMode) (durable.File, error) {
	var f *file
	err := d.do(Op{Kind: Open, Path: name}, func(Fault) error {
		n, err := d.open(name, flag, perm)
		if err == nil {
			n.handles++
			f = &file{disk: d, node: n, name: name, flag: flag}
		}
		return err
	})
	if err == nil {
		return f, nil
	}
	if f != nil { // Fault.Done
		f.Close()
	}
	return nil, err
}

func (d *Disk) open(name string, flag int, perm fs.FileMode) (*node, error) {
	if flag&^knownFlags != 0 {
		return nil, syscall.EINVAL
	}
	n, err := d.find(name)
	switch {
	case errors.Is(err, syscall.ENOENT) && flag&os.O_CREATE != 0:
		return d.create(name, newFile(perm.Perm()))
	case err != nil:
		return nil, err
	case flag&os.O_CREATE != 0 && flag&os.O_EXCL != 0:
		return nil, syscall.EEXIST
	case n.folder:
		return nil, syscall.EISDIR
	}
	if flag&os.O_TRUNC != 0 {
		d.resize(n, 0)
	}
	return n, nil
}

func (d *Disk) create(name string, n *node) (*node, error) {
	folder, base, err := d.findFolder(name)
	switch {
	case errors.Is(err, syscall.EBUSY): // the root
		return nil, syscall.EEXIST
	case err != nil:
		return nil, err
	case folder.names[base] != nil:
		return nil, syscall.EEXIST
	}
	n.changed = d.clock
	d.put(nil, entry{folder, base, n})
	return n, nil
}

// Mkdir makes one folder, lasting after SyncDir of its parent.
func (d *Disk) Mkdir(name string, perm fs.FileMode) error {
	return d.do(Op{Kind: Mkdir, Path: name}, func(Fault) error {
		_, err := d.create(name, newFolder(perm.Perm()))
		return err
	})
}

// Rename is os.Rename, which never replaces a folder. Two names of one file
// (a crash may leave them) both stay, as rename(2) has it.
func (d *Disk) Rename(oldname, newname string) error {
	return d.do(Op{Kind: Rename, Path: oldname, To: newname}, func(Fault) error {
		from, to, err := d.renaming(oldname, newname)
		if err != nil || to.folder.names[to.name] == to.to {
			return err
		}
		d.move(from, to)
		return nil
	})
}

func (d *Disk) renaming(oldname, newname string) (from, to entry, err error) {
	if from.folder, from.name, err = d.findFolder(oldname); err != nil {
		return from, to, err
	}
	if to.folder, to.name, err = d.findFolder(newname); err != nil {
		return from, to, err
	}
	to.to = from.folder.names[from.name]
	target := to.folder.names[to.name]
	switch {
	case to.to == nil:
		return from, to, syscall.ENOENT
	case target != nil && target.folder:
		return from, to, syscall.EEXIST // os.Rename, not rename(2)
	case to.to.holds(to.folder):
		return from, to, syscall.EINVAL
	case target != nil && to.to.folder:
		return from, to, syscall.ENOTDIR
	}
	return from, to, nil
}

// holds reports whether the folder is n or below it.
func (n *node) holds(folder *node) bool {
	if n == folder {
		return true
	}
	for _, below := range n.names {
		if below.folder && below.holds(folder) {
			return true
		}
	}
	return false
}

// Remove takes away a file or an empty folder, lasting after SyncDir. Open
// files go on reading and writing what has no name any more.
func (d *Disk) Remove(name string) error {
	return d.do(Op{Kind: Remove, Path: name}, func(Fault) error {
		folder, base, err := d.findFolder(name)
		if err != nil {
			return err
		}
		switch n := folder.names[base]; {
		case n == nil:
			return syscall.ENOENT
		case len(n.names) > 0:
			return syscall.ENOTEMPTY
		}
		d.put(nil, entry{folder, base, nil})
		return nil
	})
}

// SyncDir makes the names in the folder sure, as the package comment has it.
func (d *Disk) SyncDir(name string) error {
	return d.do(Op{Kind: SyncDir, Path: name}, func(fault Fault) error {
		n, err := d.find(name)
		switch {
		case err != nil:
			return err
		case !n.folder:
			return syscall.ENOTDIR
		case fault.Err != nil:
			d.failNames(n)
			return fault.Err
		}
		d.syncNames(n)
		return nil
	})
}

// ReadDir lists a folder sorted by name.
func (d *Disk) ReadDir(name string) (entries []fs.DirEntry, err error) {
	err = d.look("open", name, func(n *node) error {
		if !n.folder {
			return syscall.ENOTDIR
		}
		for _, base := range slices.Sorted(maps.Keys(n.names)) {
			entries = append(entries, fs.FileInfoToDirEntry(n.names[base].info(base)))
		}
		return nil
	})
	return entries, err
}

// Stat describes a file or folder.
func (d *Disk) Stat(name string) (info fs.FileInfo, err error) {
	err = d.look("stat", name, func(n *node) error {
		info = n.info(base(name))
		return nil
	})
	return info, err
}

// ReadFile returns the bytes that a file shows.
func (d *Disk) ReadFile(name string) (content []byte, err error) {
	err = d.look("read", name, func(n *node) error {
		if n.folder {
			return syscall.EISDIR
		}
		content = slices.Clone(n.shown)
		return nil
	})
	return content, err
}

// Files returns all that is shown: the bytes of each file by its path without
// the slash in front, and for each folder but the root its path with a slash
// behind and no bytes. It is empty on a crashed disk.
func (d *Disk) Files() map[string]string {
	all := map[string]string{}
	_ = d.look("list", "/", func(root *node) error { // fails only when crashed
		root.list("", all)
		return nil
	})
	return all
}

func (n *node) list(below string, all map[string]string) {
	for name, child := range n.names {
		if child.folder {
			all[below+name+"/"] = ""
			child.list(below+name+"/", all)
			continue
		}
		all[below+name] = string(child.shown)
	}
}
