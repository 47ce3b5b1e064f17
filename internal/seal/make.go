package seal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"path/filepath"
	"runtime"
	"time"

	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
	"mailarchive/internal/vault"
)

// DefaultLevel is the level of deflate that files are compressed with: within
// a hundredth of what gzip makes of the same bytes, at less than its time.
const DefaultLevel = 8

// Maker makes archive files in a folder. Folder is needed; every other field
// has a working default. One Make at a time may run on a folder, and nothing
// else may write temporary files (durable.WriteFile) there meanwhile.
type Maker struct {
	Folder string
	FS     durable.FS // the real one
	// MaxSize is the length in bytes that no file grows over, one excepted that
	// holds a single message; 0 is no bound.
	MaxSize int64
	// Level is that of deflate, 1 to 9; 0 is DefaultLevel.
	Level int
	// Workers is how many members are compressed at once; 0 is GOMAXPROCS.
	// Memory is about 10 MiB for each, and 70 bytes for each message.
	Workers int
	// Lock encrypts; nil makes .tgz files.
	Lock *Lock
	// Taken reports whether a name is in use where the folder does not show it:
	// by a file that was moved off.
	Taken func(Name) bool
	// Progress is called often, from the goroutine that called Make.
	Progress func(Progress)
	// Random gives the session keys; nil is crypto/rand.
	Random io.Reader
	Clock  func() time.Time
	Logger *slog.Logger
}

// Progress says how far a Make is.
type Progress struct {
	File     int    // of this Make, from 1
	Verify   bool   // the file is being read back
	Messages uint64 // written into this file
	Done     int64  // bytes of mail written, or of the file read back
	Total    int64  // bytes of the file when it is read back, else 0
}

// Sealed is a file that was made: it is on disk under its name, synced, read
// back and found whole.
type Sealed struct {
	Name   Name
	Path   string
	Size   int64       // of the file, in bytes
	SHA256 mail.Digest // of the file
	Chain  Chain
	// Keys say what opens the file, for lists: "password NAME", "key ID". None
	// when it is not encrypted.
	Keys []string
}

// Made is what came of a Make.
type Made struct {
	Files   []Sealed
	LeftOut []LeftOut
}

// Make writes the items of the source into files of the month. Each file in
// what it returns survives power loss, also when there is an error: that is
// about what came after. Messages whose bytes are not what their record says
// are left out and listed. Calling it again after an error is safe, with a
// source that leaves out what is in a file already. No items, no file.
//
// Errors: mail.ErrFull, mail.ErrBadInput (a source that does not rise, or
// mixes vaults; a key that cannot encrypt), mail.ErrDamaged when what was read
// back is not what was written, or the error of source or ctx.
func (m *Maker) Make(ctx context.Context, month Month, source Source) (Made, error) {
	r := &run{Maker: m.filled(), ctx: ctx, month: month}
	err := r.all(source)
	if err != nil {
		err = fmt.Errorf("seal %s: %w", month, kind(err))
	}
	return r.made, err
}

// kind adds the kind of a full disk.
func kind(err error) error {
	if durableFull(err) && !errors.Is(err, mail.ErrFull) {
		return errors.Join(mail.ErrFull, err)
	}
	return err
}

// filled returns a copy with the defaults in place.
func (m *Maker) filled() Maker {
	c := *m
	if c.FS == nil {
		c.FS = durable.OS{}
	}
	if c.Level == 0 {
		c.Level = DefaultLevel
	}
	if c.Workers <= 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Progress == nil {
		c.Progress = func(Progress) {}
	}
	if c.Taken == nil {
		c.Taken = func(Name) bool { return false }
	}
	return c
}

// run is one call of Make.
type run struct {
	Maker
	ctx   context.Context
	month Month
	file  *fileWriter // nil between files
	made  Made
}

func (r *run) all(source Source) (err error) {
	if err := durable.MakeFolder(r.FS, r.Folder, 0o750); err != nil {
		return err
	}
	if err := durable.RemoveTemporary(r.FS, r.Folder); err != nil {
		return fmt.Errorf("take away what an interrupted run left: %w", err)
	}
	defer func() {
		if r.file != nil {
			err = errors.Join(err, r.file.abandon())
		}
	}()
	for item, err := range source {
		if err == nil {
			err = r.ctx.Err()
		}
		if err == nil {
			err = r.add(item)
		}
		if err != nil {
			return err
		}
	}
	return r.finish()
}

