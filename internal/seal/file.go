package seal

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
	"mailarchive/internal/vault"
)

// Names that a run writes under. RemoveTemporary of durable knows the ending.
const (
	temporaryFile     = "sealing.tmp"
	temporaryManifest = "sealing-manifest.tmp"
	temporarySums     = "sealing-sums.tmp"
)

// endRoom is room for what a file's end holds beside the manifest and the sums:
// chain, README, tar blocks, member headers, OpenPGP packets.
const endRoom = 32 << 10

// maxManifest keeps the manifest within what a tar entry can hold.
const maxManifest = maxEntry / 2

// entry is an item that was looked at.
type entry struct {
	Item
	record  *vault.Record
	digest  mail.Digest // of the record's bytes
	content []byte      // when it fits into a member
	line    []byte      // of the manifest, if the bytes are this arrival's own
}

// damagedContent says that a content is not what its record says.
type damagedContent struct{ err error }

func (d *damagedContent) Error() string { return d.err.Error() }

// load reads the content through, before anything of it or of its record is
// written, and keeps it when it is small.
func (e *entry) load() error {
	r, err := e.Content()
	if err == nil {
		err = e.read(r)
		err = errors.Join(err, r.Close())
	}
	if errors.Is(err, mail.ErrDamaged) || errors.Is(err, mail.ErrNotFound) {
		return &damagedContent{err}
	}
	return err
}

func (e *entry) read(r io.Reader) error {
	h := sha256.New()
	var w io.Writer = h
	var kept *bytes.Buffer
	if e.record.Size <= MemberSize {
		kept = bytes.NewBuffer(make([]byte, 0, e.record.Size))
		w = io.MultiWriter(h, kept)
	}
	if _, err := io.Copy(w, &exact{r: r, left: e.record.Size}); err != nil {
		return err
	}
	if mail.Digest(h.Sum(nil)) != e.record.SHA256 {
		return fmt.Errorf("content has another digest than its record says: %w", mail.ErrDamaged)
	}
	if kept != nil {
		e.content = kept.Bytes()
	}
	return nil
}

// bound is the most that the entry adds to a file, in bytes.
func (e *entry) bound() int64 {
	size := int64(len(e.Record)) + 4*tarBlock + int64(len(e.line)) + 2*int64(sumLine)
	if e.Content != nil {
		size += e.record.Size
	}
	return bound(int(size)) + size/MemberSize*256
}

// sumLine is the longest line of SHA256SUMS for a message.
const sumLine = 2*sha256.Size + 2 + len(messageFolder) + mail.IDLength + len(recordSuffix) + 1

// tally counts and hashes what goes into the file.
type tally struct {
	w    io.Writer
	hash hash.Hash
	n    int64
}

func (t *tally) Write(b []byte) (int, error) {
	n, err := t.w.Write(b)
	t.hash.Write(b[:n])
	t.n += int64(n)
	return n, err
}

func (t *tally) digest() mail.Digest { return mail.Digest(t.hash.Sum(nil)) }

// fileWriter is an archive file that is being written.
type fileWriter struct {
	fs       durable.FS
	name     string
	file     durable.File // nil once closed
	written  *tally
	plain    io.WriteCloser // encrypts, or passes on
	session  *session       // nil when not encrypted
	keys     []string
	c        *compressor // nil once finished
	p        packer
	manifest *spool
	sums     *spool
	holders  map[mail.Digest]mail.ID // who has the bytes in this file
	chain    Chain
	modified time.Time // of the entries at the end
}

// begin opens a new file for records from the first on. What was made when it
// fails is taken away.
func (r *run) begin(first entry) (f *fileWriter, err error) {
	f = &fileWriter{fs: r.FS, name: filepath.Join(r.Folder, temporaryFile), holders: map[mail.Digest]mail.ID{}}
	f.chain.Format, f.chain.Month = FormatVersion, r.month.String()
	defer func() {
		if err != nil {
			err = errors.Join(err, f.abandon())
			f = nil
		}
	}()
	if f.manifest, err = newSpool(r.FS, filepath.Join(r.Folder, temporaryManifest)); err != nil {
		return f, err
	}
	if f.sums, err = newSpool(r.FS, filepath.Join(r.Folder, temporarySums)); err != nil {
		return f, err
	}
	if f.file, err = r.FS.OpenFile(f.name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
		return f, err
	}
	f.written = &tally{w: f.file, hash: sha256.New()}
	outer, err := f.encrypt(&r.Maker, r.month)
	if err != nil {
		return f, err
	}
	if f.c, err = newCompressor(f.plain, r.Workers, r.Level, newMark(first), outer); err != nil {
		return f, err
	}
	f.p = packer{c: f.c}
	text := readme(r.month, r.Lock != nil)
	if err = f.p.put(readmeName, text, first.record.Arrival().Received); err != nil {
		return f, err
	}
	return f, f.sum(readmeName, mail.Sum(text))
}

// encrypt puts the encryption in front of the file, if there is any, and
// returns the digest of the packets with the keys.
func (f *fileWriter) encrypt(m *Maker, month Month) (outer []byte, err error) {
	if m.Lock == nil {
		f.plain = passOn{f.written}
		return nil, nil
	}
	o, err := m.Lock.open(f.written, m.Random, m.Clock(), month.String()+PlainSuffix)
	if err != nil {
		return nil, err
	}
	f.plain, f.session, f.keys = o.plain, o.session, o.keys
	return o.outer[:], nil
}

