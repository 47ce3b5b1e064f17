package app

import (
	"context"

	"mailarchive/internal/capture"
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

// records is the vault as the indexer sees it.
type records struct{ *vault.Vault }

func (r records) Walk(ctx context.Context, from uint64, each func(indexer.Item) error) error {
	return r.Vault.Walk(ctx, from, func(i vault.Item) error {
		return each(indexer.Item{Arrival: i.Arrival, Err: i.Err, Open: i.Content})
	})
}
