// Command scale imports many made-up messages and shows whether the rate of
// indexing sinks as the archive grows: a line for each tenth, and the last
// tenth's rate as a share of the second's.
//
//	go run ./bench/scale -base DIR -script gen_scale.py [-n 200000] [-keep DIR]
//
// The messages are made by the corpora's gen_scale.py out of the base folder,
// below /var/tmp, 20 kB each on average. The import is the one of the command
// `mail-archive import` with no server running, linked into this program so
// that it can ask how far the catalog is without a way to another process.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"mailarchive/internal/access"
	"mailarchive/internal/app"
	"mailarchive/internal/capture/importer"
	"mailarchive/internal/cli"
	"mailarchive/internal/config"
	"mailarchive/internal/control"
)

// goal is the least share of the second tenth's rate that the last must have.
const goal = 0.8

func main() {
	log.SetFlags(0)
	n := flag.Int("n", 200_000, "messages")
	base := flag.String("base", "", "the mail that the messages are made of: the unpacked bulk corpus, for one")
	script := flag.String("script", "../shared/corpora/gen_scale.py", "the corpora's program that makes them")
	keep := flag.String("keep", "", "leave the archive here")
	flag.Parse()
	if *base == "" {
		log.Fatal("-base is missing: the unpacked bulk corpus, for one")
	}
	if err := run(*n, *base, *script, *keep); err != nil {
		log.Fatal(err)
	}
}

func run(n int, base, script, keep string) error {
	work, err := os.MkdirTemp("/var/tmp", "bench-scale-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	mail, data := filepath.Join(work, "mail"), filepath.Join(work, "archive")
	if keep != "" {
		data = keep
	}
	make := exec.Command("python3", script, "--base", base, "--out", mail, "--n", strconv.Itoa(n), "--att-share", "0.05")
	if out, err := make.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", script, err, out)
	}
	c, err := importAll(context.Background(), mail, data, n)
	if err != nil {
		return err
	}
	c.print(os.Stdout)
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return err
	}
	fmt.Printf("Peak RSS %d MiB.\n", used.Maxrss>>10) // Linux counts it in KiB, getrusage(2)
	return nil
}

// importAll imports the mail into an empty archive and watches how far the
// catalog is until it has all.
func importAll(ctx context.Context, mail, data string, n int) (c curve, err error) {
	loaded, err := config.Load(config.Sources{Flags: map[string]string{"data": data}})
	if err != nil {
		return c, err
	}
	archive, err := app.Commands("bench").Open(ctx, loaded.Config, func(control.Progress) {})
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, archive.Close()) }()

	c = curve{total: n, begun: time.Now()}
	imported := make(chan error, 1)
	stored := c.begun // when all was stored; read after imported gave
	go func() {
		sum, err := importer.Run(ctx, archive, importer.Options{Paths: []string{mail}})
		if err == nil && (sum.Stored != n || sum.Failed > 0) {
			err = fmt.Errorf("%d of %d messages were stored, %d failed", sum.Stored, n, sum.Failed)
		}
		stored = time.Now()
		imported <- err
	}()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for all := false; !all; {
		select {
		case err := <-imported:
			if err != nil {
				return c, err
			}
			c.stored, imported = stored, nil
		case <-tick.C:
			if all, err = c.look(ctx, archive); err != nil {
				return c, err
			}
		}
	}
	if imported != nil { // the last message was indexed before its outcome was told
		err, c.stored = <-imported, stored
	}
	return c, err
}

// look adds a point to the curve and reports whether the catalog has all.
func (c *curve) look(ctx context.Context, archive cli.Archive) (bool, error) {
	stats, err := archive.Stats(ctx, access.Everything("bench"))
	if err != nil {
		return false, err
	}
	c.add(time.Now(), int(stats.Indexed))
	c.disk = int64(stats.BytesDisk)
	c.raw = int64(stats.BytesRaw)
	return int(stats.Indexed) >= c.total, nil
}
