package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"mailarchive/internal/catalog"
	"mailarchive/internal/catalog/token"
	"mailarchive/internal/mail"
)

// Options are the engine's limits. The zero value works.
type Options struct {
	// Readers is the number of connections that search; 0 means 4.
	Readers int
	// Cache is the page cache of the writing connection in bytes, each reader
	// having a quarter of it; 0 means 32 MiB.
	Cache int

	// Vault names the vault that the documents come from; it is kept in a file
	// that is made anew, and Stale compares.
	Vault string
	// Made says what the documents depend on besides the tokenizer: the
	// versions of rules outside the engine, by name. It is kept in a file that
	// is made anew, and Stale compares.
	Made map[string]string

	// dayBits is the width of the number within a day; 0 means 20. Tests
	// lower it to fill a day.
	dayBits uint
	// crowd is how many matches of a day are sorted here without asking SQLite
	// for the newest of them; 0 means 2,000. Tests lower it.
	crowd int
}

func (o Options) withDefaults() Options {
	if o.Readers == 0 {
		o.Readers = 4
	}
	if o.Cache == 0 {
		o.Cache = 32 << 20
	}
	if o.dayBits == 0 {
		o.dayBits = 20
	}
	if o.crowd == 0 {
		o.crowd = 2000
	}
	return o
}

// DB is a catalog in a SQLite file.
type DB struct {
	path  string
	vault string
	made  map[string]string
	days  numbering
	crowd int     // see Options
	write *sql.DB // one connection
	read  *sql.DB

	applying sync.Mutex // held by Apply: it uses the three below
	add      *inserts
	terms    frequencies
	// uncounted is how many messages wait to be counted, as far as this
	// process has added them.
	uncounted int
}

var _ catalog.Catalog = (*DB)(nil)

// Open opens the catalog at path and makes it, with its tables, when there is
// none. The folder must exist. Errors: ErrDamaged when the file is not a sound
// SQLite file, ErrFull, or what the system says.
func Open(ctx context.Context, path string, o Options) (*DB, error) {
	o = o.withDefaults()
	db := &DB{path: path, vault: o.Vault, made: o.Made, days: numbering{o.dayBits}, crowd: o.crowd}
	if err := db.open(ctx, o); err != nil {
		return nil, errors.Join(fmt.Errorf("open catalog %s: %w", path, kind(err)), db.Close())
	}
	return db, nil
}

func (db *DB) open(ctx context.Context, o Options) (err error) {
	if err = create(db.path); err != nil {
		return err
	}
	if db.write, err = connect(db.path, o.Cache, 1, "_txlock=immediate"); err != nil {
		return err
	}
	if err = migrate(ctx, db.write, o); err != nil {
		return err
	}
	if db.add, err = prepareInserts(ctx, db.write); err != nil {
		return err
	}
	if db.read, err = connect(db.path, o.Cache/4, o.Readers, pragma("query_only", "1")); err != nil {
		return err
	}
	return warm(ctx, db.read, o.Readers)
}

// warm opens all connections: those that are open can still read a file that
// somebody removes, later ones would not find it.
func warm(ctx context.Context, pool *sql.DB, connections int) error {
	for range connections {
		c, err := pool.Conn(ctx)
		if err != nil {
			return err
		}
		defer c.Close()
	}
	return nil
}

// create makes the file when there is none, so that only its owner reads it:
// SQLite would make it as the umask says, and gives the files beside it the
// permission bits of this one. A file that is there is not opened: closing it
// would drop the locks that SQLite holds on it in this process.
func create(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// connect opens a pool. All pragmas are in the DSN, so that each connection of
// the pool has them.
func connect(path string, cache, connections int, more string) (*sql.DB, error) {
	dsn := "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + strings.Join([]string{
		"mode=rw", // create has made it; a file that was removed is not to come back empty
		pragma("busy_timeout", "10000"),
		pragma("journal_mode", "WAL"),
		pragma("synchronous", "NORMAL"), // derived data: see the package comment
		pragma("cache_size", strconv.Itoa(-cache/1024)),
		pragma("mmap_size", "0"), // a failing disk must give an error, not SIGBUS
		pragma("temp_store", "MEMORY"),
		pragma("wal_autocheckpoint", "4000"),     // pages: 16 MiB
		pragma("journal_size_limit", "67108864"), // after a burst the log shrinks again
		more,
	}, "&")
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

func pragma(name, value string) string { return "_pragma=" + name + "%3d" + value }

// Close implements [catalog.Catalog].
func (db *DB) Close() error {
	var errs []error
	for _, pool := range []*sql.DB{db.read, db.write} { // the writer last: it clears the log away
		if pool != nil {
			errs = append(errs, pool.Close())
		}
	}
	return kind(errors.Join(errs...))
}

// Stale says why the catalog should be made again from the vault, "" when
// there is no reason: it was made with another tokenizer or by other rules
// (Options.Made), so that what it holds and what is asked no longer meet.
// Errors: ErrDamaged when it was made from another vault, so that nothing in it
// is to be shown.
func (db *DB) Stale(ctx context.Context) (string, error) {
	made, err := db.meta(ctx, vaultKey)
	if err != nil {
		return "", err
	}
	switch {
	case made == db.vault:
	case made == "": // by a program that did not say it
		return "it does not say which vault it was made from", nil
	default:
		return "", fmt.Errorf("it was made from vault %q and this is %s: %w", made, db.vault, mail.ErrDamaged)
	}
	made, err = db.meta(ctx, "tokenizer")
	if err != nil {
		return "", err
	}
	if now := strconv.Itoa(token.Version); made != now {
		return fmt.Sprintf("tokenizer %s made it, the program has %s", made, now), nil
	}
	for _, key := range slices.Sorted(maps.Keys(db.made)) {
		made, err := db.meta(ctx, key)
		if err != nil {
			return "", err
		}
		if now := db.made[key]; made != now {
			return fmt.Sprintf("%s is now %q, it was made with %q", key, now, made), nil
		}
	}
	return "", nil
}

// vaultKey is the key of the vault's name in table meta.
const vaultKey = "vault"

// meta returns a value of the table meta, "" when there is none.
func (db *DB) meta(ctx context.Context, key string) (value string, err error) {
	err = db.read.QueryRowContext(ctx, `SELECT value FROM meta WHERE key = ?`, key).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return value, kind(err)
}
