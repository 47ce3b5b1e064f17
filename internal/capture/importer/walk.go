package importer

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// found is what the walk meets: a file to be read, or something left aside.
type found struct {
	path   string      // absolute
	folder string      // mail folder of what is in it; for an mbox, of the folder it is in
	size   int64       // in bytes
	info   fs.FileInfo // of the file, or of the first of a Maildir message's
	// names are the files of one Maildir message, relative to path, which is
	// the Maildir: one nearly always, more when a copy or a crash left it in
	// both new and cur. nil outside a Maildir.
	names  []string
	unique string // the Maildir message's name without flags
	// reason says why it is left aside, err why it could not be looked at.
	reason string
	err    error
}

// walker goes through the arguments. It is used twice: to count, and to read.
type walker struct {
	visit func(context.Context, found) error
	named map[string]bool // the arguments; true when the walk has come by
}

// walkAll goes through the arguments, outer ones first: an argument that was
// reached on the way through another is left aside, for a message that is met
// twice at once could be stored twice.
func walkAll(ctx context.Context, paths []string, visit func(context.Context, found) error) error {
	w := &walker{visit: visit, named: map[string]bool{}}
	roots := resolve(paths)
	for _, root := range roots {
		w.named[root.path] = false
	}
	for _, root := range roots {
		if w.named[root.path] {
			root.reason = "reached through another argument"
		}
		if err := w.root(ctx, root); err != nil {
			return err
		}
	}
	return nil
}

// resolve makes the arguments absolute, their symbolic links followed, so that
// keys do not depend on how a place was named, and sorts outer before inner.
func resolve(paths []string) []found {
	roots := make([]found, len(paths))
	for i, p := range paths {
		roots[i].path, roots[i].err = filepath.Abs(p)
		if real, err := filepath.EvalSymlinks(roots[i].path); err == nil {
			roots[i].path = real
		} else {
			roots[i].err = err
		}
	}
	slices.SortStableFunc(roots, func(a, b found) int { return len(a.path) - len(b.path) })
	return roots
}

// reach notes that the walk came by.
func (w *walker) reach(path string) {
	if _, ok := w.named[path]; ok {
		w.named[path] = true
	}
}

func (w *walker) root(ctx context.Context, root found) error {
	if root.reason != "" || root.err != nil {
		return w.visit(ctx, root)
	}
	info, err := os.Lstat(root.path)
	if err != nil {
		root.err = err
		return w.visit(ctx, root)
	}
	if !info.IsDir() {
		return w.file(ctx, root.path, "", info)
	}
	entries, err := readDir(root.path)
	if err != nil {
		root.err = err
		return w.visit(ctx, root)
	}
	folder := ""
	if name := filepath.Base(root.path); strings.HasSuffix(strings.ToLower(name), ".mbox") {
		folder = dirFolder(name) // an Apple folder is named by what is around its mbox
	}
	return w.dir(ctx, root.path, folder, entries)
}

// file visits one file that is not a Maildir message.
func (w *walker) file(ctx context.Context, path, folder string, info fs.FileInfo) error {
	w.reach(path)
	f := found{path: path, folder: folder, size: info.Size(), info: info}
	switch mode := info.Mode(); {
	case mode&fs.ModeSymlink != 0:
		f.reason = "symbolic link, not followed: give it as an argument to import it"
	case !mode.IsRegular():
		f.reason = "not a regular file"
	}
	return w.visit(ctx, f)
}

