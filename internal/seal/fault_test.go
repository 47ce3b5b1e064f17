package seal

import (
	"context"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"mailarchive/internal/durable/durabletest"
	"mailarchive/internal/mail"
)

// kit makes two small files on a disk in memory.
func kit(disk *durabletest.Disk) Maker {
	return Maker{Folder: "archives", FS: disk, Workers: 1, Level: 1, MaxSize: endRoom + 20000}
}

// wholeFiles returns the archive files of a disk and fails the test if one is
// not whole.
func wholeFiles(t *testing.T, what string, disk *durabletest.Disk) map[string]Report {
	t.Helper()
	files := map[string]Report{}
	for path := range disk.Files() {
		name := filepath.Base(path)
		if strings.HasSuffix(name, ".tmp") || strings.HasSuffix(name, indexSuffix) || strings.HasSuffix(path, "/") {
			continue
		}
		r, err := Check(ctx, disk, path, Secret{}, nil, func(f Finding) { t.Errorf("%s: %s: %s", what, name, f) })
		if err != nil {
			t.Errorf("%s: %s: %v", what, name, err)
		}
		files[name] = r
	}
	return files
}

// TestEveryOperationFails: whichever operation on the disk fails, what Make
// returned is whole, no file under a final name is half, the error has its
// kind, and the next run makes good.
func TestEveryOperationFails(t *testing.T) {
	l := newLab(t)
	l.put(text(1, 3000), noise(2, 4000), text(1, 3000), noise(3, 7000), text(4, 200))
	for what, fault := range map[string]durabletest.Fault{
		"EIO": {Err: syscall.EIO}, "full": {Err: syscall.ENOSPC, Keep: 700}, "done and EIO": {Err: syscall.EIO, Done: true},
	} {
		for n := 1; ; n++ {
			disk := durabletest.New(durabletest.Options{})
			disk.FailAt(n, fault)
			m := kit(disk)
			made, err := m.Make(ctx, october, l.source(0))
			if disk.Ops() < n {
				if n < 20 || len(made.Files) < 2 {
					t.Errorf("only %d operations, %d files", disk.Ops(), len(made.Files))
				}
				break
			}
			files := wholeFiles(t, what, disk)
			for _, f := range made.Files {
				if r, ok := files[f.Name.String()]; !ok || r.SHA256 != f.SHA256 {
					t.Errorf("%s at %d: %s was made and is not there", what, n, f.Name)
				}
			}
			if what == "full" && err != nil && !errors.Is(err, mail.ErrFull) {
				t.Errorf("full at %d: %v", n, err)
			}
			l.again(t, disk, made)
		}
	}
}

// again runs Make for what is in no file yet.
func (l *lab) again(t *testing.T, disk *durabletest.Disk, made Made) {
	t.Helper()
	var next uint64 = 1
	for _, f := range made.Files {
		next = f.Chain.Last.Seq + 1
	}
	m := kit(disk)
	more, err := m.Make(ctx, october, l.source(next))
	var messages uint64
	for _, f := range append(made.Files, more.Files...) {
		messages += f.Chain.Messages
	}
	if err != nil || messages != uint64(len(l.ids)) {
		t.Errorf("the next run: %v, %d messages", err, messages)
	}
	for path := range disk.Files() {
		if strings.HasSuffix(path, ".tmp") {
			t.Errorf("%s is left", path)
		}
	}
}

// TestPowerLoss: the power goes at each operation; what Make returned before is
// there and whole, and so is all that has a final name.
func TestPowerLoss(t *testing.T) {
	l := newLab(t)
	l.put(text(1, 3000), noise(2, 4000), noise(3, 7000), text(4, 200))
	rng := rand.New(rand.NewPCG(1, 1))
	for n := 1; ; n++ {
		disk := durabletest.New(durabletest.Options{Journal: n%2 == 0})
		disk.FailAt(n, durabletest.Fault{Cut: true})
		m := kit(disk)
		made, err := m.Make(ctx, october, l.source(0))
		if disk.Ops() < n {
			break
		}
		if err == nil && len(made.Files) < 2 {
			t.Fatalf("no error at %d", n)
		}
		for _, choose := range []func(int) int{durabletest.Nothing, durabletest.Everything, rng.IntN} {
			after := disk.Crash(choose)
			files := wholeFiles(t, "power loss", after)
			for _, f := range made.Files {
				if r, ok := files[f.Name.String()]; !ok || r.SHA256 != f.SHA256 {
					t.Errorf("power lost at %d: %s was made and is not there: %v", n, f.Name, after.Files())
				}
			}
			l.again(t, after, made)
		}
	}
}

// TestWhatIsReadBackIsCompared: the disk gives other bytes than were written,
// and the file gets no name.
func TestWhatIsReadBackIsCompared(t *testing.T) {
	l := newLab(t)
	l.put(noise(1, 5000))
	disk := durabletest.New(durabletest.Options{})
	spoiled := false
	disk.Before(func(op durabletest.Op) durabletest.Fault {
		if op.Kind == durabletest.Read && filepath.Base(op.Path) == temporaryFile && !spoiled {
			spoiled = true
			f, err := disk.OpenFile(op.Path, 2, 0)
			if err == nil {
				_, _ = f.Seek(2000, 0)
				_, err = f.Write([]byte("spoilt"))
			}
			if err != nil {
				t.Error(err)
			}
		}
		return durabletest.Fault{}
	})
	m := Maker{Folder: "archives", FS: disk}
	made, err := m.Make(ctx, october, l.source(0))
	if !spoiled || !errors.Is(err, mail.ErrDamaged) || len(made.Files) > 0 || len(disk.Files()) > 1 {
		t.Errorf("%v, %v, %v", spoiled, err, disk.Files())
	}
}

func TestCancelled(t *testing.T) {
	l := newLab(t)
	l.put(text(1, 100), text(2, 100))
	disk := durabletest.New(durabletest.Options{})
	done, cancel := context.WithCancel(ctx)
	defer cancel()
	m := Maker{Folder: "archives", FS: disk, Progress: func(p Progress) {
		if p.Verify {
			cancel()
		}
	}}
	if _, err := m.Make(done, october, l.source(0)); !errors.Is(err, done.Err()) || len(disk.Files()) > 1 {
		t.Errorf("%v, %v", err, disk.Files())
	}
}
