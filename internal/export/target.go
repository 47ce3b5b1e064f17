package export

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path/filepath"
	"strings"
	"time"

	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
)

// ToStream writes a format that is one file to w. The manifest of an mbox goes
// to manifest, which may be nil; that of a .zip or .tgz is inside, and manifest
// is not used. It returns nil when all messages were written, also when some
// are missing: see the [Summary]. Otherwise w has a part of the export. An
// error about the options wraps mail.ErrBadInput; one that the sequence gave,
// or the cause of ctx, comes back wrapped.
func ToStream(ctx context.Context, messages iter.Seq2[Message, error], w, manifest io.Writer, o Options) (Summary, error) {
	e, err := newExporter(o)
	if err == nil && e.o.Format.IsFolder() {
		err = fmt.Errorf("export: %s is a folder and cannot be streamed (mbox, zip and tgz can): %w", e.o.Format, mail.ErrBadInput)
	}
	if err != nil {
		return Summary{}, err
	}
	if manifest == nil {
		manifest = io.Discard
	}
	if err := e.stream(ctx, messages, w, manifest, "mbox"); err != nil {
		return e.sum, fmt.Errorf("export: %w", err)
	}
	return e.sum, nil
}

func (e *exporter) stream(ctx context.Context, messages iter.Seq2[Message, error], w, manifest io.Writer, name string) error {
	if e.o.Format != Mbox {
		return e.container(ctx, messages, w)
	}
	to := newMboxWriter(w, name)
	if err := e.all(ctx, messages, to, manifest); err != nil {
		return err
	}
	return to.finish()
}

// archiveFile is a format that holds named files.
type archiveFile interface {
	format
	add(name string, modified time.Time, size int64, r io.Reader) error
	finish() error
}

// container writes README.txt, the messages and the manifest, which waits in a
// file that has no name until its turn comes.
func (e *exporter) container(ctx context.Context, messages iter.Seq2[Message, error], w io.Writer) error {
	lines, err := namelessFile(e.o.TempDir)
	if err != nil {
		return fmt.Errorf("manifest: %w", err)
	}
	defer lines.Close() // it was read back already, or is of no use
	var to archiveFile = newTGZWriter(w)
	if e.o.Format == Zip {
		to = newZipWriter(w, e.o.Store)
	}
	now := e.o.Clock()
	text := readme(e.o)
	if err := to.add(ReadmeName, now, int64(len(text)), strings.NewReader(text)); err != nil {
		return err
	}
	manifest := bufio.NewWriter(lines)
	if err := e.all(ctx, messages, to, manifest); err != nil {
		return err
	}
	if err := manifest.Flush(); err != nil {
		return fmt.Errorf("manifest: %w", err)
	}
	size, err := lines.Seek(0, io.SeekCurrent)
	if err != nil {
		return fmt.Errorf("manifest: %w", err)
	}
	if err := to.add(ManifestName, now, size, io.NewSectionReader(lines, 0, size)); err != nil {
		return err
	}
	return to.finish()
}

// ManifestOf is the name of the manifest that lies beside an mbox.
func ManifestOf(name string) string { return name + "." + ManifestName }

// ToFile writes a format that is one file under a name that must not exist yet,
// with permission for its owner only; beside an mbox goes its manifest
// ([ManifestOf]). When it returns nil, all is on disk and its names survive
// power loss. Else nothing is under that name, unless only the last sync failed,
// and it can be started again. Errors as ToStream; a name that exists wraps
// fs.ErrExist.
func ToFile(ctx context.Context, messages iter.Seq2[Message, error], name string, o Options) (Summary, error) {
	e, err := newExporter(o)
	if err != nil {
		return Summary{}, err
	}
	if e.o.Format.IsFolder() {
		return Summary{}, fmt.Errorf("export: %s is a folder, not a file: %w", e.o.Format, mail.ErrBadInput)
	}
	if err := e.file(ctx, messages, name); err != nil {
		return e.sum, fmt.Errorf("export to %s: %w", name, err)
	}
	return e.sum, nil
}

func (e *exporter) file(ctx context.Context, messages iter.Seq2[Message, error], name string) error {
	beside := name
	if e.o.Format == Mbox {
		beside = ManifestOf(name)
	}
	for _, n := range []string{name, beside} {
		if err := e.mustBeNew(n); err != nil {
			return err
		}
	}
	body := func(manifest io.Writer) error {
		return e.write(name, func(w io.Writer) error {
			if err := e.stream(ctx, messages, w, manifest, filepath.Base(name)); err != nil {
				return err
			}
			return e.mustBeNew(name)
		})
	}
	if e.o.Format != Mbox {
		return body(nil)
	}
	return e.write(beside, body)
}

// write is durable.WriteFile with a buffer.
func (e *exporter) write(name string, write func(io.Writer) error) error {
	return durable.WriteFile(e.o.FS, name, 0o600, func(w io.Writer) error {
		b := bufio.NewWriterSize(w, lineBuffer)
		if err := write(b); err != nil {
			return err
		}
		return b.Flush()
	})
}

// mustBeNew fails when something has the name.
func (e *exporter) mustBeNew(name string) error {
	_, err := e.o.FS.Stat(name)
	switch {
	case err == nil:
		return fmt.Errorf("%s: %w; nothing is overwritten: choose another name or move it away", name, fs.ErrExist)
	case errors.Is(err, fs.ErrNotExist):
		return nil
	}
	return err
}
