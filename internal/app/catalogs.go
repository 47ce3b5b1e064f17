package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"mailarchive/internal/catalog"
	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
	"mailarchive/internal/sqlite"
	"mailarchive/internal/vault"
)

// pointerName is the file that names the catalog in use. Each remake is a new
// file with a new number: an open SQLite file must not be renamed (its log
// would stay behind), so the pointer is what changes, at once and lastingly.
const pointerName = "catalog.json"

// pointer is the content of catalog.json.
type pointer struct {
	Number int        `json:"number"`
	Vault  vault.UUID `json:"vault"` // that it was made from
}

func (p pointer) file() string { return fmt.Sprintf("catalog-%d.sqlite", p.Number) }

// catalogs keeps the catalog in use and makes new ones.
type catalogs struct {
	fs      durable.FS
	folder  string
	log     *slog.Logger
	vault   vault.UUID
	made    map[string]string // sqlite.Options.Made
	current *catalog.Switch

	mu   sync.Mutex
	now  pointer
	db   *sqlite.DB // the engine of the catalog in use
	file fs.FileInfo
	last int // the highest number given so far
	// stale says why the catalog in use must be made again, begun why it was
	// begun anew at the start; "" when it need not, or was not.
	stale, begun string
}

// inUse returns the engine of the catalog in use, with its number.
func (c *catalogs) inUse() (*sqlite.DB, int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.db, c.now.Number
}

// touched says what happened to the file of the catalog in use behind our
// back: it was removed, or another took its name; "" when neither did.
func (c *catalogs) touched() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	file, err := c.fs.Stat(filepath.Join(c.folder, c.now.file()))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "its file was removed"
	case err == nil && c.file != nil && !os.SameFile(file, c.file):
		return "its file was replaced"
	case err == nil && c.file != nil && file.Size() < c.file.Size():
		return "its file was cut"
	case err == nil:
		c.file = file
	}
	return ""
}

// openCatalogs opens the catalog that the folder's pointer names. When there
// is none, or it is damaged, or belongs to another vault, an empty one takes
// its place, for the indexer to fill: all of it is derived.
func openCatalogs(ctx context.Context, fsys durable.FS, folder string, v *vault.Vault, made map[string]string, log *slog.Logger) (*catalogs, error) {
	c := &catalogs{fs: fsys, folder: folder, log: log, vault: v.UUID(), made: made}
	err := c.readPointer()
	c.last = c.now.Number
	if err != nil && !errors.Is(err, mail.ErrDamaged) && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	fresh := err != nil
	if !fresh && c.now.Vault != v.UUID() {
		log.Warn("catalog belongs to another vault and is made again", "step", "catalog")
		fresh, err = true, errors.New("it belonged to another vault")
	}
	if !fresh {
		err = c.open(ctx, v.Last())
		if err != nil && !errors.Is(err, mail.ErrDamaged) {
			return nil, err
		}
		if fresh = err != nil; fresh {
			log.Error("catalog cannot be used and is made again", "step", "catalog", "error", err)
		}
	}
	if fresh {
		if v.Last() > 0 {
			c.begun = because(err)
		}
		db, next, err := c.fresh(ctx)
		if err != nil {
			return nil, err
		}
		if err := c.point(next, db, func() {}); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	c.current = catalog.NewSwitch(c.db)
	return c, c.sweep()
}

// open opens the catalog in use. Errors wrap mail.ErrDamaged when it must be
// made again.
func (c *catalogs) open(ctx context.Context, last uint64) error {
	name := filepath.Join(c.folder, c.now.file())
	if _, err := c.fs.Stat(name); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is gone: %w", name, mail.ErrDamaged)
	}
	db, err := sqlite.Open(ctx, name, sqlite.Options{Vault: c.vault.String(), Made: c.made})
	if err != nil {
		return err
	}
	counts, err := db.Counts(ctx)
	if err == nil && counts.Cursor > last {
		err = fmt.Errorf("catalog has arrival %d and the vault ends at %d: %w", counts.Cursor, last, mail.ErrDamaged)
	}
	if err == nil {
		c.stale, err = db.Stale(ctx)
	}
	if err != nil {
		return errors.Join(err, db.Close())
	}
	c.db = db
	c.file, err = c.fs.Stat(name)
	return err
}

// because is the reason in few words.
func because(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "there was none"
	}
	if errors.Is(err, mail.ErrDamaged) {
		return "it was damaged"
	}
	return err.Error()
}

// fresh makes an empty catalog that nothing points to yet.
func (c *catalogs) fresh(ctx context.Context) (*sqlite.DB, pointer, error) {
	c.mu.Lock()
	c.last++
	next := pointer{Number: c.last, Vault: c.vault}
	c.mu.Unlock()
	if err := c.remove(next.file()); err != nil {
		return nil, next, err
	}
	db, err := sqlite.Open(ctx, filepath.Join(c.folder, next.file()), sqlite.Options{Vault: c.vault.String(), Made: c.made})
	if err != nil {
		return nil, next, errors.Join(err, c.remove(next.file()))
	}
	return db, next, nil
}

// point makes db, whose name is next, the catalog in use, for this process and
// the ones after it. show is called before inUse tells the new number: who
// reads a number and then the catalog never has an older one than he thinks.
func (c *catalogs) point(next pointer, db *sqlite.DB, show func()) error {
	file, err := c.fs.Stat(filepath.Join(c.folder, next.file()))
	if err != nil {
		return fmt.Errorf("point to the new catalog: %w", err)
	}
	err = durable.WriteFile(c.fs, filepath.Join(c.folder, pointerName), 0o600, func(w io.Writer) error {
		return json.NewEncoder(w).Encode(next)
	})
	if err != nil {
		return fmt.Errorf("point to the new catalog: %w", err)
	}
	show()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now, c.db, c.file, c.stale = next, db, file, ""
	return nil
}

func (c *catalogs) readPointer() error {
	name := filepath.Join(c.folder, pointerName)
	f, err := c.fs.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := json.NewDecoder(f).Decode(&c.now); err != nil {
		return fmt.Errorf("read %s (%v): %w", name, err, mail.ErrDamaged)
	}
	return nil
}

// sweep removes catalogs that nothing points to: former ones, and new ones
// whose making was cut off.
func (c *catalogs) sweep() error {
	entries, err := c.fs.ReadDir(c.folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name, ours := strings.CutPrefix(e.Name(), "catalog-")
		if ours && strings.Contains(name, ".sqlite") && !strings.HasPrefix(e.Name(), c.now.file()) {
			if err := c.fs.Remove(filepath.Join(c.folder, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// remove takes away a catalog file and what SQLite keeps beside it.
func (c *catalogs) remove(file string) error {
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		err := c.fs.Remove(filepath.Join(c.folder, file+suffix))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
