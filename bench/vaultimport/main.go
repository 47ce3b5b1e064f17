// Command vaultimport imports a folder of mail into a vault alone, with no
// catalog, and compares the rate with `tar c FOLDER | zstd -1`, both synced to
// disk, in turn in one run.
//
//	go run ./bench/vaultimport -folder DIR [-rounds 5]
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
	"sort"
	"time"

	"github.com/klauspost/compress/zstd"

	"mailarchive/internal/capture"
	"mailarchive/internal/capture/importer"
	"mailarchive/internal/mail"
	"mailarchive/internal/vault"
)

func main() {
	log.SetFlags(0)
	folder := flag.String("folder", "", "the mail")
	rounds := flag.Int("rounds", 5, "rounds, each with both")
	flag.Parse()
	if *folder == "" {
		log.Fatal("-folder is missing: the unpacked bulk corpus, for one")
	}
	size, err := weigh(*folder) // which also brings it into memory
	check(err)
	levels := []struct {
		name  string
		level zstd.EncoderLevel
	}{{"fastest", zstd.SpeedFastest}, {"default", zstd.SpeedDefault}}
	fmt.Printf("%.0f MB of mail\n\n| compression | vault MB/s | tar c, zstd -1 MB/s | vault/tar | vault's size | tar's size |\n|---|---|---|---|---|---|\n", float64(size)/1e6)
	for _, l := range levels {
		var ours, theirs, ratios []float64
		var ourSize, theirSize int64
		for range *rounds {
			a, n := intoVault(*folder, l.level)
			b, m := intoTar(*folder)
			ours, theirs = append(ours, float64(size)/a.Seconds()/1e6), append(theirs, float64(size)/b.Seconds()/1e6)
			ratios = append(ratios, b.Seconds()/a.Seconds())
			ourSize, theirSize = n, m
		}
		fmt.Printf("| %s | %.0f | %.0f | %.2f | %.0f %% | %.0f %% |\n", l.name, median(ours), median(theirs), median(ratios),
			100*float64(ourSize)/float64(size), 100*float64(theirSize)/float64(size))
	}
}

func weigh(folder string) (size int64, err error) {
	err = filepath.WalkDir(folder, func(name string, d fs.DirEntry, err error) error {
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
	})
	return size, err
}

// archive is what the importer needs, over a vault alone.
type archive struct{ *capture.Acceptor }

func (archive) Imported(context.Context, mail.Digest) (bool, error) { return false, nil }

// staging is the vault as capture sees it.
type staging struct{ *vault.Vault }

func (s staging) Stage() capture.Staged { return s.Vault.Stage() }

func (s staging) Append(ctx context.Context, e mail.Envelope, content capture.Staged) (mail.Arrival, error) {
	return s.Vault.Append(ctx, e, content.(*vault.Staged))
}

func intoVault(folder string, level zstd.EncoderLevel) (time.Duration, int64) {
	to, err := os.MkdirTemp("", "bench-vault-")
	check(err)
	defer os.RemoveAll(to)
	begun := time.Now()
	v, err := vault.Open(vault.Options{Folder: to, Level: level})
	check(err)
	sum, err := importer.Run(context.Background(), archive{&capture.Acceptor{Vault: staging{v}}}, importer.Options{Paths: []string{folder}})
	check(err)
	check(v.Close())
	took := time.Since(begun)
	if sum.Failed > 0 {
		log.Fatalf("%d items failed", sum.Failed)
	}
	return took, v.Stats().BytesDisk
}

func intoTar(folder string) (time.Duration, int64) {
	to, err := os.MkdirTemp("", "bench-tar-")
	check(err)
	defer os.RemoveAll(to)
	name := filepath.Join(to, "all.tar.zst")
	begun := time.Now()
	out, err := exec.Command("sh", "-c", `tar c -C "$1" . | zstd -q -1 -o "$2" && sync "$2"`, "sh", folder, name).CombinedOutput()
	if err != nil {
		log.Fatalf("tar: %v %s", err, out)
	}
	took := time.Since(begun)
	info, err := os.Stat(name)
	check(err)
	return took, info.Size()
}

func median(v []float64) float64 {
	s := append([]float64(nil), v...)
	sort.Float64s(s)
	return s[len(s)/2]
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
