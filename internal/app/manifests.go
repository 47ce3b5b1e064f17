package app

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"

	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
	"mailarchive/internal/seal"
	"mailarchive/internal/vault"
)

// manifests keep what was known of sealed messages, so that their rows can be
// made again when their bytes are elsewhere: a file for each run of sealing in
// the folder manifests, named by the numbers of its records, JSON lines in one
// zstd frame.
type manifests struct {
	fs     durable.FS
	folder string

	mu   sync.Mutex
	last *manifestRun // the one that was asked last: a reindex asks in order
}

// manifestRun is one file in memory.
type manifestRun struct {
	first, last uint64
	about       map[uint64]json.RawMessage
}

const manifestSuffix = ".jsonl.zst"

// manifestLine is one line.
type manifestLine struct {
	Seq   uint64          `json:"seq"`
	ID    mail.ID         `json:"id"`
	About json.RawMessage `json:"about"`
}

// keptManifest is a file that is being made. Until its last number is known it
// stands in a file without a name.
type keptManifest struct {
	manifests *manifests
	first     uint64
	scratch   *os.File
	zstd      *zstd.Encoder
	lines     *bufio.Writer
}

// begin begins the file of a run whose first record has that number.
func (m *manifests) begin(first uint64) (*keptManifest, error) {
	if err := durable.MakeFolder(m.fs, m.folder, 0o700); err != nil {
		return nil, err
	}
	if err := durable.RemoveTemporary(m.fs, m.folder); err != nil {
		return nil, err
	}
	scratch, err := os.CreateTemp(m.folder, "scratch-")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(scratch.Name()); err != nil {
		return nil, errors.Join(err, scratch.Close())
	}
	k := &keptManifest{manifests: m, first: first, scratch: scratch}
	if k.zstd, err = zstd.NewWriter(scratch, zstd.WithEncoderConcurrency(1)); err != nil {
		return nil, errors.Join(err, scratch.Close())
	}
	k.lines = bufio.NewWriter(k.zstd)
	return k, nil
}

// add writes the line of a record.
func (k *keptManifest) add(r *vault.Record, about seal.About) error {
	b, err := json.Marshal(about)
	if err != nil {
		return err
	}
	line, err := json.Marshal(manifestLine{r.Seq, r.ID, b})
	if err != nil {
		return err
	}
	_, err = k.lines.Write(append(line, '\n'))
	return err
}

// keep has the file on disk under its name, synced, when it returns nil.
func (k *keptManifest) keep(last uint64) error {
	err := errors.Join(k.lines.Flush(), k.zstd.Close())
	if err == nil {
		_, err = k.scratch.Seek(0, io.SeekStart)
	}
	if err == nil {
		name := filepath.Join(k.manifests.folder, fmt.Sprintf("%012d-%012d%s", k.first, last, manifestSuffix))
		err = durable.WriteFile(k.manifests.fs, name, 0o600, func(w io.Writer) error {
			_, err := io.Copy(w, k.scratch)
			return err
		})
	}
	if err != nil {
		return fmt.Errorf("keep manifest: %w", err)
	}
	return nil
}

// Close lets the scratch file go.
func (k *keptManifest) Close() error {
	k.zstd.Close() // a second time does nothing; what is lost is of no use
	return k.scratch.Close()
}

// about returns what was known of a record. Errors wrap mail.ErrNotFound.
func (m *manifests) about(seq uint64) (seal.About, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.last == nil || seq < m.last.first || seq > m.last.last {
		run, err := m.load(seq)
		if err != nil {
			return seal.About{}, err
		}
		m.last = run
	}
	text, ok := m.last.about[seq]
	if !ok {
		return seal.About{}, fmt.Errorf("record %d is in no manifest: %w", seq, mail.ErrNotFound)
	}
	var a seal.About
	if err := json.Unmarshal(text, &a); err != nil {
		return a, fmt.Errorf("manifest of record %d: %w", seq, err)
	}
	return a, nil
}

// load reads the file that has the record.
func (m *manifests) load(seq uint64) (*manifestRun, error) {
	entries, err := m.fs.ReadDir(m.folder)
	if err != nil {
		return nil, err
	}
	for _, e := range slices.Backward(entries) {
		run := manifestRun{about: map[uint64]json.RawMessage{}}
		if _, err := fmt.Sscanf(e.Name(), "%d-%d"+manifestSuffix, &run.first, &run.last); err != nil || !strings.HasSuffix(e.Name(), manifestSuffix) {
			continue
		}
		if seq >= run.first && seq <= run.last {
			return &run, run.read(m.fs, filepath.Join(m.folder, e.Name()))
		}
	}
	return nil, fmt.Errorf("record %d is in no manifest: %w", seq, mail.ErrNotFound)
}

func (r *manifestRun) read(fsys durable.FS, name string) error {
	f, err := fsys.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := zstd.NewReader(io.NewSectionReader(f, 0, 1<<62), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return err
	}
	defer z.Close()
	d := json.NewDecoder(z)
	for {
		var l manifestLine
		switch err := d.Decode(&l); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("manifest %s: %w", name, err)
		}
		r.about[l.Seq] = l.About
	}
}
