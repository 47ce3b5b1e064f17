package app

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"mailarchive/internal/control"
	"mailarchive/internal/mail"
)

// TestCatalogIsForItsOwner: the data folder may be readable for others, when
// an administrator made it.
func TestCatalogIsForItsOwner(t *testing.T) {
	c := configured(t)
	if err := os.Chmod(c.Data, 0o755); err != nil {
		t.Fatal(err)
	}
	a := opened(t, c)
	accept(t, a, mail.Envelope{Source: "smtp"}, "one")
	subjects(t, a, "")
	files, err := filepath.Glob(filepath.Join(c.Data, "*"))
	if err != nil || len(files) < 5 {
		t.Fatalf("files %q, %v", files, err)
	}
	for _, name := range files {
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

// TestFailedNewCatalogIsTakenAway stops the opening when the file is made.
func TestFailedNewCatalogIsTakenAway(t *testing.T) {
	c := configured(t)
	a := opened(t, c)
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if err := a.Reindex(stopped, func(control.Progress) {}); !errors.Is(err, context.Canceled) {
		t.Fatalf("reindex: %v", err)
	}
	files, err := filepath.Glob(filepath.Join(c.Data, "catalog-2*"))
	if err != nil || len(files) > 0 {
		t.Errorf("left: %q, %v", files, err)
	}
}
