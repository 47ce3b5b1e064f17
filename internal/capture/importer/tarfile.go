package importer

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// maxEntry is the size in bytes above which a file in a tar is no message: no
// mail system takes one of a gigabyte, and what a tar says of sizes is cheap.
const maxEntry = 1 << 30

// errEntrySize: the size is not believed, and the next header is looked for
// right behind.
var errEntrySize = fmt.Errorf("over %d bytes, too large for a message", int64(maxEntry))

// tarSource is a tar while it is read.
type tarSource struct {
	f      found
	read   int64 // bytes of the file that were read
	span   int64 // of them, those that items cover
	blocks *tarBlocks
	seen   occurrences
	index  int // messages so far
}

// tarFile imports the files in a tar: small ones by the workers, large ones
// here. Its names are told and never used as a path.
func (r *run) tarFile(ctx context.Context, f found, packed bool) error {
	return r.tarFrom(ctx, f, func(_ *os.File, in io.Reader) (io.Reader, error) {
		if !packed {
			return in, nil
		}
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, fmt.Errorf("gzip: %w", err)
		}
		return z, nil
	})
}

// tarFrom imports the tar that unpack finds in a file. unpack reads from in,
// which counts, or by position.
func (r *run) tarFrom(ctx context.Context, f found, unpack func(file *os.File, in io.Reader) (io.Reader, error)) error {
	file, info, err := openRegular(f.path)
	if err != nil {
		r.aside(f, Failed, err.Error())
		return nil
	}
	defer file.Close()
	t := &tarSource{f: f, seen: occurrences{}}
	plain, err := unpack(file, &tally{r: file, n: &t.read})
	if err != nil {
		r.aside(f, Failed, err.Error())
		return nil
	}
	t.blocks = &tarBlocks{r: plain}
	err = r.tarParts(ctx, t)
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if err == nil {
		err = unchanged(file, info)
	}
	if err != nil {
		r.tarDamage(t, t.blocks.pos, err)
	}
	r.track.covered(f.size - t.span)
	return nil
}

// tally counts what is read.
type tally struct {
	r io.Reader
	n *int64
}

func (t *tally) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	*t.n += int64(n)
	return n, err
}

// tarDamage reports what could not be read, and where in the unpacked tar.
func (r *run) tarDamage(t *tarSource, offset int64, err error) {
	r.track.outcome(Outcome{
		Path: t.f.path, Offset: offset, Folder: t.f.folder, Size: t.f.size, Outcome: Failed,
		Reason: fmt.Sprintf("%v (messages read before this: %d)", err, t.index),
	}, 0)
}

