package durabletest

import (
	"bytes"
	"io/fs"
	"maps"
	"slices"
	"time"
)

// node is a file or a folder, whatever names it has.
type node struct {
	folder  bool
	perm    fs.FileMode
	changed time.Time
	links   int // names that show it
	handles int // open files

	// Of a folder: what is shown, and what is on disk for certain.
	names, sure map[string]*node

	// Of a file: what reads see. A sector that is not in unsure is on disk as
	// it is shown.
	shown  []byte
	unsure map[int]*sector
	// lengths are those that may be on disk, the shown one last; none when
	// the shown one is. A sync settles them when lengthDirty.
	lengths     []int64
	lengthDirty bool
}

// sector has the contents that one of them is on disk, the oldest first. A sync
// settles it when dirty; after a failed sync it is not dirty and stays unsure.
type sector struct {
	versions [][]byte
	dirty    bool
}

// maxVersions bounds what many tiny writes into one sector take: the oldest
// version, which may be the one on disk for certain, and the newest are kept.
const maxVersions = 8

func newFolder(perm fs.FileMode) *node {
	return &node{folder: true, perm: perm, names: map[string]*node{}, sure: map[string]*node{}}
}

func newFile(perm fs.FileMode) *node {
	return &node{perm: perm, unsure: map[int]*sector{}}
}

func (n *node) length() int64 { return int64(len(n.shown)) }

// write puts p at offset, growing the file with zeros up to it.
func (n *node) write(offset int64, p []byte, size int) {
	if len(p) == 0 {
		return // as write(2): nothing is extended
	}
	end := offset + int64(len(p))
	n.change(offset, end, size, func() {
		if end > n.length() {
			n.setLength(end)
		}
		copy(n.shown[offset:], p)
	})
}

// truncate cuts the file to length or extends it with zeros.
func (n *node) truncate(length int64, size int) {
	n.change(length, n.length(), size, func() { n.setLength(length) })
}

// change lets act change the shown bytes from..to and remembers for each of
// their sectors what was there before and after.
func (n *node) change(from, to int64, size int, act func()) {
	first, end := int(from)/size, (int(to)+size-1)/size
	for i := first; i < end; i++ {
		if n.unsure[i] == nil {
			n.unsure[i] = &sector{versions: [][]byte{n.content(i, size)}}
		}
	}
	act()
	for i := first; i < end; i++ {
		s := n.unsure[i]
		s.dirty = true
		s.versions = append(s.versions, n.content(i, size))
		if len(s.versions) > maxVersions {
			s.versions = slices.Delete(s.versions, 1, 2)
		}
	}
}

func (n *node) setLength(length int64) {
	if length == n.length() {
		return
	}
	if len(n.lengths) == 0 {
		n.lengths = []int64{n.length()}
	}
	n.lengths = append(n.lengths, length)
	n.lengthDirty = true
	if length < n.length() {
		n.shown = n.shown[:length]
		return
	}
	n.shown = append(n.shown, make([]byte, length-n.length())...)
}

// content copies a sector as it is shown, zeros behind the file's end.
func (n *node) content(i, size int) []byte {
	b := make([]byte, size)
	if from := i * size; from < len(n.shown) {
		copy(b, n.shown[from:])
	}
	return b
}

// sync makes all dirty sectors and the length sure.
func (n *node) sync() {
	maps.DeleteFunc(n.unsure, func(_ int, s *sector) bool { return s.dirty })
	if n.lengthDirty {
		n.lengths, n.lengthDirty = nil, false
	}
}

// failSync leaves all dirty sectors and the length unsure, but clean: no sync
// writes them again.
func (n *node) failSync() {
	for _, s := range n.unsure {
		s.dirty = false
	}
	n.lengthDirty = false
}

// survivor returns the bytes that a crash leaves by the choices.
func (n *node) survivor(choose func(n int) int, size int) []byte {
	length := n.length()
	if len(n.lengths) > 0 {
		length = pick(choose, n.lengths, func(a, b int64) bool { return a == b })
	}
	b := make([]byte, length)
	copy(b, n.shown)
	for _, i := range slices.Sorted(maps.Keys(n.unsure)) {
		from := i * size
		if from >= len(b) {
			continue
		}
		within := min(size, len(b)-from)
		copy(b[from:], pick(choose, n.unsure[i].versions, func(a, b []byte) bool {
			return bytes.Equal(a[:within], b[:within])
		}))
	}
	return b
}

// pick chooses among the first, the last and what else is between them. It
// asks nothing when all are the same.
func pick[T any](choose func(n int) int, all []T, same func(a, b T) bool) T {
	first, last := all[0], all[len(all)-1]
	open := []T{first}
	for _, v := range all {
		known := func(k T) bool { return same(k, v) }
		if !same(v, last) && !slices.ContainsFunc(open, known) {
			open = append(open, v)
		}
	}
	if len(open) == 1 && same(first, last) {
		return first
	}
	open = append(open, last)
	return open[choose(len(open))]
}