// add puts one item into the current file, or into a new one when that is full.
func (r *run) add(item Item) error {
	e, err := r.prepare(item)
	var damaged *damagedContent
	if errors.As(err, &damaged) {
		r.leave(LeftOut{ID: e.record.ID, Seq: e.record.Seq, Err: damaged.err})
		return nil
	}
	if err != nil {
		return err
	}
	if r.file != nil && r.MaxSize > 0 && r.file.bound()+e.bound() > r.MaxSize || r.file.brimful() {
		if err := r.finish(); err != nil {
			return err
		}
	}
	if r.file == nil {
		if r.file, err = r.begin(e); err != nil {
			return err
		}
	}
	if err := r.file.add(e); err != nil {
		return fmt.Errorf("record %d (%s): %w", e.record.Seq, e.record.ID, err)
	}
	r.Progress(Progress{File: len(r.made.Files) + 1, Messages: r.file.chain.Messages, Done: r.file.chain.Bytes})
	return nil
}

func (r *run) leave(l LeftOut) {
	r.Logger.Error("message not sealed: its bytes are not what its record says", "step", "seal", "id", l.ID, "seq", l.Seq, "error", l.Err)
	r.made.LeftOut = append(r.made.LeftOut, l)
}

// prepare reads the record, checks that it follows, and brings its content.
func (r *run) prepare(item Item) (e entry, err error) {
	e.Item = item
	if e.record, err = vault.DecodeRecord(item.Record); err != nil {
		return e, err
	}
	if f := r.file; f != nil {
		if err := f.follows(e.record); err != nil {
			return e, err
		}
	}
	e.digest = mail.Sum(item.Record)
	if item.Content == nil {
		return e, nil
	}
	if e.line, err = newLine(e.record, e.record.ID, e.About).encode(); err != nil {
		return e, err
	}
	return e, e.load()
}

// finish closes the current file, reads it back and gives it its name.
func (r *run) finish() error {
	f := r.file
	if f == nil {
		return nil
	}
	if err := f.close(); err != nil {
		return err
	}
	sealed, positions, err := r.readBack(f)
	if err != nil {
		return err
	}
	if sealed.Name, err = r.freeName(); err != nil {
		return err
	}
	sealed.Path = filepath.Join(r.Folder, sealed.Name.String())
	if err := durable.Move(r.FS, f.name, sealed.Path); err != nil {
		return err
	}
	r.file = nil
	r.made.Files = append(r.made.Files, sealed)
	if err := writeIndex(r.FS, sealed.Path, positions); err != nil {
		r.Logger.Warn("index of an archive file not written; it will be made when it is needed", "step", "seal", "file", sealed.Name.String(), "error", err)
	}
	return nil
}

// freeName returns the first name of the month that nothing has. A part has
// one number in both kinds, so that Oct-2026 means one file.
func (r *run) freeName() (Name, error) {
	n := Name{Month: r.month, Encrypted: r.Lock != nil}
	for ; ; n.Part++ {
		taken := false
		for _, encrypted := range []bool{false, true} {
			other := n
			other.Encrypted = encrypted
			_, err := r.FS.Stat(filepath.Join(r.Folder, other.String()))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return n, err
			}
			taken = taken || err == nil || r.Taken(other)
		}
		if !taken {
			return n, nil
		}
	}
}

// readBack reads the closed file from disk and compares everything in it.
func (r *run) readBack(f *fileWriter) (Sealed, *positions, error) {
	s := Sealed{Chain: f.chain, Keys: f.keys, Size: f.written.n, SHA256: f.written.digest()}
	a := &Archive{fs: r.FS, path: f.name, encrypted: r.Lock != nil, secret: Secret{session: f.session}, workers: r.Workers}
	var first *Finding
	report, positions, err := a.scan(r.ctx, func(done, total int64) {
		r.Progress(Progress{File: len(r.made.Files) + 1, Verify: true, Messages: f.chain.Messages, Done: done, Total: total})
	}, func(f Finding) {
		if first == nil {
			first = &f
		}
	})
	switch {
	case err != nil:
		return s, nil, fmt.Errorf("read back: %w", err)
	case first != nil:
		return s, nil, fmt.Errorf("read back: %s: %w", first, mail.ErrDamaged)
	case report.Chain != f.chain || report.SHA256 != s.SHA256 || report.Bytes != s.Size:
		return s, nil, fmt.Errorf("read back: the file is not the one that was written: %w", mail.ErrDamaged)
	}
	return s, positions, nil
}
