package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// mailbox is the mail, arranged so that all programs can read it: a Maildir
// for each folder of the source, as mu and notmuch want it.
type mailbox struct {
	folder   string
	messages int
	bytes    int64
}

// errEnough ends a walk that has found what it wants.
var errEnough = errors.New("enough")

// arrange makes the Maildirs out of hard links, or copies where the source is
// on another file system, and reads every file once, so that no program has
// to wait for the disk and none finds more in memory than another.
func arrange(from, to string, limit int) mailbox {
	m := mailbox{folder: to}
	err := filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || filepath.Ext(name) != ".eml" {
			return err
		}
		if limit > 0 && m.messages == limit {
			return errEnough
		}
		folder, err := filepath.Rel(from, filepath.Dir(name))
		if err != nil {
			return err
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		m.messages++
		m.bytes += int64(len(content))
		return place(name, content, filepath.Join(to, folder))
	})
	if !errors.Is(err, errEnough) {
		check(err)
	}
	if m.messages == 0 {
		check(errors.New("no *.eml below " + from))
	}
	return m
}

// place puts a message that was read into a Maildir.
func place(name string, content []byte, maildir string) error {
	for _, d := range []string{"cur", "new", "tmp"} {
		if err := os.MkdirAll(filepath.Join(maildir, d), 0o755); err != nil {
			return err
		}
	}
	to := filepath.Join(maildir, "cur", filepath.Base(name)+":2,S")
	err := os.Link(name, to)
	if errors.Is(err, syscall.EXDEV) {
		return os.WriteFile(to, content, 0o644)
	}
	return err
}
