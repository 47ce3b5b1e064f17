package seal

import (
	"context"
	"fmt"

	"mailarchive/internal/durable"
)

// Salvage reads a file that was cut or damaged and calls each for every record
// that can be saved, in order: messages whose bytes have the digest of their
// record, and records of other kinds. Before that, report is called for each
// fault; in what it returns, Lost are the messages that are known to be lost.
// When the manifest is lost too, nobody can say which messages were behind a
// cut. Errors: as for [Check], and that of each.
func Salvage(ctx context.Context, fsys durable.FS, path string, secret Secret, report func(Finding), each func(Message) error) (Report, error) {
	a := newArchive(fsys, path, secret)
	r, p, err := a.scan(ctx, nil, report)
	if err != nil {
		return r, fmt.Errorf("salvage %s: %w", path, err)
	}
	a.index = p.inMemory()
	if len(p.list) == 0 {
		return r, nil
	}
	if err := a.All(ctx, each); err != nil {
		return r, fmt.Errorf("salvage %s: %w", path, err)
	}
	return r, nil
}
