package durabletest

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"
	"time"
)

// file is an open file. The disk's lock guards it.
type file struct {
	disk   *Disk
	node   *node
	name   string
	flag   int
	offset int64
	closed bool
}

// usable says why the file cannot be read (O_RDONLY) or written (O_WRONLY).
func (f *file) usable(without int) error {
	if f.closed {
		return os.ErrClosed
	}
	if mode := f.flag & (os.O_RDONLY | os.O_WRONLY | os.O_RDWR); mode != os.O_RDWR && mode != without {
		return syscall.EBADF
	}
	return nil
}

func (f *file) Write(p []byte) (n int, err error) {
	err = f.disk.do(Op{Kind: Write, Path: f.name, Size: len(p)}, func(fault Fault) error {
		if err := f.usable(os.O_WRONLY); err != nil {
			return err
		}
		n, err = f.write(p, fault)
		return err
	})
	return n, err
}

func (f *file) write(p []byte, fault Fault) (int, error) {
	if f.flag&os.O_APPEND != 0 {
		f.offset = f.node.length()
	}
	if fault.Err != nil {
		p = p[:min(fault.Keep, len(p))]
	}
	fits, err := f.disk.room(f.node, f.offset, len(p))
	if err == nil {
		err = fault.Err
	}
	before := f.node.length()
	f.node.write(f.offset, p[:fits], f.disk.options.Sector)
	f.node.changed = f.disk.clock
	f.disk.used += f.node.length() - before
	f.offset += int64(fits)
	return fits, err
}

func (f *file) Truncate(size int64) error {
	return f.disk.do(Op{Kind: Truncate, Path: f.name}, func(Fault) error {
		err := f.usable(os.O_WRONLY)
		if size < 0 || errors.Is(err, syscall.EBADF) {
			return syscall.EINVAL // ftruncate(2)
		}
		if err == nil {
			f.disk.resize(f.node, size)
		}
		return err
	})
}

func (f *file) Sync() error {
	return f.disk.do(Op{Kind: Sync, Path: f.name}, func(fault Fault) error {
		if f.closed {
			return os.ErrClosed
		}
		if fault.Err != nil {
			f.node.failSync()
			return fault.Err
		}
		f.node.sync()
		return nil
	})
}

func (f *file) Read(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	err = f.read(len(p), func() {
		n = f.node.readAt(p, f.offset)
		f.offset += int64(n)
	})
	if err == nil && n == 0 {
		err = io.EOF
	}
	return n, err
}

func (f *file) ReadAt(p []byte, offset int64) (n int, err error) {
	if offset < 0 {
		return 0, &fs.PathError{Op: "readat", Path: f.name, Err: errors.New("negative offset")}
	}
	err = f.read(len(p), func() { n = f.node.readAt(p, offset) })
	if err == nil && n < len(p) {
		err = io.EOF
	}
	return n, err
}

func (f *file) read(size int, act func()) error {
	return f.disk.do(Op{Kind: Read, Path: f.name, Size: size}, func(Fault) error {
		if err := f.usable(os.O_RDONLY); err != nil {
			return err
		}
		act()
		return nil
	})
}

func (n *node) readAt(p []byte, offset int64) int {
	if offset >= n.length() {
		return 0
	}
	return copy(p, n.shown[offset:])
}

func (f *file) Seek(offset int64, whence int) (place int64, err error) {
	err = f.use("seek", func() error {
		switch whence {
		case io.SeekCurrent:
			offset += f.offset
		case io.SeekEnd:
			offset += f.node.length()
		}
		if offset < 0 || whence < io.SeekStart || whence > io.SeekEnd {
			return syscall.EINVAL
		}
		f.offset, place = offset, offset
		return nil
	})
	return place, err
}

func (f *file) Stat() (info fs.FileInfo, err error) {
	err = f.use("stat", func() error {
		info = f.node.info(base(f.name))
		return nil
	})
	return info, err
}

func (f *file) Close() error {
	return f.use("close", func() error {
		f.closed = true
		f.node.handles--
		f.disk.release(f.node)
		return nil
	})
}

// use runs what is not counted on the open file.
func (f *file) use(what string, act func() error) error {
	f.disk.mu.Lock()
	defer f.disk.mu.Unlock()
	var err error
	switch {
	case f.disk.crashed:
		err = ErrCrashed
	case f.closed:
		err = os.ErrClosed
	default:
		err = act()
	}
	if err != nil {
		return &fs.PathError{Op: what, Path: f.name, Err: err}
	}
	return nil
}

// info is a fs.FileInfo at the moment it was asked for.
type info struct {
	name    string
	size    int64
	mode    fs.FileMode
	changed time.Time
}

func (n *node) info(name string) info {
	mode := n.perm
	if n.folder {
		mode |= fs.ModeDir
	}
	return info{name: name, size: n.length(), mode: mode, changed: n.changed}
}

func base(name string) string { return path.Base(filepath.ToSlash(name)) }

func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) Mode() fs.FileMode  { return i.mode }
func (i info) ModTime() time.Time { return i.changed }
func (i info) IsDir() bool        { return i.mode.IsDir() }
func (i info) Sys() any           { return nil }
