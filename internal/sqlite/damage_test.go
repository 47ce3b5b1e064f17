package sqlite

import (
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"mailarchive/internal/access"
	"mailarchive/internal/catalog"
	"mailarchive/internal/catalog/catalogtest"
	"mailarchive/internal/mail"
)

// copyFile copies up to limit bytes; what is missing stays missing.
func copyFile(t *testing.T, from, to string, limit int64) {
	t.Helper()
	in, err := os.Open(from)
	if errors.Is(err, os.ErrNotExist) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, io.LimitReader(in, limit)); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

// A crash leaves the file and some beginning of the log. Whatever is there is
// the state after some Apply: the cursor, the rows and the text agree.
func TestCutLogLeavesAnEarlierState(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalog.sqlite")
	db, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for seq := uint64(1); seq <= 40; seq += 2 {
		put(t, db, seq, seq+1)
	}
	log, err := os.Stat(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(5, 6))
	states := map[uint64]bool{}
	for i := range 20 {
		crashed := filepath.Join(t.TempDir(), "catalog.sqlite")
		cut := random.Int64N(log.Size() + 1)
		if i == 0 {
			cut = log.Size()
		}
		copyFile(t, path, crashed, 1<<40)
		copyFile(t, path+"-wal", crashed+"-wal", cut)
		n := lookOver(t, crashed)
		if states[n] = true; i == 0 && n != 40 {
			t.Errorf("whole log: cursor %d, want 40", n)
		}
	}
	if len(states) < 5 {
		t.Errorf("only %d states were seen; the cuts prove little", len(states))
	}
}

// lookOver opens a catalog after a crash, compares cursor, rows and text, adds
// what is missing, and returns the cursor that it found.
func lookOver(t *testing.T, path string) uint64 {
	t.Helper()
	db, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	n, err := db.Counts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found, _, err := db.Count(t.Context(), access.Everything("t"), catalog.Text{Field: catalog.Body, Value: "text"}, 100)
	if err != nil || uint64(found) != n.Cursor || n.Messages != n.Cursor || n.Cursor%2 != 0 {
		t.Errorf("cursor %d, %d messages, %d found, %v", n.Cursor, n.Messages, found, err)
	}
	if err := db.Check(t.Context()); err != nil {
		t.Errorf("cursor %d: %v", n.Cursor, err)
	}
	var missing []uint64
	for seq := n.Cursor + 1; seq <= 41; seq++ {
		missing = append(missing, seq)
	}
	put(t, db, missing...)
	return n.Cursor
}

// Flipped bytes are noticed or do no harm; nothing panics, and what is noticed
// is called damage.
func TestFlippedBytes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalog.sqlite")
	db, err := Open(t.Context(), path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for seq := uint64(1); seq <= 200; seq++ {
		put(t, db, seq)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(7, 8))
	noticed := 0
	for range 30 {
		bad := append([]byte(nil), sound...)
		at := random.IntN(len(bad) - 2000)
		for i := range 2000 {
			bad[at+i] ^= byte(random.Uint32())
		}
		name := filepath.Join(t.TempDir(), "catalog.sqlite")
		if err := os.WriteFile(name, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := use(t, name); err != nil {
			noticed++
			if !errors.Is(err, mail.ErrDamaged) {
				t.Logf("noise at %d: %v", at, err)
			}
		}
	}
	if noticed < 15 {
		t.Errorf("%d of 30 damaged files were noticed", noticed)
	}
}

func use(t *testing.T, name string) error {
	db, err := Open(t.Context(), name, Options{})
	if err != nil {
		return err
	}
	defer db.Close()
	all := access.Everything("t")
	_, _, e1 := db.Count(t.Context(), all, catalog.Text{Field: catalog.Body, Value: "text"}, 1000)
	e2 := db.Search(t.Context(), catalog.Query{Scope: all}, func(catalog.Hit) bool { return true })
	e3 := db.Apply(t.Context(), []catalog.Document{catalogtest.Document(201, nil)}, 0)
	return errors.Join(e1, e2, e3, db.Check(t.Context()))
}

func TestCheckLooksIntoTheIndex(t *testing.T) {
	db := open(t, Options{})
	defer db.Close()
	put(t, db, 1, 2, 3)
	if err := db.Check(t.Context()); err != nil {
		t.Fatalf("Check of a sound catalog: %v", err)
	}
	if _, err := db.write.Exec(`UPDATE fts_data SET block = zeroblob(length(block)) WHERE id > 10`); err != nil {
		t.Fatal(err)
	}
	if err := db.Check(t.Context()); !errors.Is(err, mail.ErrDamaged) {
		t.Errorf("Check with an index of zeros: %v, want ErrDamaged", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	folder := t.TempDir()
	if _, err := Open(t.Context(), filepath.Join(folder, "none", "catalog.sqlite"), Options{}); err == nil {
		t.Error("Open in a folder that is not there: no error")
	}
	noise := filepath.Join(folder, "noise.sqlite")
	if err := os.WriteFile(noise, []byte("not a database, but long enough to be looked at as if it were one"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), noise, Options{}); !errors.Is(err, mail.ErrDamaged) {
		t.Errorf("Open of noise: %v, want ErrDamaged", err)
	}
	db := open(t, Options{})
	if _, err := db.write.Exec(`PRAGMA user_version = 99`); err != nil {
		t.Fatal(err)
	}
	path := db.path
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), path, Options{}); !errors.Is(err, mail.ErrDamaged) {
		t.Errorf("Open of a newer schema: %v, want ErrDamaged: all of it can be made again", err)
	}
}

func TestStale(t *testing.T) {
	db := open(t, Options{})
	defer db.Close()
	if why, err := db.Stale(t.Context()); why != "" || err != nil {
		t.Errorf("Stale of a new catalog = %q, %v", why, err)
	}
	if _, err := db.write.Exec(`UPDATE meta SET value = '0' WHERE key = 'tokenizer'`); err != nil {
		t.Fatal(err)
	}
	if why, err := db.Stale(t.Context()); why == "" || err != nil {
		t.Errorf("Stale with tokenizer 0 = %q, %v", why, err)
	}
}