// tarParts reads a tar, goes on behind a damaged header, and reads to the end
// what surrounds it: checksums stand there.
func (r *run) tarParts(ctx context.Context, t *tarSource) error {
	for {
		err := r.tarEntries(ctx, t, tar.NewReader(t.blocks))
		if !errors.Is(err, io.EOF) && !errors.Is(err, tar.ErrHeader) && !errors.Is(err, errEntrySize) {
			return err
		}
		damaged, tooLarge, from := errors.Is(err, tar.ErrHeader), errors.Is(err, errEntrySize), t.blocks.pos
		over, something, err := t.blocks.next()
		if damaged || something && !tooLarge {
			r.tarDamage(t, from, fmt.Errorf("no readable tar header; stepped over %d bytes", over))
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// tarEntries goes from file to file.
func (r *run) tarEntries(ctx context.Context, t *tarSource, in *tar.Reader) error {
	for {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		h, err := in.Next()
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) { // no path is used
			return err
		}
		if err := r.tarEntry(ctx, t, h, in); err != nil {
			return fmt.Errorf("%s: %w", entryPath(t.f.path, h.Name), err)
		}
	}
}

// entryPath is how a file in a tar is named: as if the tar were a folder.
func entryPath(tarPath, name string) string { return tarPath + path.Clean("/"+name) }

// tarEntry imports one file of a tar, or says why not. An error is of the tar.
func (r *run) tarEntry(ctx context.Context, t *tarSource, h *tar.Header, in io.Reader) error {
	f := t.f
	f.path, f.size = entryPath(t.f.path, h.Name), h.Size
	f.info = h.FileInfo()
	if h.Typeflag == tar.TypeDir {
		return nil
	}
	if reason := r.leaveEntry(h); reason != "" {
		r.asideEntry(t, f, Skipped, reason)
		return nil
	}
	if h.Size > maxEntry {
		r.asideEntry(t, f, Failed, errEntrySize.Error())
		return errEntrySize
	}
	return r.entryContent(ctx, t, f, in)
}

// entryContent takes the bytes of a file and hands it over if it is a message.
func (r *run) entryContent(ctx context.Context, t *tarSource, f found, in io.Reader) error {
	offset := t.blocks.pos
	r.memory.take(smallMax)
	b, all, err := readSmall(in, f.size)
	reason := r.notMessage(filepath.Base(f.path), b)
	held := int64(len(b))
	if err != nil || !all || reason != "" {
		held = 0
	}
	r.memory.give(smallMax - held)
	switch {
	case err != nil:
		return err
	case reason != "":
		r.asideEntry(t, f, Skipped, reason)
		return nil
	case !all:
		return r.largeEntry(ctx, t, f, offset, b, in)
	}
	it := t.item(r, f, offset, inMemory(b))
	return r.submit(ctx, func(ctx context.Context) {
		defer r.memory.give(held)
		r.hand(ctx, it)
	})
}

// leaveEntry says by the header why a file is left aside; empty when it is not.
func (r *run) leaveEntry(h *tar.Header) string {
	name := path.Base(h.Name)
	switch {
	case h.Typeflag != tar.TypeReg:
		return fmt.Sprintf("not a regular file (type %q in the tar)", h.Typeflag)
	case isControl(strings.ToLower(name)):
		return controlReason
	case strings.HasPrefix(name, "."):
		return "hidden file"
	case r.o.Since.IsZero() && r.o.Before.IsZero():
		return ""
	}
	return r.o.outsideDate(fileDate(name, h.ModTime, r.o.zone()))
}

// notMessage says why a file in a tar is no message; empty when it is one.
func (r *run) notMessage(name string, b []byte) string {
	kind, advice := Detect(name, b[:min(len(b), headSize)])
	switch {
	case r.o.Format == FormatEML:
		return ""
	case r.o.Format == FormatSpool && isMessage(kind) && len(b) > 0:
		return ""
	case kind == KindEML:
		return ""
	case len(b) == 0:
		return "empty file"
	case advice != "":
		return advice
	case kind == KindUnknown:
		return "not recognised as mail"
	}
	return "packed or an mbox within a tar, not supported: unpack it and import the folder"
}

// isMessage reports whether a file of a spool folder is a message: all is but
// its archives and what surely holds no mail.
func isMessage(k Kind) bool { return k == KindUnknown || k == KindEML || k == KindMbox }

func (r *run) asideEntry(t *tarSource, f found, result Result, reason string) {
	r.track.outcome(Outcome{
		Path: f.path, Offset: t.blocks.pos, Folder: f.folder, Size: f.size, Outcome: result, Reason: reason,
	}, t.advance())
}

// advance returns how many bytes of the file were read since it was last asked.
func (t *tarSource) advance() int64 {
	n := t.read - t.span
	t.span = t.read
	return n
}

// item makes the item of a file that was read to its end.
func (t *tarSource) item(r *run, f found, offset int64, body *content) *item {
	t.index++
	f.size = t.advance()
	it := r.item(sourceTar, f, body)
	it.offset = offset
	key := itemKey(it.source, f.path, body.digest, 0)
	it.origin.Key = itemKey(it.source, f.path, body.digest, t.seen.before(key))
	return it
}

// largeEntry hands a message over that does not fit in memory; first is what
// was read of it.
func (r *run) largeEntry(ctx context.Context, t *tarSource, f found, offset int64, first []byte, in io.Reader) error {
	body, err := spooled(first, in, r.o.TempDir)
	if err != nil {
		return err
	}
	defer body.close()
	r.hand(ctx, t.item(r, f, offset, body))
	return nil
}
