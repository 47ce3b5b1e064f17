// Package app wires the archive together, in the order in which a message goes
// through it, and runs it.
//
// In comes a configuration; out goes an [App], which is the archive as commands
// see it (control.Archive). Open makes the data folder if need be and takes its
// lock; Run takes mail in and answers until it is told to stop; Close leaves
// everything on disk. A crash at any point leaves what the steps say: vault
// first, the rest is made from it again.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/prometheus/client_golang/prometheus"

	"mailarchive/internal/access"
	"mailarchive/internal/audit"
	"mailarchive/internal/capture"
	"mailarchive/internal/catalog"
	"mailarchive/internal/config"
	"mailarchive/internal/durable"
	"mailarchive/internal/extract"
	"mailarchive/internal/indexer"
	"mailarchive/internal/keyword"
	"mailarchive/internal/observe"
	"mailarchive/internal/redeliver"
	"mailarchive/internal/retrieve"
	"mailarchive/internal/search"
	"mailarchive/internal/vault"
)

// Names in the data folder. The socket is control.SocketName.
const (
	lockName        = "lock"
	vaultFolder     = "vault"
	manifestsFolder = "manifests"
	fileStatesName  = "archives.json"
	watchStateName  = "import-watch.json"
)

// App is an open archive.
type App struct {
	config   config.Config
	log      *slog.Logger
	registry *prometheus.Registry
	version  observe.Version
	started  time.Time

	lock      *durable.Lock
	audit     *audit.Log
	accounts  *access.Accounts
	vault     *vault.Vault
	acceptor  *capture.Acceptor
	catalogs  *catalogs
	catalog   catalog.Catalog // the one in use, watched by the keeper
	keeper    *keeper
	indexer   *indexer.Indexer
	door      *retrieve.Door
	searcher  *search.Searcher
	secrets   secrets
	reader    *archiveReader
	files     *fileStates
	manifests *manifests
	sealing   sync.Mutex // held while archive files are made, changed or restored
	clock     func() time.Time

	queue   *redeliver.Queue
	sending atomic.Bool // a server runs and sends what is in the queue
	imports imports
	rush    rush

	remaking remaking       // the new catalog on its way
	swapping sync.Mutex     // held by swap
	leaving  sync.WaitGroup // former catalogs on their way out
}

// Open takes the data folder's lock and opens the archive in it, making both
// if need be. The error wraps durable.ErrLocked when another process has it.
// Nothing runs yet: see Run and CatchUp.
func Open(ctx context.Context, c config.Config, log *slog.Logger, v observe.Version) (_ *App, err error) {
	a := &App{config: c, log: log, version: v, registry: observe.NewRegistry(v), started: time.Now(), clock: time.Now, rush: rush{now: time.Now}}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	disk := durable.OS{}
	if err := durable.MakeFolder(disk, c.Data, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	if a.lock, err = durable.TakeLock(filepath.Join(c.Data, lockName)); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	a.vault, err = vault.Open(vault.Options{
		Folder: filepath.Join(c.Data, vaultFolder), FS: disk,
		SegmentSize: int64(c.SegmentSize), Reserve: uint64(c.MinFree), Level: level(c.Compression),
		Location: c.Timezone.Location(), Logger: log,
	})
	if err != nil {
		return nil, err
	}
	if err := durable.MakeFolder(disk, filepath.Join(c.Data, auditFolder), 0o700); err != nil {
		return nil, fmt.Errorf("audit record: %w", err)
	}
	if a.audit, err = audit.Open(audit.Options{Folder: filepath.Join(c.Data, auditFolder), FS: disk, Logger: log}); err != nil {
		return nil, err
	}
	if a.accounts, err = openAccounts(disk, c, access.Options{Logger: log, Issuer: "Mail Archive " + c.Hostname}); err != nil {
		return nil, err
	}
	a.secrets = secrets{c}
	a.reader = &archiveReader{folder: c.Archives, secrets: a.secrets}
	a.manifests = &manifests{fs: disk, folder: filepath.Join(c.Data, manifestsFolder)}
	if a.files, err = openFileStates(disk, filepath.Join(c.Data, fileStatesName)); err != nil {
		return nil, err
	}
	a.acceptor = &capture.Acceptor{Vault: staging{a.vault}, MaxSize: int64(c.MessageSizeLimit), Observe: a.rush.observe}
	local := indexer.NewDomains(c.LocalDomains.List())
	if a.catalogs, err = openCatalogs(ctx, disk, c.Data, a.vault, made(local), log); err != nil {
		return nil, err
	}
	a.keeper = newKeeper(a)
	a.catalog = watched{a.catalogs.current, a.keeper}
	a.indexer = indexer.New(records{a.vault, a.store(), a.manifests}, a.catalog)
	a.indexer.Local = local
	a.indexer.Log = log
	a.indexer.Busy = a.rush.on
	a.door = &retrieve.Door{Catalog: a.catalog, Vault: a.store(), Audit: readings{a.audit}}
	a.searcher = &search.Searcher{Catalog: a.catalog, Text: a.door.Text, Language: search.Language{
		Zone: c.Timezone.Location(), Directions: len(c.LocalDomains.List()) > 0,
	}}
	if a.queue, err = openQueue(disk, c, orders{a.audit}); err != nil {
		return nil, err
	}
	return a, a.registerMetrics()
}

// Close lets go of everything. Run must have returned.
func (a *App) Close() error {
	var errs []error
	if a.catalog != nil {
		errs = append(errs, a.catalogs.current.Close())
		a.leaving.Wait()
	}
	if a.reader != nil {
		a.reader.forget()
	}
	if a.vault != nil {
		errs = append(errs, a.vault.Close())
	}
	if a.accounts != nil {
		errs = append(errs, a.accounts.Close())
	}
	if a.audit != nil {
		errs = append(errs, a.audit.Close())
	}
	if a.lock != nil {
		errs = append(errs, a.lock.Release())
	}
	return errors.Join(errs...)
}

// store is where bytes are read from.
func (a *App) store() readThrough { return readThrough{a.vault, a.reader} }

// made says what the documents in a catalog depend on besides the tokenizer.
func made(local indexer.Domains) map[string]string {
	return map[string]string{
		"local-domains": local.Rule(),
		"extract":       strconv.Itoa(extract.Version),
		"keyword":       strconv.Itoa(keyword.Version),
	}
}

// level is the zstd level of a word of the configuration.
func level(word string) zstd.EncoderLevel {
	switch word {
	case "fastest":
		return zstd.SpeedFastest
	case "better":
		return zstd.SpeedBetterCompression
	}
	return zstd.SpeedDefault
}
