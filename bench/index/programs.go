package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// archiveOf imports into an empty folder with no server running; the command
// returns when all of it is searchable.
func archiveOf(binary, data string, m mailbox) program {
	return program{"archive", func() outcome {
		check(os.RemoveAll(data))
		o, _ := timed(exec.Command(binary, "import", "--data", data, "--json", m.folder))
		var counts struct{ Arrivals, Stored, Indexed int }
		_, out := timed(exec.Command(binary, "stats", "--data", data, "--json"))
		check(json.Unmarshal(out, &counts))
		if counts.Arrivals != m.messages || counts.Stored != counts.Indexed {
			log.Panicf("of %d messages %d arrived, %d were stored and %d indexed", m.messages, counts.Arrivals, counts.Stored, counts.Indexed)
		}
		o.disk.vault = size(filepath.Join(data, "vault"))
		catalogs, err := filepath.Glob(filepath.Join(data, "catalog-*"))
		check(err)
		for _, file := range catalogs {
			o.disk.catalog += size(file)
		}
		return o
	}}
}

// peers are those of notmuch and mu that are installed.
func peers(work string, m mailbox) (list []program) {
	for _, p := range []struct {
		tool, pack string
		make       func(string, mailbox) program
	}{{"notmuch", "notmuch", notmuch}, {"mu", "maildir-utils", mu}} {
		if _, err := exec.LookPath(p.tool); err != nil {
			fmt.Printf("NOT RUN: %s (Debian's package %s is not installed)\n", p.tool, p.pack)
			continue
		}
		list = append(list, p.make(work, m))
	}
	return list
}

func notmuch(work string, m mailbox) program {
	config := filepath.Join(work, "notmuch-config")
	check(os.WriteFile(config, []byte(fmt.Sprintf(
		"[database]\npath=%s\n[user]\nname=Bench\nprimary_email=bench@local.example\n[new]\ntags=\nignore=\n", m.folder)), 0o600))
	database := filepath.Join(m.folder, ".notmuch")
	return program{"notmuch", func() outcome {
		check(os.RemoveAll(database))
		o, _ := timed(exec.Command("notmuch", "--config="+config, "new", "--quiet", "--no-hooks"))
		_, out := timed(exec.Command("notmuch", "--config="+config, "count", "--exclude=false", "--output=files", "*"))
		if n, err := strconv.Atoi(string(bytes.TrimSpace(out))); err != nil || n < m.messages*99/100 {
			log.Panicf("notmuch has %q of %d files", out, m.messages)
		}
		o.disk.catalog = size(database)
		check(os.RemoveAll(database)) // not to be read by the others
		return o
	}}
}

func mu(work string, m mailbox) program {
	home := filepath.Join(work, "mu")
	return program{"mu", func() outcome {
		check(os.RemoveAll(home))
		timed(exec.Command("mu", "init", "--quiet", "--muhome", home, "--maildir", m.folder))
		o, _ := timed(exec.Command("mu", "index", "--quiet", "--muhome", home))
		o.disk.catalog = size(home)
		return o
	}}
}

// timed runs a command to its end.
func timed(cmd *exec.Cmd) (outcome, []byte) {
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	begun := time.Now()
	if err := cmd.Run(); err != nil {
		log.Panicf("%s: %v %s", cmd, err, complaints.Bytes())
	}
	o := outcome{took: time.Since(begun)}
	if used, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		o.rss = used.Maxrss << 10 // Linux counts it in KiB, getrusage(2)
	}
	return o, out.Bytes()
}

// size sums the files at and below a path.
func size(path string) (n int64) {
	check(filepath.WalkDir(path, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			n += info.Size()
		}
		return err
	}))
	return n
}
