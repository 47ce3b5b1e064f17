package sqlite

import (
	"path/filepath"
	"testing"

	"mailarchive/internal/access"
	"mailarchive/internal/catalog"
	"mailarchive/internal/catalog/catalogtest"
)

func TestContract(t *testing.T) {
	catalogtest.Run(t, func(t *testing.T) catalog.Catalog { return open(t, Options{}) })
}

// TestContractOfCrowdedDays runs it where each day is crowded.
func TestContractOfCrowdedDays(t *testing.T) {
	catalogtest.Run(t, func(t *testing.T) catalog.Catalog { return open(t, Options{crowd: 1}) })
}

func open(t testing.TB, o Options) *DB {
	t.Helper()
	db, err := Open(t.Context(), filepath.Join(t.TempDir(), "catalog?#%.sqlite"), o)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func everything() access.Scope { return access.Everything("test") }

// mixed are a few documents for tests that only need some.
func mixed() (list []catalog.Document) {
	for seq := uint64(1); seq <= 5; seq++ {
		list = append(list, catalogtest.Document(seq, func(d *catalog.Document) { d.Subject = "a b c" }))
	}
	return list
}

func put(t *testing.T, db *DB, seqs ...uint64) {
	t.Helper()
	var batch []catalog.Document
	for _, seq := range seqs {
		batch = append(batch, catalogtest.Document(seq, nil))
	}
	if err := db.Apply(t.Context(), batch, 0); err != nil {
		t.Fatal(err)
	}
}
