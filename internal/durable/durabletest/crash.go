package durabletest

import (
	"maps"
	"slices"
)

// Crash returns a disk in one of the states that power loss at this moment
// could leave; this disk and its open files fail with [ErrCrashed] from now
// on. Each open question goes to choose, which answers 0 to n-1; 0 is always
// what was on disk for certain, n-1 what was shown. Rand.IntN of math/rand/v2
// is one such function; [Nothing], [Everything] and those of [Every] others.
// The questions come in the same order each time.
//
// Crash can be called again for another state of the same moment. The new disk
// has the options and capacity of the old one, no faults, and counts from 1.
func (d *Disk) Crash(choose func(n int) int) *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.crashed = true
	next := New(d.options)
	next.capacity, next.clock = d.capacity, d.clock
	c := crash{next: next, choose: choose, names: d.survivingNames(choose), made: map[*node]*node{}}
	next.root = c.copy(d.root)
	return next
}

// Nothing chooses that all that was not synced is lost.
func Nothing(int) int { return 0 }

// Everything chooses that all that was shown is there.
func Everything(n int) int { return n - 1 }

// Every calls try once for each row of answers that the questions in it allow,
// at most limit times, and reports whether these were all.
func Every(limit int, try func(choose func(n int) int)) bool {
	type answer struct{ given, of int }
	var row []answer
	for range limit {
		asked := 0
		try(func(n int) int {
			if asked == len(row) {
				row = append(row, answer{0, n})
			}
			asked++
			return row[asked-1].given
		})
		for len(row) > 0 && row[len(row)-1].given == row[len(row)-1].of-1 {
			row = row[:len(row)-1]
		}
		if len(row) == 0 {
			return true
		}
		row[len(row)-1].given++
	}
	return false
}

// survivingNames returns, for each folder with pending changes, its names on
// disk with the chosen ones among them.
func (d *Disk) survivingNames(choose func(n int) int) map[*node]map[string]*node {
	folders := map[*node]map[string]*node{}
	happened := map[*change]bool{}
	for _, c := range d.pending {
		if slices.ContainsFunc(c.after, func(a *change) bool { return !a.sure && !happened[a] }) {
			continue
		}
		if choose(2) == 0 {
			continue
		}
		happened[c] = true
		for _, e := range c.entries {
			if folders[e.folder] == nil {
				folders[e.folder] = maps.Clone(e.folder.sure)
			}
			set(folders[e.folder], e)
		}
	}
	return folders
}

// crash copies what survives.
type crash struct {
	next   *Disk
	choose func(n int) int
	names  map[*node]map[string]*node
	made   map[*node]*node // a file may have kept two names
}

func (c crash) copy(old *node) *node {
	if n := c.made[old]; n != nil {
		return n
	}
	n := newFile(old.perm)
	if old.folder {
		n = newFolder(old.perm)
	}
	n.changed = old.changed
	c.made[old] = n
	if !old.folder {
		n.shown = old.survivor(c.choose, c.next.options.Sector)
		c.next.used += n.length()
		return n
	}
	names, ok := c.names[old]
	if !ok {
		names = old.sure
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		child := c.copy(names[name])
		child.links++
		n.names[name], n.sure[name] = child, child
	}
	return n
}
