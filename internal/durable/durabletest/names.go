package durabletest

import (
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// change is one change of names. It happens whole or not at all.
type change struct {
	entries []entry
	after   []*change // cannot have happened before these
	// unsynced are the folders whose SyncDir it still waits for.
	unsynced map[*node]bool
	// lost says that a SyncDir which was to make it sure failed.
	lost bool
	sure bool
}

// entry says what a name in a folder stands for from now on; to is nil when
// for nothing.
type entry struct {
	folder *node
	name   string
	to     *node
}

// place is where changes keep their order: a name in a folder, or the whole
// folder when name is empty.
type place struct {
	folder *node
	name   string
}

func steps(name string) []string {
	clean := path.Clean("/" + filepath.ToSlash(name))
	if clean == "/" {
		return nil
	}
	return strings.Split(clean[1:], "/")
}

func (d *Disk) find(name string) (*node, error) { return d.walk(steps(name)) }

func (d *Disk) walk(steps []string) (*node, error) {
	n := d.root
	for _, step := range steps {
		if !n.folder {
			return nil, syscall.ENOTDIR
		}
		if n = n.names[step]; n == nil {
			return nil, syscall.ENOENT
		}
	}
	return n, nil
}

// findFolder returns the folder that name is in and its last step. The root is
// in none: EBUSY.
func (d *Disk) findFolder(name string) (*node, string, error) {
	all := steps(name)
	if len(all) == 0 {
		return nil, "", syscall.EBUSY
	}
	folder, err := d.walk(all[:len(all)-1])
	if err == nil && !folder.folder {
		err = syscall.ENOTDIR
	}
	return folder, all[len(all)-1], err
}

// put makes a change that is shown from now on and pending.
func (d *Disk) put(after []*change, entries ...entry) *change {
	c := &change{entries: entries, after: after, unsynced: map[*node]bool{}}
	for _, e := range entries {
		d.show(e)
		c.unsynced[e.folder] = true
		at := place{e.folder, e.name}
		if d.options.Journal {
			at.name = ""
		}
		if previous := d.last[at]; previous != nil && previous != c {
			c.after = append(c.after, previous)
		}
		d.last[at] = c
	}
	d.pending = append(d.pending, c)
	return c
}

func (d *Disk) show(e entry) {
	old := e.folder.names[e.name]
	set(e.folder.names, e)
	e.folder.changed = d.clock
	if e.to != nil {
		e.to.links++
	}
	if old != nil {
		old.links--
		d.release(old)
	}
}

func set(names map[string]*node, e entry) {
	if e.to == nil {
		delete(names, e.name)
		return
	}
	names[e.name] = e.to
}

// move puts the changes of a rename. A folder takes all earlier changes along,
// so that no choice of them can put it into itself.
func (d *Disk) move(from, to entry) {
	var after []*change
	if to.to.folder {
		after = slices.Clone(d.pending)
	}
	// The new name first: between the two the node must not seem unused.
	if from.folder == to.folder || d.options.Journal {
		d.put(after, to, from)
		return
	}
	linked := d.put(after, to)
	d.put([]*change{linked}, from)
}

// syncNames makes sure what waits for the folder, as far as it waits for no
// other. Nothing waits for a folder that is gone: nobody can sync it.
func (d *Disk) syncNames(folder *node) {
	for _, c := range d.pending {
		if !c.lost {
			maps.DeleteFunc(c.unsynced, func(f *node, _ bool) bool {
				return f == folder || f.links == 0 && f != d.root
			})
		}
	}
	for _, c := range d.pending {
		if !c.lost && c.ready() {
			c.settle()
		}
	}
	d.pending = slices.DeleteFunc(d.pending, func(c *change) bool { return c.sure })
	maps.DeleteFunc(d.last, func(_ place, c *change) bool { return c.sure })
}

// failNames is the failed SyncDir: what waited for it is lost to later ones.
func (d *Disk) failNames(folder *node) {
	for _, c := range d.pending {
		c.lost = c.lost || c.unsynced[folder]
	}
}

// ready reports whether the change can become sure. A lost one goes along with
// a later one of the same name, whose sync writes the place anew.
func (c *change) ready() bool {
	if c.sure {
		return true
	}
	if len(c.unsynced) > 0 && !c.lost {
		return false
	}
	return !slices.ContainsFunc(c.after, func(a *change) bool { return !a.ready() })
}

func (c *change) settle() {
	if c.sure {
		return
	}
	for _, a := range c.after {
		a.settle()
	}
	c.sure, c.after = true, nil
	for _, e := range c.entries {
		set(e.folder.sure, e)
	}
}
