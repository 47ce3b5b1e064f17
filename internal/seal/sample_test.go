package seal

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// samples are the contents of the sample files, in order.
func samples() [][]byte {
	return [][]byte{text(1, 400), text(2, 1200), []byte("\x00\n.\r\n"), text(1, 400), bytes.Repeat([]byte("large "), MemberSize/5)}
}

// TestSample: files that the first release of format 1 made are read by every
// later one. They are made with SEAL_SAMPLE=write, once.
func TestSample(t *testing.T) {
	if os.Getenv("SEAL_SAMPLE") == "write" {
		writeSample(t)
	}
	for _, name := range []string{"Oct-2026.tgz", "Oct-2026-1.enc"} {
		path := filepath.Join(t.TempDir(), name) // where an index may be written
		if err := os.WriteFile(path, read(t, filepath.Join("testdata", "archive-1", name)), 0o600); err != nil {
			t.Fatal(err)
		}
		secret := Secret{Passwords: [][]byte{password}}
		if r := checked(t, real, path, secret); r.Chain.Messages != 5 || r.Chain.Contents != 4 || r.Chain.Month != "Oct-2026" {
			t.Errorf("%s: %+v", name, r.Chain)
		}
		a, err := Open(ctx, real, path, secret)
		if err != nil {
			t.Fatal(err)
		}
		want := samples()
		err = a.All(ctx, func(m Message) error {
			b, err := io.ReadAll(m.Content)
			if err != nil || !bytes.Equal(b, want[0]) {
				t.Errorf("%s: %s: %d bytes, %v", name, m.Arrival.ID, len(b), err)
			}
			want = want[1:]
			return nil
		})
		if err != nil || len(want) > 0 {
			t.Errorf("%s: %v, %d are missing", name, err, len(want))
		}
		a.Close()
	}
}

func writeSample(t *testing.T) {
	l := newLab(t)
	l.put(samples()...)
	m := Maker{Folder: filepath.Join("testdata", "archive-1")}
	for _, lock := range []*Lock{nil, {Password: password}} {
		m.Lock = lock
		if _, err := m.Make(ctx, october, l.source(0)); err != nil {
			t.Fatal(err)
		}
	}
}
