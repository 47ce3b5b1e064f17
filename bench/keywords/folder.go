package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"mailarchive/internal/extract"
	"mailarchive/internal/keyword"
)

// list prints subject and keywords of every so many of the messages below a
// folder, in the order of their paths; all are counted.
func list(out io.Writer, folder string, every int) error {
	extractor := extract.New(extract.DefaultLimits())
	finder, frequencies := keyword.NewFinder(), keyword.NewFrequencies()
	return filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".eml" {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		message, err := extractor.Extract(f)
		if err != nil {
			return fmt.Errorf("extract %s: %w", path, err)
		}
		keywords := frequencies.Choose(finder.Candidates(message.Subject, message.Text))
		if every > 0 && frequencies.Count()%uint64(every) == 0 {
			fmt.Fprintf(out, "%s\n   %s\n   %s\n", filepath.Base(path), message.Subject, strings.Join(keywords, ", "))
		}
		return nil
	})
}