// dir visits what is in a folder whose entries were read.
func (w *walker) dir(ctx context.Context, path, folder string, entries []fs.DirEntry) error {
	w.reach(path)
	isMaildir := DetectDir(entries) == KindMaildir
	if isMaildir {
		if err := w.maildir(ctx, path, folder); err != nil {
			return err
		}
	}
	for _, e := range entries {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		var err error
		switch {
		case isMaildir && e.IsDir() && isBox(e.Name()): // done
		case e.IsDir():
			err = w.subdir(ctx, path, folder, e.Name(), isMaildir)
		default:
			err = w.entry(ctx, path, folder, e)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// isBox reports whether a Maildir has a folder of its own by this name.
func isBox(name string) bool { return name == "cur" || name == "new" || name == "tmp" }

// subdir visits the folder name in path.
func (w *walker) subdir(ctx context.Context, path, folder, name string, inMaildir bool) error {
	below := filepath.Join(path, name)
	entries, err := readDir(below)
	hidden := strings.HasPrefix(name, ".")
	switch {
	case err != nil:
		return w.visit(ctx, found{path: below, folder: folder, err: err})
	case hidden && DetectDir(entries) != KindMaildir:
		return w.visit(ctx, found{path: below, reason: "hidden folder without mail in Maildir format: give it as an argument to import it"})
	case hidden && inMaildir:
		folder = joinFolder(folder, maildirFolder(name))
	default:
		folder = joinFolder(folder, dirFolder(name))
	}
	return w.dir(ctx, below, folder, entries)
}

// entry visits a file in a folder.
func (w *walker) entry(ctx context.Context, path, folder string, e fs.DirEntry) error {
	name := filepath.Join(path, e.Name())
	info, err := e.Info()
	switch {
	case err != nil:
		return w.visit(ctx, found{path: name, folder: folder, err: err})
	case isControl(strings.ToLower(e.Name())):
		return w.visit(ctx, found{path: name, size: info.Size(), reason: controlReason})
	case strings.HasPrefix(e.Name(), "."):
		return w.visit(ctx, found{path: name, size: info.Size(), reason: "hidden file"})
	}
	return w.file(ctx, name, folder, info)
}

const controlReason = "index, lock or settings file of a mail program"

// maildir visits the messages in new and cur, and names what is in tmp: mail
// that was never delivered there. new is listed first, for messages move from
// there to cur and not back.
func (w *walker) maildir(ctx context.Context, path, folder string) error {
	messages := map[string]*found{}
	var order []*found
	for _, box := range []string{"new", "cur", "tmp"} {
		w.reach(filepath.Join(path, box))
		entries, err := readDir(filepath.Join(path, box))
		if err != nil && !os.IsNotExist(err) {
			if err := w.visit(ctx, found{path: filepath.Join(path, box), folder: folder, err: err}); err != nil {
				return err
			}
		}
		for _, e := range entries {
			w.reach(filepath.Join(path, box, e.Name()))
			if f := maildirEntry(path, folder, box, e, messages); f != nil {
				order = append(order, f)
			}
		}
	}
	for _, f := range order {
		if err := w.visit(ctx, *f); err != nil {
			return err
		}
	}
	return nil
}

// maildirEntry returns what is to be visited for an entry; nil when that is a
// message that another entry stands for already.
func maildirEntry(path, folder, box string, e fs.DirEntry, messages map[string]*found) *found {
	name := filepath.Join(box, e.Name())
	info, err := e.Info()
	aside := found{path: filepath.Join(path, name), folder: folder, err: err}
	if err == nil {
		aside.size = info.Size()
	}
	switch {
	case box == "tmp":
		aside.reason, aside.err = "in tmp: its delivery was never finished", nil
	case os.IsNotExist(err): // moved or deleted since: relocate finds out
		aside.err = nil
	case err != nil:
		return &aside
	case !info.Mode().IsRegular():
		aside.reason = fmt.Sprintf("not a regular file (%s)", info.Mode().Type())
	case strings.HasPrefix(e.Name(), "."):
		aside.reason = "hidden file"
	}
	if aside.reason != "" {
		return &aside
	}
	unique := ParseMaildirName(e.Name()).Unique
	if f, ok := messages[unique]; ok {
		f.names, f.size = append(f.names, name), f.size+aside.size
		return nil
	}
	messages[unique] = &found{path: path, folder: folder, size: aside.size, info: info, names: []string{name}, unique: unique}
	return messages[unique]
}
