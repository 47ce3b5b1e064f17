// Command seal makes archive files from a folder of mail and compares time and
// size with what stock tools make of the same mail, in turn in one run:
// Maker.Make with `tar czf` and `tar c | pigz`, and encrypted with
// `tar cz | gpg -c`. Ours has records, manifest, chain and digests in it, syncs,
// and reads all of it back; theirs are synced and not read back.
//
//	go run ./bench/seal -folder DIR [-rounds 3] [-level 0] [-bare]
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"mailarchive/internal/seal"
	"mailarchive/internal/vault"
)

func main() {
	log.SetFlags(0)
	folder := flag.String("folder", "", "the mail")
	rounds := flag.Int("rounds", 3, "rounds, each with all")
	level := flag.Int("level", 0, "level of deflate, 0 for the default")
	bare := flag.Bool("bare", false, "make one .tgz without descriptions, for the memory it takes, and nothing else")
	flag.Parse()
	if *folder == "" {
		log.Fatal("-folder is missing: the unpacked bulk corpus, for one")
	}
	b := &bench{folder: *folder, level: *level, bare: *bare}
	b.scratch = must(os.MkdirTemp("/var/tmp", "bench-seal-"))
	defer os.RemoveAll(b.scratch)
	b.load()
	fmt.Printf("%d messages, %.0f MB; level %d\n\n", b.vault.Stats().Records, float64(b.size)/1e6, *level)
	if *bare {
		before := peak()
		m := seal.Maker{Folder: b.scratch + "/bare", Level: b.level}
		must(m.Make(context.Background(), october, b.walk))
		fmt.Printf("peak memory %d MiB, %d MiB of it after the import into the vault\n", peak(), before)
		return
	}
	b.compare(*rounds)
	b.read()
}

type bench struct {
	folder, scratch string
	level           int
	bare            bool
	vault           *vault.Vault
	size            int64
	items           []seal.Item
}

// way is one way to pack the mail; it returns the length of the file.
type way struct {
	name string
	run  func() int64
}

func (b *bench) compare(rounds int) {
	ways := []way{
		{"ours, .tgz", func() int64 { return b.ours(nil) }},
		{"tar czf", func() int64 { return b.theirs(`tar czf "$2" -C "$1" .`) }},
		{"tar c, pigz", func() int64 { return b.theirs(`tar c -C "$1" . | pigz > "$2"`) }},
		{"tar czf of what ours holds", func() int64 { return b.theirsOf(filepath.Join(b.scratch, "inside"), `tar czf "$2" -C "$1" .`) }},
		{"ours, .enc", func() int64 { return b.ours(lock()) }},
		{"tar cz, gpg -c", func() int64 {
			return b.theirs(`tar cz -C "$1" . | gpg --homedir "$2.home" --batch --quiet --pinentry-mode loopback --passphrase 'Correct horse 7' --cipher-algo AES256 -c > "$2"`)
		}},
	}
	b.unpack()
	took := make([][]float64, len(ways))
	sizes := make([]int64, len(ways))
	for range rounds {
		for i, w := range ways {
			begun := time.Now()
			sizes[i] = w.run()
			took[i] = append(took[i], time.Since(begun).Seconds())
		}
	}
	fmt.Println("| | seconds | MB/s of mail | size MB | time of ours | size of ours |\n|---|---|---|---|---|---|")
	for i, w := range ways {
		ours := 0
		if i >= 4 {
			ours = 4
		}
		fmt.Printf("| %s | %.1f | %.0f | %.1f | %.2f | %.3f |\n", w.name, median(took[i]), float64(b.size)/1e6/median(took[i]), float64(sizes[i])/1e6,
			median(took[ours])/median(took[i]), float64(sizes[ours])/float64(sizes[i]))
	}
	fmt.Printf("\npeak memory of this program %d MiB, with descriptions of all messages in it\n", peak())
}

// peak is the most memory that this program has had, in MiB.
func peak() int64 {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return usage.Maxrss / 1024
}

func lock() *seal.Lock { return &seal.Lock{Password: []byte("Correct horse 7")} }

var october = seal.Month{Year: 2026, Month: time.October}

func (b *bench) make(lock *seal.Lock) (seal.Sealed, string) {
	folder := must(os.MkdirTemp(b.scratch, "ours-"))
	m := seal.Maker{Folder: folder, Level: b.level, Lock: lock}
	made, err := m.Make(context.Background(), october, each(b.items))
	check(err)
	return made.Files[0], folder
}

func (b *bench) ours(lock *seal.Lock) int64 {
	file, folder := b.make(lock)
	check(os.RemoveAll(folder))
	return file.Size
}

func each(items []seal.Item) seal.Source {
	return func(yield func(seal.Item, error) bool) {
		for _, i := range items {
			if !yield(i, nil) {
				return
			}
		}
	}
}

func (b *bench) theirs(script string) int64 { return b.theirsOf(b.folder, script) }

func (b *bench) theirsOf(folder, script string) int64 {
	name := filepath.Join(b.scratch, "theirs")
	check(os.MkdirAll(name+".home", 0o700))
	out, err := exec.Command("bash", "-c", "set -o pipefail; "+script+` && sync "$2"`, "bash", folder, name).CombinedOutput()
	if err != nil {
		log.Fatalf("%s: %v %s", script, err, out)
	}
	info := must(os.Stat(name))
	check(os.Remove(name))
	return info.Size()
}

// unpack puts what a file of ours holds beside it, for tar.
func (b *bench) unpack() {
	file, folder := b.make(nil)
	inside := filepath.Join(b.scratch, "inside")
	check(os.Mkdir(inside, 0o700))
	out, err := exec.Command("tar", "xzf", file.Path, "-C", inside).CombinedOutput()
	if err != nil {
		log.Fatalf("tar: %v %s", err, out)
	}
	check(os.RemoveAll(folder))
}

func median(v []float64) float64 {
	v = slices.Clone(v)
	slices.Sort(v)
	return v[len(v)/2]
}

func weigh(folder string) (size int64) {
	check(filepath.WalkDir(folder, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		n, err := io.Copy(io.Discard, f)
		size += n
		return err
	}))
	return size
}

func must[T any](v T, err error) T {
	check(err)
	return v
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
