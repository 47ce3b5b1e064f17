package app

import (
	"context"
	"errors"
	"io"

	"mailarchive/internal/capture"
	"mailarchive/internal/catalog"
	"mailarchive/internal/indexer"
	"mailarchive/internal/mail"
	"mailarchive/internal/vault"
)

// staging is the vault as capture sees it.
type staging struct{ *vault.Vault }

func (s staging) Stage() capture.Staged { return s.Vault.Stage() }

func (s staging) Append(ctx context.Context, e mail.Envelope, content capture.Staged) (mail.Arrival, error) {
	return s.Vault.Append(ctx, e, content.(*vault.Staged)) // of Stage above
}

// records is the vault as the indexer sees it, with the archive files behind.
type records struct {
	*vault.Vault
	store     readThrough
	manifests *manifests
}

func (r records) Walk(ctx context.Context, from uint64, each func(indexer.Item) error) error {
	return r.Vault.Walk(ctx, from, func(i vault.Item) error {
		item := indexer.Item{Arrival: i.Arrival, Err: i.Err, Note: i.Note}
		item.Open = func() (io.ReadCloser, error) {
			content, err := i.Content()
			if errors.Is(err, mail.ErrElsewhere) {
				_, content, err = r.store.Open(ctx, i.Arrival.ID)
			}
			return content, err
		}
		item.Known = func() (catalog.Document, error) {
			about, err := r.manifests.about(i.Arrival.Seq)
			return about.Document(i.Arrival), err
		}
		return each(item)
	})
}
