package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mailarchive/internal/access"
	"mailarchive/internal/config"
	"mailarchive/internal/control"
	"mailarchive/internal/durable"
	"mailarchive/internal/mail"
	"mailarchive/internal/observe"
)

var everything = access.Everything("test")

// configured returns the defaults with a folder of the test's own.
func configured(t *testing.T) config.Config {
	t.Helper()
	loaded, err := config.Load(config.Sources{Flags: map[string]string{"data": t.TempDir(), "min-free": "1MiB"}})
	if err != nil {
		t.Fatal(err)
	}
	return loaded.Config
}

func opened(t *testing.T, c config.Config) *App {
	t.Helper()
	a, err := Open(t.Context(), c, slog.New(slog.DiscardHandler), observe.Version{Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

func accept(t *testing.T, a *App, e mail.Envelope, subject string) mail.Arrival {
	t.Helper()
	arrival, err := a.Accept(t.Context(), e, strings.NewReader("Subject: "+subject+"\r\nFrom: Ann <ann@local.example>\r\n\r\ntext of "+subject+"\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	return arrival
}

// subjects returns what the query finds, after the indexer has caught up.
func subjects(t *testing.T, a *App, query string) []string {
	t.Helper()
	if err := a.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	var found []string
	_, err := a.Search(t.Context(), everything, control.SearchRequest{Query: query}, func(h control.Hit) error {
		found = append(found, h.Subject)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestWhatComesInIsFoundAndComesOut(t *testing.T) {
	a := opened(t, configured(t))
	arrival := accept(t, a, mail.Envelope{Source: "smtp", To: []mail.Recipient{{Address: "bcc@local.example"}}}, "hello")
	if got := subjects(t, a, "delivered:bcc@local.example"); len(got) != 1 || got[0] != "hello" {
		t.Fatalf("found %q", got)
	}
	content, err := a.Raw(t.Context(), everything, arrival.ID.String()[:20])
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	if b, err := io.ReadAll(content); err != nil || mail.Sum(b) != arrival.Digest {
		t.Errorf("%q came out, %v", b, err)
	}
	shown, err := a.Show(t.Context(), everything, arrival.ID.String())
	if err != nil || shown.Subject != "hello" || len(shown.Arrivals) != 1 || shown.Arrivals[0].To[0] != "bcc@local.example" {
		t.Errorf("shown %+v, %v", shown, err)
	}
}

func TestNobodyWithoutScopeSeesAnything(t *testing.T) {
	a := opened(t, configured(t))
	arrival := accept(t, a, mail.Envelope{Source: "smtp"}, "secret")
	subjects(t, a, "")
	var nobody access.Scope
	if _, err := a.Stats(t.Context(), nobody); !errors.Is(err, mail.ErrNotAllowed) {
		t.Errorf("stats: %v", err)
	}
	end, err := a.Search(t.Context(), nobody, control.SearchRequest{Query: "secret"}, func(h control.Hit) error {
		return fmt.Errorf("sees %s", h.ID)
	})
	if err != nil || end.Total != 0 {
		t.Errorf("search: %+v %v", end, err)
	}
	for _, ref := range []string{arrival.ID.String(), arrival.ID.String()[:10]} {
		if _, err := a.Show(t.Context(), nobody, ref); !errors.Is(err, mail.ErrNotFound) {
			t.Errorf("show %s: %v", ref, err)
		}
		if _, err := a.Raw(t.Context(), nobody, ref); !errors.Is(err, mail.ErrNotFound) {
			t.Errorf("raw %s: %v", ref, err)
		}
	}
}

func TestOneProcessOwnsTheFolder(t *testing.T) {
	c := configured(t)
	opened(t, c)
	if _, err := Open(t.Context(), c, slog.New(slog.DiscardHandler), observe.Version{}); !errors.Is(err, durable.ErrLocked) {
		t.Errorf("second open: %v", err)
	}
}

// TestCatalogCanBeThrownAway damages the catalog in each way that a disk or a
// person can, and finds the mail again.
func TestCatalogCanBeThrownAway(t *testing.T) {
	for name, harm := range map[string]func(t *testing.T, folder string){
		"nothing":         func(*testing.T, string) {},
		"file removed":    func(t *testing.T, folder string) { remove(t, folder, "catalog-1.sqlite") },
		"pointer removed": func(t *testing.T, folder string) { remove(t, folder, pointerName) },
		"pointer garbled": func(t *testing.T, folder string) { overwrite(t, folder, pointerName, "{") },
		"all removed": func(t *testing.T, folder string) {
			remove(t, folder, pointerName)
			remove(t, folder, "catalog-1.sqlite")
		},
		"file garbled":    func(t *testing.T, folder string) { overwrite(t, folder, "catalog-1.sqlite", strings.Repeat("x", 8192)) },
		"of another":      func(t *testing.T, folder string) { otherVault(t, folder) },
		"ahead of vault":  func(t *testing.T, folder string) { emptyVault(t, folder) },
		"half-made other": func(t *testing.T, folder string) { overwrite(t, folder, "catalog-2.sqlite", "half") },
	} {
		t.Run(name, func(t *testing.T) {
			c := configured(t)
			a := opened(t, c)
			accept(t, a, mail.Envelope{Source: "smtp"}, "one")
			accept(t, a, mail.Envelope{Source: "smtp"}, "two")
			if got := subjects(t, a, "text"); len(got) != 2 {
				t.Fatalf("found %q", got)
			}
			a.Close()
			harm(t, c.Data)
			a = opened(t, c)
			want := int(a.vault.Last()) // 0 where the vault was emptied
			if got := subjects(t, a, "text"); len(got) != want {
				t.Errorf("found %q, want %d", got, want)
			}
			stats, err := a.Stats(t.Context(), everything)
			if err != nil || stats.Stored != uint64(want) || stats.Indexed != uint64(want) {
				t.Errorf("stats %+v, %v", stats, err)
			}
			if files, _ := filepath.Glob(filepath.Join(c.Data, "catalog-*.sqlite")); len(files) != 1 {
				t.Errorf("catalog files: %q", files)
			}
		})
	}
}

func remove(t *testing.T, folder, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(folder, name)); err != nil {
		t.Fatal(err)
	}
}

func overwrite(t *testing.T, folder, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// otherVault makes the pointer name another vault.
func otherVault(t *testing.T, folder string) {
	t.Helper()
	overwrite(t, folder, pointerName, `{"number":1,"vault":"11111111-2222-4333-8444-555555555555"}`)
}

// emptyVault takes the mail away and leaves the vault its name.
func emptyVault(t *testing.T, folder string) {
	t.Helper()
	remove(t, filepath.Join(folder, vaultFolder), "000000001.tar.zst")
}

func TestReindexMakesTheSameAgain(t *testing.T) {
	c := configured(t)
	a := opened(t, c)
	for i := range 30 {
		accept(t, a, mail.Envelope{Source: "smtp"}, fmt.Sprintf("number %d", i))
	}
	before := subjects(t, a, "number")
	var seen control.Progress
	if err := a.Reindex(t.Context(), func(p control.Progress) { seen = p }); err != nil {
		t.Fatal(err)
	}
	if seen.Done != 30 || seen.Total != 30 {
		t.Errorf("progress ended at %+v", seen)
	}
	accept(t, a, mail.Envelope{Source: "smtp"}, "number after")
	if after := subjects(t, a, "number"); len(after) != len(before)+1 {
		t.Errorf("%d found before, %d after one more", len(before), len(after))
	}
	a.Close()
	a = opened(t, c)
	if again := subjects(t, a, "number"); len(again) != 31 {
		t.Errorf("%d found after a restart", len(again))
	}
}

// TestImportedIsKnownAtOnce asks for a key before the indexer has run, and
// after a restart.
func TestImportedIsKnownAtOnce(t *testing.T) {
	c := configured(t)
	a := opened(t, c)
	key := mail.Sum([]byte("key"))
	known := func(want bool) {
		t.Helper()
		if got, err := a.Imported(t.Context(), key); err != nil || got != want {
			t.Errorf("Imported: %v, %v", got, err)
		}
	}
	known(false)
	accept(t, a, mail.Envelope{Source: "import:eml", Origin: &mail.Origin{Path: "/x", Key: key}}, "old")
	known(true)
	a.Close()
	a = opened(t, c)
	known(true)
}

func TestPagesJoinedAreTheWhole(t *testing.T) {
	a := opened(t, configured(t))
	for i := range 25 {
		accept(t, a, mail.Envelope{Source: "smtp"}, fmt.Sprintf("page %02d", i))
	}
	whole := subjects(t, a, "page")
	var joined []string
	r := control.SearchRequest{Query: "page", Limit: 10}
	for more := true; more; {
		end, err := a.Search(context.Background(), everything, r, func(h control.Hit) error {
			joined = append(joined, h.Subject)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if r.After == "" && end.Total != 25 {
			t.Errorf("total %d", end.Total)
		}
		more, r.After = end.More, end.Next
	}
	if strings.Join(joined, "|") != strings.Join(whole, "|") {
		t.Errorf("pages give\n%q\nwant\n%q", joined, whole)
	}
}

func acceptBytes(t *testing.T, a *App, e mail.Envelope, content []byte) {
	t.Helper()
	if _, err := a.Accept(t.Context(), e, bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
}