type passOn struct{ io.Writer }

func (passOn) Close() error { return nil }

// newMark derives a mark from the first record, whose salt nobody can guess.
func newMark(first entry) (m mark) {
	d := mail.Sum([]byte("archive file " + first.record.Vault.String() + " " + first.digest.String()))
	copy(m[:], d[:])
	return m
}

// follows tells whether a record may come next. The error wraps
// mail.ErrBadInput.
func (f *fileWriter) follows(r *vault.Record) error {
	switch {
	case f.chain.Records == 0:
		return nil
	case r.Vault != f.chain.Vault:
		return fmt.Errorf("record %d is of vault %s, those before of %s: %w", r.Seq, r.Vault, f.chain.Vault, mail.ErrBadInput)
	case r.Seq <= f.chain.Last.Seq || r.ID.String() <= f.chain.Last.ID.String():
		return fmt.Errorf("record %d (%s) comes after %d (%s): %w", r.Seq, r.ID, f.chain.Last.Seq, f.chain.Last.ID, mail.ErrBadInput)
	}
	return nil
}

// add writes record, content and what the manifest says of them.
func (f *fileWriter) add(e entry) error {
	received := e.record.Arrival().Received
	if err := f.p.put(recordName(e.record.ID), e.Record, received); err != nil {
		return err
	}
	if err := f.sum(recordName(e.record.ID), e.digest); err != nil {
		return err
	}
	f.chain.add(e.record, e.digest)
	f.modified = received
	if e.Content == nil {
		return nil
	}
	holder, held := f.holders[e.record.SHA256]
	if !held {
		holder = e.record.ID
		if err := f.addContent(e, received); err != nil {
			return err
		}
	}
	if held {
		var err error
		if e.line, err = newLine(e.record, holder, e.About).encode(); err != nil {
			return err
		}
	}
	_, err := f.manifest.Write(e.line)
	return err
}

func (f *fileWriter) addContent(e entry, received time.Time) error {
	name := contentName(e.record.ID)
	f.holders[e.record.SHA256] = e.record.ID
	f.chain.Contents++
	f.chain.Bytes += e.record.Size
	if err := f.sum(name, e.record.SHA256); err != nil {
		return err
	}
	if e.record.Size <= MemberSize {
		return f.p.put(name, e.content, received)
	}
	r, err := e.Content()
	if err != nil {
		return err
	}
	h := sha256.New()
	err = f.p.stream(name, e.record.Size, received, io.TeeReader(r, h))
	err = errors.Join(err, r.Close())
	if err == nil && mail.Digest(h.Sum(nil)) != e.record.SHA256 {
		err = fmt.Errorf("content changed between two readings: %w", mail.ErrDamaged)
	}
	return err
}

// sum adds a line as sha256sum prints it.
func (f *fileWriter) sum(name string, d mail.Digest) error {
	_, err := fmt.Fprintf(f.sums, "%s  %s\n", d, name)
	return err
}

// bound is the most that the file will take when it is closed now, in bytes.
func (f *fileWriter) bound() int64 {
	return f.p.size() + bound(int(f.manifest.size)) + bound(int(f.sums.size)) + endRoom +
		(f.manifest.size+f.sums.size)/MemberSize*256
}

// brimful reports whether the file must be closed whatever its size.
func (f *fileWriter) brimful() bool {
	return f != nil && (f.manifest.size > maxManifest || f.sums.size > maxManifest)
}

// close writes the end of the file and syncs it.
func (f *fileWriter) close() error {
	err := f.end()
	ferr := f.finishMembers()
	if err = errors.Join(err, ferr); err != nil {
		return err
	}
	if err := f.plain.Close(); err != nil {
		return err
	}
	if err := f.file.Sync(); err != nil {
		return err
	}
	file := f.file
	f.file = nil
	err = errors.Join(file.Close(), f.manifest.close(), f.sums.close())
	f.manifest, f.sums = nil, nil
	return err
}

// end adds manifest, chain and sums.
func (f *fileWriter) end() error {
	if err := f.putSpool(manifestName, f.manifest); err != nil {
		return err
	}
	if err := f.sum(manifestName, f.manifest.digest()); err != nil {
		return err
	}
	chain, err := f.chain.encode()
	if err != nil {
		return err
	}
	if err := f.p.put(chainName, chain, f.modified); err != nil {
		return err
	}
	if err := f.sum(chainName, mail.Sum(chain)); err != nil {
		return err
	}
	if err := f.putSpool(sumsName, f.sums); err != nil {
		return err
	}
	return f.p.end()
}

func (f *fileWriter) putSpool(name string, s *spool) error {
	r, err := s.reader()
	if err != nil {
		return err
	}
	return f.p.putFrom(name, s.size, f.modified, r)
}

func (f *fileWriter) finishMembers() error {
	c := f.c
	f.c = nil
	return c.finish()
}

// abandon takes everything away that has no name yet.
func (f *fileWriter) abandon() error {
	if f.c != nil {
		_ = f.finishMembers() // an error before it is why we are here
	}
	if f.file != nil {
		f.file.Close()
		f.file = nil
	}
	err := f.fs.Remove(f.name)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, f.manifest.close(), f.sums.close())
}

func durableFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
