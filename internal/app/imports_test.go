package app

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// floors are the packages from the ground up. A package may import those of
// the floors below its own, and nothing else of this module: so the way of a
// message can be read from the folders, and no step knows the one after it.
var floors = []struct {
	why      string
	packages []string
}{
	{"the vocabulary: no I/O, no knowledge of anything", []string{"mail"}},
	{"durability, settings, what the archive shows of itself: they know no step", []string{"durable", "config", "observe"}},
	{"single tools: a protocol, the exact bytes, reading a message, who may see what, who did what", []string{"smtp", "vault", "extract", "access", "audit", "catalog/token", "web/inert"}},
	{"what needs the words of a text", []string{"keyword"}},
	{"the contract of metadata and full text: made of what extract finds and access allows", []string{"catalog"}},
	{"steps of the way, each on its own", []string{"sqlite", "capture", "indexer", "search", "retrieve", "redeliver", "export", "seal"}},
	{"ways in: a protocol or file format turned into calls of capture", []string{"capture/smtpd", "capture/importer"}},
	{"the archive as commands see it, here or over the socket", []string{"control"}},
	{"what a person types, or looks at", []string{"cli", "web"}},
	{"all of it wired together", []string{"app"}},
}

// testSupport may be imported by tests only.
var testSupport = []string{"durable/durabletest", "catalog/catalogtest", "control/controltest", "corpus"}

func TestImportsPointDownwards(t *testing.T) {
	floor := map[string]int{}
	for i, f := range floors {
		for _, p := range f.packages {
			floor[p] = i
		}
	}
	support := map[string]bool{}
	for _, p := range testSupport {
		support[p] = true
	}
	root := ".."
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		pkg, err := filepath.Rel(root, filepath.Dir(name))
		if err != nil {
			return err
		}
		pkg = filepath.ToSlash(pkg)
		if support[pkg] {
			return nil
		}
		own, known := floor[pkg]
		if !known {
			t.Errorf("package %s stands on no floor: put it on one in %s, with the reason", pkg, "imports_test.go")
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			other, ok := strings.CutPrefix(imported, "mailarchive/internal/")
			if !ok {
				continue
			}
			switch its, ok := floor[other]; {
			case support[other]:
				t.Errorf("%s imports %s, which is for tests only", path.Join("internal", pkg), other)
			case !ok:
				t.Errorf("%s imports %s, which stands on no floor", pkg, other)
			case its >= own:
				t.Errorf("%s imports %s, but imports point downwards.\n%s is: %s\n%s is: %s",
					pkg, other, pkg, floors[own].why, other, floors[its].why)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestOnlyDurableSyncs keeps promise 1 in one place.
func TestOnlyDurableSyncs(t *testing.T) {
	forbidden := []string{"os.Rename(", "os.Mkdir(", "os.MkdirAll(", "os.WriteFile(", "unix.Fsync(", "unix.Fdatasync("}
	err := filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		slashed := filepath.ToSlash(name)
		if strings.HasPrefix(slashed, "../durable/") || strings.HasPrefix(slashed, "../corpus/") {
			return nil
		}
		source, err := readFile(name)
		if err != nil {
			return err
		}
		for _, call := range forbidden {
			if strings.Contains(source, call) {
				t.Errorf("%s calls %s): only internal/durable renames, makes folders and writes whole files, so that names and bytes are synced", name, call)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func readFile(name string) (string, error) {
	b, err := os.ReadFile(name)
	return string(b), err
}
