package importer

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"mailarchive/internal/mail"
)

// The sources, as they stand in mail.Envelope.Source.
const (
	sourceEML     = "import:eml"
	sourceMbox    = "import:mbox"
	sourceMaildir = "import:maildir"
	sourceTar     = "import:tar"
)

// read is the visit that imports: single messages go to the workers, an mbox is
// split here. The error is only for stopping.
func (r *run) read(ctx context.Context, f found) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	f.folder = joinFolder(r.o.Folder, f.folder)
	switch {
	case f.err != nil:
		r.aside(f, Failed, f.err.Error())
	case f.reason != "":
		r.aside(f, Skipped, f.reason)
	case f.names != nil:
		return r.submit(ctx, func(ctx context.Context) { r.maildirMessage(ctx, f) })
	default:
		return r.file(ctx, f)
	}
	return nil
}

// aside reports something that no message comes from.
func (r *run) aside(f found, result Result, reason string) {
	r.track.outcome(Outcome{
		Path: f.path, Folder: f.folder, Size: f.size, Outcome: result, Reason: reason,
	}, f.size)
}

// file finds out what a file is and reads it accordingly.
func (r *run) file(ctx context.Context, f found) error {
	d, err := r.detect(f.path)
	switch {
	case err != nil:
		r.aside(f, Failed, err.Error())
	case d.kind == KindEML:
		return r.submit(ctx, func(ctx context.Context) { r.message(ctx, f, d.packed) })
	case d.kind == KindMbox:
		return r.mbox(ctx, f, d.packed)
	case d.kind == KindTar:
		return r.tarFile(ctx, f, d.packed)
	case d.kind == KindEncrypted:
		return r.encryptedFile(ctx, f)
	default:
		r.aside(f, Skipped, d.advice)
	}
	return nil
}

// detected is what a file is.
type detected struct {
	kind   Kind
	packed bool   // by gzip
	advice string // for kinds that no mail comes from
}

// detect opens the file unless its name or the options say enough.
func (r *run) detect(path string) (detected, error) {
	name := filepath.Base(path)
	byName := strings.HasSuffix(strings.ToLower(name), ".eml")
	if r.o.Format == FormatEML || byName && r.o.Format == FormatAuto {
		return detected{kind: KindEML}, nil
	}
	head, err := readHead(path)
	if err != nil {
		return detected{}, err
	}
	kind, advice := Detect(name, head)
	d := detected{kind: kind, advice: advice}
	if kind == KindGzip {
		name = strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".GZ")
		if head, err = unpackedHead(path); err != nil {
			return d, err
		}
		d.packed = true
		d.kind, d.advice = Detect(name, head)
	}
	if r.o.Format != FormatAuto && r.o.Format != FormatSpool && d.kind == KindEML && startsMbox(strings.ToLower(name), head) {
		d.kind = KindMbox // a dialect was named, so the "From " line is not the message's
	}
	if r.o.Format == FormatSpool && len(head) > 0 && isMessage(d.kind) {
		d.kind = KindEML // whatever is in it
	}
	switch d.kind {
	case KindUnknown:
		d.advice = "not recognised as mail"
		if len(head) == 0 {
			d.advice = "empty file"
		}
	case KindControl:
		d.advice = controlReason
	case KindGzip:
		d.advice = "gzip within gzip, not supported: decompress it first"
	}
	return d, nil
}

// unpackedHead returns the first bytes within a gzip file.
func unpackedHead(path string) ([]byte, error) {
	f, _, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("gzip: %w", err)
	}
	head, err := headOf(z)
	if err != nil && len(head) == 0 {
		return nil, fmt.Errorf("gzip: %w", err)
	}
	return head, nil // if it is damaged further on, reading will tell
}

// message imports a file that is one message.
func (r *run) message(ctx context.Context, f found, packed bool) {
	held := heldFor(f.size, packed)
	r.memory.take(held)
	defer r.memory.give(held)
	read := fileContent
	if packed {
		read = func(path string) (*content, error) { return gzipContent(path, r.o.TempDir) }
	}
	c, err := read(f.path)
	if err != nil {
		r.aside(f, Failed, err.Error())
		return
	}
	defer c.close()
	it := r.item(sourceEML, f, c)
	it.origin.Key = itemKey(it.source, f.path, c.digest, 0)
	r.hand(ctx, it)
}

// heldFor returns how many bytes of a file of this size are held in memory.
func heldFor(size int64, packed bool) int64 {
	if packed || size > smallMax {
		return smallMax
	}
	return size
}

// item begins a message found at f.
func (r *run) item(source string, f found, c *content) *item {
	it := &item{
		source: source, content: c, span: f.size,
		origin: mail.Origin{Path: f.path, Folder: f.folder, Owner: r.o.Owner},
	}
	if r.o.DeliveredTo {
		it.to = deliveredTo(c.head)
	}
	if r.o.Format == FormatSpool && f.info != nil {
		it.origin.Delivered = spoolTime(filepath.Base(f.path), f.info.ModTime())
	}
	return it
}

// maildirMessage imports the files of one Maildir message one after the other:
// equal ones have the same key, and the second finds it taken.
func (r *run) maildirMessage(ctx context.Context, f found) {
	done := map[mail.Digest]bool{}
	for i, name := range f.names {
		one := f
		one.path = filepath.Join(f.path, name)
		if i > 0 {
			one.size = 0 // the first covers the size of all
		}
		r.maildirFile(ctx, one, f.path, done)
	}
}

func (r *run) maildirFile(ctx context.Context, f found, maildir string, done map[mail.Digest]bool) {
	held := heldFor(f.size, false)
	r.memory.take(held)
	defer r.memory.give(held)
	c, err := fileContent(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		if path, ok := relocate(maildir, f.unique); ok {
			f.path = path
			c, err = fileContent(path)
		}
	}
	if err != nil {
		r.aside(f, Failed, err.Error())
		return
	}
	defer c.close()
	it := r.item(sourceMaildir, f, c)
	name := ParseMaildirName(filepath.Base(f.path))
	it.origin.Flags, it.origin.Delivered = name.Flags, name.Delivered
	it.origin.Key = itemKey(it.source, filepath.Join(maildir, name.Unique), c.digest, 0)
	if done[it.origin.Key] {
		out := it.outcome()
		out.Outcome, out.Reason = Already, "the same message is in this Maildir twice under one name"
		r.track.outcome(out, it.span)
		return
	}
	done[it.origin.Key] = r.hand(ctx, it)
}

// relocate looks for a Maildir message that was moved or got other flags after
// the folder was listed.
func relocate(maildir, unique string) (string, bool) {
	for _, box := range []string{"new", "cur"} {
		entries, _ := readDir(filepath.Join(maildir, box)) // what cannot be read has nothing
		for _, e := range entries {
			if ParseMaildirName(e.Name()).Unique == unique && e.Type().IsRegular() {
				return filepath.Join(maildir, box, e.Name()), true
			}
		}
	}
	return "", false
}

// mboxFolderOf returns the mail folder of an mbox file: Apple keeps it as a
// file "mbox" in a folder that has the name.
func mboxFolderOf(f found) string { return joinFolder(f.folder, mboxFolder(filepath.Base(f.path))) }
