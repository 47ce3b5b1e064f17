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
	now     pointer
	current *catalog.Switch
	// stale says why the catalog in use must be made again; "" when it need not.
	stale string
}

// openCatalogs opens the catalog that the folder's pointer names. When there
// is none, or it is damaged, or belongs to another vault, an empty one takes
// its place, for the indexer to fill: all of it is derived.
func openCatalogs(ctx context.Context, fsys durable.FS, folder string, v *vault.Vault, log *slog.Logger) (*catalogs, error) {
	c := &catalogs{fs: fsys, folder: folder, log: log}
	err := c.readPointer()
	if err != nil && !errors.Is(err, mail.ErrDamaged) && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	fresh := err != nil
	if !fresh && c.now.Vault != v.UUID() {
		log.Warn("catalog belongs to another vault and is made again", "step", "catalog")
		fresh = true
	}
	var db *sqlite.DB
	if !fresh {
		if db, err = c.open(ctx, v.Last()); errors.Is(err, mail.ErrDamaged) {
			log.Error("catalog cannot be used and is made again", "step", "catalog", "error", err)
			fresh = true
		} else if err != nil {
			return nil, err
		}
	}
	if fresh {
		if db, err = c.begin(ctx, v.UUID()); err != nil {
			return nil, err
		}
	}
	c.current = catalog.NewSwitch(db)
	return c, c.sweep()
}

// open opens the catalog in use. Errors wrap mail.ErrDamaged when it must be
// made again.
func (c *catalogs) open(ctx context.Context, last uint64) (*sqlite.DB, error) {
	name := filepath.Join(c.folder, c.now.file())
	if _, err := c.fs.Stat(name); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is gone: %w", name, mail.ErrDamaged)
	}
	db, err := sqlite.Open(ctx, name, sqlite.Options{})
	if err != nil {
		return nil, err
	}
	counts, err := db.Counts(ctx)
	if err == nil && counts.Cursor > last {
		err = fmt.Errorf("catalog has arrival %d and the vault ends at %d: %w", counts.Cursor, last, mail.ErrDamaged)
	}
	if err == nil {
		c.stale, err = db.Stale(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// begin makes an empty catalog with the next number and points to it.
func (c *catalogs) begin(ctx context.Context, v vault.UUID) (*sqlite.DB, error) {
	db, next, err := c.fresh(ctx, v)
	if err != nil {
		return nil, err
	}
	if err := c.point(next); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// fresh makes an empty catalog that nothing points to yet.
func (c *catalogs) fresh(ctx context.Context, v vault.UUID) (*sqlite.DB, pointer, error) {
	next := pointer{Number: c.now.Number + 1, Vault: v}
	if err := c.remove(next.file()); err != nil {
		return nil, next, err
	}
	db, err := sqlite.Open(ctx, filepath.Join(c.folder, next.file()), sqlite.Options{})
	if err != nil {
		return nil, next, errors.Join(err, c.remove(next.file()))
	}
	return db, next, nil
}

// point makes next the catalog in use, for this process and the ones after it.
func (c *catalogs) point(next pointer) error {
	err := durable.WriteFile(c.fs, filepath.Join(c.folder, pointerName), 0o600, func(w io.Writer) error {
		return json.NewEncoder(w).Encode(next)
	})
	if err != nil {
		return fmt.Errorf("point to the new catalog: %w", err)
	}
	c.now, c.stale = next, ""
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
