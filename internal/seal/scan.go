package seal

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"

	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
)

// Archive is an archive file that is read. Its methods may be called at once
// from several goroutines.
type Archive struct {
	fs        durable.FS
	path      string
	encrypted bool
	secret    Secret
	workers   int
	index     *index // nil when the file was opened for a check only

	once     sync.Mutex
	unlocked *unlocked // of an encrypted file, once it was needed
}

// Check reads all of a file and compares every member, digest, manifest line
// and link with each other. It needs nothing but the file and, when it is
// encrypted, a secret. Report is called for each fault; the error is for what
// kept it from looking: [ErrNoSecret], or those of reading. Progress gets bytes
// of the file; it and report are called from this goroutine and may be nil.
func Check(ctx context.Context, fsys durable.FS, path string, secret Secret, progress func(done, total int64), report func(Finding)) (Report, error) {
	r, _, err := newArchive(fsys, path, secret).scan(ctx, progress, report)
	if err != nil {
		err = fmt.Errorf("check %s: %w", path, err)
	}
	return r, err
}

// newArchive: a nil file system is the real one.
func newArchive(fsys durable.FS, path string, secret Secret) *Archive {
	if fsys == nil {
		fsys = durable.OS{}
	}
	return &Archive{fs: fsys, path: path, encrypted: isEncrypted(fsys, path), secret: secret, workers: runtime.GOMAXPROCS(0)}
}

// isEncrypted looks at the file itself: a name may have been changed. An
// encrypted file begins with a packet of tag 1 or 3 in the new or old form (RFC
// 4880 4.2, 5.1, 5.3); all else is read as gzip, however damaged.
func isEncrypted(fsys durable.FS, path string) bool {
	f, err := fsys.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return false // who reads it will say
	}
	defer f.Close()
	var b [1]byte
	if _, err := io.ReadFull(f, b[:]); err != nil || b[0]&0x80 == 0 {
		return false
	}
	tag := b[0] & 0x3f
	if b[0]&0x40 == 0 {
		tag >>= 2
	}
	return tag == 1 || tag == 3
}

// source is the file as it is read from its beginning.
type source struct {
	file  durable.File
	count tally // of the file's bytes
	plain io.Reader
	outer mail.Digest
}

// open opens the file and what is inside the encryption.
func (a *Archive) open() (*source, error) {
	f, err := a.fs.OpenFile(a.path, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	s := &source{file: f, count: tally{w: io.Discard, hash: sha256.New()}}
	s.plain = io.TeeReader(f, &s.count)
	if !a.encrypted {
		return s, nil
	}
	p, err := decrypt(s.plain, a.secret)
	if err != nil {
		f.Close()
		return nil, err
	}
	s.plain, s.outer = ahead(p.Reader), p.outer
	return s, nil
}

func (s *source) close() {
	if c, ok := s.plain.(io.Closer); ok {
		c.Close()
	}
	s.file.Close()
}

// scan reads and judges all of the file.
func (a *Archive) scan(ctx context.Context, progress func(done, total int64), report func(Finding)) (Report, *positions, error) {
	j := newJudge(report)
	s, err := a.open()
	if errors.Is(err, mail.ErrDamaged) {
		j.find(Finding{What: err.Error()})
		return j.report, &positions{}, nil
	}
	if err != nil {
		return j.report, nil, err
	}
	defer s.close()
	info, err := s.file.Stat()
	if err != nil {
		return j.report, nil, err
	}
	w := &watch{judge: j, parts: entries{to: j}, source: s, encrypted: a.encrypted}
	err = newExpander(newMembers(s.plain), a.workers).each(func(e *expanded) error {
		w.member(e)
		if progress != nil {
			progress(min(e.offset+e.length, info.Size()), info.Size())
		}
		return ctx.Err()
	})
	switch {
	case ctx.Err() != nil:
		return j.report, nil, ctx.Err()
	case errors.Is(err, mail.ErrDamaged):
		j.find(Finding{Offset: w.end, What: err.Error()})
	case err != nil:
		return j.report, nil, err
	}
	w.over()
	_, _ = io.Copy(io.Discard, io.TeeReader(s.file, &s.count)) // what a broken encryption has left
	j.report.Bytes, j.report.SHA256 = s.count.n, s.count.digest()
	p := j.positions()
	p.length = info.Size()
	return j.report, p, nil
}

// watch looks at members and hands what they hold to the judge.
type watch struct {
	*judge
	parts     entries
	source    *source
	encrypted bool
	number    uint32 // of the next member
	last      bool   // the last member came
	end       int64  // of the members so far
}

func (w *watch) member(e *expanded) {
	w.report.Members++
	w.end = e.offset + e.length
	where := Finding{Offset: e.offset, Length: e.length}
	if e.fault != nil {
		where.What = fmt.Sprintf("damaged: %v", e.fault)
		w.find(where)
	}
	continues := w.parts.inside // what the header says, when it can be believed
	if e.fault == nil {
		w.order(e, where)
		continues = e.field.flags&flagContinues != 0
	}
	w.number++
	if err := w.parts.feed(e.raw, e.offset, continues); err != nil && e.fault == nil {
		where.What = err.Error()
		w.find(where)
	}
}

// order sees to it that the member is the next one.
func (w *watch) order(e *expanded, where Finding) {
	if e.field.number != w.number {
		where.What = fmt.Sprintf("member number %d stands where number %d should", e.field.number, w.number)
		if e.field.number > w.number {
			where.What = fmt.Sprintf("members number %d to %d are missing before this place", w.number, e.field.number-1)
		}
		w.find(where)
		w.number = e.field.number
		w.parts.cut()
	}
	outer := w.number == 0 && w.encrypted
	if outer != (len(e.outer) > 0) || outer && string(e.outer) != string(w.source.outer[:]) {
		where.What = "the packets with the keys, in front of the encrypted data, are not those that were written"
		w.find(where)
	}
	w.last = e.field.flags&flagLast != 0
}

// over is called at the end of the stream.
func (w *watch) over() {
	w.parts.cut()
	if !w.last {
		w.find(Finding{Offset: w.end, What: "the file ends here, and not with its last member: it is cut, or its end is damaged"})
	}
	w.finish()
}
