package durabletest

import (
	"io/fs"
	"os"
	"time"
)

// Kind is what an operation does; its text is that of package os in errors.
type Kind string

// The kinds of operation. All but Read are counted.
const (
	Open     Kind = "open"
	Write    Kind = "write"
	Truncate Kind = "truncate"
	Sync     Kind = "sync"
	SyncDir  Kind = "syncdir"
	Rename   Kind = "rename"
	Remove   Kind = "remove"
	Mkdir    Kind = "mkdir"
	Read     Kind = "read"
)

// Op is one operation on a [Disk].
type Op struct {
	// Number counts from 1 on a new disk; 0 for Read, which changes nothing.
	Number int
	Kind   Kind
	// Path is as the caller gave it; To is the new name of a Rename.
	Path, To string
	// Size is the number of bytes of a Write or Read.
	Size int
}

// Fault says what goes wrong with one operation. The zero Fault is nothing.
type Fault struct {
	// Err is what the operation returns without having done anything, with
	// three exceptions: see Keep, Done and the failed Sync of the package
	// comment. It comes wrapped in a *fs.PathError or *os.LinkError.
	Err error
	// Keep is the number of bytes that a Write takes before it returns Err.
	Keep int
	// Done lets Open, Truncate, Rename, Remove and Mkdir happen and return
	// Err all the same, as a network file system may.
	Done bool
	// Cut takes the power away: this operation and all later ones do nothing
	// and return [ErrCrashed].
	Cut bool
}

// FailAt makes operation number n fail. To cut a scenario everywhere, run it
// with n = 1, 2, … until [Disk.Ops] stays below n.
func (d *Disk) FailAt(n int, f Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults[n] = f
}

// Before has the function asked ahead of every operation, reads included,
// which FailAt has no fault for; nil ends that. It runs without the disk's
// lock, possibly several times at once, and may use the disk's setters.
func (d *Disk) Before(ask func(Op) Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.before = ask
}

// Ops returns how many operations were begun.
func (d *Disk) Ops() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.ops
}

// do runs one operation: counted, failed as asked, under the lock, its error
// dressed as package os does it. Writes and syncs act on their fault themselves.
func (d *Disk) do(op Op, act func(Fault) error) error {
	fault := d.begin(op)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.crashed = d.crashed || fault.Cut
	if d.crashed {
		return op.dress(ErrCrashed)
	}
	d.clock = d.clock.Add(time.Millisecond)
	if fault.Err == nil || op.Kind == Write || op.Kind == Sync || op.Kind == SyncDir {
		return op.dress(act(fault))
	}
	if fault.Done {
		if err := act(fault); err != nil {
			return op.dress(err)
		}
	}
	return op.dress(fault.Err)
}

func (d *Disk) begin(op Op) Fault {
	d.mu.Lock()
	if d.crashed {
		d.mu.Unlock()
		return Fault{}
	}
	if op.Kind != Read {
		d.ops++
		op.Number = d.ops
	}
	fault, set := d.faults[op.Number]
	ask := d.before
	d.mu.Unlock()
	if set || ask == nil {
		return fault
	}
	return ask(op)
}

func (op Op) dress(err error) error {
	switch {
	case err == nil:
		return nil
	case op.Kind == Rename:
		return &os.LinkError{Op: "rename", Old: op.Path, New: op.To, Err: err}
	}
	return &fs.PathError{Op: string(op.Kind), Path: op.Path, Err: err}
}
