package vault

import (
	_ "embed"
	"io"
	"path/filepath"

	"mailarchive/internal/durable"
)

// readme lies beside the segments and tells how to read them without us.
//
//go:embed readme.txt
var readme string

func (v *Vault) writeReadme() error {
	name := filepath.Join(v.folder, readmeFile)
	if _, err := v.fs.Stat(name); err == nil {
		return nil
	}
	return durable.WriteFile(v.fs, name, 0o644, func(w io.Writer) error {
		_, err := io.WriteString(w, readme)
		return err
	})
}
