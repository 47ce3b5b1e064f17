package app

import (
	"crypto/rand"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// execute changes the catalog in use by hand.
func execute(t *testing.T, a *App, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", catalogFile(a))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, s := range append([]string{"PRAGMA busy_timeout = 10000"}, statements...) {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func catalogFile(a *App) string {
	a.catalogs.mu.Lock()
	defer a.catalogs.mu.Unlock()
	return filepath.Join(a.catalogs.folder, a.catalogs.now.file())
}

// spoil writes noise over a file, if it is there, keeping its length.
func spoil(t *testing.T, name string) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	noise := make([]byte, info.Size())
	rand.Read(noise)
	if _, err := f.WriteAt(noise, 0); err != nil {
		t.Fatal(err)
	}
}

// harms are the ways in which a disk, a person or an older program leaves a
// catalog behind.
var harms = map[string]func(t *testing.T, a *App){
	"noise over file and log": func(t *testing.T, a *App) {
		file := catalogFile(a) // once: the keeper may be quick to put another in its place
		spoil(t, file)
		spoil(t, file+"-wal")
	},
	"cut to a half": func(t *testing.T, a *App) {
		info, err := os.Stat(catalogFile(a))
		if err == nil {
			err = os.Truncate(catalogFile(a), info.Size()/2)
		}
		if err != nil {
			t.Fatal(err)
		}
	},
	"cut to nothing": func(t *testing.T, a *App) {
		if err := os.Truncate(catalogFile(a), 0); err != nil {
			t.Fatal(err)
		}
	},
	"removed": func(t *testing.T, a *App) {
		if err := os.Remove(catalogFile(a)); err != nil {
			t.Fatal(err)
		}
	},
	"replaced": func(t *testing.T, a *App) {
		other := filepath.Join(t.TempDir(), "other")
		if err := os.WriteFile(other, []byte(strings.Repeat("no catalog ", 1000)), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(other, catalogFile(a)); err != nil {
			t.Fatal(err)
		}
	},
	"an older tokenizer": func(t *testing.T, a *App) {
		execute(t, a, `UPDATE meta SET value = '0' WHERE key = 'tokenizer'`)
	},
	"other local domains": func(t *testing.T, a *App) {
		execute(t, a, `UPDATE meta SET value = 'else' WHERE key = 'local-domains'`)
	},
	"of another vault": func(t *testing.T, a *App) {
		execute(t, a, `UPDATE meta SET value = '00000000-0000-4000-8000-000000000000' WHERE key = 'vault'`)
	},
	"of nobody knows which vault": func(t *testing.T, a *App) { execute(t, a, `DELETE FROM meta WHERE key = 'vault'`) },
	"of this vault before it was put back to a copy": func(t *testing.T, a *App) {
		execute(t, a, `UPDATE arrival SET id = randomblob(16) WHERE seq > 38`)
	},
	"arrivals deleted": func(t *testing.T, a *App) {
		execute(t, a, `DELETE FROM arrival WHERE seq BETWEEN 5 AND 9`)
	},
	"messages deleted": func(t *testing.T, a *App) {
		execute(t, a, `DELETE FROM message WHERE first_seq > 37`)
	},
	"full text deleted": func(t *testing.T, a *App) {
		execute(t, a, `DELETE FROM fts WHERE rowid IN (SELECT docid FROM message LIMIT 3)`)
	},
	"a table dropped": func(t *testing.T, a *App) { execute(t, a, `DROP TABLE arrival`) },
}
