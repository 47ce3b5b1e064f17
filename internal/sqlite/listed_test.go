package sqlite

import (
	"errors"
	"os"
	"slices"
	"testing"

	"mailarchive/internal/mail"
)

// listedSeqs returns the numbers of what is listed.
func listedSeqs(t *testing.T, db *DB, first, last uint64) (seqs []uint64, err error) {
	t.Helper()
	list, err := db.Listed(t.Context(), first, last)
	for _, l := range list {
		if l.ID.IsZero() {
			t.Errorf("%d has no ID", l.Seq)
		}
		seqs = append(seqs, l.Seq)
	}
	return seqs, err
}

func TestListed(t *testing.T) {
	db := open(t, Options{})
	defer db.Close()
	put(t, db, 1, 2, 3, 5, 6, 7, 9)
	for _, c := range []struct {
		first, last uint64
		want        []uint64
	}{
		{1, 9, []uint64{1, 2, 3, 5, 6, 7, 9}}, {2, 6, []uint64{2, 3, 5, 6}}, {4, 4, nil}, {10, 20, nil}, {7, 3, nil},
	} {
		if got, err := listedSeqs(t, db, c.first, c.last); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%d to %d: %v, %v, want %v", c.first, c.last, got, err, c.want)
		}
	}
	for _, c := range []struct {
		statement string
		want      []uint64
	}{
		{`DELETE FROM arrival WHERE seq = 2`, []uint64{1, 3, 5, 6, 7, 9}},
		{`DELETE FROM fts WHERE rowid = (SELECT docid FROM message WHERE first_seq = 5)`, []uint64{1, 3, 6, 7, 9}},
		{`DELETE FROM message WHERE first_seq = 9`, []uint64{1, 3, 6, 7}},
	} {
		if _, err := db.write.Exec(c.statement); err != nil {
			t.Fatal(err)
		}
		if got, err := listedSeqs(t, db, 1, 9); err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v, want %v", c.statement, got, err, c.want)
		}
	}
}

// TestProbe overwrites the file under an open catalog, whose own connections
// may not notice yet.
func TestProbe(t *testing.T) {
	db := open(t, Options{})
	defer db.Close()
	if err := db.Probe(t.Context()); err != nil {
		t.Errorf("empty: %v", err)
	}
	put(t, db, 1, 2, 3)
	if err := db.Probe(t.Context()); err != nil {
		t.Errorf("sound: %v", err)
	}
	if _, err := db.write.Exec(`PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(db.path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(db.path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	// SQLite's locks are dropped with this Close; nobody writes here.
	defer f.Close()
	if _, err := f.WriteAt(make([]byte, info.Size()-100), 100); err != nil {
		t.Fatal(err)
	}
	if err := db.Probe(t.Context()); !errors.Is(err, mail.ErrDamaged) {
		t.Errorf("zeros behind the header: %v, want ErrDamaged", err)
	}
}

func TestStaleByOtherRules(t *testing.T) {
	db := open(t, Options{Made: map[string]string{"rule": "1"}})
	path := db.path
	if why, err := db.Stale(t.Context()); why != "" || err != nil {
		t.Errorf("just made: %q, %v", why, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		made  map[string]string
		stale bool
	}{
		{nil, false}, {map[string]string{"rule": "1"}, false}, {map[string]string{"rule": "2"}, true},
		{map[string]string{"rule": "1", "another": "1"}, true}, {map[string]string{"another": ""}, false},
	} {
		db, err := Open(t.Context(), path, Options{Made: c.made})
		if err != nil {
			t.Fatal(err)
		}
		if why, err := db.Stale(t.Context()); (why != "") != c.stale || err != nil {
			t.Errorf("opened with %v: %q, %v", c.made, why, err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
