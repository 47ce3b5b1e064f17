package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"mailarchive/internal/catalog/token"
	"mailarchive/internal/mail"
)

// Each file takes the schema from one version to the next, the first from an
// empty file to version 1. A file that was in a release is never changed.
//
//go:embed schema/*.sql
var schema embed.FS

// migrate brings the file to the newest version, each step a transaction.
func migrate(ctx context.Context, db *sql.DB, o Options) error {
	steps, err := fs.ReadDir(schema, "schema") // sorted by name
	if err != nil {
		return err
	}
	var version int
	if err := db.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&version); err != nil {
		return err
	}
	if version > len(steps) {
		// Nothing is lost with it: what it holds is made again from the vault.
		return fmt.Errorf("made by a newer program (schema %d, this one knows %d): %w", version, len(steps), mail.ErrDamaged)
	}
	for ; version < len(steps); version++ {
		if err := migrateStep(ctx, db, steps[version].Name(), version+1, o); err != nil {
			return fmt.Errorf("schema %d: %w", version+1, err)
		}
	}
	return nil
}

func migrateStep(ctx context.Context, db *sql.DB, name string, to int, o Options) error {
	text, err := schema.ReadFile("schema/" + name)
	if err != nil {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, string(text)); err != nil {
		return err
	}
	if strings.Contains(string(text), "CREATE VIRTUAL TABLE") {
		if err := tune(ctx, tx); err != nil {
			return err
		}
		if err := sign(ctx, tx, o); err != nil {
			return err
		}
	}
	// A pragma takes no bound values; to is a number of ours.
	if _, err := tx.ExecContext(ctx, `PRAGMA user_version = `+strconv.Itoa(to)); err != nil {
		return err
	}
	return tx.Commit()
}

// tune sets up a new full-text index; the values are kept in the file.
func tune(ctx context.Context, tx *sql.Tx) error {
	for _, setting := range []struct {
		name  string
		value int
	}{
		{"hashsize", 64 << 20}, // bytes: a transaction becomes one segment
		{"pgsz", 4050},         // a node fills a page of the file
		{"automerge", 8},
		{"crisismerge", 16},
	} {
		if _, err := tx.ExecContext(ctx, `INSERT INTO fts (fts, rank) VALUES (?, ?)`, setting.name, setting.value); err != nil {
			return err
		}
	}
	return nil
}

// sign notes what a new file is made with.
func sign(ctx context.Context, tx *sql.Tx, o Options) error {
	const add = `INSERT INTO meta VALUES (?, ?)`
	if _, err := tx.ExecContext(ctx, add, "tokenizer", strconv.Itoa(token.Version)); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, add, vaultKey, o.Vault); err != nil {
		return err
	}
	for key, value := range o.Made {
		if _, err := tx.ExecContext(ctx, add, key, value); err != nil {
			return err
		}
	}
	return nil
}
