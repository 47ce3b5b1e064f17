package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"mailarchive/internal/access"
	"mailarchive/internal/durable"
	"mailarchive/internal/retrieve"
	"mailarchive/internal/search"
	"mailarchive/internal/sqlite"
	"mailarchive/internal/vault"
)

// bench is an archive whose lock this process has.
type bench struct {
	data  string
	scope access.Scope
	held  *durable.Lock
}

func (b *bench) lock() (err error) {
	if _, err := os.Stat(filepath.Join(b.data, "catalog.json")); err != nil {
		return err // rather than make an archive
	}
	b.held, err = durable.TakeLock(filepath.Join(b.data, "lock"))
	return err
}

func (b *bench) unlock() { b.held.Release() }

// with opens the archive as the server does, with what the server searches
// with, and closes it after use.
func (b *bench) with(ctx context.Context, use func(*search.Searcher) error) (err error) {
	v, err := vault.Open(vault.Options{Folder: filepath.Join(b.data, "vault")})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	name, err := b.catalog()
	if err != nil {
		return err
	}
	db, err := sqlite.Open(ctx, name, sqlite.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	door := &retrieve.Door{Catalog: db, Vault: v, Audit: retrieve.LogAudit{Log: slog.New(slog.DiscardHandler)}}
	return use(&search.Searcher{Catalog: db, Text: door.Text, Language: search.Language{Zone: time.UTC}})
}

// catalog is the file that catalog.json names.
func (b *bench) catalog() (string, error) {
	content, err := os.ReadFile(filepath.Join(b.data, "catalog.json"))
	if err != nil {
		return "", err
	}
	var pointer struct{ Number int }
	if err := json.Unmarshal(content, &pointer); err != nil {
		return "", err
	}
	return filepath.Join(b.data, fmt.Sprintf("catalog-%d.sqlite", pointer.Number)), nil
}
